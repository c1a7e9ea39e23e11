import { expect, test } from "bun:test";
import { microsOf, sharedMs } from "../../lib/probe/io/bench-clock.ts";
import { systemClock } from "../../lib/run/clock.ts";

test("the clock for every message runs with the host's monotonic clock", () => {
  // the smallest of many differences: in most of them nobody took the processor between the two readings
  const differences = Array.from({ length: 200 }, () => Math.abs(systemClock.monotonicMs() - sharedMs()));
  expect(Math.min(...differences)).toBeLessThan(0.05);
});

test("it never goes back", () => {
  const readings = Array.from({ length: 1_000 }, () => sharedMs());
  expect(readings.every((reading, at) => at === 0 || reading >= readings[at - 1]!)).toBe(true);
});

test("microseconds are the same across the turn of 32 bits", () => {
  const ms = 4_294_967.295; // 2^32 - 1 microseconds
  expect([microsOf(ms) >>> 0, microsOf(ms + 0.001) >>> 0]).toEqual([4_294_967_295, 0]);
});
