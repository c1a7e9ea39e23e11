// How long a daemon that owes its state in an exchange is waited for. All others stand still meanwhile, and who lives by messages that come back, as mole does, gives up what it holds: one daemon
// that is stopped must not cost a group everything in the moment in which another host is gone. So whoever was in the last view has to answer soon. That is a guess, on a busy machine a
// wrong one now and then: who was thrown out by it comes back at once, and for a while all have time again, so that a guess is never made over and over.
import type { MonotonicMs } from "../base/brand.ts";
import { keyOf, type RingExchange } from "./ring-exchange.ts";
import { isSame, type Seat } from "./ring-message.ts";

/** A daemon answers within some 10 ms; mole's silence leaves 370 at least beside a ring change (`cluster/profile.ts`). */
const LEAST_MS = 150;
/** Of `silence`, which is long where the network is: then answers take longer too. 200 ms of the usual 2 s. */
const PART = 1 / 10;
/** After an expulsion all have time for so many times `silence`. */
const CALM = 15;

export class RingPatience {
  #lastExpulsion: MonotonicMs | undefined;

  constructor(private readonly silenceMs: number) {}

  /** Somebody was expelled from an exchange. */
  expelled(now: MonotonicMs): void {
    this.#lastExpulsion = now;
  }

  /**
   * How long nothing may come of the exchange before those who owe are expelled, in milliseconds.
   * @param known who was in the last view
   */
  withThe(exchange: RingExchange, known: readonly Seat[], self: Seat, now: MonotonicMs): number {
    const isCalm = this.#lastExpulsion === undefined || now - this.#lastExpulsion > CALM * this.silenceMs;
    const { owing, size } = exchange;
    const names = new Set(known.map(keyOf));
    const areFew = 2 * owing.length < size && !owing.some((seat) => isSame(seat, self));
    if (!isCalm || !areFew || !owing.every((seat) => names.has(keyOf(seat)))) return this.silenceMs;
    return Math.min(this.silenceMs, Math.max(LEAST_MS, PART * this.silenceMs));
  }
}
