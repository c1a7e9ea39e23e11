import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { asideName, housekeeping, isDue, type RotationRule, stampOf, tryAside } from "../../lib/sink/rotation.ts";
import { cases } from "../support/fuzz.ts";

const rule = (more: Partial<RotationRule> = {}): RotationRule => ({
  bytesMax: 1_000,
  ageMaxMs: 60_000,
  compress: true,
  keep: 3,
  keepMs: Number.POSITIVE_INFINITY,
  ...more,
});

describe("a log file", () => {
  for (const { name, bytes, begunMs, due } of [
    { name: "below both bounds stays", bytes: 999, begunMs: 1, due: false },
    { name: "of the size is due", bytes: 1_000, begunMs: 60_000, due: true },
    { name: "of the age is due", bytes: 1, begunMs: 0, due: true },
    { name: "that is empty never is", bytes: 0, begunMs: 0, due: false },
  ])
    test(name, () => expect(isDue(rule(), bytes, begunMs, 60_000)).toBe(due));
});

test("a stamp is the time in UTC, and read back it is the same second", () => {
  expect(stampOf(Date.UTC(2026, 10, 23, 15, 20, 38, 999))).toBe("20261123T152038Z");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      const stamp = stampOf(seconds * 1_000);
      expect(stamp).toBe(`${new Date(seconds * 1_000).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`);
      expect(tryAside("log", `log-${stamp}.gz`)).toMatchObject({ atMs: seconds * 1_000, form: "compressed" });
    }),
    cases(300),
  );
});

test("names sort by age, compressed or not, also where one of the same second is there, or was and is gone", () => {
  const atMs = Date.UTC(2026, 10, 23, 15, 20, 58, 900);
  const [first, second, third] = ["log-20261123T152058Z", "log-20261123T152059Z", "log-20261123T152100Z"] as const;
  expect(asideName("log", atMs, [])).toBe(first);
  expect(asideName("log", atMs, [first])).toBe(second);
  expect(asideName("log", atMs, [`${first}.gz.part`])).toBe(second);
  expect(asideName("log", atMs, [`${first}.gz`, `${first}.1.gz`, `${second}.gz`])).toBe(third);
  expect(asideName("log", atMs, [`${second}.gz`])).toBe(third); // the first was removed, being the oldest
  expect([`${second}.gz`, third, `${first}.gz`].sort()).toEqual([`${first}.gz`, `${second}.gz`, third]);
});

test("a clock that was put back far does not have names run ahead of it", () => {
  const atMs = Date.UTC(2026, 10, 23, 15, 20, 58);
  expect(asideName("log", atMs, ["log-20261124T000000Z.gz"])).toBe("log-20261123T152058Z");
});

test("the newest are kept, the plain ones of them compressed, and nobody else's files are touched", () => {
  const names = [
    "log",
    "log-20260101T000000Z.gz",
    "log-20260102T000000Z",
    "log-20260102T000000Z.1",
    "log-20260103T000000Z.gz",
    "log-20260104T000000Z.gz.part",
    "log-20260105",
    "log-20260105T000000Z.bak",
    "log2-20260101T000000Z",
    "log.1",
    "other",
  ];
  expect(housekeeping(rule(), "log", names, Date.UTC(2026, 0, 6))).toEqual({
    remove: ["log-20260104T000000Z.gz.part", "log-20260101T000000Z.gz"],
    compress: ["log-20260102T000000Z", "log-20260102T000000Z.1"],
  });
  expect(housekeeping(rule({ keepMs: 3.5 * 86_400_000, compress: false }), "log", names, Date.UTC(2026, 0, 6))).toEqual(
    {
      remove: [
        "log-20260104T000000Z.gz.part",
        "log-20260101T000000Z.gz",
        "log-20260102T000000Z",
        "log-20260102T000000Z.1",
      ],
      compress: [],
    },
  );
});
