// What this host's sessions ask for, on its way to the ring. Whatever comes in one turn of the event loop goes as one message, up to a size; and while
// others of ours are on the way, small ones wait for each other: so that many small requests cost little, and a lone one nothing.
//
// What is on the way is kept until it has come back: of what has not when the ring changes nobody in our part of it has been given anything, so it is sent
// again, in its order, to the new one.
import type { FrameView } from "../spread/frame.ts";
import { writeInt32 } from "../spread/frame.ts";
import { ENTRIES_AT } from "./ring-message.ts";

/** Messages of ours that may be on the way. */
export const WINDOW = 128;
/** And their bytes: more would only wait in corosync's queues, in front of whoever sends next. */
const WINDOW_BYTES = 1_048_576;
/** A batch of at least this is closed: with the largest frame behind it, it is far below what goes as one message. */
const BATCH_BYTES = 65_536;
/** With as many on the way, a batch smaller than `SMALL_BYTES` waits for more. */
const SMALL_WINDOW = 4;
const SMALL_BYTES = 32_768;
const ROOM_BYTES_MIN = 2_048;
const SLOT_BYTES = 4;

/** Requests of sessions, written as they are sent. */
export class Batch {
  bytes: Uint8Array;
  end = ENTRIES_AT;
  /** Numbers what is in it, from when it first goes out on; 0 before. Then nothing more comes in. */
  content = 0;
  /** Its messages were delivered, in a view that is over. */
  wasTold = false;

  constructor(room: number) {
    this.bytes = new Uint8Array(room);
  }

  get isEmpty(): boolean {
    return this.end === ENTRIES_AT;
  }

  add(slot: number, frame: FrameView, frameBytes: number): void {
    const end = this.end + SLOT_BYTES + frameBytes;
    if (end > this.bytes.length) this.#grow(end);
    writeInt32(this.bytes, this.end, slot, true);
    this.bytes.set(frame.bytes.subarray(frame.start, frame.bodyEnd), this.end + SLOT_BYTES);
    this.end = end;
  }

  /** As it is sent. */
  whole(): Uint8Array {
    return this.bytes.subarray(0, this.end);
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(bytes, 2 * this.bytes.length));
    grown.set(this.bytes);
    this.bytes = grown;
  }
}

export class Outgoing {
  /** In the order in which they go; requests are added to the last. */
  readonly #waiting: Batch[] = [];
  /** Sent, and not yet come back. */
  readonly #sent: Batch[] = [];
  /** Bytes that wait. */
  waitingBytes = 0;
  #sentBytes = 0;

  add(slot: number, frame: FrameView): void {
    const frameBytes = frame.bodyEnd - frame.start;
    let last = this.#waiting.at(-1);
    if (last === undefined || last.end >= BATCH_BYTES || last.content > 0) {
      last = new Batch(Math.max(ROOM_BYTES_MIN, ENTRIES_AT + SLOT_BYTES + frameBytes));
      this.#waiting.push(last);
    }
    last.add(slot, frame, frameBytes);
    this.waitingBytes += SLOT_BYTES + frameBytes;
  }

  /** The batch to go next; `undefined` where there is none, or it had better wait. */
  next(onTheWay: number): Batch | undefined {
    const [first] = this.#waiting;
    if (first === undefined || onTheWay >= WINDOW || this.#sentBytes >= WINDOW_BYTES) return undefined;
    if (onTheWay >= SMALL_WINDOW && first.end < SMALL_BYTES) return undefined;
    return first;
  }

  /** The batch that `next` gave is sent. */
  wentOut(): void {
    const batch = this.#waiting.shift()!;
    this.waitingBytes -= batch.end - ENTRIES_AT;
    this.#sentBytes += batch.end;
    this.#sent.push(batch);
  }

  /** An empty batch is sent: it is kept as any other. */
  wentOutEmpty(batch: Batch): void {
    this.#sentBytes += batch.end;
    this.#sent.push(batch);
  }

  /** The oldest that was sent has come back, in its view. */
  cameBack(): void {
    this.#sentBytes -= this.#sent.shift()?.end ?? 0;
  }

  /** What is on the way has to be sent again. */
  unsend(): void {
    this.#sentBytes = 0;
    const again = this.#sent.splice(0).filter((batch) => !batch.isEmpty);
    for (const batch of again) this.waitingBytes += batch.end - ENTRIES_AT;
    this.#waiting.unshift(...again);
  }

  /** Those that wait to be sent again, up to one: their messages count as delivered. */
  tell(content: number): Batch[] {
    const told = this.#waiting.filter((batch) => batch.content > 0 && batch.content <= content && !batch.wasTold);
    for (const batch of told) batch.wasTold = true;
    return told;
  }

  /** Takes all that waits. */
  drain(): Batch[] {
    this.waitingBytes = 0;
    return this.#waiting.splice(0);
  }
}
