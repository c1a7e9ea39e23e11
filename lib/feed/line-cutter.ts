// Cuts what is read from a pipe into lines, where it lies: one buffer, into which is read and in which lines are found. A line that is longer than the bound is cut
// there, and the rest of it skipped: whoever writes to the pipe can't make memory grow.
//
//   read into `room()`, tell `took(bytes)`, and as long as `next()`: the line is [start, end) of `bytes`. When the input has ended: `last()`.
//
// A line ends with LF or CR LF, which don't belong to it. An empty line is none.
import { cutAtCharacter } from "../syslog/utf8.ts";

const LF = 10;
const CR = 13;
/** What is read at a time: as much as a pipe holds. */
const READ_BYTES = 65_536;
/** A line is known to be too long when so much of it is there behind the bound: a CR, or all of a character that the cut falls into. */
const BEHIND_BYTES = 4;

export class LineCutter {
  /** The line that `next` found. */
  start = 0;
  end = 0;
  isCut = false;
  /** Lines that were cut, in all. */
  cutLines = 0;
  readonly bytes: Uint8Array;
  /** What was read, from the front of `bytes`. */
  #held: Uint8Array;
  /** Where the next line begins, and how far no end of it was found. */
  #from = 0;
  #searched = 0;
  #isSkipping = false;

  constructor(readonly lineBytesMax: number) {
    this.bytes = new Uint8Array(lineBytesMax + BEHIND_BYTES + READ_BYTES + 1);
    this.#held = this.bytes.subarray(0, 0);
  }

  /** Where to read into, at least READ_BYTES. To be asked for once a read, when `next` has found no more. */
  room(): Uint8Array {
    const heldBytes = this.#held.length - this.#from;
    this.bytes.copyWithin(0, this.#from, this.#held.length);
    this.#from = 0;
    this.#searched = heldBytes;
    this.#held = this.bytes.subarray(0, heldBytes);
    return this.bytes.subarray(heldBytes, this.bytes.length - 1);
  }

  /** So much was read into `room()`. */
  took(bytes: number): void {
    this.#held = this.bytes.subarray(0, this.#held.length + bytes);
  }

  /** Finds the next line; false where more has to be read first. */
  next(): boolean {
    for (;;) {
      const found = this.#held.indexOf(LF, this.#searched);
      const to = found < 0 ? this.#held.length : found;
      const isOver = found >= 0 || (!this.#isSkipping && to - this.#from > this.lineBytesMax + BEHIND_BYTES);
      if (!isOver) {
        this.#searched = to;
        if (this.#isSkipping) this.#from = to;
        return false;
      }
      const isLine = !this.#isSkipping && this.#setLine(this.#from, to);
      this.#isSkipping = found < 0;
      this.#from = this.#searched = found < 0 ? to : found + 1;
      if (isLine) return true;
    }
  }

  /** Finds the line that the end of the input has ended, if there is one. */
  last(): boolean {
    const to = this.#held.length;
    if (this.#isSkipping || this.#from === to) return false;
    this.bytes[to] = LF; // what is left there of earlier reads is not part of it
    const isLine = this.#setLine(this.#from, to);
    this.#from = this.#searched = to;
    return isLine;
  }

  /** Sets the line at [from, to), but for its CR; false where it is empty. */
  #setLine(from: number, to: number): boolean {
    const end = to > from && this.#held[to - 1] === CR ? to - 1 : to;
    this.isCut = end - from > this.lineBytesMax;
    if (this.isCut) this.cutLines += 1;
    this.start = from;
    this.end = this.isCut ? cutAtCharacter(this.bytes, from, from + this.lineBytesMax) : end;
    return end > from;
  }
}
