// Makes a record of a line: what `publish` sends where a facility, a severity or a program is named. All parts of a record lie in one place, so the line is copied
// behind them.
import type { Format } from "../syslog/format.ts";
import { writeBytes } from "../syslog/output.ts";
import { MARK_CUT, NO_ORIGIN, type Origin, RecordView } from "../syslog/record.ts";

/** What the records of one input have in common. */
export interface LineSource {
  readonly origin: Origin;
  /** One word: printable ASCII, no space. So too `procid`. */
  readonly app: string;
  readonly procid: string;
}

export class LineRecord {
  readonly #view = new RecordView();
  readonly #head: Uint8Array;
  readonly #appBytes: number;
  #bytes: Uint8Array;

  constructor(source: LineSource) {
    this.#head = new TextEncoder().encode(source.app + source.procid);
    this.#appBytes = source.app.length;
    this.#bytes = new Uint8Array(4_096);
    this.#bytes.set(this.#head);
    this.#view.origin = source.origin;
  }

  /** The record of the line at [start, end) of `from`; good until the next. */
  fill(pri: number, receivedUs: number, from: Uint8Array, start: number, end: number, isCut: boolean): RecordView {
    return this.fillWithData(pri, receivedUs, NO_DATA, from, start, end, isCut);
  }

  /** @param data structured data as RFC 5424 writes it, well-formed */
  fillWithData(
    pri: number,
    receivedUs: number,
    data: Uint8Array,
    from: Uint8Array,
    start: number,
    end: number,
    isCut: boolean,
  ): RecordView {
    const view = this.#view;
    const headEnd = this.#head.length;
    const msgStart = headEnd + data.length;
    const msgEnd = msgStart + end - start;
    this.#reserve(msgEnd);
    this.#bytes.set(data, headEnd);
    this.#bytes.set(from.subarray(start, end), msgStart);
    view.bytes = this.#bytes;
    view.form = "5424";
    view.pri = pri;
    view.timeUs = view.receivedUs = receivedUs;
    view.marks = isCut ? MARK_CUT : 0;
    view.start = 0;
    view.end = view.msgEnd = msgEnd;
    view.hostStart = view.hostEnd = view.appStart = 0;
    view.appEnd = view.procidStart = this.#appBytes;
    view.procidEnd = view.msgidStart = view.msgidEnd = headEnd;
    view.sdStart = view.ownTail = view.ownEnd = headEnd;
    view.sdEnd = view.msgStart = msgStart;
    return view;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    this.#bytes = new Uint8Array(bytes * 2);
    this.#bytes.set(this.#head);
  }
}

const NO_DATA = new Uint8Array(0);
const CUT = new TextEncoder().encode(" [cut]");

/** A line as it is, where no record is to be made of it: all of it is text. */
export class PlainLine {
  readonly #view = new RecordView();

  /** The record of the line at [start, end), good until the next. The bytes are not copied, but for a line that was cut: it says so at its end. */
  fill(bytes: Uint8Array, start: number, end: number, isCut: boolean): RecordView {
    if (isCut) {
      const marked = new Uint8Array(end - start + CUT.length);
      marked.set(bytes.subarray(start, end));
      marked.set(CUT, end - start);
      return this.fill(marked, 0, marked.length, false);
    }
    const view = this.#view;
    view.origin = NO_ORIGIN;
    view.bytes = bytes;
    view.start = view.msgStart = start;
    view.end = view.msgEnd = end;
    return view;
  }
}

/** Writes such a line as it is. */
export class PlainFormat implements Format {
  bound(record: RecordView): number {
    return record.end - record.start;
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    return writeBytes(out, at, record.bytes, record.start, record.end);
  }
}
