// The bytes of one connection, cut into messages (RFC 6587): both framings, told apart message by message, so that no listener has to know its senders.
//
//   octet counting (3.4.1, RFC 5425)   COUNT SP MESSAGE        COUNT: a decimal number without leading zeros, of the message's bytes
//   line           (3.4.2)             MESSAGE LF              or CR LF; or NUL, if the first message of the connection that has an end has that one
//
// A message begins with `<`. So what begins with COUNT SP `<` is counted, and all else is a line: lines that begin with a number ("12 monkeys") stay lines.
// Line feeds and NULs between messages are nobody's: many senders put one behind a counted message too.
//
// What comes out does not depend on how the stream was cut into reads: every decision is made from the bytes alone, however many have come.
//
// A message that lies whole in a read is given where it lies. Only one that goes over the end of a read is put together, in memory of the connection's own,
// which is never more than one message and goes when it is done: a thousand idle connections hold nothing. A message that is longer than the limit is given
// as far as the limit, marked, and the rest is skipped unkept.
//
// A sender whose counts are wrong leaves us in the midst of a message. What is found there is text, and comes out as such; it ends where a line would, or
// where COUNT SP <PRI> looks like the next message, and from there on all is well again.
import { assert } from "../base/assert.ts";

/** How messages are told apart: "auto" is all of the above. */
export const FRAMINGS = ["auto", "octet-counted", "line", "nul"] as const;

export type Framing = (typeof FRAMINGS)[number];

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LESS = 0x3c;
const GREATER = 0x3e;

/** A greater count is none: nobody sends such a message, and to wait for its end would make a connection deaf. */
const COUNT_MAX = 16_777_216;
const COUNT_DIGITS_MAX = 8;
/** After so many bytes it is known whether they begin a counted message: COUNT SP <. */
const HEADER_BYTES_MAX = COUNT_DIGITS_MAX + 2;

const NO_BYTES = new Uint8Array(0);
const HELD_BYTES_MIN = 512;
/** Larger memory is given back as soon as its message was taken. */
const HELD_BYTES_KEPT = 4_096;

/** What the next byte is part of. */
type Place = "between" | "counted" | "line" | "stray" | "skipped-count" | "skipped-line";

/** Where a reader is between two chunks: all that another process needs to read on. */
export interface ReaderState {
  /** What it holds of an unfinished message. */
  readonly held: Uint8Array<ArrayBuffer>;
  readonly place: string;
  readonly count: number;
  readonly isCounting: boolean;
  readonly lineEnd: number;
}

const PLACES: readonly Place[] = ["between", "counted", "line", "stray", "skipped-count", "skipped-line"];

/** Takes what was read from a connection, gives messages. The chunks must stay as they are until the next one: those of a Bun socket do. */
export class MessageReader {
  /** The message that `next` found lies at [start, end) of `bytes`: good until the next call of anything here. Never empty. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** It was longer than the limit, or the stream ended before it did: the rest is lost. */
  isCut = false;
  /** How it was framed; a stray is what a wrong count left us in the midst of. */
  framedAs: "counted" | "line" | "stray" = "line";

  #chunk: Uint8Array = NO_BYTES;
  #at = 0;
  /** What earlier chunks had of the message in progress: [heldStart, heldEnd) of `held`. */
  #held = NO_BYTES;
  #heldStart = 0;
  #heldEnd = 0;
  /** What was given lies in `held`: at the next call what lies before this is forgotten. */
  #forgetUpTo = -1;
  #place: Place = "between";
  /** Of the counted message in progress; of what is skipped, the rest. */
  #count = 0;
  /** A stray is searched once: up to here. */
  #searchedTo = 0;
  /** Whether this connection has sent a counted message. */
  #isCounting = false;
  /** What ends a line: LF or NUL, -1 where no line has ended yet. */
  #lineEnd: number;

