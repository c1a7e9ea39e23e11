// Message type 0: raw text, one record a line, from and for foreign programs (spreadlogd, mod_log_spread, Log4perl's appender). No numbers, so nothing
// tells what is missing. Foreign senders end a message with a line feed, a NUL, both or neither; NULs inside are left to who reads the line.

/** The application type of messages that hold raw text. */
export const TEXT_MESSAGE_TYPE = 0;

const LF = 10;
const CR = 13;
const NUL = 0;

/** Walks over the lines of one message. `next` sets `start` and `end`; a line's end does not belong to it, and an empty line is none. */
export class TextLines {
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes.subarray(0, end); // or the search for a line's end would run on through what lies behind
    this.#at = start;
  }

  next(): boolean {
    const bytes = this.#bytes;
    while (this.#at < bytes.length) {
      const found = bytes.indexOf(LF, this.#at);
      this.start = this.#at;
      this.end = found < 0 ? bytes.length : found;
      this.#at = this.end + 1;
      while (this.end > this.start && isEnding(bytes[this.end - 1]!)) this.end -= 1;
      if (this.end > this.start) return true;
    }
    return false;
  }
}

function isEnding(byte: number): boolean {
  return byte === NUL || byte === CR;
}
