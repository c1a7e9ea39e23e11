// One client's socket and what is to be sent to it. Bun's `write` takes what the kernel takes and never queues; `drain` says when there is room again.
import type { Socket } from "bun";
import { OutputQueue } from "../output-queue.ts";

/** A stretch of this size is written where it lies; smaller ones are put together first. */
const DIRECT_BYTES = 16_384;

/** Where stretches are put together: one for all, it is never in use between two calls. */
const room = new Uint8Array(65_536);

export type ClientSocket = Socket<Connection | undefined>;

export class Connection {
  readonly queue = new OutputQueue();
  /** All bytes that the socket has ever taken. */
  takenBytes = 0;
  /** The kernel takes no more: `drain` will tell. */
  isBlocked = false;
  /** It stands on the list of those to be flushed when the tick ends. */
  isDirty = false;
  /** It stands on the list of those who have work to do. */
  isReady = false;
  /** Its queue was above the soft bound, and has not been below half of it since. */
  isPressed = false;
  /** Its queue was above a hard bound: the daemon is about to end it. */
  isOverrun = false;
  /** The client sends no more; the daemon may still have work of it to do. */
  isEnded = false;
  /** The socket is closed. */
  isGone = false;

  constructor(
    readonly socket: ClientSocket,
    readonly fd: number,
    readonly slot: number,
    readonly isTcp: boolean,
  ) {}

  /**
   * Writes what the kernel takes.
   * @param pinnedBytesMin what is left is settled if it pins this much
   * @returns bytes it took
   */
  flush(pinnedBytesMin: number): number {
    const { queue } = this;
    const before = queue.bytes;
    while (queue.bytes > 0 && !this.isBlocked) {
      const direct = queue.isOneStretch || queue.headBytes >= DIRECT_BYTES;
      const offered = direct ? queue.headBytes : queue.gather(room);
      const taken = direct
        ? this.socket.write(queue.headPiece, queue.headStart, offered)
        : this.socket.write(room, 0, offered);
      if (taken > 0) queue.take(taken);
      if (taken < offered) this.isBlocked = true;
    }
    if (this.isBlocked) queue.settle(pinnedBytesMin);
    const taken = before - queue.bytes;
    this.takenBytes += taken;
    return taken;
  }
}
