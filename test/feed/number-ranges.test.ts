import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatRanges, type NumberRange, NumberRanges, tryRanges } from "../../lib/feed/number-ranges.ts";
import { cases } from "../support/fuzz.ts";

const SPAN = 40;
const span = fc.tuple(fc.integer({ min: 1, max: SPAN }), fc.integer({ min: 0, max: 8 })).map(([from, more]) => ({
  from,
  to: Math.min(SPAN, from + more),
}));
const step = fc.record({ does: fc.constantFrom("add", "add", "remove"), at: span });

function numbersOf(ranges: Iterable<NumberRange>): number[] {
  return [...ranges].flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
}

describe("ranges of numbers", () => {
  test("are the set of numbers that was put in", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), span, (steps, asked) => {
        const ranges = new NumberRanges();
        const model = new Set<number>();
        for (const { does, at } of steps) {
          const before = model.size;
          for (const number of numbersOf([at]))
            if (does === "add") model.add(number);
            else model.delete(number);
          const changed = does === "add" ? ranges.add(at.from, at.to) : ranges.remove(at.from, at.to);
          expect(changed).toBe(Math.abs(model.size - before));
        }
        const all = [...model].sort((a, b) => a - b);
        expect(numbersOf(ranges.ranges)).toEqual(all);
        expect(ranges.size).toBe(all.length);
        const isIn = (number: number) => number >= asked.from && number <= asked.to;
        expect(numbersOf(ranges.within(asked.from, asked.to))).toEqual(all.filter(isIn));
        expect(numbersOf(ranges.missing(asked.from, asked.to))).toEqual(
          numbersOf([asked]).filter((number) => !model.has(number)),
        );
        for (let number = 0; number <= SPAN + 1; number++) expect(ranges.has(number)).toBe(model.has(number));
        for (const [index, { from }] of ranges.ranges.entries())
          if (index > 0) expect(from).toBeGreaterThan(ranges.ranges[index - 1]!.to + 1);
        expect(tryRanges(formatRanges(ranges.ranges), 100)).toEqual([...ranges.ranges]);
      }),
      cases(2_000),
    );
  });

  test("forget their lowest or their highest where there are too many", () => {
    const all = [1, 3, 4, 7, 9].map((number) => ({ from: number, to: number }));
    const highest = new NumberRanges(all);
    expect(highest.keepHighest(2)).toBe(3);
    expect([highest.size, formatRanges(highest.ranges)]).toEqual([2, "7,9"]);
    const lowest = new NumberRanges(all);
    lowest.keepLowest(2);
    expect([lowest.size, formatRanges(lowest.ranges)]).toEqual([3, "1,3-4"]);
  });

  for (const text of ["", "0", "1,2", "3-2", "1-", "-1", "1,", "01", "1-2,2-3", "9007199254740993", "1,3,5,7"])
    test(`${JSON.stringify(text)} is no list of up to three`, () => expect(tryRanges(text, 3)).toBeUndefined());
});
