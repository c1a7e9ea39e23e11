// A record in the form in which it goes to a group: RFC 5424 with all that we know of it, at most 64 KiB; what is longer is cut, and marked as cut.
import { RECORD_BYTES_MAX } from "../feed/batch.ts";
import { OwnFormat } from "../syslog/format-5424.ts";
import { MARK_CUT, type RecordView } from "../syslog/record.ts";
import { cutAtCharacter } from "../syslog/utf8.ts";

export class RecordWriter {
  /** What `write` wrote, from 0 on. Good until the next. */
  bytes = new Uint8Array(4_096);
  readonly #format = new OwnFormat();

  /** Writes a record and returns its length. The record is left as it was. */
  write(record: RecordView): number {
    const bound = this.#format.bound(record);
    if (bound > this.bytes.length) this.bytes = new Uint8Array(bound * 2);
    const length = this.#format.write(record, this.bytes, 0);
    return length <= RECORD_BYTES_MAX ? length : this.#writeCut(record, length);
  }

  #writeCut(record: RecordView, length: number): number {
    const { marks, msgEnd, sdStart, sdEnd } = record;
    // The mark itself takes some bytes too.
    const surplus = length + 32 - RECORD_BYTES_MAX;
    const textBytes = msgEnd - record.msgStart;
    record.mark(MARK_CUT);
    if (surplus < textBytes) record.msgEnd = cutAtCharacter(record.bytes, record.msgStart, msgEnd - surplus);
    else {
      // What is too long is the structured data: it means nothing in part.
      record.sdEnd = sdStart;
      const room = RECORD_BYTES_MAX - 32 - (length - textBytes - (sdEnd - sdStart));
      record.msgEnd = cutAtCharacter(
        record.bytes,
        record.msgStart,
        record.msgStart + Math.max(0, Math.min(textBytes, room)),
      );
    }
    const cut = Math.min(RECORD_BYTES_MAX, this.#format.write(record, this.bytes, 0));
    record.marks = marks;
    record.msgEnd = msgEnd;
    record.sdEnd = sdEnd;
    return cut;
  }
}
