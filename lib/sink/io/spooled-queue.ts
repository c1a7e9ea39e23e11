// The queue in front of a sink: memory first, then the disk, in one order.
//
//   in memory   all of it lies in the ring
//   spooling    all of it lies on disk, and the beginning of it in the ring too, ready to be sent
//
// From the first to the second when the ring is half full, or the destination is away: what the ring holds goes to disk before anything newer, so that the disk has the
// whole queue in its order, and a kill loses nothing of it. Back when all of it is delivered. Without a spool, a full ring refuses the newest.
//
// What has waited through an outage, or has been on disk, is late: `nextIsLate`.

import { reasonOf } from "../../base/system-reason.ts";
import type { Mark } from "../record-ring.ts";
import { RingQueue } from "../ring-queue.ts";
import { Spool, type SpoolEvent, type SpoolOptions } from "./spool.ts";

export interface SpooledQueueOptions {
  /** The ring's size: what may wait in memory; 128 KiB at least. As much again, 4 MiB at least, may be on its way to the spool. */
  readonly memoryBytesMax: number;
  /** Without it there is memory only. */
  readonly spool: Omit<SpoolOptions, "onEvent" | "pendingBytesMax"> | undefined;
  /** Something came from disk, or there is room again. */
  readonly onReady: () => void;
  readonly onEvent: (event: SpoolEvent) => void;
}

/** What may wait in memory for the disk of the spool, however small the ring: all that one read of a source can give (64 datagrams of 64 KiB). */
export const PENDING_BYTES_LEAST = 4 * 1024 * 1024;

export class SpooledQueue extends RingQueue {
  readonly #options: SpooledQueueOptions;
  readonly #spool: Spool | undefined;
  #isAway = false;
  #isSpooling = false;
  #isReading = false;
  /** Of each record in the ring its sequence on disk, -1 where it is not there; while spooling. */
  readonly #sequences: number[] = [];
  #sequencesStart = 0;

  constructor(options: SpooledQueueOptions) {
    super(options.memoryBytesMax);
    this.#options = options;
    this.#spool = this.#openSpool();
    this.#isSpooling = this.#spool !== undefined && this.#spool.unread > 0;
  }

