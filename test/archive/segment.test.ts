import { describe, expect, test } from "bun:test";
import { bySegmentAge, dayOf, nextSegmentName, outdated } from "../../lib/archive/segment.ts";

const DAY_MS = 86_400_000;
const NOON_MS = Date.UTC(2026, 10, 26, 12);

test("the day of a time, UTC", () => expect(dayOf(NOON_MS)).toBe("20261126"));

describe("the next segment lies behind all others, whatever the clock says", () => {
  for (const { names, next } of [
    { names: [], next: "20261126.db" },
    { names: ["20261125.db", "20261125-003.db"], next: "20261126.db" },
    { names: ["20261126.db"], next: "20261126-001.db" },
    { names: ["20261126-001.db", "20261126.db"], next: "20261126-002.db" },
    { names: ["20261231.db", "notes.txt"], next: "20261231-001.db" },
  ])
    test(`${names.join(" ")} -> ${next}`, () => {
      expect(nextSegmentName("20261126", names)).toBe(next);
      expect([...names.filter((name) => name.endsWith(".db")), next].sort(bySegmentAge).at(-1)).toBe(next);
    });
});

describe("what is removed", () => {
  const segments = [1, 2, 3, 4].map((daysAgo) => ({
    name: `2026112${6 - daysAgo}.db`,
    bytes: 100,
    writtenMs: NOON_MS - daysAgo * DAY_MS,
  }));
  for (const { claim, ageMaxMs = Infinity, bytesMax = Infinity, gone } of [
    { claim: "nothing, where nothing is asked", gone: [] },
    { claim: "what is too old", ageMaxMs: 2.5 * DAY_MS, gone: ["20261122.db", "20261123.db"] },
    { claim: "the oldest, where there is no room", bytesMax: 250, gone: ["20261122.db", "20261123.db"] },
    { claim: "never what is written", bytesMax: 0, gone: ["20261122.db", "20261123.db", "20261124.db"] },
  ])
    test(claim, () => expect(outdated({ ageMaxMs, bytesMax }, segments, "20261125.db", NOON_MS)).toEqual(gone));
});
