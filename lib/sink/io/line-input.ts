// Reads lines from a descriptor, a pipe as a rule: one read at a time, off the main thread, straight to where the lines are found. While nobody asks, nothing is read, and
// whoever writes to the pipe waits.
//
// When the end is asked for, what the pipe holds already is still read: a web server that stops says so by a signal, behind its last lines. One that goes on writing is
// heard no longer than `drainMaxMs`.
import { read } from "node:fs";
import { LineCutter } from "../../feed/line-cutter.ts";

/** A pipe that gives nothing for so long is empty. */
const EMPTY_MS = 100;
/** For a descriptor that somebody made non-blocking. */
const BUSY_MS = 20;

export class LineInput {
  readonly lines: LineCutter;
  readonly #fd: number;
  readonly #stop: AbortSignal;
  readonly #drainMaxMs: number;
  #isEnded = false;
  #stoppedMs = Number.POSITIVE_INFINITY;
  #settle: (bytes: number) => void = () => {};
  #emptyTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(fd: number, lineBytesMax: number, stop: AbortSignal, drainMaxMs: number) {
    this.#fd = fd;
    this.lines = new LineCutter(lineBytesMax);
    this.#stop = stop;
    this.#drainMaxMs = drainMaxMs;
    if (stop.aborted) this.#stopped();
    else stop.addEventListener("abort", this.#stopped, { once: true });
  }

  /** Reads more; false where the input has ended. @throws what the system says: a directory, a device that fails */
  async fill(): Promise<boolean> {
    if (this.#isEnded || performance.now() > this.#stoppedMs + this.#drainMaxMs) return false;
    const room = this.lines.room();
    const bytes = await new Promise<number>((resolve, reject) => {
      this.#settle = resolve;
      if (this.#stop.aborted) this.#awaitEmpty();
      this.#read(room, reject);
    });
    clearTimeout(this.#emptyTimer);
    this.lines.took(bytes);
    this.#isEnded = bytes === 0;
    return !this.#isEnded;
  }

  #read(room: Uint8Array, reject: (error: Error) => void): void {
    read(this.#fd, room, 0, room.length, null, (error, bytes) => {
      if (error === null) this.#settle(bytes);
      else if (error.code === "EAGAIN") setTimeout(() => this.#read(room, reject), BUSY_MS);
      else reject(error);
    });
  }

  readonly #stopped = (): void => {
    this.#stoppedMs = performance.now();
    this.#awaitEmpty();
  };

  readonly #awaitEmpty = (): void => {
    clearTimeout(this.#emptyTimer);
    this.#emptyTimer = setTimeout(() => this.#settle(0), EMPTY_MS);
  };
}
