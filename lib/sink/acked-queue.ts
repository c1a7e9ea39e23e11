// The queue of a group sink whose records are kept until recorders have them (`acks = N`): all of it lies on disk, from its acceptance on; what is to be sent next lies in
// memory too.
//
//   push ──> disk ──────────────────────────────────────────────> freed when N hosts have committed it (ack-ledger.ts)
//     └────> ring ──> sent ──> confirmed by a mark: out of memory
//              ^
//   disk ──────┘  what had no place in the ring; what an earlier life left; what a recorder lacks (ack-rounds.ts), read once more and picked out
//
// The order on disk is the order of sending, but for what is sent again. A record is sent only when it is on disk (`writeNow`), so a kill of this process takes nothing but
// what was received in the present turn of the event loop.
//
// What waited through an outage, or was read from disk, is late; what was sent before is sent "again".
import type { NumberRanges } from "../feed/number-ranges.ts";
import { AckLedger } from "./ack-ledger.ts";
import { AckRounds, type DueAsk } from "./ack-rounds.ts";
import type { SpoolEvent, TakeSpooled } from "./io/spool.ts";
import type { Mark } from "./record-ring.ts";
import { RingQueue } from "./ring-queue.ts";

/** Records that are written together at most: as many datagrams as are read at a time. A turn of the event loop under a flood takes more. */
const UNWRITTEN_MAX = 64;
/** Of a stream's word in the ring: what is known of one record besides. */
const AGAIN = 0x8000_0000;
const LATE = 0x4000_0000;
const STREAM = 0x3fff_ffff;

/** The disk, as far as this queue uses it: `Spool`. */
export interface KeptRecords {
  readonly unread: number;
  readonly unwritten: number;
  readonly readSequence: number;
  readonly nextSequence: number;
  readonly firstSequence: number;
  readonly isPendingFull: boolean;
  readonly isPressed: boolean;
  append(stream: number, number: number, bytes: Uint8Array, start: number, end: number): number;
  writeNow(): void;
  skipTo(sequence: number): void;
  rewind(): void;
  read(take: TakeSpooled): Promise<void>;
  confirm(sequence: number): void;
  close(withinMs: number): Promise<void>;
}

export interface AckedQueueOptions {
  /** How many hosts have to commit a record. */
  readonly acks: number;
  readonly memoryBytesMax: number;
  readonly open: (onEvent: (event: SpoolEvent) => void) => KeptRecords;
  readonly onReady: () => void;
  readonly onEvent: (event: SpoolEvent) => void;
}

export class AckedQueue extends RingQueue {
  readonly outlives = true;
  readonly rounds: AckRounds;
  readonly #options: AckedQueueOptions;
  readonly #disk: KeptRecords;
  readonly #ledger: AckLedger;
  readonly #liveFrom: number;
  /** All before this sequence was given free. */
  #freedTo: number;
  /** Pushed since the last write. */
  #unwritten = 0;
  #isAway = false;
  #isReading = false;
  /** What is picked out on the way to `#passEnd`; all behind it was never sent. */
  #wanted: ReadonlyMap<number, NumberRanges> | undefined;
  #passEnd = 0;

