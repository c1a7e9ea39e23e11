// Marks a record that waited: read back from our own form, marked late, written again.
import { parseMessage } from "../syslog/parse.ts";
import { OWN_RULES } from "../syslog/parse-rules.ts";
import { MARK_LATE, RecordView } from "../syslog/record.ts";
import { RecordWriter } from "./record-writer.ts";

export class LateWriter {
  readonly #record = new RecordView();
  readonly #writer = new RecordWriter();

  /** What `write` wrote, from 0 on. Good until the next. */
  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  /** Writes the record at [start, end) of `bytes` with the mark, and returns its length. */
  write(bytes: Uint8Array, start: number, end: number): number {
    parseMessage(this.#record, bytes, start, end, OWN_RULES);
    this.#record.mark(MARK_LATE);
    return this.#writer.write(this.#record);
  }
}
