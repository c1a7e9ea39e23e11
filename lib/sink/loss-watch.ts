// When it is told that a sink that fails loses records: how many is told at the end of an outage, but that may be days away.

/** Said again so often, while it goes on. */
const AGAIN_AFTER_MS = 3_600_000;

export class LossWatch {
  #toldMs = Number.NEGATIVE_INFINITY;

  /** A record was lost: whether that is to be told now. It counts as told then. @param nowMs of a monotonic clock */
  isDue(nowMs: number): boolean {
    if (nowMs - this.#toldMs < AGAIN_AFTER_MS) return false;
    this.#toldMs = nowMs;
    return true;
  }

  /** The outage has ended. */
  reset(): void {
    this.#toldMs = Number.NEGATIVE_INFINITY;
  }
}