  /** Records that are not delivered, wherever they lie. */
  get records(): number {
    return this.ring.waiting + this.ring.unconfirmed + (this.#spool?.unread ?? 0);
  }

  /** Whether there is room for more than a few. */
  get hasRoom(): boolean {
    if (this.#isSpooling) return !this.#spool!.isPendingFull;
    return this.#spool !== undefined || this.ring.usedBytes <= this.ring.bytesMax / 2;
  }

  /** Whether it is filling up, though its disk keeps up: it has room in a moment. */
  get isPressed(): boolean {
    return this.#isSpooling && this.#spool!.isPressed;
  }

  /** Whether an end of this process loses nothing but what `close` can't write. */
  get outlives(): boolean {
    return this.#spool !== undefined;
  }

  /** Its stream. */
  get group(): number {
    return this.ring.group;
  }

  get nextIsAgain(): boolean {
    return this.ring.nextIsAgain;
  }

  get nextIsLate(): boolean {
    return this.takenRecords < this.lateRecords;
  }

  /** Appends a record; false where there is no room, and it is lost. */
  push(stream: number, number: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isSpooling && !this.#mustSpool) {
      return this.intoRing(stream, number, bytes, start, end);
    }
    if (!this.#isSpooling) this.#beginSpooling();
    return this.#spool!.append(stream, number, bytes, start, end) >= 0;
  }

  /** As `push`, of a record that has waited in the process before this one: it is late. */
  pushLate(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.push(0, number, bytes, start, end)) return false;
    if (!this.#isSpooling) this.lateRecords = this.headRecords;
    return true;
  }

  /** After `close`, without a spool: visits all that is left, as `next` would find it. */
  visitLeft(visit: () => void): void {
    this.ring.visitUnconfirmed(visit);
  }

  /** The record that `next` found counts as sent. */
  take(): void {
    this.takeFromRing();
  }

  /** All that had been sent at `mark` has arrived. Returns how many records that are. */
  confirm(mark: Mark): number {
    const records = this.confirmInRing(mark);
    if (this.#isSpooling) this.#confirmSpooled(records);
    this.refill();
    return records;
  }

  /** Of what was sent and not confirmed the first `records` have arrived, and nothing else has: that waits again. */
  confirmFirst(records: number): void {
    this.rewindRing();
    for (let count = 0; count < records && this.ring.next(); count++) this.takeFromRing();
    this.confirm(this.mark());
  }

  /** The destination is gone: all that is not confirmed waits again, is late, and goes to disk. */
  away(): void {
    this.#isAway = true;
    this.rewindRing();
    if (this.#spool !== undefined && !this.#isSpooling && this.ring.waiting > 0) this.#beginSpooling();
  }

  /** The destination is there. */
  back(): void {
    this.#isAway = false;
    this.refill();
  }

  /** Brings records from disk where the ring has room. */
  refill(): void {
    const spool = this.#spool;
    if (spool === undefined || this.#isReading || spool.unread === 0) return;
    if (this.ring.usedBytes > this.ring.bytesMax / 2) return;
    this.#isReading = true;
    void spool.read(this.#takeSpooled).then(() => {
      this.#isReading = false;
      this.#settle();
      this.#options.onReady();
    });
  }

  /** Keeps on disk what can be kept. Returns how many records are lost. */
  async close(withinMs: number): Promise<number> {
    const spool = this.#spool;
    if (spool === undefined) return this.records;
    if (!this.#isSpooling && this.records > 0) this.#beginSpooling();
    await spool.close(withinMs);
    return spool.unwritten + this.#notOnDisk(spool.firstSequence);
  }

  /** With half of the ring used: the other half is for what comes while the first gets to the disk. */
  get #mustSpool(): boolean {
    return this.#spool !== undefined && (this.#isAway || this.ring.usedBytes > this.ring.bytesMax / 2);
  }

  #openSpool(): Spool | undefined {
    const { spool, memoryBytesMax, onEvent } = this.#options;
    if (spool === undefined) return undefined;
    try {
      return new Spool({ ...spool, pendingBytesMax: Math.max(PENDING_BYTES_LEAST, memoryBytesMax), onEvent });
    } catch (error) {
      onEvent({ on: "failing", reason: reasonOf(error) });
      return undefined;
    }
  }

  #beginSpooling(): void {
    const spool = this.#spool!;
    const ring = this.ring;
    this.#isSpooling = true;
    ring.visitUnconfirmed(() => {
      this.#sequences.push(spool.append(ring.group, ring.number, ring.bytes, ring.start, ring.end, true));
    });
    spool.skipTo(spool.nextSequence);
  }

  readonly #takeSpooled = (
    stream: number,
    entry: { number: number; sequence: number; start: number; end: number },
    bytes: Uint8Array,
  ): boolean => {
    if (!this.intoRing(stream, entry.number, bytes, entry.start, entry.end)) return false;
    this.#sequences.push(entry.sequence);
    this.lateRecords = this.headRecords;
    return true;
  };

  #confirmSpooled(records: number): void {
    let last = -1;
    for (let count = 0; count < records; count++) last = Math.max(last, this.#sequences[this.#sequencesStart++]!);
    if (this.#sequencesStart > 4_096 && this.#sequencesStart * 2 > this.#sequences.length) {
      this.#sequences.splice(0, this.#sequencesStart);
      this.#sequencesStart = 0;
    }
    if (last >= 0) this.#spool!.confirm(last);
    this.#settle();
  }

  /** Nothing is left: from now on in memory again. */
  #settle(): void {
    const spool = this.#spool!;
    if (!this.#isSpooling || this.#isReading || spool.unread > 0 || this.ring.waiting + this.ring.unconfirmed > 0)
      return;
    spool.confirm(spool.nextSequence - 1); // what was lost at its end, too
    this.#isSpooling = false;
    this.#sequences.length = 0;
    this.#sequencesStart = 0;
  }

  /** Records in the ring that the disk never got, or has dropped since. */
  #notOnDisk(firstOnDisk: number): number {
    let count = 0;
    for (let at = this.#sequencesStart; at < this.#sequences.length; at++)
      if (this.#sequences[at]! < firstOnDisk) count += 1;
    return count;
  }
}
