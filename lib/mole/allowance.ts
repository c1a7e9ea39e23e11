// By which `silence` and `lease` a host may hold. Others wait for it by the longest that it has told them; so a longer time, from a reload, is used only when its word of it has come
// back, and a network view that came just after would have come meanwhile: else who did not hear it may wait by the shorter one, for a host that hangs with the longer one in its kernel.
// A shorter one is used at once.
import type { Facts } from "./message.ts";
import type { Pulse } from "./pulse.ts";
import type { Bounds, Times } from "./times.ts";

export class Allowance {
  #inUse: Bounds;
  /** Since when all of what is wished for has been told. */
  #toldMs: number | undefined;

  /** @param times told in each state of the session before anything is held in it */
  constructor({ silenceMs, leaseMs }: Times) {
    this.#inUse = { silenceMs, leaseMs };
  }

  get inUse(): Bounds {
    return this.#inUse;
  }

  /** @param told this host's facts as they were delivered last, if they were */
  look({ silenceMs, leaseMs }: Times, told: Facts | undefined, pulse: Pulse, nowMs: number): void {
    const { silenceMs: silenceBefore, leaseMs: leaseBefore } = this.#inUse;
    const isTold = told?.silenceMs === silenceMs && told.leaseMs === leaseMs;
    this.#toldMs = isTold ? (this.#toldMs ?? nowMs) : undefined;
    const isKnown = this.#toldMs !== undefined && pulse.missingMs(this.#toldMs, nowMs) >= silenceBefore;
    this.#inUse = isKnown
      ? { silenceMs, leaseMs }
      : { silenceMs: Math.min(silenceMs, silenceBefore), leaseMs: Math.min(leaseMs, leaseBefore) };
  }
}