  /** @throws where the disk can't be had */
  constructor(options: AckedQueueOptions) {
    super(options.memoryBytesMax);
    this.#options = options;
    let isOpen = false;
    this.#disk = options.open((event) => (isOpen ? this.#onDisk(event) : options.onEvent(event)));
    isOpen = true;
    this.#liveFrom = this.#disk.nextSequence;
    this.#ledger = new AckLedger(options.acks, this.#disk.readSequence, this.#liveFrom);
    this.rounds = new AckRounds(this.#ledger);
    this.#freedTo = this.#disk.readSequence;
  }

  /** Records that are not acknowledged by enough hosts. */
  get records(): number {
    return this.#ledger.waiting + this.#ledger.unread;
  }

  get hasRoom(): boolean {
    return !this.#disk.isPendingFull;
  }

  get isPressed(): boolean {
    return this.#disk.isPressed;
  }

  /** The stream of the record that `next` found. */
  get group(): number {
    return this.ring.group & STREAM;
  }

  get nextIsAgain(): boolean {
    return this.ring.nextIsAgain || (this.ring.next() && (this.ring.group & AGAIN) !== 0);
  }

  get nextIsLate(): boolean {
    return this.takenRecords < this.lateRecords || (this.ring.next() && (this.ring.group & LATE) !== 0);
  }

  /** Accepts a record; false where it can be kept nowhere, and is lost. */
  push(stream: number, number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const disk = this.#disk;
    const isNext = disk.unread === 0 && !this.#isReading; // all before it is in the ring already, or was
    const sequence = disk.append(stream, number, bytes, start, end);
    if (sequence < 0) {
      this.#ledger.skip(stream, number);
      return false;
    }
    this.#ledger.enter(stream, number, sequence);
    this.#missDropped();
    this.#unwritten += 1;
    if (this.#unwritten >= UNWRITTEN_MAX) this.writeNow();
    if (isNext && this.intoRing(stream, number, bytes, start, end)) {
      if (this.#isAway) this.lateRecords = this.headRecords;
      disk.skipTo(sequence + 1);
    }
    return true;
  }

  /** What was pushed is on disk when this returns, if the disk takes it. */
  writeNow(): void {
    this.#unwritten = 0;
    this.#disk.writeNow();
  }

  take(): void {
    this.#ledger.sent(this.group, this.number);
    this.takeFromRing();
  }

  /** The daemon has put into its order all that was sent at `mark`. Nothing of it counts as delivered yet. */
  confirm(mark: Mark): number {
    this.confirmInRing(mark);
    this.refill();
    return 0;
  }

  /** The connection is lost: what no mark confirmed is sent again; the rest, if a recorder lacks it. */
  away(): void {
    this.#isAway = true;
    this.rewindRing();
  }

  back(): void {
    this.#isAway = false;
    this.refill();
  }

  /** Asks that are due, and a beginning of what is to be sent again. To be called every ROUND_MS. */
  round(nowMs: number): readonly DueAsk[] {
    if (this.#isAway) return [];
    if (this.#wanted === undefined && !this.#isReading) this.#beginAgain(nowMs);
    return this.rounds.due(nowMs);
  }

  /** Records are done that were not: the disk may be freed. */
  free(): void {
    const { keptFrom } = this.#ledger;
    if (keptFrom > this.#freedTo) {
      this.#freedTo = keptFrom;
      this.#disk.confirm(keptFrom - 1);
    }
    if (!this.#isReading) this.#settle();
  }

  /** Records of a stream with lower numbers will not be sent again. */
  floorOf(stream: number): number {
    return this.#ledger.floorOf(stream);
  }

  /** The number behind the last of a stream of which something is waited for; 0 where nothing is. */
  openTo(stream: number): number {
    return this.#ledger.openTo(stream);
  }

  /** Whether nothing of a stream is waited for. */
  isIdle(stream: number): boolean {
    return this.#ledger.isIdle(stream);
  }

  /** An idle stream will not come again. */
  forget(stream: number): void {
    this.#ledger.forget(stream);
  }

  /** Brings records from disk where the ring has room. */
  refill(): void {
    const disk = this.#disk;
    if (this.#isReading || disk.unread === 0) return;
    if (this.ring.usedBytes > this.ring.bytesMax / 2) return;
    this.#isReading = true;
    void disk.read(this.#takeSpooled).then(() => {
      this.#isReading = false;
      this.#settle();
      this.#options.onReady();
    });
  }

  /** Returns how many records are lost: what did not get to the disk. */
  async close(withinMs: number): Promise<number> {
    this.free();
    await this.#disk.close(withinMs);
    return this.#disk.unwritten;
  }

  /** All that is not done is looked through once more, as soon as what was read before is underway. */
  #beginAgain(nowMs: number): void {
    if (this.#disk.readSequence < this.#liveFrom) return; // the first reading of what was left is not over
    const wanted = this.rounds.takeWanted(nowMs);
    if (wanted === undefined) return;
    this.#wanted = wanted;
    this.#passEnd = this.#disk.readSequence;
    this.#disk.rewind();
    this.refill();
  }

  readonly #takeSpooled: TakeSpooled = (stream, { number, sequence, start, end }, bytes) => {
    let word = stream | LATE;
    if (this.#wanted !== undefined && sequence < this.#passEnd) {
      const wanted = this.#wanted.get(stream);
      if (wanted === undefined || !wanted.has(number)) return true;
      word |= AGAIN;
      if (this.#ledger.isDone(stream, number)) return true;
    } else {
      this.#ledger.enter(stream, number, sequence);
      if (sequence < this.#liveFrom) word |= AGAIN; // nobody knows
      if (this.#ledger.isDone(stream, number)) return true;
    }
    if (!this.intoRing(word >>> 0, number, bytes, start, end)) return false;
    if (sequence < this.#passEnd) this.#wanted?.get(stream)?.remove(number, number);
    return true;
  };

  /** After a reading: whether it has come to an end. */
  #settle(): void {
    const { readSequence } = this.#disk;
    if (readSequence >= this.#liveFrom) this.#ledger.readAll();
    if (this.#wanted === undefined || readSequence < this.#passEnd) return;
    let lost = 0;
    for (const [stream, numbers] of this.#wanted)
      for (const { from, to } of numbers.ranges) lost += this.#ledger.giveUp(stream, from, to);
    this.#wanted = undefined;
    if (lost > 0) this.#options.onEvent({ on: "lost", records: lost, cause: "damaged" });
    this.free();
  }

  /** Where the full disk dropped its oldest, what of it was not done is lost. */
  #missDropped(): void {
    const { firstSequence } = this.#disk;
    if (firstSequence <= this.#ledger.keptFrom) return;
    const lost = this.#ledger.dropped(firstSequence);
    if (lost > 0) this.#options.onEvent({ on: "lost", records: lost, cause: "full" });
  }

  /**
   * What the disk says. Its losses count while it is read for the first time what an earlier life left; of all else the ledger knows whether it was still wanted.
   */
  #onDisk(event: SpoolEvent): void {
    if (event.on !== "lost") {
      this.#options.onEvent(event);
      return;
    }
    const records = this.#ledger.passOver(this.#disk.readSequence);
    if (records > 0) this.#options.onEvent({ ...event, records });
  }
}
