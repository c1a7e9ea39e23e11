// Promises for messages, settled when the socket took them. One promise serves all messages between two writes, so that a thousand sends in
// a tick cost one promise, not a thousand.

interface Receipt {
  /** Number of the last frame it stands for. */
  frame: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Receipts {
  /** Oldest first. */
  readonly #waiting: Receipt[] = [];
  /** The last of them still takes frames: nothing was written since. */
  #open = false;

  /** The promise that the frame of this number, the newest, was taken. A rejection that nobody waits for is no error of the process. */
  of(frame: number): Promise<void> {
    const last = this.#waiting.at(-1);
    if (this.#open && last !== undefined) {
      last.frame = frame;
      return last.promise;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // who sends without waiting learns of losses by the events
    this.#waiting.push({ frame, promise, resolve, reject });
    this.#open = true;
    return promise;
  }

  /** All frames up to this number are sent. */
  settle(frame: number): void {
    this.#open = false;
    let settled = 0;
    for (const receipt of this.#waiting) {
      if (receipt.frame > frame) break;
      receipt.resolve();
      settled += 1;
    }
    if (settled > 0) this.#waiting.splice(0, settled);
  }

  /** What waits was appended anew: it is sent when the frame of this number is. */
  move(frame: number): void {
    this.#open = false;
    for (const receipt of this.#waiting) receipt.frame = frame;
  }

  fail(error: Error): void {
    this.#open = false;
    for (const receipt of this.#waiting.splice(0)) receipt.reject(error);
  }
}
