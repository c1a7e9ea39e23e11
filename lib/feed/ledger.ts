// Who reads groups proves here that nothing is missing. Every sender numbers the records of a group consecutively, so what has come is a set of numbers, and
// nearly always the set of all numbers up to the last: one number and a few gaps say it all.
//
// A gap is a fact, not a guess: those records were accepted by their sender and have not come here. It may close later, when the sender sends again what a
// lost connection may have swallowed; what it sends twice is told apart by its numbers. The first batch of a sender's life that we see is where we came in:
// what was before it is not missing.

/** Gaps kept open a stream; with more, the oldest stays missing for good, and what would have filled it counts as repeated. */
const GAPS_MAX = 64;
/** Streams that are remembered; the one that was silent for the longest is forgotten first. */
const STREAMS_MAX = 10_000;

/** What one batch meant. */
export interface Entry {
  /** Records that turned out to be missing by this batch. */
  readonly missing: number;
  /** Records in this batch that had come before: to be left out, see `isRepeated`. */
  readonly repeated: number;
  /** Records in this batch that had been missing. */
  readonly late: number;
}

/** The sum over all streams. */
export interface Totals {
  readonly received: number;
  /** Still missing: what came late is taken off. */
  readonly missing: number;
  readonly repeated: number;
  readonly late: number;
}

interface Gap {
  from: number;
  /** The first number behind it. */
  to: number;
}

interface Stream {
  /** The lowest number that has not come, but for the gaps. */
  next: number;
  /** In ascending order. */
  readonly gaps: Gap[];
}

const NOTHING: Entry = { missing: 0, repeated: 0, late: 0 };

/** Counts records by (host, incarnation, group). */
export class Ledger {
  readonly #streams = new Map<string, Stream>();
  readonly #repeated: Gap[] = [];
  #received = 0;
  #missing = 0;
  #repeatedTotal = 0;
  #late = 0;

  /** Enters a batch of `count` records from number `first` on. */
  enter(host: string, incarnation: string, group: string, first: number, count: number): Entry {
    const key = `${host} ${incarnation} ${group}`; // none of the three holds a space
    this.#repeated.length = 0;
    const stream = this.#streams.get(key) ?? { next: first, gaps: [] };
    this.#streams.delete(key); // to the end of the map's order: it is not silent
    this.#streams.set(key, stream);
    if (this.#streams.size > STREAMS_MAX) this.#forgetOldest();
    if (stream.next !== first) return this.#enterOutOfTurn(stream, first, count);
    stream.next += count;
    this.#received += count;
    return NOTHING;
  }

  /** Whether number `number` of the batch that was entered last had come before. */
  isRepeated(number: number): boolean {
    return this.#repeated.some((range) => number >= range.from && number < range.to);
  }

  get totals(): Totals {
    return { received: this.#received, missing: this.#missing, repeated: this.#repeatedTotal, late: this.#late };
  }

  /** How many streams are remembered. */
  get streams(): number {
    return this.#streams.size;
  }

  /** How many gaps are open. */
  get gaps(): number {
    let open = 0;
    for (const stream of this.#streams.values()) open += stream.gaps.length;
    return open;
  }

  #enterOutOfTurn(stream: Stream, first: number, count: number): Entry {
    const end = first + count;
    const missing = Math.max(0, first - stream.next);
    if (missing > 0) openGap(stream, first);
    let fresh = Math.max(0, end - Math.max(first, stream.next));
    const late = this.#fillGaps(stream, first, Math.min(end, stream.next));
    stream.next = Math.max(stream.next, end);
    fresh += late;
    const repeated = count - fresh;
    this.#received += fresh;
    this.#missing += missing - late;
    this.#repeatedTotal += repeated;
    this.#late += late;
    return { missing, repeated, late };
  }

  /** Takes [from, to), all below `next`, out of the gaps; what is in no gap is repeated. Returns how many records filled a gap. */
  #fillGaps(stream: Stream, from: number, to: number): number {
    let late = 0;
    let at = from;
    for (let index = 0; index < stream.gaps.length && at < to; index++) {
      const gap = stream.gaps[index]!;
      const begin = Math.max(gap.from, at);
      const end = Math.min(gap.to, to);
      if (begin >= end) continue;
      if (begin > at) this.#repeated.push({ from: at, to: begin });
      at = end;
      late += end - begin;
      const rest: Gap[] = [];
      if (gap.from < begin) rest.push({ from: gap.from, to: begin });
      if (end < gap.to) rest.push({ from: end, to: gap.to });
      stream.gaps.splice(index, 1, ...rest);
      index += rest.length - 1;
    }
    if (at < to) this.#repeated.push({ from: at, to });
    while (stream.gaps.length > GAPS_MAX) stream.gaps.shift();
    return late;
  }

  #forgetOldest(): void {
    for (const oldest of this.#streams.keys()) {
      this.#streams.delete(oldest);
      return;
    }
  }
}

function openGap(stream: Stream, first: number): void {
  stream.gaps.push({ from: stream.next, to: first });
  stream.next = first;
  if (stream.gaps.length > GAPS_MAX) stream.gaps.shift();
}
