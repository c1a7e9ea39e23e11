// How many records were told to have arrived a moment ago. The other side's kernel had them; when the connection breaks, nobody knows whether more than that did.

const SLOTS = 8;

/** Counts within a sliding window of `windowMs`, to an eighth of it. */
export class RecentTally {
  readonly #counts = new Float64Array(SLOTS);
  readonly #slotMs: number;
  #slot = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  add(nowMs: number, records: number): void {
    this.#advance(nowMs);
    this.#counts[this.#slot % SLOTS]! += records;
  }

  /** What was added within the window, and forgets it. */
  take(nowMs: number): number {
    this.#advance(nowMs);
    const sum = this.#counts.reduce((total, count) => total + count, 0);
    this.#counts.fill(0);
    return sum;
  }

  #advance(nowMs: number): void {
    const slot = Math.max(0, Math.floor(nowMs / this.#slotMs));
    if (slot - this.#slot >= SLOTS) this.#counts.fill(0);
    else for (let one = this.#slot + 1; one <= slot; one++) this.#counts[one % SLOTS] = 0;
    this.#slot = Math.max(slot, this.#slot);
  }
}
