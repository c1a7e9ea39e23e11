import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GapTracker, HOLES_MAX, STREAMS_MAX, type Verdict } from "../../lib/logcat/gaps.ts";
import { cases } from "../support/fuzz.ts";

/** A tracker that has seen 1 to 10 of one stream. */
function following(): GapTracker {
  const tracker = new GapTracker();
  tracker.enter("web1", "a", "log.mail", 1, 10);
  return tracker;
}

const ORDERLY: Verdict = {
  missing: undefined,
  away: "nobody",
  late: 0,
  repeated: 0,
  formerLast: undefined,
  ofFormer: undefined,
  newcomer: false,
};

describe("a batch is judged by its numbers", () => {
  for (const { name, first, count, verdict } of [
    { name: "the next one is as it should be", first: 11, count: 5, verdict: ORDERLY },
    {
      name: "one that begins too high leaves a hole",
      first: 14,
      count: 5,
      verdict: { ...ORDERLY, missing: { from: 11, to: 13 } },
    },
    { name: "one that came before is repeated", first: 3, count: 4, verdict: { ...ORDERLY, repeated: 4 } },
    { name: "one that overlaps is repeated in part", first: 9, count: 4, verdict: { ...ORDERLY, repeated: 2 } },
    {
      name: "an empty one tells that records before it are missing",
      first: 13,
      count: 0,
      verdict: { ...ORDERLY, missing: { from: 11, to: 12 } },
    },
    { name: "an empty one in order tells nothing", first: 11, count: 0, verdict: ORDERLY },
  ])
    test(name, () => expect(following().enter("web1", "a", "log.mail", first, count)).toEqual(verdict));

  test("what fills a hole is late, and the rest of it repeated", () => {
    const tracker = following();
    tracker.enter("web1", "a", "log.mail", 14, 5);
    expect(tracker.enter("web1", "a", "log.mail", 10, 5)).toEqual({ ...ORDERLY, late: 3, repeated: 2 });
    expect([10, 11, 12, 13, 14].map((number) => tracker.isRepeated(number))).toEqual([true, false, false, false, true]);
    expect(tracker.totals).toEqual({ streams: 1, missing: 0, late: 3, repeated: 2 });
  });

  describe("where a host begins anew and tells how far it had come", () => {
    test("nothing is missing where we have all of that", () => {
      const verdict = following().enter("web1", "b", "log.mail", 1, 1, { incarnation: "a", last: 10 });
      expect(verdict).toEqual({ ...ORDERLY, formerLast: 10, ofFormer: "nothing" });
    });

    test("what we have not is missing, of the old life and of the new, and may still come late", () => {
      const tracker = following();
      const verdict = tracker.enter("web1", "b", "log.mail", 3, 1, { incarnation: "a", last: 12 });
      expect(verdict).toEqual({
        ...ORDERLY,
        formerLast: 10,
        ofFormer: { from: 11, to: 12 },
        missing: { from: 1, to: 2 },
      });
      expect(tracker.totals.missing).toBe(4);
      expect(tracker.enter("web1", "a", "log.mail", 11, 2).late).toBe(2);
      expect(tracker.totals.missing).toBe(2);
    });

    test("of a life that we did not follow, or where it does not know itself, nothing is concluded", () => {
      const orderly = { ...ORDERLY, formerLast: 10 };
      expect(following().enter("web1", "c", "log.mail", 3, 1, { incarnation: "b", last: 10 })).toEqual(orderly);
      expect(following().enter("web1", "b", "log.mail", 3, 1, "unknown")).toEqual(orderly);
      const { newcomer, ofFormer } = new GapTracker().enter("web1", "b", "log.mail", 3, 1, {
        incarnation: "a",
        last: 10,
      });
      expect([newcomer, ofFormer]).toEqual([true, undefined]);
    });
  });

  test("where we come in nothing is missing", () => {
    expect(new GapTracker().enter("web1", "a", "log.mail", 5_000, 1)).toEqual({ ...ORDERLY, newcomer: true });
  });

  test("what was sent before we came in is shown, not taken for repeated", () => {
    const tracker = new GapTracker();
    tracker.enter("web1", "a", "log.mail", 100, 1);
    expect(tracker.enter("web1", "a", "log.mail", 90, 11)).toEqual({ ...ORDERLY, repeated: 1 });
    expect([89, 90, 99, 100].map((number) => tracker.isRepeated(number))).toEqual([false, false, false, true]);
  });

  test("another life of a host says where the one before it stood", () => {
    expect(following().enter("web1", "b", "log.mail", 1, 1)).toEqual({ ...ORDERLY, formerLast: 10 });
  });

  test("hosts, lives and groups are counted apart", () => {
    const tracker = following();
    for (const [host, life, group] of [
      ["web2", "a", "log.mail"],
      ["web1", "a", "log.auth"],
    ] as const)
      expect(tracker.enter(host, life, group, 7, 1)).toEqual({ ...ORDERLY, newcomer: true });
  });

  test("a hole that opened while the daemon was away says so, once", () => {
    const tracker = following();
    tracker.away();
    expect(tracker.enter("web1", "a", "log.mail", 13, 1)).toEqual({
      ...ORDERLY,
      missing: { from: 11, to: 12 },
      away: "daemon",
    });
    expect(tracker.enter("web1", "a", "log.mail", 16, 1)).toEqual({ ...ORDERLY, missing: { from: 14, to: 15 } });
  });
});

