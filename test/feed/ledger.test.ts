import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Ledger } from "../../lib/feed/ledger.ts";
import { cases } from "../support/fuzz.ts";

describe("the ledger", () => {
  for (const { name, batches, totals } of [
    {
      name: "nothing is missing of a stream in turn",
      batches: [
        [1, 3],
        [4, 1],
        [5, 10],
      ],
      totals: { received: 14, missing: 0, repeated: 0, late: 0 },
    },
    {
      name: "what was before the first batch we see is not missing",
      batches: [
        [1000, 2],
        [1002, 1],
      ],
      totals: { received: 3, missing: 0, repeated: 0, late: 0 },
    },
    {
      name: "a jump is what is missing",
      batches: [
        [1, 3],
        [10, 2],
      ],
      totals: { received: 5, missing: 6, repeated: 0, late: 0 },
    },
    {
      name: "a batch without records tells what is missing at the end",
      batches: [
        [1, 3],
        [10, 0],
      ],
      totals: { received: 3, missing: 6, repeated: 0, late: 0 },
    },
    {
      name: "what comes twice counts once",
      batches: [
        [1, 10],
        [5, 10],
      ],
      totals: { received: 14, missing: 0, repeated: 6, late: 0 },
    },
    {
      name: "what comes late is no longer missing",
      batches: [
        [1, 3],
        [10, 2],
        [3, 5],
      ],
      totals: { received: 9, missing: 2, repeated: 1, late: 4 },
    },
    {
      name: "a gap can be filled in pieces, from both sides",
      batches: [
        [1, 1],
        [11, 1],
        [5, 2],
        [2, 3],
        [7, 4],
      ],
      totals: { received: 11, missing: 0, repeated: 0, late: 9 },
    },
    {
      name: "two gaps are filled by one batch that goes over both",
      batches: [
        [1, 1],
        [4, 1],
        [8, 1],
        [1, 9],
      ],
      totals: { received: 9, missing: 0, repeated: 3, late: 5 },
    },
  ] as const)
    test(name, () => {
      const ledger = new Ledger();
      for (const [first, count] of batches) ledger.enter("h", "i", "g", first, count);
      expect(ledger.totals).toEqual(totals);
    });

  test("says of each record whether it had come before", () => {
    const ledger = new Ledger();
    for (const [first, count] of [
      [1, 2],
      [5, 2],
      [9, 1],
    ])
      ledger.enter("h", "i", "g", first!, count!);
    expect(ledger.enter("h", "i", "g", 2, 10)).toEqual({ missing: 0, repeated: 4, late: 4 });
    expect(Array.from({ length: 10 }, (_, at) => at + 2).filter((number) => ledger.isRepeated(number))).toEqual([
      2, 5, 6, 9,
    ]);
  });

  test("keeps hosts, incarnations and groups apart", () => {
    const ledger = new Ledger();
    ledger.enter("a", "1", "g", 1, 5);
    for (const [host, incarnation, group] of [
      ["b", "1", "g"],
      ["a", "2", "g"],
      ["a", "1", "h"],
    ])
      expect(ledger.enter(host!, incarnation!, group!, 1, 5)).toEqual({ missing: 0, repeated: 0, late: 0 });
    expect(ledger.enter("a", "1", "g", 7, 1).missing).toBe(1);
  });

  test("agrees with a plain list of numbers, whatever the order of batches", () => {
    const batch = fc.tuple(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 0, max: 25 }));
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 30 }), (batches) => {
        const ledger = new Ledger();
        const seen = new Set<number>();
        const origin = batches[0]![0]; // where we came in
        let highest = origin - 1;
        let repeated = 0;
        for (const [first, count] of batches) {
          const entry = ledger.enter("h", "i", "g", first, count);
          const before = repeated;
          for (let number = first; number < first + count; number++) {
            const isRepeated = seen.has(number) || number < origin;
            expect(ledger.isRepeated(number)).toBe(isRepeated);
            if (isRepeated) repeated++;
            else seen.add(number);
          }
          expect(entry.repeated).toBe(repeated - before);
          highest = Math.max(highest, first + count - 1, first - 1);
        }
        const { received, missing } = ledger.totals;
        expect(received).toBe(seen.size);
        expect(missing).toBe(highest - origin + 1 - seen.size);
        expect(ledger.totals.repeated).toBe(repeated);
      }),
      cases(1_000),
    );
  });

  test("stays small, however many gaps and streams a hostile sender makes, and still counts", () => {
    const ledger = new Ledger();
    for (let number = 1; number < 20_000; number += 2) ledger.enter("h", "i", "g", number, 1);
    expect(ledger.totals).toMatchObject({ received: 10_000, missing: 9_999 });
    ledger.enter("h", "i", "wide", 1, 1);
    ledger.enter("h", "i", "wide", 1_000_000, 1);
    for (let number = 500_000; number > 0; number -= 50) ledger.enter("h", "i", "wide", number, 1);
    for (let stream = 0; stream < 30_000; stream++) ledger.enter("h", `${stream}`, "g", 1, 1);
    expect(ledger.streams).toBeLessThanOrEqual(10_000);
    expect(ledger.gaps).toBeLessThanOrEqual(64 * 2);
  });
});
