// What is missing in an archive: by the marks of its segments, where records are gone through.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { StreamMarks } from "../../lib/feed/marks.ts";
import { NumberRanges } from "../../lib/feed/number-ranges.ts";
import { StoredGaps } from "../../lib/logcat/stored-gaps.ts";

const STREAM = { host: "web1", incarnation: "a", group: "log.mail" };
const marks = (...ranges: (readonly [number, number])[]): StreamMarks[] => [
  { ...STREAM, sender: "#s#d", ranges: ranges.map(([from, to]) => ({ from, to })) },
];
const run = (first: number, count: number) => ({ ...STREAM, first, count });

/** What is told of runs, all of one segment with the newest marks. */
function told(now: readonly StreamMarks[], ...runs: (readonly [number, number])[]) {
  const gaps = new StoredGaps(now, () => now);
  return runs.map(([first, count]) => gaps.pass("today", run(first, count)).map(({ from, to }) => [from, to]));
}

test("a hole of the marks is told before what comes behind it, once", () => {
  expect(told(marks([1, 10], [21, 30]), [1, 10], [21, 5], [26, 5])).toEqual([[], [[11, 20]], []]);
});

test("what was received and not kept is no hole", () => {
  expect(told(marks([1, 100]), [5, 1], [50, 1])).toEqual([[], []]);
  expect(told(marks([1, 40], [45, 100]), [5, 1], [50, 1])).toEqual([[], [[41, 44]]]);
});

test("nothing is missing before the first that is gone through, nor below what the marks remember", () => {
  expect(told(marks([5, 10], [21, 30]), [21, 10])).toEqual([[]]);
  expect(told(marks([21, 30]), [1, 5], [25, 1])).toEqual([[], []]);
});

test("what came late, on another day, is missing no more; what the newest marks forgot is told by those of the day", () => {
  const day = marks([1, 10], [21, 30], [41, 50]);
  const newest = marks([15, 30], [35, 900]);
  const gaps = new StoredGaps(newest, (segment) => (segment === "day" ? day : newest));
  const passed = [gaps.pass("day", run(1, 10)), gaps.pass("day", run(21, 10)), gaps.pass("day", run(41, 10))];
  expect(passed).toEqual([[], [{ from: 11, to: 14 }], [{ from: 31, to: 34 }]]);
  const forgetful = new StoredGaps(marks([800, 900]), () => day);
  forgetful.pass("day", run(1, 10));
  expect(forgetful.pass("day", run(21, 10))).toEqual([{ from: 11, to: 20 }]);
});

test("of a stream without marks nothing is known, and streams do not mix", () => {
  expect(told([], [1, 5], [20, 5])).toEqual([[], []]);
  const gaps = new StoredGaps(marks([1, 5], [11, 20]), () => marks([1, 5], [11, 20]));
  gaps.pass("today", run(1, 5));
  expect(gaps.pass("today", { ...run(11, 5), host: "web2" })).toEqual([]);
  expect(gaps.pass("today", { ...run(11, 5), incarnation: "b" })).toEqual([]);
  expect(gaps.pass("today", run(11, 5))).toEqual([{ from: 6, to: 10 }]);
});

test("all that was received and is gone through leaves exactly what was not received between the first and the last", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (numbers, share) => {
        const received = new NumberRanges(numbers.map((number) => ({ from: number, to: number })));
        const kept = numbers.toSorted((a, b) => a - b).filter((number) => ((number * 7919) % 101) / 101 <= share);
        const now = marks(...received.ranges.map(({ from, to }) => [from, to] as const));
        const gaps = new StoredGaps(now, () => now);
        const missing = kept.flatMap((number) => gaps.pass("today", run(number, 1)));
        const expected = kept.length === 0 ? [] : received.missing(kept[0]!, kept.at(-1)!);
        expect(missing).toEqual(expected);
      },
    ),
  );
});
