// What a safe message that not every host has yet holds back, in its order.
import type { RingHost } from "./ring-host.ts";

/** A request that waits for its turn. */
export interface HeldFrame {
  readonly is: "frame";
  readonly host: RingHost;
  readonly slot: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Of a safe message: how many batches a host has been delivered that has it. 0 of others. */
  readonly safeAt: number;
}

/** A daemon has ended: it goes behind what it had sent. */
export interface HeldEnd {
  readonly is: "gone";
  readonly host: RingHost;
}

export type Held = HeldFrame | HeldEnd;

export class HeldBack {
  readonly #items: Held[] = [];
  #head = 0;
  /** Bytes of the frames that wait. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.#head === this.#items.length;
  }

  get first(): Held | undefined {
    return this.#items[this.#head];
  }

  push(item: Held): void {
    this.#items.push(item);
    this.bytes += bytesOf(item);
  }

  shift(): Held {
    const item = this.#items[this.#head]!;
    this.bytes -= bytesOf(item);
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

const bytesOf = (item: Held) => (item.is === "frame" ? item.end - item.start : 0);