  /** @param messageBytesMax what is longer is cut */
  constructor(
    private readonly framing: Framing,
    private readonly messageBytesMax: number,
    state?: ReaderState,
  ) {
    assert(messageBytesMax >= 64, "a message has room for its header");
    this.#lineEnd = framing === "line" ? LF : framing === "nul" ? 0 : -1;
    if (state === undefined) return;
    this.#held = state.held;
    this.#heldEnd = state.held.length;
    this.#place = PLACES.find((place) => place === state.place) ?? "between";
    this.#count = state.count;
    this.#isCounting = state.isCounting;
    this.#lineEnd = state.lineEnd;
  }

  /** Where it is now; `next` has returned false. */
  get state(): ReaderState {
    this.#forget();
    return {
      held: this.#held.slice(this.#heldStart, this.#heldEnd),
      place: this.#place,
      count: this.#count,
      isCounting: this.#isCounting,
      lineEnd: this.#lineEnd,
    };
  }

  /** Bytes of an unfinished message that are kept for this connection. */
  get heldBytes(): number {
    return this.#heldEnd - this.#heldStart;
  }

  /** Takes the next chunk of the stream; `next` has returned false for the one before. */
  push(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, "a chunk is used up before the next");
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Finds the next message; false where more bytes are needed: then the chunk is not needed any more. */
  next(): boolean {
    if (this.#find()) return true;
    this.bytes = this.#chunk = NO_BYTES; // an idle connection pins nothing
    this.start = this.end = this.#at = 0;
    return false;
  }

  #find(): boolean {
    this.#forget();
    for (;;) {
      const place = this.#place;
      if (place === "between") {
        if (!this.#begin()) return false;
      } else if (place === "skipped-count" || place === "skipped-line") {
        if (!this.#skip(place)) return false;
      } else {
        const found = place === "counted" ? this.#endCounted() : place === "line" ? this.#endLine() : this.#endStray();
        if (!found) return false;
        if (this.end > this.start) return true;
        this.#forget(); // an empty line is no message
      }
    }
  }

  /** The stream has ended: what is left is a message too. False where nothing is. Nothing may be pushed after that. */
  finish(): boolean {
    this.#forget();
    const place = this.#place;
    if (this.#heldEnd === this.#heldStart) return false;
    this.#giveHeld(this.#heldEnd, place === "counted" ? "counted" : place === "stray" ? "stray" : "line");
    this.isCut = place === "counted";
    return true;
  }

  /** Decides what the next bytes begin. False where there are none, or too few. */
  #begin(): boolean {
    if (this.#heldEnd === this.#heldStart) {
      const chunk = this.#chunk;
      while (this.#at < chunk.length && (chunk[this.#at] === LF || chunk[this.#at] === 0)) this.#at++;
      if (this.#at === chunk.length) return false;
    }
    const headerBytes = this.#headerBytes();
    if (headerBytes < 0) return false;
    if (headerBytes > 0) {
      this.#take(headerBytes);
      this.#isCounting = true;
      this.#place = "counted";
      return true;
    }
    const first = this.#heldEnd > this.#heldStart ? this.#held[this.#heldStart] : this.#chunk[this.#at];
    const isStray = this.framing === "octet-counted" || (this.#isCounting && this.framing === "auto" && first !== LESS);
    this.#place = isStray ? "stray" : "line";
    this.#searchedTo = this.#heldStart;
    return true;
  }

  /** The length of COUNT SP at the next bytes, and the count in `#count`: 0 where they are no such thing, -1 where that can't be told yet. */
  #headerBytes(): number {
    if (this.framing === "line" || this.framing === "nul") return 0;
    const heldBytes = this.heldBytes;
    if (heldBytes === 0) {
      const found = this.#readHeader(this.#chunk, this.#at, this.#chunk.length);
      if (found < 0) this.#hold(this.#chunk.length - this.#at);
      return found;
    }
    // The header goes over the end of a chunk: it is looked at as a whole, and what is not held stays in the chunk.
    const more = Math.min(this.#chunk.length - this.#at, HEADER_BYTES_MAX);
    this.#hold(more);
    const found = this.#readHeader(this.#held, this.#heldStart, this.#heldEnd);
    if (found >= 0) {
      this.#heldEnd -= more;
      this.#at -= more;
    }
    return found;
  }

  #readHeader(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let count = 0;
    while (at < end && bytes[at]! >= DIGIT_0 && bytes[at]! <= DIGIT_9) {
      count = count * 10 + bytes[at]! - DIGIT_0;
      if (count === 0 || at - start === COUNT_DIGITS_MAX) return 0;
      at++;
    }
    if (at === end) return -1;
    if (at === start || bytes[at] !== SPACE || count > COUNT_MAX) return 0;
    at++;
    if (this.framing === "auto") {
      if (at === end) return -1;
      if (bytes[at] !== LESS) return 0;
    }
    this.#count = count;
    return at - start;
  }

  /** Moves past bytes, of which the held ones come first. */
  #take(bytes: number): void {
    const ofHeld = Math.min(bytes, this.heldBytes);
    this.#heldStart += ofHeld;
    this.#at += bytes - ofHeld;
  }

  #endCounted(): boolean {
    const wanted = Math.min(this.#count, this.messageBytesMax);
    const missing = wanted - this.heldBytes;
    if (this.#chunk.length - this.#at < missing) {
      this.#hold(this.#chunk.length - this.#at);
      return false;
    }
    this.#give(missing, "counted");
    this.#count -= wanted;
    this.#cutIf(this.#count > 0, "skipped-count");
    return true;
  }

  #endLine(): boolean {
    const chunk = this.#chunk;
    const room = this.messageBytesMax - this.heldBytes;
    const found = this.#findLineEnd();
    if (found < 0 && chunk.length - this.#at <= room) {
      this.#hold(chunk.length - this.#at);
      return false;
    }
    const isTooLong = found < 0 || found - this.#at > room;
    this.#give(isTooLong ? room : found - this.#at, "line");
    if (!isTooLong) {
      this.#at += 1;
      if (this.#lineEnd === LF && this.end > this.start && this.bytes[this.end - 1] === CR) this.end -= 1;
    }
    this.#cutIf(isTooLong, "skipped-line");
    return true;
  }

  /** Where in the chunk a line ends; -1 where it does not. The first end of a connection decides what ends its lines. */
  #findLineEnd(): number {
    const chunk = this.#chunk;
    if (this.#lineEnd >= 0) return chunk.indexOf(this.#lineEnd, this.#at);
    const lf = chunk.indexOf(LF, this.#at);
    const nul = chunk.indexOf(0, this.#at);
    const found = lf < 0 || (nul >= 0 && nul < lf) ? nul : lf;
    if (found >= 0) this.#lineEnd = chunk[found]!;
    return found;
  }

  /** Rare, so the plain way: all is held, and what lies behind the end goes back to the chunk. */
  #endStray(): boolean {
    this.#hold(Math.min(this.#chunk.length - this.#at, this.messageBytesMax - this.heldBytes));
    for (let at = this.#searchedTo; at < this.#heldEnd; at++) {
      const byte = this.#held[at];
      if (byte === LF || byte === 0) {
        this.#giveBack(at + 1);
        this.#giveHeld(at, "stray");
        this.#cutIf(false, "between");
        return true;
      }
      const headerStart = byte === LESS ? this.#countBefore(at) : -1;
      const priEnd = headerStart < 0 ? 0 : this.#priEnd(at);
      if (priEnd < 0 && this.heldBytes < this.messageBytesMax) {
        this.#searchedTo = at; // it can't be told yet
        return false;
      }
      if (priEnd > 0) {
        this.#giveBack(priEnd);
        this.#giveHeld(headerStart, "stray");
        this.#forgetUpTo = headerStart;
        this.#cutIf(false, "between");
        return true;
      }
    }
    this.#searchedTo = this.#heldEnd;
    if (this.heldBytes < this.messageBytesMax) return false;
    this.#giveHeld(this.#heldEnd, "stray");
    this.#searchedTo = 0;
    this.#cutIf(true, "stray");
    return true;
  }

  /** Where COUNT SP begins that ends at `at`, in a stray; -1 where there is none. */
  #countBefore(at: number): number {
    let start = at - 1;
    if (start <= this.#heldStart || this.#held[start] !== SPACE) return -1;
    while (start > this.#heldStart && this.#held[start - 1]! >= DIGIT_0 && this.#held[start - 1]! <= DIGIT_9) start--;
    const isCount = start > this.#heldStart && this.#readHeader(this.#held, start, at + 1) === at - start;
    return isCount && this.#count >= "<191>".length ? start : -1;
  }

  /** Where the `<PRI>` at `at` ends; 0 where there is none, -1 where that can't be told yet. */
  #priEnd(at: number): number {
    let end = at + 1;
    while (end < this.#heldEnd && end < at + 4 && this.#held[end]! >= DIGIT_0 && this.#held[end]! <= DIGIT_9) end++;
    if (end === this.#heldEnd) return -1;
    return end > at + 1 && this.#held[end] === GREATER ? end + 1 : 0;
  }

  /** Skips the rest of a message that was cut; false where it goes on. */
  #skip(place: "skipped-count" | "skipped-line"): boolean {
    const available = this.#chunk.length - this.#at;
    if (place === "skipped-count") {
      const skipped = Math.min(this.#count, available);
      this.#at += skipped;
      this.#count -= skipped;
      if (this.#count > 0) return false;
    } else {
      const found = this.#findLineEnd();
      this.#at = found < 0 ? this.#chunk.length : found + 1;
      if (found < 0) return false;
    }
    this.#place = "between";
    return true;
  }

  /** The message is what is held and `bytes` more. */
  #give(bytes: number, framedAs: "counted" | "line"): void {
    if (this.heldBytes > 0) {
      this.#hold(bytes);
      this.#giveHeld(this.#heldEnd, framedAs);
      return;
    }
    this.bytes = this.#chunk;
    this.start = this.#at;
    this.#at += bytes;
    this.end = this.#at;
    this.framedAs = framedAs;
  }

  #giveHeld(end: number, framedAs: "counted" | "line" | "stray"): void {
    this.bytes = this.#held;
    this.start = this.#heldStart;
    this.end = end;
    this.framedAs = framedAs;
    this.#forgetUpTo = this.#heldEnd;
  }

  #cutIf(isCut: boolean, placeIfCut: Place): void {
    this.isCut = isCut;
    this.#place = isCut ? placeIfCut : "between";
    if (isCut) this.end = wholeCharactersEnd(this.bytes, this.start, this.end);
  }

  #forget(): void {
    if (this.#forgetUpTo < 0) return;
    this.#heldStart = this.#forgetUpTo;
    this.#forgetUpTo = -1;
    if (this.#heldStart < this.#heldEnd) return;
    this.#heldStart = this.#heldEnd = 0;
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = NO_BYTES;
  }

  /** Copies the next bytes of the chunk behind those that are held. */
  #hold(bytes: number): void {
    const end = this.#heldEnd + bytes;
    if (end > this.#held.length) {
      // Doubled as bytes really come: a count alone makes nothing grow.
      const grown = new Uint8Array(Math.max(HELD_BYTES_MIN, end, 2 * this.#held.length));
      grown.set(this.#held.subarray(0, this.#heldEnd));
      this.#held = grown;
    }
    this.#held.set(this.#chunk.subarray(this.#at, this.#at + bytes), this.#heldEnd);
    this.#heldEnd = end;
    this.#at += bytes;
  }

  /** What is held from `from` on came with this chunk, and is in it still. */
  #giveBack(from: number): void {
    this.#at -= this.#heldEnd - from;
    this.#heldEnd = from;
  }
}

/** The end without the first bytes of a character whose others were cut off. */
function wholeCharactersEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at > start && end - at < 4 && (bytes[at]! & 0xc0) === 0x80) at--;
  const first = bytes[at]!;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return length > end - at && at > start ? at : end;
}
