// Makes messages of raw text of what waits in a ring (message type 0, feed/text-payload.ts): a stretch of it at a time, gathered group by group, a line each.
//
// Lines stay where they lie until their group's turn: a stretch is a list of places, chained by group, and one message is filled at a time. So thousands of groups cost no
// more than one. A message is no longer than what the session copies; a line that is longer goes alone, in bytes of its own.
import { TEXT_MESSAGE_TYPE } from "../feed/text-payload.ts";
import type { GroupName } from "../spread/names.ts";
import { writeBytes } from "../syslog/output.ts";
import { GATHER_BYTES, type Loan, type NumberedRecords, type SendBatch } from "./batcher.ts";
import type { GroupBook } from "./group-book.ts";

const LF = 10;
/** Lines in a stretch. */
const LINES_MAX = 8_192;
const NONE = -1;

export class TextBatcher {
  readonly messageType = TEXT_MESSAGE_TYPE;
  readonly #book: GroupBook;
  readonly #ring: NumberedRecords;
  /** The one that is being filled. */
  readonly #message: Uint8Array;
  // The stretch: where each line lies, and which line of its group comes next.
  readonly #starts = new Uint32Array(LINES_MAX);
  readonly #ends = new Uint32Array(LINES_MAX);
  readonly #nexts = new Int32Array(LINES_MAX);
  /** The groups that have a line in it, in the order of their first; by their places in the book. */
  readonly #groups = new Uint32Array(LINES_MAX);
  #groupCount = 0;
  /** Their places in that order, by their places in the book. */
  readonly #slots = new Map<number, number>();
  /** By place in that order. */
  readonly #firstLines = new Int32Array(LINES_MAX);
  readonly #lastLines = new Int32Array(LINES_MAX);

  /** @param copiedBytesMax bodies up to this length may be written over as soon as they are sent */
  constructor(book: GroupBook, ring: NumberedRecords, copiedBytesMax: number) {
    this.#book = book;
    this.#ring = ring;
    this.#message = new Uint8Array(copiedBytesMax);
  }

  /** Takes a stretch of lines from the ring and sends them; false where sending failed, and nobody knows how much of it went. */
  gather(send: SendBatch): boolean {
    this.#takeStretch();
    let went = true;
    for (let at = 0; at < this.#groupCount; at++) {
      const entry = this.#book.at(this.#groups[at]!);
      if (entry !== undefined) went = went && this.#sendGroup(entry.name, this.#firstLines[at]!, send);
    }
    return went;
  }

  /** Nothing is ever lent. */
  takeLoan(): Loan {
    return [];
  }

  giveBack(_loan: Loan): void {}

  #takeStretch(): void {
    const ring = this.#ring;
    const { openTo } = this.#book;
    let bytes = 0;
    this.#groupCount = 0;
    this.#slots.clear();
    for (let line = 0; line < LINES_MAX && bytes < GATHER_BYTES && ring.next() && ring.group < openTo; line++) {
      const { group, start, end } = ring;
      this.#starts[line] = start;
      this.#ends[line] = end;
      this.#nexts[line] = NONE;
      const known = this.#slots.get(group);
      const slot = known ?? this.#groupCount;
      if (known === undefined) {
        this.#slots.set(group, slot);
        this.#firstLines[slot] = line;
        this.#groups[this.#groupCount++] = group;
      } else {
        this.#nexts[this.#lastLines[slot]!] = line;
      }
      this.#lastLines[slot] = line;
      bytes += end - start;
      ring.take();
    }
  }

  #sendGroup(name: GroupName, first: number, send: SendBatch): boolean {
    const { bytes } = this.#ring; // what was taken stays there until it is confirmed
    const message = this.#message;
    let filled = 0;
    let went = true;
    for (let line = first; line !== NONE && went; line = this.#nexts[line]!) {
      const start = this.#starts[line]!;
      const end = this.#ends[line]!;
      const lineBytes = end - start + 1;
      if (filled > 0 && filled + lineBytes > message.length) {
        went = send(name, message.subarray(0, filled));
        filled = 0;
      }
      if (lineBytes > message.length) {
        went = went && send(name, lineAlone(bytes, start, end));
      } else {
        filled = writeBytes(message, filled, bytes, start, end);
        message[filled++] = LF;
      }
    }
    return went && (filled === 0 || send(name, message.subarray(0, filled)));
  }
}

function lineAlone(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const body = new Uint8Array(end - start + 1);
  body.set(bytes.subarray(start, end));
  body[end - start] = LF;
  return body;
}
