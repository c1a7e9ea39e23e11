// Lines that are made when a record comes (what they show is known only then: its group, its number) and have to wait as records: each is the text of one.
import { LineRecord } from "../sink/line-record.ts";
import type { Format } from "../syslog/format.ts";
import { writeBytes } from "../syslog/output.ts";
import { NO_ORIGIN, type RecordView } from "../syslog/record.ts";
import type { Arrival } from "./arrival.ts";
import { LineWriter } from "./line-writer.ts";
import type { Look } from "./look.ts";

export class MadeRecords {
  readonly #line = new LineWriter();
  readonly #record = new LineRecord({ origin: NO_ORIGIN, app: "logcat", procid: "0" });

  constructor(private readonly look: Look) {}

  /** The record that holds `record`'s line; good until the next. */
  of(record: RecordView, arrival: Arrival): RecordView {
    const line = this.#line;
    line.clear();
    this.look.record(line, record, arrival);
    return this.#record.fill(record.pri, record.receivedUs, line.bytes, 0, line.end - 1, false);
  }
}

/** Writes such a record as the line that it holds. */
export class MadeFormat implements Format {
  bound(record: RecordView): number {
    return record.msgEnd - record.msgStart;
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    return writeBytes(out, at, record.bytes, record.msgStart, record.msgEnd);
  }
}
