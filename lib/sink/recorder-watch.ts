// Whether enough recorders acknowledge: that too few do is no failure of a sink, but its records pile up, and somebody should know.

/** What there is to tell of acknowledgements. */
export interface AckStanding {
  /** How many hosts have to commit a record. */
  readonly wanted: number;
  /** The hosts whose recorders are there. */
  readonly hosts: readonly string[];
}

/** Records that wait so long for too few recorders are worth a word. */
const TOO_FEW_MS = 10_000;

export class RecorderWatch {
  #tooFewSinceMs: number | undefined;
  #isTold = false;

  /** What is to be told now; each once. To be asked while there is a daemon: that there is none is told already. */
  look({ wanted, hosts }: AckStanding, waiting: number, nowMs: number): "unacknowledged" | "acknowledged" | undefined {
    const isEnough = hosts.length >= wanted;
    if (isEnough || waiting === 0) this.#tooFewSinceMs = undefined;
    else this.#tooFewSinceMs ??= nowMs;
    if (isEnough && this.#isTold) {
      this.#isTold = false;
      return "acknowledged";
    }
    if (this.#isTold || this.#tooFewSinceMs === undefined || nowMs - this.#tooFewSinceMs < TOO_FEW_MS) return undefined;
    this.#isTold = true;
    return "unacknowledged";
  }
}
