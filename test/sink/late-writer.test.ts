import { expect, test } from "bun:test";
import fc from "fast-check";
import { LateWriter } from "../../lib/sink/late-writer.ts";
import { RecordWriter } from "../../lib/sink/record-writer.ts";
import { Shipment, Shipper, type Waiting } from "../../lib/sink/shipment.ts";
import { Rfc5424Format } from "../../lib/syslog/format-5424.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES, OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { MARK_LATE, origin, RecordView } from "../../lib/syslog/record.ts";
import { cases } from "../support/fuzz.ts";

function own(message: string): Uint8Array {
  const record = new RecordView();
  record.origin = origin("udp", "web1", "192.0.2.7");
  record.receivedUs = 1_763_911_238_123_456;
  record.pid = 311;
  const bytes = new TextEncoder().encode(message);
  parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
  const writer = new RecordWriter();
  const length = writer.write(record);
  return writer.bytes.slice(0, length);
}

const MESSAGES = [
  "<13>app[7]: text",
  "no pri\nand two lines",
  '<165>1 2026-11-23T15:20:38Z h a p m [x@1 y="z"] text',
  "<0>",
  "",
];

test("a record that is marked late is the same record, and late", () => {
  const late = new LateWriter();
  for (const message of MESSAGES) {
    const before = new RecordView();
    const after = new RecordView();
    const bytes = own(message);
    const length = late.write(bytes, 0, bytes.length);
    parseMessage(before, bytes, 0, bytes.length, OWN_RULES);
    parseMessage(after, late.bytes, 0, length, OWN_RULES);
    expect(after.marks).toBe(before.marks | MARK_LATE);
    for (const text of ["hostText", "appText", "procidText", "msgidText", "sdText", "msgText"] as const)
      expect(after[text]()).toBe(before[text]());
    const { pri, receivedUs, pid, form, timeUs } = before;
    expect(after).toMatchObject({ pri, receivedUs, pid, form, timeUs });
  }
});

/** A queue of records in our own form. */
class Listed implements Waiting {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  nextIsLate = false;
  #at = 0;

  constructor(
    readonly all: readonly Uint8Array[],
    readonly lateUpTo: number,
  ) {}

  next(): boolean {
    const found = this.all[this.#at];
    if (found === undefined) return false;
    this.nextIsLate = this.#at < this.lateUpTo;
    this.bytes = found;
    this.end = found.length;
    return true;
  }

  take(): void {
    this.#at += 1;
  }
}

test("shipments hold all records of a queue in order, none parted, late ones marked", () => {
  const size = fc.oneof(fc.nat(200), fc.nat(40_000));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 40 }), fc.nat(40), (sizes, lateUpTo) => {
      const queue = new Listed(
        sizes.map((bytes, at) => own(`<13>app: ${at} ${"x".repeat(bytes)}`)),
        lateUpTo,
      );
      const shipper = new Shipper(new Rfc5424Format({ ownElement: true }), "lines");
      const lines: string[] = [];
      for (;;) {
        const shipment = new Shipment();
        shipper.fill(shipment, queue);
        if (shipment.records === 0) break;
        let start = 0;
        for (let at = 0; at < shipment.records; at++) {
          lines.push(new TextDecoder().decode(shipment.bytes.subarray(start, shipment.ends[at])));
          start = shipment.ends[at]!;
        }
        expect(start).toBe(shipment.end);
      }
      expect(lines.map((line) => line.includes('marks="late"'))).toEqual(sizes.map((_, at) => at < lateUpTo));
      expect(lines.every((line, at) => line.endsWith(` ${at} ${"x".repeat(sizes[at]!)}\n`))).toBe(true);
    }),
    cases(60),
  );
});
