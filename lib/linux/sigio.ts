// How sockets that Bun does not know wake the event loop: the kernel sends SIGIO when one of them becomes readable.
//
// A signal says that something came, not where, and many make one: so on a signal every watched descriptor is read. While few messages come that is one
// read a signal, and O_ASYNC stays on: what comes after the read raises the next signal. When a read finds more than it can take, that is a flood: O_ASYNC goes
// off, or each message would raise a signal, and the descriptor is read until it is empty; then O_ASYNC goes on again and it is read once more, because what
// came in between raised no signal. A flood yields to the event loop after a bounded number of reads, by `setImmediate`: timers and other sockets get their turn.
//
// The default action of SIGIO ends the process: the handler is there before the first O_ASYNC, and stays for good.
//
// Roads not taken: a worker that blocks in recvmmsg is a tenth faster at twice the CPU and 10 MB; `Bun.connect({fd})` takes an empty datagram for the end
// of the stream.
import { libc } from "./libc.ts";
import { checked } from "./system-error.ts";

const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;

/** Reads that one descriptor may do before others get their turn. */
const READS_A_TURN = 8;
/** Should a signal ever be lost, this is how long its messages wait. It was not needed in any test. */
const INSURANCE_MS = 1_000;

/** Something to read when there is something to read. Its functions must not throw: there is nobody to catch it. */
export interface Readable {
  readonly fd: number;
  /** Reads once, without blocking. Returns whether more may wait: false only if the descriptor was seen empty. */
  readOnce(): boolean;
  /** A turn has ended: what was read in it may be handed on. */
  turnEnded(): void;
}

/** Has `readable` read whenever its descriptor has something, until the result is disposed of. Its owner closes the descriptor, after that. */
export function watchReadable(readable: Readable): Disposable {
  if (!installed) process.on("SIGIO", readAll);
  installed = true;
  const watch = new Watch(readable);
  watches.add(watch);
  insurance ??= setInterval(readAll, INSURANCE_MS);
  setImmediate(() => watch.read()); // what came before raised no signal
  return {
    [Symbol.dispose]() {
      watch.close();
      watches.delete(watch);
      if (watches.size > 0) return;
      clearInterval(insurance);
      insurance = undefined;
    },
  };
}

const watches = new Set<Watch>();
let insurance: ReturnType<typeof setInterval> | undefined;
let installed = false;

function readAll(): void {
  for (const watch of watches) if (watch.at === "calm") watch.read();
}

class Watch {
  /** flooded: its next turn is scheduled, and O_ASYNC is off. */
  at: "calm" | "flooded" | "closed" = "calm";
  readonly #readable: Readable;
  readonly #flags: number;
  readonly #readOn = (): void => this.read();

  constructor(readable: Readable) {
    this.#readable = readable;
    const action = `watch descriptor ${readable.fd}`;
    this.#flags = checked(libc().fcntl(readable.fd, F_GETFL, 0), action) | O_NONBLOCK;
    checked(libc().fcntl(readable.fd, F_SETOWN, process.pid), action);
    checked(libc().fcntl(readable.fd, F_SETFL, this.#flags | O_ASYNC), action);
  }

  /** Its reader may close it in the midst of a turn. */
  get isClosed(): boolean {
    return this.at === "closed";
  }

  /** One turn. */
  read(): void {
    const readable = this.#readable;
    for (let reads = 0; reads < READS_A_TURN && !this.isClosed; reads++) {
      const more = readable.readOnce();
      if (more === (this.at === "flooded")) {
        if (more) continue;
        readable.turnEnded();
        return;
      }
      if (this.isClosed) return;
      this.at = more ? "flooded" : "calm";
      libc().fcntl(readable.fd, F_SETFL, more ? this.#flags : this.#flags | O_ASYNC);
    }
    if (this.isClosed) return;
    readable.turnEnded();
    setImmediate(this.#readOn);
  }

  close(): void {
    if (this.at === "closed") return;
    this.at = "closed";
    libc().fcntl(this.#readable.fd, F_SETFL, this.#flags);
  }
}
