// Who is turned away is counted, and told without a flood: the first at once, then once a minute how many there were since.

const TELL_EVERY_MS = 60_000;

export class Refusals {
  /** All of them. */
  count = 0;
  #told = 0;
  #lastTold = Number.NEGATIVE_INFINITY;
  #lastLine = "";

  /** Counts one, and gives the line for the operator if it is time for one. @param line who, and why */
  add(line: string, nowMs: number): string | undefined {
    this.count += 1;
    this.#lastLine = line;
    return this.pending(nowMs);
  }

  /** The line for those that were not told yet, if it is time for one. Asked now and then, so that the last of them are told too. */
  pending(nowMs: number): string | undefined {
    const untold = this.count - this.#told;
    if (untold === 0 || nowMs - this.#lastTold < TELL_EVERY_MS) return undefined;
    this.#lastTold = nowMs;
    this.#told = this.count;
    return untold === 1 ? this.#lastLine : `${this.#lastLine}; ${untold} in all since this was last told`;
  }
}
