// What goes to a carrier at a time: records of the queue, in the form that the destination wants, one behind the other.
import type { Format } from "../syslog/format.ts";
import { parseMessage } from "../syslog/parse.ts";
import { OWN_RULES } from "../syslog/parse-rules.ts";
import { MARK_LATE, RecordView } from "../syslog/record.ts";
import { FRAME_BYTES_MAX, type Frame, writeFramed } from "./frame-writer.ts";

/** Enough that a write costs what its bytes cost. */
const SHIPMENT_BYTES = 65_536;
const RECORDS_MAX = 1_024;

/** A queue, as far as shipments are made from it. */
export interface Waiting {
  /** Finds the next record, in our own form at [start, end) of `bytes`. */
  next(): boolean;
  take(): void;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly nextIsLate: boolean;
}

/** Bytes to send: records at [0, end) of `bytes`. */
export class Shipment {
  bytes = new Uint8Array(SHIPMENT_BYTES + 16_384);
  end = 0;
  records = 0;
  /** Where each record ends. */
  readonly ends = new Uint32Array(RECORDS_MAX);

  get isFull(): boolean {
    return this.end >= SHIPMENT_BYTES || this.records === RECORDS_MAX;
  }

  clear(): void {
    this.end = 0;
    this.records = 0;
  }

  /** Room for `bytes` more. */
  reserve(bytes: number): void {
    if (this.end + bytes <= this.bytes.length) return;
    const grown = new Uint8Array(this.end + bytes);
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }
}

/** Fills shipments. One for each sink: formats keep what they last rendered. */
export class Shipper {
  readonly #record = new RecordView();

  constructor(
    private readonly format: Format,
    private readonly frame: Frame,
  ) {}

  /** Takes records from the queue into an empty shipment until it is full or nothing waits. */
  fill(shipment: Shipment, queue: Waiting, recordsMax = RECORDS_MAX): void {
    const record = this.#record;
    while (!shipment.isFull && shipment.records < recordsMax && queue.next()) {
      parseMessage(record, queue.bytes, queue.start, queue.end, OWN_RULES);
      if (queue.nextIsLate) record.mark(MARK_LATE);
      shipment.reserve(this.format.bound(record) + FRAME_BYTES_MAX);
      shipment.end = writeFramed(this.frame, this.format, record, shipment.bytes, shipment.end);
      shipment.ends[shipment.records++] = shipment.end;
      queue.take();
    }
  }
}
