// One view: who is in it, and what is delivered in it. It begins when an exchange is complete, and ends with the next change of the ring.
//
// Safe messages wait until every host has acknowledged them: each batch says how many batches of the view its sender had been delivered, and whoever owes an
// acknowledgement and has nothing to send, sends an empty one. These come in the one order as well, so all hosts deliver at the same place.
//
// So that a daemon that does nothing any more is noticed though nobody sends safe messages, somebody calls from time to time: everybody owes an acknowledgement
// of a call too, and nothing is held back meanwhile. Who has answered is known from what was delivered, so all hosts know the same.
import type { MonotonicMs } from "../base/brand.ts";
import { FrameError, FrameView, readInt32, readRequest } from "../spread/frame.ts";
import { FIFO, RELIABLE, SAFE, UNRELIABLE } from "../spread/service.ts";
import type { EngineSink } from "./engine.ts";
import { HeldBack, type HeldFrame } from "./held-back.ts";
import type { RingHost } from "./ring-host.ts";
import {
  deliveredOf,
  digestOf,
  ENTRIES_AT,
  isCall,
  isSame,
  mix,
  numberOf,
  type Seat,
  saltOf,
  sameTag,
  type Tag,
  viewKey,
  wasTold,
} from "./ring-message.ts";

/** More than can be on the way: 128 messages of each of some dozens of hosts. */
const DIGESTS = 8_192;

export class RingView {
  readonly #held = new HeldBack();
  readonly #frame = new FrameView();
  /** Batches that were delivered, and their digest. */
  #delivered = 0;
  #digestLow: number;
  #digestHigh: number;
  /** The digests of the last so many, by how many were delivered. */
  readonly #digests = new Int32Array(DIGESTS);
  /** The last acknowledgement that this host has sent, and the one that it owes. */
  #acknowledged = 0;
  #owed = 0;
  /** When the first that is held back became it, or the last was released. */
  #heldSince = 0 as MonotonicMs;
  /** The call that everybody owes an answer to, by how many batches were delivered; none counts before it is answered. And since when. */
  #called = 0;
  #calledSince = 0 as MonotonicMs;
  #calledAt: MonotonicMs;
  #wantsCall = false;

  /**
   * @param own     this host
   * @param isAlone nobody else can be reached: what is submitted is delivered
   * @param now     its beginning
   */
  constructor(
    readonly tag: Tag,
    readonly hosts: RingHost[],
    readonly own: RingHost,
    readonly isAlone: boolean,
    private readonly sink: EngineSink,
    now: MonotonicMs,
  ) {
    this.#calledAt = now;
    // with who is in it: hosts that part in the midst of an exchange may have completed it differently
    this.#digestLow = this.#digestHigh = saltOf(tag);
    for (const { seat } of hosts) {
      this.#digestLow = mix(mix(this.#digestLow, seat.node), seat.pid);
      this.#digestHigh = mix(mix(this.#digestHigh, seat.pid), seat.node);
    }
    this.#digests[0] = this.#digestLow;
  }

  /** A digest of all that was delivered in it. */
  get history(): number {
    return this.#digestLow;
  }

