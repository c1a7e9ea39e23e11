import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BatchView, readBatch } from "../../lib/feed/batch-reader.ts";
import { Batcher, GATHER_BYTES } from "../../lib/sink/batcher.ts";
import { GroupBook } from "../../lib/sink/group-book.ts";
import { RecordRing } from "../../lib/sink/record-ring.ts";
import { parseGroupName } from "../../lib/spread/names.ts";
import { cases } from "../support/fuzz.ts";

/** A ring that records are put into, and what a batcher makes of it. */
class Bench {
  readonly ring = new RecordRing(1 << 22);
  readonly book = new GroupBook(100, "i1");
  readonly batcher = new Batcher("web1", "abc", this.book, this.ring, 1_000);
  readonly sent: { group: string; first: number; flags: string; records: string[] }[] = [];
  canSend = true;

  log(group: string, text: string): void {
    const entry = this.book.entry(parseGroupName(group))!;
    const bytes = new TextEncoder().encode(text);
    expect(this.ring.push(entry.index, entry.next++, bytes, 0, bytes.length)).toBe(true);
  }

  gather(): boolean {
    const view = new BatchView();
    return this.batcher.gather((group, body) => {
      if (!this.canSend) return false;
      readBatch(body, 0, body.length, view);
      const records = Array.from({ length: view.count }, (_, at) =>
        new TextDecoder().decode(body.subarray(view.starts[at], view.ends[at])),
      );
      this.sent.push({ group, first: view.first, flags: view.flags, records });
      return true;
    });
  }
}

describe("what waits becomes batches", () => {
  test("one for each group, in the order of records within it", () => {
    const bench = new Bench();
    for (const [group, text] of [
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
      ["b", "4"],
    ] as const)
      bench.log(group, text);
    expect(bench.gather()).toBe(true);
    expect(bench.sent).toEqual([
      { group: "a", first: 1, flags: "-", records: ["1", "3"] },
      { group: "b", first: 1, flags: "-", records: ["2", "4"] },
    ]);
    expect([bench.ring.waiting, bench.ring.unconfirmed]).toEqual([0, 4]);
  });

  test("a new one behind a number that was lost", () => {
    const bench = new Bench();
    bench.log("a", "1");
    bench.book.entry(parseGroupName("a"))!.next += 5;
    bench.log("a", "7");
    bench.gather();
    expect(bench.sent.map(({ first, records }) => ({ first, records }))).toEqual([
      { first: 1, records: ["1"] },
      { first: 7, records: ["7"] },
    ]);
  });

  test("a stretch at a time, none above the daemon's limit", () => {
    const bench = new Bench();
    for (let at = 0; at < 1_000; at++) bench.log("a", "x".repeat(999));
    bench.gather();
    expect(bench.ring.unconfirmedBytes).toBeLessThan(GATHER_BYTES * 1.1);
    while (bench.ring.waiting > 0) bench.gather();
    expect(bench.sent.flatMap(({ records }) => records).length).toBe(1_000);
    for (const { records } of bench.sent) expect(records.length * 1_003).toBeLessThan(70_000);
  });

  test("flagged and by themselves, where they are sent again", () => {
    const bench = new Bench();
    bench.log("a", "1");
    bench.log("a", "2");
    bench.gather();
    bench.ring.rewind();
    bench.log("a", "3");
    bench.gather();
    bench.gather();
    expect(bench.sent.slice(1)).toEqual([
      { group: "a", first: 1, flags: "again", records: ["1", "2"] },
      { group: "a", first: 3, flags: "-", records: ["3"] },
    ]);
  });

  test("again after a send that failed, and nothing of the failed ones is left in between", () => {
    const bench = new Bench();
    for (const text of ["1", "2"]) bench.log("a", text);
    bench.log("b", "3");
    bench.canSend = false;
    expect(bench.gather()).toBe(false);
    bench.canSend = true;
    bench.ring.rewind();
    expect(bench.gather()).toBe(true);
    expect(bench.sent.map(({ group, records }) => ({ group, records }))).toEqual([
      { group: "a", records: ["1", "2"] },
      { group: "b", records: ["3"] },
    ]);
  });

  test("in memory that is not written over while it is lent", () => {
    const bench = new Bench();
    const bodies: Uint8Array[] = [];
    const copies: string[] = [];
    for (let turn = 0; turn < 5; turn++) {
      bench.log("a", `${turn} ${"x".repeat(turn % 2 === 0 ? 5_000 : 10)}`);
      bench.batcher.gather((_, body) => {
        if (body.length > 1_000) {
          bodies.push(body);
          copies.push(new TextDecoder().decode(body));
        }
        return true;
      });
    }
    expect(bodies.map((body) => new TextDecoder().decode(body))).toEqual(copies);
    expect(bench.batcher.takeLoan().length).toBe(3);
    expect(bench.batcher.takeLoan().length).toBe(0);
  });

  test("each group's records in order and without a gap, however they come, are lost and sent again", () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ group: fc.constantFrom("a", "b", "c"), size: fc.integer({ min: 1, max: 3_000 }) }),
      },
      { weight: 2, arbitrary: fc.constantFrom("gather" as const, "rewind" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const bench = new Bench();
        const logged: Record<string, string[]> = { a: [], b: [], c: [] };
        for (const one of steps) {
          if (one === "gather") bench.gather();
          else if (one === "rewind") bench.ring.rewind();
          else {
            const text = `${logged[one.group]!.length} ${"x".repeat(one.size)}`;
            logged[one.group]!.push(text);
            bench.log(one.group, text);
          }
        }
        while (bench.ring.waiting > 0) bench.gather();
        for (const group of ["a", "b", "c"]) {
          const got: string[] = [];
          for (const batch of bench.sent)
            if (batch.group === group)
              for (const [at, text] of batch.records.entries()) got[batch.first - 1 + at] = text;
          expect(got).toEqual(logged[group]!);
        }
      }),
      cases(300),
    );
  });
});

test("a book of groups is never larger than it may be, and forgets none by itself", () => {
  const book = new GroupBook(2, "i1");
  const a = book.entry(parseGroupName("a"))!;
  a.next = 7;
  book.entry(parseGroupName("b"));
  expect(book.entry(parseGroupName("c"))).toBeUndefined();
  expect([book.size, book.entry(parseGroupName("a"))!.next, book.at(1)!.name]).toEqual([2, 7, parseGroupName("b")]);
});
