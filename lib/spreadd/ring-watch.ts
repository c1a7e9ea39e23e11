// What has taken too long, of all that a daemon waits for.
//
// Nothing waits without a bound. Our own messages come back within `silenceMs`, or the group service counts as dead (`outside`); when they come later all the
// same, `resync` has everybody exchange states again. A daemon that owes an acknowledgement for as long, or its state (ring-patience.ts), is expelled, by a message too. So that each
// owes one from time to time, somebody calls twice within `silenceMs` (ring-view.ts): one that is stopped, or whose messages do not get through, is noticed
// whatever is sent. A daemon that was stopped itself judges nobody by what it did not hear meanwhile ("paused"); and who has answered before his expulsion
// is delivered, stays.
import type { MonotonicMs } from "../base/brand.ts";
import type { RingExchange } from "./ring-exchange.ts";
import { isSame, type Seat, type Tag } from "./ring-message.ts";
import { RingPatience } from "./ring-patience.ts";
import type { RingSender } from "./ring-sender.ts";
import type { RingView } from "./ring-view.ts";

/** `look` is to be called so many times within `silenceMs`. */
export const CHECKS = 5;

/** What it looks at. */
export interface Waits {
  readonly self: Seat;
  readonly sender: Pick<RingSender, "onTheWay" | "heardAt">;
  readonly view: RingView | undefined;
  readonly exchange: RingExchange | undefined;
}

export type Overdue =
  /** It was we who did not get to run: all begins anew. */
  | { readonly is: "we" }
  /** The group service: what we sent has not come back. */
  | { readonly is: "the group" }
  /** These, and it is on us to say so. */
  | { readonly is: "others"; readonly tag: Tag; readonly owing: readonly Seat[] }
  /** Nothing; of an exchange it is to be looked again in `inMs`, which may be before the next regular look. */
  | { readonly is: "nothing"; readonly inMs?: number };

export class RingWatch {
  #lookedAt: MonotonicMs;
  readonly #patience: RingPatience;

  constructor(
    private readonly silenceMs: number,
    now: MonotonicMs,
  ) {
    this.#lookedAt = now;
    this.#patience = new RingPatience(silenceMs);
  }

  /** Somebody was expelled from an exchange. */
  expelled(now: MonotonicMs): void {
    this.#patience.expelled(now);
  }

  /** How long nothing may come of the exchange, in milliseconds. */
  patienceWith(exchange: RingExchange, view: RingView | undefined, self: Seat, now: MonotonicMs): number {
    const known = view?.hosts.map(({ seat }) => seat) ?? [];
    return this.#patience.withThe(exchange, known, self, now);
  }

  /** @param waits `undefined`: we wait for nothing, as we are in no group */
  look(waits: Waits | undefined, now: MonotonicMs): Overdue {
    const { silenceMs } = this;
    const isPaused = now - this.#lookedAt > (2 * silenceMs) / CHECKS;
    this.#lookedAt = now;
    if (waits === undefined) return { is: "nothing" };
    if (isPaused) return { is: "we" };
    const { sender, exchange } = waits;
    if (sender.onTheWay > 0 && now - sender.heardAt > silenceMs) return { is: "the group" };
    return exchange === undefined ? this.#lookAtView(waits, now) : this.#lookAtExchange(exchange, waits, now);
  }

  /** Whoever owes its state: the first whose own has come has it expelled. */
  #lookAtExchange(exchange: RingExchange, { view, self }: Waits, now: MonotonicMs): Overdue {
    const inMs = exchange.since + this.patienceWith(exchange, view, self, now) - now;
    if (inMs > 0) return { is: "nothing", inMs };
    exchange.since = now;
    const { tag, first, owing } = exchange;
    return first !== undefined && isSame(first, self) ? { is: "others", tag, owing } : { is: "nothing" };
  }

  /** Whoever owes an acknowledgement: the first of us that does not has it expelled. */
  #lookAtView({ view }: Waits, now: MonotonicMs): Overdue {
    if (view === undefined) return { is: "nothing" };
    const owing = view.owing((now - this.silenceMs) as MonotonicMs);
    const first = view.hosts.find((host) => !owing.includes(host) && !host.isLost);
    if (owing.length === 0 || first !== view.own) return { is: "nothing" };
    view.waitAnew(now);
    return { is: "others", tag: view.tag, owing: owing.map(({ seat }) => seat) };
  }
}
