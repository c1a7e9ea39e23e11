import type { MonotonicMs } from "../base/brand.ts";

/** Lines that any client can make the daemon say: so many in a stretch of time, and then how many were left out, before the next one. */
export class TalkLimit {
  #since: MonotonicMs;
  #said = 0;
  #leftOut = 0;

  /** @param linesMax in each stretch of `stretchMs` */
  constructor(
    readonly linesMax: number,
    readonly stretchMs: number,
    now: MonotonicMs,
  ) {
    this.#since = now;
  }

  /** What to say: nothing, or the line, below a line on those that were left out. */
  say(line: string, now: MonotonicMs): string[] {
    const told: string[] = [];
    if (now - this.#since >= this.stretchMs) {
      told.push(...this.rest());
      this.#since = now;
      this.#said = 0;
    }
    if (this.#said < this.linesMax) {
      this.#said += 1;
      told.push(line);
    } else this.#leftOut += 1;
    return told;
  }

  /** The line on what was left out, if anything was. */
  rest(): string[] {
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut === 0 ? [] : [`${leftOut} more lines on clients that were refused or closed`];
  }
}
