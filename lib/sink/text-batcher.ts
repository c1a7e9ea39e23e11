// Makes messages of raw text of what waits in a ring (message type 0, feed/text-payload.ts): a stretch of it at a time, gathered group by group, a line each.
//
// A message is no longer than what the session copies: so nothing is lent, and no buffer waits for a socket. A line that is longer goes alone, in bytes of its own.
import { TEXT_MESSAGE_TYPE } from "../feed/text-payload.ts";
import { GATHER_BYTES, type Loan, type NumberedRecords, type SendBatch } from "./batcher.ts";
import type { GroupBook } from "./group-book.ts";

const LF = 10;
/** Enough for some lines; with thousands of groups mixed, each has but a few in a stretch. */
const FIRST_BYTES = 1_024;
const SPARE_MAX = 64;

/** Lines of one group. */
class Text {
  bytes = new Uint8Array(FIRST_BYTES);
  end = 0;

  append(from: Uint8Array, start: number, end: number): void {
    const after = this.end + end - start + 1;
    if (after > this.bytes.length) this.#grow(after);
    this.bytes.set(from.subarray(start, end), this.end);
    this.bytes[after - 1] = LF;
    this.end = after;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(bytes, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }
}

export class TextBatcher {
  readonly messageType = TEXT_MESSAGE_TYPE;
  /** Messages being filled, by place in the book. */
  readonly #filling = new Map<number, Text>();
  readonly #spare: Text[] = [];

  /** @param copiedBytesMax bodies up to this length may be written over as soon as they are sent */
  constructor(
    private readonly book: GroupBook,
    private readonly ring: NumberedRecords,
    private readonly copiedBytesMax: number,
  ) {}

  /** Takes a stretch of lines from the ring and sends them; false where sending failed, and nobody knows how much of it went. */
  gather(send: SendBatch): boolean {
    const { ring } = this;
    let bytes = 0;
    let went = true;
    while (went && bytes < GATHER_BYTES && ring.next()) {
      went = this.#append(ring.group, ring.bytes, ring.start, ring.end, send);
      bytes += ring.end - ring.start;
      ring.take();
    }
    for (const [index, text] of this.#filling) went = this.#send(index, text, send) && went;
    return went;
  }

  /** Nothing is ever lent. */
  takeLoan(): Loan {
    return [];
  }

  giveBack(_loan: Loan): void {}

  #append(index: number, from: Uint8Array, start: number, end: number, send: SendBatch): boolean {
    const lineBytes = end - start + 1;
    let went = true;
    let text = this.#filling.get(index);
    if (text !== undefined && text.end + lineBytes > this.copiedBytesMax) {
      went = this.#send(index, text, send);
      text = undefined;
    }
    if (lineBytes > this.copiedBytesMax) return this.#sendAlone(index, from, start, end, send) && went;
    if (text === undefined) {
      text = this.#spare.pop() ?? new Text();
      this.#filling.set(index, text);
    }
    text.append(from, start, end);
    return went;
  }

  #sendAlone(index: number, from: Uint8Array, start: number, end: number, send: SendBatch): boolean {
    const body = new Uint8Array(end - start + 1);
    body.set(from.subarray(start, end));
    body[end - start] = LF;
    return send(this.book.at(index).name, body);
  }

  #send(index: number, text: Text, send: SendBatch): boolean {
    const went = send(this.book.at(index).name, text.bytes.subarray(0, text.end));
    this.#filling.delete(index);
    text.end = 0;
    if (this.#spare.length < SPARE_MAX) this.#spare.push(text);
    return went;
  }
}