describe("what is remembered is bounded", () => {
  test("a hole older than the last HOLES_MAX is forgotten, and what would have filled it is shown", () => {
    const tracker = new GapTracker();
    for (let number = 1; number <= (HOLES_MAX + 2) * 2; number += 2) tracker.enter("web1", "a", "log.mail", number, 1);
    expect(tracker.totals.missing).toBe(HOLES_MAX + 1);
    expect(tracker.enter("web1", "a", "log.mail", 2, 1)).toEqual(ORDERLY);
    expect(tracker.isRepeated(2)).toBe(false);
    expect(tracker.enter("web1", "a", "log.mail", 4, 1)).toEqual({ ...ORDERLY, late: 1 });
  });

  test("of more than STREAMS_MAX streams a silent one is forgotten, not one that is heard", () => {
    const tracker = new GapTracker();
    tracker.enter("busy", "a", "log.mail", 1, 1);
    for (let host = 0; host < STREAMS_MAX; host++) tracker.enter(`host${host}`, "a", "log.mail", 1, 1);
    tracker.enter("busy", "a", "log.mail", 2, 1);
    for (let host = 0; host < 10; host++) tracker.enter(`new${host}`, "a", "log.mail", 1, 1);
    expect(tracker.totals.streams).toBe(STREAMS_MAX);
    expect(tracker.enter("busy", "a", "log.mail", 4, 1).missing).toEqual({ from: 3, to: 3 });
  });
});

test("whatever order batches come in: each record is let through once, and missing is what never came", () => {
  const batch = fc.record({ first: fc.integer({ min: 1, max: 60 }), count: fc.integer({ min: 0, max: 12 }) });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 60 }), (batches) => {
      const tracker = new GapTracker();
      const came = new Set<number>();
      const floor = batches[0]?.first ?? 0;
      let highest = floor - 1;
      for (const { first, count } of batches) {
        tracker.enter("web1", "a", "log.mail", first, count);
        for (let number = first; number < first + count; number++) {
          if (number >= floor) expect(tracker.isRepeated(number)).toBe(came.has(number));
          came.add(number);
        }
        highest = Math.max(highest, first + count - 1, count === 0 ? first - 1 : 0);
      }
      let missing = 0;
      for (let number = floor; number <= highest; number++) if (!came.has(number)) missing += 1;
      expect(tracker.totals.missing).toBe(missing);
    }),
    cases(2_000),
  );
});