  /** The view and all that was delivered in it, to be compared. */
  get key(): Uint8Array {
    return viewKey(this.tag, this.#delivered, this.#digestLow, this.#digestHigh);
  }

  /** How many batches were delivered: what a batch that is sent now acknowledges. */
  get delivered(): number {
    return this.#delivered;
  }

  get holdsNothing(): boolean {
    return this.#held.isEmpty;
  }

  get heldBytes(): number {
    return this.#held.bytes;
  }

  /** This host owes an acknowledgement. */
  get owes(): boolean {
    return this.#owed > this.#acknowledged;
  }

  /** It is to send a batch, be it empty. */
  oweOne(): void {
    this.#owed = Math.max(this.#owed, this.#acknowledged + 1);
  }

  /** When somebody last called, or this host last went to. */
  get calledAt(): MonotonicMs {
    return this.#calledAt;
  }

  /** The next batch is to be a call. */
  get wantsCall(): boolean {
    return this.#wantsCall;
  }

  /** It is to call: its next batch, be it empty, which is owed. */
  call(now: MonotonicMs): void {
    this.#calledAt = now;
    this.#wantsCall = true;
    this.oweOne();
  }

  /** A batch was sent. */
  acknowledged(): void {
    this.#wantsCall = false;
    this.#acknowledged = Math.max(this.#acknowledged, this.#delivered);
    this.#owed = Math.min(this.#owed, this.#acknowledged);
  }

  hostOf(seat: Seat): RingHost | undefined {
    return this.hosts.find((host) => isSame(host.seat, seat));
  }

  /**
   * Delivers a batch.
   * @returns `false` where it was sent in another view, or by none of its hosts: then it is delivered to nobody
   */
  deliver(from: Seat, bytes: Uint8Array, now: MonotonicMs): boolean {
    if (!sameTag(this.tag, bytes)) return false;
    const host = this.hostOf(from);
    if (host === undefined || host.isLost) return false;
    host.heardAt = now;
    this.#count(from, numberOf(bytes));
    this.#acknowledge(host, deliveredOf(bytes), digestOf(bytes));
    this.release(now);
    for (let at = ENTRIES_AT, took = 0; at < bytes.length; at += took) {
      took = readEntry(bytes, at, this.#frame);
      if (took === 0) break;
      if (this.#frame.kind !== "message" || !wasTold(bytes)) this.#place(host, readInt32(bytes, at, true), now);
    }
    this.release(now);
    if (isCall(bytes)) this.#wasCalled(now);
    return true;
  }

  /** A daemon has ended while the ring stands: it goes when what it has sent is delivered. */
  leave(host: RingHost, now: MonotonicMs): void {
    this.#count(host.seat, -1);
    if (this.#held.isEmpty) this.#drop(host);
    else {
      this.#held.push({ is: "gone", host });
      this.release(now);
    }
  }

  /** Delivers what is held back no longer. */
  release(now: MonotonicMs): void {
    if (this.#held.isEmpty) return;
    const stable = this.#stable();
    for (let item = this.#held.first; item !== undefined; item = this.#held.first) {
      if (item.is === "frame" && item.safeAt > stable) return;
      this.#held.shift();
      this.#heldSince = now;
      if (item.is === "frame") this.#deliverHeld(item);
      else this.#drop(item.host);
    }
  }

  /** Delivers what is held back, whoever has it: the view ends. */
  releaseAll(): void {
    while (!this.#held.isEmpty) {
      const item = this.#held.shift();
      if (item.is === "frame") this.#deliverHeld(item);
    }
  }

  /** Whose acknowledgement has been awaited since `before`, of a safe message or of a call; of a call not his of whom anything else came since. */
  owing(before: MonotonicMs): RingHost[] {
    const isHeldLong = !this.#held.isEmpty && this.#heldSince <= before;
    const isCalledLong = this.#calledSince <= before;
    return this.hosts.filter(
      (host) =>
        (isHeldLong && this.#owesSafe(host)) || (isCalledLong && host.heardAt <= before && this.#owesAnswer(host)),
    );
  }

  /** Whether an acknowledgement of this host is awaited, for however long. All hosts that were delivered the same say the same. */
  isAwaited(host: RingHost): boolean {
    return this.#owesSafe(host) || this.#owesAnswer(host);
  }

  /** The wait for those begins again. */
  waitAnew(now: MonotonicMs): void {
    this.#heldSince = this.#calledSince = this.#calledAt = now;
  }

  #owesSafe(host: RingHost): boolean {
    const item = this.#held.first;
    return item?.is === "frame" && !host.isLost && host.delivered < item.safeAt;
  }

  #owesAnswer(host: RingHost): boolean {
    return !host.isLost && host.delivered < this.#called;
  }

  #wasCalled(now: MonotonicMs): void {
    this.#calledAt = now;
    this.#owed = this.#delivered;
    if (this.#stable() < this.#called) return; // the wait for the one before goes on
    this.#called = this.#delivered;
    this.#calledSince = now;
  }

  /**
   * A host says what it has been delivered. One that has been delivered something else has no say: the ring below us has parted and come together again, and
   * what is said in it reaches us before we are told.
   */
  #acknowledge(host: RingHost, delivered: number, digest: number): void {
    const isKnown = delivered <= this.#delivered && this.#delivered - delivered < DIGESTS;
    if (isKnown && this.#digests[delivered % DIGESTS] === digest) host.delivered = Math.max(host.delivered, delivered);
  }

  /** The order in which all hosts see this batch, and which. */
  #count({ node, pid }: Seat, number: number): void {
    this.#delivered += 1;
    this.#digestLow = mix(mix(mix(this.#digestLow, node), pid), number);
    this.#digestHigh = mix(mix(this.#digestHigh ^ number, pid), node);
    this.#digests[this.#delivered % DIGESTS] = this.#digestLow;
  }

  /** Delivers the request at hand, or has it wait behind a safe message. */
  #place(host: RingHost, slot: number, now: MonotonicMs): void {
    const frame = this.#frame;
    const service = frame.kind === "message" ? frame.service : FIFO;
    const isSafe = (service & SAFE) !== 0 && this.hosts.length > 1;
    const mayOvertake = (service & (RELIABLE | UNRELIABLE)) !== 0;
    if (!isSafe && (this.#held.isEmpty || mayOvertake)) {
      this.sink.deliver(host.place, slot, frame);
      return;
    }
    if (this.#held.isEmpty) this.#heldSince = now;
    const { bytes, start, bodyEnd: end } = frame;
    this.#held.push({ is: "frame", host, slot, bytes, start, end, safeAt: isSafe ? this.#delivered : 0 });
    if (isSafe) this.#owed = this.#delivered;
  }

  #stable(): number {
    let stable = Number.POSITIVE_INFINITY;
    for (const host of this.hosts) if (!host.isLost) stable = Math.min(stable, host.delivered);
    return stable;
  }

  #deliverHeld({ host, slot, bytes, start, end }: HeldFrame): void {
    readRequest(bytes, start, end, this.#frame);
    this.sink.deliver(host.place, slot, this.#frame);
  }

  #drop({ place }: RingHost): void {
    this.hosts.splice(place, 1);
    for (const behind of this.hosts.slice(place)) behind.place -= 1;
    this.sink.gone(place);
  }
}

/** Reads an entry of a batch: the slot stands where it begins. @returns its bytes; 0 where it is none, which only a broken daemon sends */
export function readEntry(bytes: Uint8Array, at: number, frame: FrameView): number {
  try {
    const took = readRequest(bytes, at + 4, bytes.length, frame);
    return took === 0 ? 0 : took + 4;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return 0;
  }
}
