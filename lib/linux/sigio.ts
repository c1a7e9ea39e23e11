// How sockets that Bun does not know wake the event loop: the kernel sends SIGIO when one of them becomes readable.
//
// A signal says that something came, not where, and many make one: so on a signal every watched descriptor is read. A lone message costs one read, and
// O_ASYNC stays on: what comes after the read raises the next signal. A signal a message would cost more than the message where many come; so when they
// come close together O_ASYNC goes off, and the descriptor is read at intervals that let its queue fill half, of PACE_MS at most, or in every turn of the event
// loop when it can't wait that long. When an interval brings nothing, O_ASYNC goes on again, and it is read once more, because what came in between
// raised no signal. A turn has a bounded number of reads: timers and other sockets get theirs.
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
/** The longest that a message waits while others come too. */
const PACE_MS = 5;
/** So long after a turn that could not read all, only the shortest pause is made: whoever floods us waits for us. */
const FLOOD_MS = 20;
/** No timer is shorter. */
const TIMER_MS = 1;
/** Should a signal ever be lost, this is how long its messages wait. It was not needed in any test. */
const INSURANCE_MS = 1_000;

/** Something to read when there is something to read. Its functions must not throw: there is nobody to catch it. */
export interface Readable {
  readonly fd: number;
  /** Reads once, without blocking, and returns how many messages that gave: fewer than `readMax` only if the descriptor was seen empty. */
  readOnce(): number;
  readonly readMax: number;
  /** Messages that its queue holds before senders have to wait, or are not heard. */
  readonly queueMax: number;
  /** It is not to be read now: it is asked again soon. Left out by what never waits. */
  readonly isHeld?: boolean;
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
  /** busy: O_ASYNC is off, and the next turn is scheduled. */
  at: "calm" | "busy" | "closed" = "calm";
  readonly #readable: Readable;
  readonly #flags: number;
  readonly #readOn = (): void => this.read();
  #lastTurnMs = Number.NEGATIVE_INFINITY;
  #floodUntilMs = Number.NEGATIVE_INFINITY;

  constructor(readable: Readable) {
    this.#readable = readable;
    const action = `watch descriptor ${readable.fd}`;
    this.#flags = checked(libc().fcntl(readable.fd, F_GETFL, 0), action) | O_NONBLOCK;
    checked(libc().fcntl(readable.fd, F_SETOWN, process.pid), action);
    checked(libc().fcntl(readable.fd, F_SETFL, this.#flags | O_ASYNC), action);
  }

  /** Its reader may close it in the midst of a turn. */
  get #isClosed(): boolean {
    return this.at === "closed";
  }

  /** One turn. */
  read(): void {
    if (this.#isClosed) return; // it was to be read again, and was closed meanwhile
    const readable = this.#readable;
    let found = 0;
    let isEmpty = false;
    for (let reads = 0; reads < READS_A_TURN && !isEmpty; reads++) {
      if (readable.isHeld === true) break;
      const count = readable.readOnce();
      if (this.#isClosed) return;
      found += count;
      isEmpty = count < readable.readMax;
    }
    if (found > 0) readable.turnEnded();
    if (this.#isClosed) return;
    const nowMs = performance.now();
    const sinceMs = nowMs - this.#lastTurnMs;
    this.#lastTurnMs = nowMs;
    if (readable.isHeld === true) {
      this.#goOn(TIMER_MS);
    } else if (!isEmpty) {
      this.#floodUntilMs = nowMs + FLOOD_MS;
      this.#goOn(0);
    } else if (found > 0 && (this.at === "busy" || sinceMs < PACE_MS)) {
      this.#goOn(this.#pauseMs(found, sinceMs, nowMs < this.#floodUntilMs ? TIMER_MS : PACE_MS));
    } else if (this.at === "busy") this.#calmDown();
  }

  close(): void {
    if (this.at === "closed") return;
    this.at = "closed";
    libc().fcntl(this.#readable.fd, F_SETFL, this.#flags);
  }

  /** How long it takes, at the rate of this turn, until the queue is half full; at most `mostMs`. */
  #pauseMs(found: number, sinceMs: number, mostMs: number): number {
    return Math.min(mostMs, (this.#readable.queueMax / 2 / found) * sinceMs);
  }

  #goOn(pauseMs: number): void {
    if (this.at === "calm") libc().fcntl(this.#readable.fd, F_SETFL, this.#flags);
    this.at = "busy";
    if (pauseMs < TIMER_MS) setImmediate(this.#readOn);
    else setTimeout(this.#readOn, pauseMs);
  }

  #calmDown(): void {
    this.at = "calm";
    libc().fcntl(this.#readable.fd, F_SETFL, this.#flags | O_ASYNC);
    this.read(); // what came in between raised no signal
  }
}
