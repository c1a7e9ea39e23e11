// What may be freed of the disk, against a plain model: each record by itself, with the hosts that have it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AckLedger } from "../../lib/sink/ack-ledger.ts";
import { cases } from "../support/fuzz.ts";

/** Enters records of streams in this order, numbered from 1 in each, and counts them as sent. */
function ledgerOf(streams: readonly number[], hosts = 1): AckLedger {
  const ledger = new AckLedger(hosts, 0, 0);
  const numbers = new Map<number, number>();
  for (const [sequence, stream] of streams.entries()) {
    const number = (numbers.get(stream) ?? 0) + 1;
    numbers.set(stream, number);
    ledger.enter(stream, number, sequence);
    ledger.sent(stream, number);
  }
  return ledger;
}

const span = (from: number, to = from) => [{ from, to }];

describe("the disk is freed", () => {
  test("when all of it is acknowledged, by as many hosts as asked for", () => {
    const ledger = ledgerOf([0, 0, 1], 2);
    expect(ledger.acked(0, "db1", span(1, 2))).toBe(0);
    expect(ledger.acked(0, "db1", span(1, 2))).toBe(0);
    expect(ledger.acked(0, "db2", span(2))).toBe(1);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([2, 0]);
    expect(ledger.acked(0, "db3", span(1))).toBe(1);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([1, 0]);
    ledger.acked(1, "db1", span(1));
    expect(ledger.acked(1, "db2", span(1))).toBe(1);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([0, 3]);
  });

  test("by stretches, while more comes", () => {
    const ledger = ledgerOf(Array.from({ length: 1_000 }, () => 0));
    ledger.acked(0, "db1", span(1, 600));
    expect(ledger.keptFrom).toBe(512);
    ledger.acked(0, "db1", span(602, 1_000));
    expect([ledger.keptFrom, ledger.waiting]).toEqual([512, 1]);
    ledger.acked(0, "db1", span(601));
    expect(ledger.keptFrom).toBe(1_000);
  });

  test("never for what was not sent, whatever somebody says", () => {
    const ledger = new AckLedger(1, 0, 0);
    ledger.enter(0, 1, 0);
    expect(ledger.acked(0, "db1", span(1, 1_000_000))).toBe(0);
    expect(ledger.acked(7, "db1", span(1))).toBe(0);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([1, 0]);
  });

  test("past numbers that have no record, and records that are given up", () => {
    const ledger = ledgerOf([0]);
    ledger.skip(0, 2);
    ledger.enter(0, 3, 1);
    ledger.enter(0, 7, 2);
    ledger.sent(0, 7);
    ledger.acked(0, "db1", [...span(1), ...span(7)]);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([1, 0]);
    expect(ledger.giveUp(0, 1, 5)).toBe(1);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([0, 3]);
  });

  test("of an earlier life first; what can't be read is passed over", () => {
    const ledger = new AckLedger(1, 10, 14);
    expect(ledger.unread).toBe(4);
    ledger.enter(1, 1, 14);
    ledger.sent(1, 1);
    ledger.acked(1, "db1", span(1));
    expect(ledger.keptFrom).toBe(10);
    ledger.enter(0, 5, 10);
    ledger.sent(0, 5);
    expect(ledger.passOver(13)).toBe(2);
    ledger.enter(0, 8, 13);
    ledger.sent(0, 8);
    expect([ledger.unread, ledger.waiting]).toEqual([0, 2]);
    ledger.acked(0, "db1", [...span(5), ...span(8)]);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([0, 15]);
  });

  test("by force, where the full disk drops its oldest: what was not acknowledged is counted as lost, once", () => {
    const ledger = ledgerOf(Array.from({ length: 1_000 }, () => 0));
    ledger.acked(0, "db1", span(101, 200));
    expect(ledger.dropped(512)).toBe(412);
    expect(ledger.dropped(512)).toBe(0);
    expect([ledger.waiting, ledger.keptFrom]).toEqual([488, 512]);
  });
});

test("whatever is sent, acknowledged and given up, only what enough hosts have is done, and all before the first that is not is free within a stretch", () => {
  const step = fc.record({
    stream: fc.nat(2),
    host: fc.constantFrom("a", "b", "c"),
    from: fc.integer({ min: 1, max: 40 }),
    count: fc.integer({ min: 1, max: 15 }),
  });
  fc.assert(
    fc.property(
      fc.array(fc.nat(2), { maxLength: 60 }),
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 3 }),
      (streams, steps, hosts) => {
        const ledger = ledgerOf(streams, hosts);
        const numbers = [0, 0, 0];
        const records = streams.map((stream) => ({ stream, number: ++numbers[stream]!, hosts: new Set<string>() }));
        for (const { stream, host, from, count } of steps) {
          ledger.acked(stream, host, span(from, from + count - 1));
          for (const record of records)
            if (record.stream === stream && record.number >= from && record.number < from + count)
              record.hosts.add(host);
        }
        const isDone = (record: (typeof records)[number]) => record.hosts.size >= hosts;
        for (const record of records) expect(ledger.isDone(record.stream, record.number)).toBe(isDone(record));
        expect(ledger.waiting).toBe(records.filter((record) => !isDone(record)).length);
        const first = records.findIndex((record) => !isDone(record));
        expect(ledger.keptFrom).toBe(first < 0 ? records.length : 0);
      },
    ),
    cases(1_000),
  );
});
