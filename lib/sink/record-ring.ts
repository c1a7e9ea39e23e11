// The queue of a group sink: records in the order in which they were accepted, in one block of memory that is made once.
//
// An entry is what a record became (its bytes), the group it goes to and the number it has there. Three places divide the ring:
//
//   confirmed ──────── sent ──────── head
//     sent, but not     waiting
//     known to have
//     arrived
//
// Sending moves `sent` on. A confirmation frees all up to where `sent` stood when what it confirms was sent (`mark`). When the connection is lost, nobody knows
// how far what was sent has come: `rewind` puts `sent` back to `confirmed`, and all of it goes out again with the numbers it has; readers tell by these what
// they have already. A full ring refuses the newest record, so that what was accepted is never taken back, and each loss is known exactly.
//
// An entry never wraps: one that does not fit behind the last goes to the front, and a WRAP entry says so. An empty ring starts again at the front, so a
// quiet sink touches only its first pages.
import { assert } from "../base/assert.ts";

/** length (4), group (4), number (8); then the bytes, up to the next multiple of 8. */
const HEADER_BYTES = 16;
/** Instead of a length: the next entry lies at the front. */
const WRAP = 0xffffffff;

/** A place in the ring, to confirm up to. */
export interface Mark {
  readonly records: number;
  readonly offset: number;
}

export class RecordRing {
  /** The entry that `next` found: its bytes lie at [start, end) of `bytes`. */
  start = 0;
  end = 0;
  group = 0;
  number = 0;
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;
  #confirmed = 0;
  #sent = 0;
  #head = 0;
  // How many records there ever were up to each place; they tell an empty ring from a full one.
  #confirmedRecords = 0;
  #sentRecords = 0;
  #headRecords = 0;
  /** How far `sent` ever was: what lies before it is sent again. */
  #everSentRecords = 0;

  constructor(readonly bytesMax: number) {
    const size = Math.max(64, Math.floor(bytesMax / 8) * 8);
    const memory = new ArrayBuffer(size);
    this.bytes = new Uint8Array(memory);
    this.#words = new Uint32Array(memory);
    this.#numbers = new Float64Array(memory);
  }

  /** Records that wait to be sent. */
  get waiting(): number {
    return this.#headRecords - this.#sentRecords;
  }

  /** Records that were sent and are not confirmed. */
  get unconfirmed(): number {
    return this.#sentRecords - this.#confirmedRecords;
  }

  /** Whether the entry that `next` would find was sent before, on a connection that was lost. */
  get nextIsAgain(): boolean {
    return this.#sentRecords < this.#everSentRecords;
  }

  /** Bytes in use, of `bytesMax`. */
  get usedBytes(): number {
    return this.#headRecords === this.#confirmedRecords ? 0 : this.#distance(this.#confirmed, this.#head);
  }

  get waitingBytes(): number {
    return this.waiting === 0 ? 0 : this.#distance(this.#sent, this.#head);
  }

  get unconfirmedBytes(): number {
    return this.unconfirmed === 0 ? 0 : this.#distance(this.#confirmed, this.#sent);
  }

  /** Appends a record; false where there is no room, and it is lost. */
  push(group: number, number: number, from: Uint8Array, start: number, end: number): boolean {
    const at = this.#place(entryBytes(end - start));
    if (at < 0) return false;
    this.#words[at / 4] = end - start;
    this.#words[at / 4 + 1] = group;
    this.#numbers[at / 8 + 1] = number;
    this.bytes.set(from.subarray(start, end), at + HEADER_BYTES);
    this.#head = at + entryBytes(end - start);
    this.#headRecords += 1;
    return true;
  }

  /** Finds the next record that waits, without moving on: sets `start`, `end`, `group` and `number`. False where none waits. */
  next(): boolean {
    if (this.waiting === 0) return false;
    if (this.#isWrapAt(this.#sent)) this.#sent = 0;
    const at = this.#sent;
    this.start = at + HEADER_BYTES;
    this.end = this.start + this.#words[at / 4]!;
    this.group = this.#words[at / 4 + 1]!;
    this.number = this.#numbers[at / 8 + 1]!;
    return true;
  }

  /** The record that `next` found counts as sent. */
  take(): void {
    this.#sent = this.start - HEADER_BYTES + entryBytes(this.end - this.start);
    this.#sentRecords += 1;
    if (this.#sentRecords > this.#everSentRecords) this.#everSentRecords = this.#sentRecords;
  }

  /** Visits all that is not confirmed, in order, as `next` would; the ring is left as it was. */
  visitUnconfirmed(visit: () => void): void {
    const sent = this.#sent;
    const sentRecords = this.#sentRecords;
    this.rewind();
    while (this.next()) {
      visit();
      this.#sent = this.start - HEADER_BYTES + entryBytes(this.end - this.start);
      this.#sentRecords += 1;
    }
    this.#sent = sent;
    this.#sentRecords = sentRecords;
  }

  /** Where sending stands now. */
  mark(): Mark {
    return { records: this.#sentRecords, offset: this.#sent };
  }

  /** All that had been sent at `mark` has arrived: its room is free. Marks are confirmed in their order; one of before a `rewind` is too, or not at all. */
  confirm(mark: Mark): void {
    if (mark.records <= this.#confirmedRecords) return;
    assert(mark.records <= this.#sentRecords, "what is confirmed was sent");
    this.#confirmed = mark.offset;
    this.#confirmedRecords = mark.records;
    if (this.#confirmedRecords === this.#headRecords) this.#confirmed = this.#sent = this.#head = 0;
  }

  /** The connection was lost: all that is not confirmed waits again. */
  rewind(): void {
    this.#sent = this.#confirmed;
    this.#sentRecords = this.#confirmedRecords;
  }

  /** Forgets everything. */
  clear(): void {
    this.rewind();
    this.#confirmedRecords = this.#sentRecords = this.#headRecords;
    this.#confirmed = this.#sent = this.#head = 0;
  }

  /** Where an entry of `bytes` can lie, -1 where nowhere. Writes the WRAP entry if it has to lie at the front. */
  #place(bytes: number): number {
    const size = this.bytes.length;
    if (this.#headRecords === this.#confirmedRecords) {
      this.#confirmed = this.#sent = this.#head = 0;
      return bytes <= size ? 0 : -1;
    }
    const head = this.#head;
    if (head <= this.#confirmed) return head + bytes <= this.#confirmed ? head : -1;
    if (head + bytes <= size) return head;
    if (bytes > this.#confirmed) return -1;
    if (head < size) this.#words[head / 4] = WRAP;
    return 0;
  }

  #isWrapAt(offset: number): boolean {
    return offset >= this.bytes.length || this.#words[offset / 4] === WRAP;
  }

  #distance(from: number, to: number): number {
    return to > from ? to - from : this.bytes.length - from + to;
  }
}

function entryBytes(length: number): number {
  return HEADER_BYTES + Math.ceil(length / 8) * 8;
}
