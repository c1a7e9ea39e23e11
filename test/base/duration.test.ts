import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration, tryDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { formatSize, trySize } from "../../lib/base/size.ts";
import { cases } from "../support/fuzz.ts";

for (const [text, ms] of [
  ["0", 0],
  ["500ms", 500],
  ["5s", 5_000],
  ["1.5s", 1_500],
  ["2m30s", 150_000],
  ["1h", 3_600_000],
  ["7d", 604_800_000],
  ["1w", 604_800_000],
] as const) {
  test(`the duration ${text} is ${ms} ms`, () => expect(parseDuration(text)).toBe(ms));
}

for (const text of ["", "5", "s", "5 s", "-5s", "5S", "5sec", "1e3s", "5s ", "99999999999999999d"]) {
  test(`${JSON.stringify(text)} is no duration`, () => {
    expect(tryDuration(text)).toBeUndefined();
    expect(() => parseDuration(text)).toThrow(Fault);
  });
}

test("a duration that is written is read back the same", () => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000_000_000 }), (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms)),
    cases(2_000),
  );
});

for (const [text, bytes] of [
  ["0", 0],
  ["1B", 1],
  ["64KiB", 65_536],
  ["64 KiB", 65_536],
  ["10MB", 10_000_000],
  ["1.5GiB", 1_610_612_736],
] as const) {
  test(`the size ${text} is ${bytes} bytes`, () => expect(trySize(text)).toBe(bytes));
}

for (const text of ["", "5", "5K", "5kb", "5mb", "-1B", "0.3B", "9999999TiB"]) {
  test(`${JSON.stringify(text)} is no size`, () => expect(trySize(text)).toBeUndefined());
}

for (const [bytes, text] of [
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_024, "1 KiB"],
  [146_584, "143.1 KiB"],
  [5_368_709_120, "5 GiB"],
] as const) {
  test(`${bytes} bytes read as ${text}`, () => expect(formatSize(bytes)).toBe(text));
}
