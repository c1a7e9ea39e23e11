import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BENCH_BODY_BYTES_MIN,
  elapsedMicros,
  isBenchBody,
  markOf,
  senderOf,
  sequenceOf,
  writeBenchBody,
} from "../../lib/probe/bench-body.ts";
import { lostOf, Tally } from "../../lib/probe/bench-tally.ts";
import { cases } from "../support/fuzz.ts";

const tallyOf = (messages: readonly (readonly [sender: number, sequence: number])[]) => {
  const tally = new Tally();
  for (const [sender, sequence] of messages) tally.take(sender, sequence, 100);
  return tally.result();
};

describe("the story of one sender", () => {
  const table: readonly (readonly [
    name: string,
    sequences: number[],
    counts: { late: number; twice: number; missing: number },
  ])[] = [
    ["all in order", [0, 1, 2, 3], { late: 0, twice: 0, missing: 0 }],
    ["one lost", [0, 1, 3], { late: 0, twice: 0, missing: 1 }],
    ["the first two lost", [2, 3], { late: 0, twice: 0, missing: 2 }],
    ["two swapped: one came late, none is lost", [0, 2, 1, 3], { late: 1, twice: 0, missing: 0 }],
    ["a gap filled from its middle", [0, 4, 2, 1, 3], { late: 3, twice: 0, missing: 0 }],
    ["one came twice", [0, 1, 1, 2], { late: 0, twice: 1, missing: 0 }],
    ["a late one came twice", [0, 2, 1, 1], { late: 1, twice: 1, missing: 0 }],
    ["lost, late and twice at once", [0, 5, 3, 3, 6], { late: 1, twice: 1, missing: 3 }],
  ];
  for (const [name, sequences, counts] of table)
    test(name, () => expect(tallyOf(sequences.map((one) => [0, one]))).toMatchObject(counts));
});

test("whatever is dropped, repeated and shuffled: lost, late and twice are told apart", () => {
  const story = fc.record({
    count: fc.integer({ min: 1, max: 60 }),
    dropped: fc.uniqueArray(fc.nat(59)),
    repeated: fc.array(fc.nat(59), { maxLength: 5 }),
    shuffle: fc.infiniteStream(fc.nat(1_000)),
  });
  fc.assert(
    fc.property(story, ({ count, dropped, repeated, shuffle }) => {
      const kept = Array.from({ length: count }, (_, at) => at).filter((at) => !dropped.includes(at));
      const again = repeated.filter((at) => kept.includes(at));
      const order = [...kept, ...again]
        .map((sequence) => ({ sequence, key: shuffle.next().value as number }))
        .sort((a, b) => a.key - b.key);
      const result = tallyOf(order.map(({ sequence }) => [0, sequence]));
      expect(result.twice).toBe(again.length);
      expect(lostOf(result, [count])).toBe(count - kept.length);
      expect(result.late === 0).toBe(isAscending(firstOccurrences(order.map(({ sequence }) => sequence))));
    }),
    cases(2_000),
  );
});

test("senders are counted apart, and a sender that never came is lost in full", () => {
  const result = tallyOf([
    [0, 0],
    [2, 0],
    [0, 1],
    [2, 1],
    [2, 2],
  ]);
  expect(result).toMatchObject({ received: 5, bytes: 500, late: 0, missing: 0, reached: [2, 0, 3] });
  expect(lostOf(result, [2, 7, 4])).toBe(8);
});

test("equal order has an equal digest, a swap has another", () => {
  const order = (messages: [number, number][]) => tallyOf(messages).order;
  expect(
    order([
      [0, 0],
      [1, 0],
    ]),
  ).toBe(
    order([
      [0, 0],
      [1, 0],
    ]),
  );
  expect(
    order([
      [0, 0],
      [1, 0],
    ]),
  ).not.toBe(
    order([
      [1, 0],
      [0, 0],
    ]),
  );
});

test("more gaps than are kept: still counted as missing, and never more than were sent", () => {
  const tally = new Tally();
  for (let sequence = 0; sequence < 20_000; sequence += 2) tally.take(0, sequence, 1);
  expect(tally.result()).toMatchObject({ missing: 9_999, late: 0 });
});

test("the head of a body says who sent what and when, across the turn of the clock", () => {
  const numbers = fc.record({
    run: fc.integer(),
    sender: fc.nat(65_535),
    sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    sent: fc.integer({ min: 0, max: 2 ** 48 }),
    took: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  });
  fc.assert(
    fc.property(numbers, ({ run, sender, sequence, sent, took }) => {
      const bytes = new Uint8Array(40);
      writeBenchBody(bytes, 5, markOf(run), sender, sequence, sent);
      expect(isBenchBody(bytes, 5, 40, markOf(run))).toBe(true);
      expect(isBenchBody(bytes, 5, 5 + BENCH_BODY_BYTES_MIN - 1, markOf(run))).toBe(false);
      expect(isBenchBody(bytes, 5, 40, markOf(run + 1))).toBe(false);
      expect([senderOf(bytes, 5), sequenceOf(bytes, 5)]).toEqual([sender, sequence]);
      expect(elapsedMicros(bytes, 5, sent + took)).toBe(took);
    }),
    cases(1_000),
  );
});

function firstOccurrences(sequences: readonly number[]): number[] {
  return [...new Set(sequences)];
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, at) => at === 0 || values[at - 1]! < value);
}
