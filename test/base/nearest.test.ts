import { expect, test } from "bun:test";
import { nearest } from "../../lib/base/nearest.ts";

const names = ["syslogd", "logcat", "spreadd", "spread-probe", "config", "demo"];

for (const [typed, meant] of [
  ["logact", "logcat"],
  ["Logcat", "logcat"],
  ["syslog", "syslogd"],
  ["spread", "spreadd"],
  ["spread-prob", "spread-probe"],
  ["conf", "config"],
  ["dmeo", "demo"],
  ["configuration", "config"],
  ["x", undefined],
  ["", undefined],
  ["publish", undefined],
] as const) {
  test(`${JSON.stringify(typed)} is taken for ${meant ?? "nothing"}`, () => expect(nearest(typed, names)).toBe(meant));
}

test("of a name that is one letter no other is near", () => expect(nearest("b", ["a", "c"])).toBeUndefined());

test("of two candidates as near, the first is taken", () => expect(nearest("ab", ["ac", "ad"])).toBe("ac"));
