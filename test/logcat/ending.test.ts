import { describe, expect, test } from "bun:test";
import { ENDLESS, type EndCause, Ending, type EndRule, isUnmet } from "../../lib/logcat/ending.ts";

const rule = (wants: Partial<EndRule>): EndRule => ({ ...ENDLESS, ...wants });

test("without a rule it never ends, and never needs to be asked", () => {
  const ending = new Ending(ENDLESS, 0);
  expect(ending.onRecord(1e12, false)).toBeUndefined();
  expect(ending.onTime(1e15)).toBeUndefined();
  expect(ending.nextMs).toBe(Number.POSITIVE_INFINITY);
});

test("the nth record is the last", () => {
  const ending = new Ending(rule({ first: 2 }), 0);
  expect([ending.onRecord(1, false), ending.onRecord(2, false)]).toEqual([undefined, "first"]);
});

test("what was waited for ends it, though it is the nth as well", () => {
  expect(new Ending(rule({ first: 1, until: [/x/] }), 0).onRecord(1, true)).toBe("until");
});

test("silence is counted from the last record, or from the start", () => {
  const ending = new Ending(rule({ idleMs: 100 }), 1_000);
  expect([ending.nextMs, ending.onTime(1_099), ending.onTime(1_100)]).toEqual([1_100, undefined, "idle"]);
  ending.onRecord(1_050, false);
  expect([ending.nextMs, ending.onTime(1_149), ending.onTime(1_150)]).toEqual([1_150, undefined, "idle"]);
});

test("the time in all is counted from the start, whatever comes", () => {
  const ending = new Ending(rule({ forMs: 100, idleMs: 70 }), 0);
  ending.onRecord(90, false);
  expect([ending.nextMs, ending.onTime(99), ending.onTime(100)]).toEqual([100, undefined, "for"]);
});

describe("an end is a failure only where something was waited for and has not come", () => {
  const all: readonly EndCause[] = ["until", "first", "idle", "for", "stop", "closed"];
  for (const { wants, failures } of [
    { wants: {}, failures: [] },
    { wants: { idleMs: 1, forMs: 1 }, failures: [] },
    { wants: { until: [/x/] }, failures: ["first", "idle", "for", "stop", "closed"] },
    { wants: { first: 3 }, failures: ["until", "idle", "for", "stop", "closed"] },
    { wants: { first: 3, until: [/x/] }, failures: ["first", "idle", "for", "stop", "closed"] },
  ])
    test(JSON.stringify(Object.keys(wants)), () =>
      expect(all.filter((cause) => isUnmet(rule(wants), cause))).toEqual(failures as EndCause[]),
    );
});
