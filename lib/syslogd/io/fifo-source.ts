// Takes messages from a FIFO: what `echo hello >/run/log.fifo` writes, and programs that can log to a file only. It outlives its writers.
import { closeSync, readSync } from "node:fs";
import { openFifo } from "../../linux/fifo.ts";
import { type Readable, watchReadable } from "../../linux/sigio.ts";
import type { ReaderState } from "../../syslog/framing.ts";
import { origin } from "../../syslog/record.ts";
import type { Conversation, Reception } from "./reception.ts";

/** What a pipe holds, unless somebody has changed it. */
const READ_BYTES = 65_536;

export class FifoSource implements Readable, Disposable {
  readonly fd: number;
  /** A read gives bytes, not messages: one that gives any is a full one. */
  readonly readMax = 1;
  /** A pipe that is full has its writers wait: it is read soon. */
  readonly queueMax = 4;
  readonly #bytes = new Uint8Array(READ_BYTES);
  readonly #conversation: Conversation;
  readonly #watch: Disposable;
  #isClosed = false;

  /** @throws {Fault | SystemError} where it cannot be had */
  constructor(
    path: string,
    readonly reception: Reception,
    host: string,
    handed?: { readonly fd: number; readonly reader: ReaderState | undefined },
  ) {
    this.fd = handed?.fd ?? openFifo(path);
    this.#conversation = reception.open(origin("fifo", host), -1, -1, handed?.reader);
    this.#watch = watchReadable(this);
  }

  readOnce(): number {
    if (this.reception.options.intake.isBehind) return this.readMax; // later: the pipe keeps it
    let length: number;
    try {
      length = readSync(this.fd, this.#bytes);
    } catch {
      return 0; // nothing waits (EAGAIN); and nothing else goes wrong with a FIFO that is open
    }
    if (length === 0) return 0;
    this.#conversation.take(this.#bytes.subarray(0, length));
    return 1;
  }

  turnEnded(): void {}

  /** Reads no more: what is written from now on waits in the pipe, for another process. */
  pause(): void {
    this.#watch[Symbol.dispose]();
  }

  get reader(): ReaderState {
    return this.#conversation.reader;
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (let reads = 0; reads < 64 && this.readOnce() > 0; reads++);
    this.#watch[Symbol.dispose]();
    this.#conversation.end();
    closeSync(this.fd);
  }
}
