// What queues have in common whose beginning lies in a ring: what is ready to be sent, what was sent, and what of it waited through an outage.
import { type Mark, RecordRing } from "./record-ring.ts";

/** The longest record fits into an empty ring. */
const MEMORY_BYTES_LEAST = 131_072;

export abstract class RingQueue {
  protected readonly ring: RecordRing;
  // How many records there ever were in the ring, and up to each of its places.
  protected headRecords = 0;
  protected takenRecords = 0;
  protected confirmedRecords = 0;
  /** Records before this one are late. */
  protected lateRecords = 0;

  /** @param memoryBytesMax the ring's size; 128 KiB at least */
  constructor(memoryBytesMax: number) {
    this.ring = new RecordRing(Math.max(MEMORY_BYTES_LEAST, memoryBytesMax));
  }

  /** Records that `next` can give now. */
  get waiting(): number {
    return this.ring.waiting;
  }

  get waitingBytes(): number {
    return this.ring.waitingBytes;
  }

  /** Records that were sent and no mark has confirmed. */
  get unconfirmed(): number {
    return this.ring.unconfirmed;
  }

  get unconfirmedBytes(): number {
    return this.ring.unconfirmedBytes;
  }

  // The record that `next` found lies at [start, end) of `bytes`.
  get bytes(): Uint8Array {
    return this.ring.bytes;
  }

  get start(): number {
    return this.ring.start;
  }

  get end(): number {
    return this.ring.end;
  }

  get number(): number {
    return this.ring.number;
  }

  /** Finds the next record that can be sent, without moving on: sets `start`, `end`... False where none can. */
  next(): boolean {
    return this.ring.next();
  }

  /** Where sending stands now. */
  mark(): Mark {
    return this.ring.mark();
  }

  /** Puts a record into the ring; false where there is no room. */
  protected intoRing(word: number, number: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.ring.push(word, number, bytes, start, end)) return false;
    this.headRecords += 1;
    return true;
  }

  /** The record that `next` found counts as sent. */
  protected takeFromRing(): void {
    this.ring.take();
    this.takenRecords += 1;
  }

  /** All that had been sent at `mark` has arrived at the daemon. Returns how many records that are. */
  protected confirmInRing(mark: Mark): number {
    const before = this.ring.unconfirmed;
    this.ring.confirm(mark);
    const records = before - this.ring.unconfirmed;
    this.confirmedRecords += records;
    return records;
  }

  /** All that is not confirmed waits again, and is late. */
  protected rewindRing(): void {
    this.ring.rewind();
    this.takenRecords = this.confirmedRecords;
    this.lateRecords = this.headRecords;
  }
}
