// A daemon that no longer answers: cable pulled, host frozen, process stopped. TCP alone would take from minutes to hours to say so, and
// the protocol has no heartbeat. So when nothing came for a quarter of the bound, the session sends a message to itself; a daemon that
// lives brings it back. Three quarters without a byte, and it is taken for dead: noticed within the bound, since looks are a quarter apart.
//
// Time in which we ourselves did not run (a stopped process, a starved host) is not held against the daemon: what it sent meanwhile lies
// in the socket, unread.
import type { MonotonicMs } from "../base/brand.ts";

/** What is due at a look. */
export type LivenessStep = "nothing" | "ping" | "dead";

export class Liveness {
  #heardMs: number;
  #lookedMs: number;
  #pinged = false;

  /** @param silenceMs within which a silent daemon is noticed */
  constructor(
    readonly silenceMs: number,
    now: MonotonicMs,
  ) {
    this.#heardMs = now;
    this.#lookedMs = now;
  }

  /** How far looks are to be apart. */
  get lookEveryMs(): number {
    return this.silenceMs / 4;
  }

  /** Something came. */
  heard(now: MonotonicMs): void {
    this.#heardMs = now;
    this.#pinged = false;
  }

  /** @param listening `false` while nothing is read from the socket: then silence is our own */
  look(now: MonotonicMs, listening: boolean): LivenessStep {
    const lateMs = now - this.#lookedMs - this.lookEveryMs;
    this.#lookedMs = now;
    if (!listening) this.heard(now);
    else if (lateMs > this.lookEveryMs) this.#heardMs += lateMs;
    const silentMs = now - this.#heardMs;
    if (this.#pinged && silentMs > 3 * this.lookEveryMs - GRACE_MS) return "dead";
    if (this.#pinged || silentMs < this.lookEveryMs - GRACE_MS) return "nothing";
    this.#pinged = true;
    return "ping";
  }
}

/** Timers go off a little early or late: a look that was due is not put off by a whole period for it. */
const GRACE_MS = 2;
