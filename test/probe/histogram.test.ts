import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatCount, formatElapsed } from "../../lib/probe/elapsed.ts";
import { Histogram } from "../../lib/probe/histogram.ts";
import { chartRows, drawBar, drawHistogram } from "../../lib/probe/histogram-chart.ts";
import { cases } from "../support/fuzz.ts";

const of = (values: Iterable<number>) => {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

const elapsed = fc.oneof(
  fc.nat(200),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.integer({ min: 2 ** 31 - 5, max: 2 ** 31 + 5 }),
  fc.integer({ min: 0, max: 4e12 }),
);

test("a percentile is at most 1/32 above the value at its rank, and never below it", () => {
  fc.assert(
    fc.property(
      fc.array(elapsed, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 0, max: 100 }),
      (values, percent) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1]!;
        const found = of(values).percentileNs(percent);
        return found >= exact && found <= Math.min(sorted.at(-1)!, exact + exact / 32 + 1);
      },
    ),
    cases(5_000),
  );
});

test("buckets follow each other without gap or overlap, and hold what was recorded", () => {
  fc.assert(
    fc.property(elapsed, (value) => {
      const [bucket, ...more] = of([value]).buckets();
      return more.length === 0 && bucket!.count === 1 && bucket!.fromNs <= value && value <= bucket!.toNs;
    }),
    cases(5_000),
  );
  const edges = of(Array.from({ length: 2 ** 12 }, (_, value) => value)).buckets();
  for (const [index, bucket] of edges.entries()) if (index > 0) expect(bucket.fromNs).toBe(edges[index - 1]!.toNs + 1);
});

test("two histograms added are the histogram of both", () => {
  fc.assert(
    fc.property(fc.array(elapsed), fc.array(elapsed), (left, right) => {
      const sum = of(left);
      sum.add(of(right));
      expect(sum.parts()).toEqual(of([...left, ...right]).parts());
    }),
    cases(500),
  );
});

test("an empty histogram has zeros and no rows", () => {
  const empty = new Histogram();
  expect([empty.count, empty.minNs, empty.maxNs, empty.meanNs, empty.percentileNs(99)]).toEqual([0, 0, 0, 0, 0]);
  expect(drawHistogram(empty, 80)).toEqual([]);
});

test("values out of range are held at the edges", () => {
  const histogram = of([-5, 1e15, Number.NaN]);
  expect(histogram.count).toBe(3);
  expect(histogram.minNs).toBe(0);
  expect(histogram.maxNs).toBe(2 ** 42 - 1);
});

describe("the chart", () => {
  test("counts every value once, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(elapsed, { minLength: 1, maxLength: 200 }), (values) => {
        const rows = chartRows(of(values));
        return rows.length >= 1 && rows.length <= 16 && rows.reduce((sum, row) => sum + row.count, 0) === values.length;
      }),
      cases(500),
    );
  });
  test("is no wider than the terminal", () => {
    const histogram = of(Array.from({ length: 1_000 }, (_, at) => 50_000 + at * at));
    for (const columns of [40, 80, 200])
      for (const line of drawHistogram(histogram, columns)) expect(line.length).toBeLessThanOrEqual(columns);
  });
  test("draws a row a step, the bar by its share", () => {
    const histogram = of([...Array<number>(90).fill(100_000), ...Array<number>(9).fill(112_000), 125_000]);
    expect(drawHistogram(histogram, 50)).toEqual([
      "  ≤ 107 µs  ████████████████████████████    90.0 %",
      "  ≤ 117 µs  ██▊                              9.0 %",
      "  ≤ 127 µs  ▎                                1.0 %",
    ]);
  });
  test("a bar of nearly nothing still shows", () =>
    expect([drawBar(0), drawBar(0.001), drawBar(2.5)]).toEqual(["", "▏", "██▌"]));
});

describe("figures for people", () => {
  for (const [ns, text] of [
    [0, "0 ns"],
    [999, "999 ns"],
    [1_234, "1.23 µs"],
    [999_499, "999 µs"],
    [999_999, "1 ms"],
    [12_345_678, "12.3 ms"],
    [2_500_000_000, "2.5 s"],
  ] as const)
    test(`${ns} ns is ${text}`, () => expect(formatElapsed(ns)).toBe(text));
  for (const [count, text] of [
    [999, "999"],
    [12_345, "12.3k"],
    [999_999, "1M"],
    [1_543_210, "1.54M"],
  ] as const)
    test(`${count} is ${text}`, () => expect(formatCount(count)).toBe(text));
});
