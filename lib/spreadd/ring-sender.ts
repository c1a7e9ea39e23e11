// What goes out to the ring, and what has come back of it. Messages of exchanges go first, and at any time; batches of requests in a view only.
import type { MonotonicMs } from "../base/brand.ts";
import type { FrameView } from "../spread/frame.ts";
import { Batch, Outgoing } from "./outgoing.ts";
import { ENTRIES_AT, setNumber, writeBatchHeader } from "./ring-message.ts";
import type { RingView } from "./ring-view.ts";

/** The way out. */
export interface Exit {
  now(): MonotonicMs;
  /** Sends a message to the group. `false`: not now */
  send(bytes: Uint8Array): boolean;
}

export class RingSender {
  readonly #outgoing = new Outgoing();
  #urgent: Uint8Array[] = [];
  /** The last message that went out, and the last that came back. */
  #sent = 0;
  #returned = 0;
  #content = 0;
  /** When something last came back, or went out while nothing was on the way. */
  #heardAt: MonotonicMs;

  constructor(private readonly exit: Exit) {
    this.#heardAt = exit.now();
  }

  /** Sent, and not come back yet. */
  get onTheWay(): number {
    return this.#sent - this.#returned;
  }

  /** Requests that wait. */
  get waitingBytes(): number {
    return this.#outgoing.waitingBytes;
  }

  get isIdle(): boolean {
    return this.onTheWay === 0 && this.#urgent.length === 0;
  }

  /** Since when nothing has come back that is on the way, or since when nothing is. */
  get heardAt(): MonotonicMs {
    return this.#heardAt;
  }

  add(slot: number, frame: FrameView): void {
    this.#outgoing.add(slot, frame);
  }

  /** Messages that go before all requests. */
  urge(...messages: readonly Uint8Array[]): void {
    this.#urgent.push(...messages);
  }

  /** What was urgent is of no use any more. */
  forgetUrgent(): void {
    this.#urgent = [];
  }

  /** One of ours has come back. */
  cameBack(number: number): void {
    this.#returned = number;
    this.#heardAt = this.exit.now();
  }

  /** It was the oldest batch of the view: it is delivered everywhere. */
  wasDelivered(): void {
    this.#outgoing.cameBack();
  }

  /** The wait for what is on the way begins again. */
  waitAnew(): void {
    this.#heardAt = this.exit.now();
  }

  /** Nothing that is on the way will come back: the group is another, or none. */
  startOver(): void {
    this.#returned = this.#sent;
    this.#urgent = [];
    this.#heardAt = this.exit.now();
  }

  /** The view ends: batches that have not come back go again in the next. */
  unsend(): void {
    this.#outgoing.unsend();
  }

  /** Batches up to this one were delivered elsewhere, though not here. @returns those whose messages are to be delivered here, once */
  tell(content: number): Batch[] {
    return this.#outgoing.tell(content);
  }

  /** Takes all requests that wait. */
  drain(): Batch[] {
    return this.#outgoing.drain();
  }

  /** Sends what may go; requests in `view` only. @param isQuiet acknowledgements only. @returns `false` where the group takes no more for now */
  flush(view: RingView | undefined, isQuiet: boolean): boolean {
    for (let next = this.#urgent[0]; next !== undefined; next = this.#urgent[0]) {
      setNumber(next, this.#sent + 1);
      if (!this.#send(next)) return false;
      this.#urgent.shift();
    }
    if (view === undefined) return true;
    while (!isQuiet) {
      const batch = this.#outgoing.next(this.onTheWay);
      if (batch === undefined) break;
      if (!this.#sendBatch(view, batch)) return false;
      this.#outgoing.wentOut();
    }
    if (!view.owes) return true;
    const empty = new Batch(ENTRIES_AT);
    if (!this.#sendBatch(view, empty)) return false;
    this.#outgoing.wentOutEmpty(empty);
    return true;
  }

  #sendBatch(view: RingView, batch: Batch): boolean {
    if (batch.content === 0 && !batch.isEmpty) batch.content = ++this.#content;
    const { delivered, history: digest, wantsCall: isCall } = view;
    const { content, wasTold } = batch;
    writeBatchHeader(batch.bytes, view.tag, this.#sent + 1, { delivered, digest, content, wasTold, isCall });
    if (!this.#send(batch.whole())) return false;
    view.acknowledged();
    return true;
  }

  #send(bytes: Uint8Array): boolean {
    if (!this.exit.send(bytes)) return false;
    if (this.onTheWay === 0) this.#heardAt = this.exit.now();
    this.#sent += 1;
    return true;
  }
}
