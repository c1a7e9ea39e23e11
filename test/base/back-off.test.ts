import { expect, test } from "bun:test";
import fc from "fast-check";
import { BackOff } from "../../lib/base/back-off.ts";
import { seededRandom } from "../../lib/base/random.ts";
import { cases } from "../support/fuzz.ts";

test("without jitter each wait is twice the last, up to the most, and a reset begins again", () => {
  const backOff = new BackOff({ firstMs: 50, mostMs: 300, jitter: 0 }, () => 0.9);
  expect([1, 2, 3, 4, 5].map(() => backOff.nextMs())).toEqual([50, 100, 200, 300, 300]);
  backOff.reset();
  expect(backOff.nextMs()).toBe(50);
});

test("with jitter a wait is never longer than without, and never shorter than the part that is not left to chance", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seed, tries, jitter) => {
        const backOff = new BackOff({ firstMs: 10, mostMs: 1_000, jitter }, seededRandom(seed));
        for (let failure = 0; failure < Math.min(tries, 50); failure++) {
          const full = Math.min(1_000, 10 * 2 ** failure);
          const wait = backOff.nextMs();
          expect(wait).toBeLessThanOrEqual(full);
          expect(wait).toBeGreaterThanOrEqual(full * (1 - jitter) - 1e-9);
        }
      },
    ),
    cases(200),
  );
});

test("a seed repeats its numbers, all of them in [0, 1)", () => {
  const first = seededRandom(42);
  const second = seededRandom(42);
  for (let at = 0; at < 1_000; at++) {
    const number = first();
    expect(second()).toBe(number);
    expect(number >= 0 && number < 1).toBe(true);
  }
});
