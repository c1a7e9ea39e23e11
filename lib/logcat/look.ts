// How records are shown: one of a few looks, chosen once, that writes each record as one line.
//
// Looks write into a `LineWriter`, and never a peer's bytes other than through its sieve when a terminal may read them. Those made for programs (json, raw,
// rfc5424, templates) keep every byte on the way to a file or a pipe; on a terminal they are sieved as well (`on a terminal` below).
import type { RecordView } from "../syslog/record.ts";
import type { Arrival } from "./arrival.ts";
import type { LineWriter } from "./line-writer.ts";
import type { Notice } from "./notice.ts";

/** One way to show records. It may keep what it needs for the next line: widths of columns, a time that was rendered. */
export interface Look {
  /** Whether notices stand between the records. Where not, they are told on stderr: what reads this output takes every line for a record. */
  readonly showsNotices: boolean;
  /** Writes the record as a line, line feed included. */
  record(line: LineWriter, record: RecordView, arrival: Arrival): void;
  /** Writes a notice as a line, line feed included. */
  notice(line: LineWriter, notice: Notice): void;
}
