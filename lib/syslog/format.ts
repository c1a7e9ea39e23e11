// How a record is written: what every format offers to those who own the buffer.
import type { RecordView } from "./record.ts";

/**
 * One way to write records. A sink has one of its own: it may keep what it last rendered.
 *
 * `write` puts the record into `out` at `at`, without a line end, and returns the offset behind it; the record is left as it was. There have to be `bound(record)`
 * bytes of room.
 */
export interface Format {
  /** No fewer bytes than `write` needs for this record. */
  bound(record: RecordView): number;
  write(record: RecordView, out: Uint8Array, at: number): number;
}
