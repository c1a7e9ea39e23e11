// Where a large number of elapsed times lie, in bounded memory and without an object a value.
//
// Buckets are log-linear: below 64 ns each nanosecond has its own; above, every doubling is cut into 32 equal parts, so a bucket is never
// wider than 1/32 (3.1 %) of the values in it, up to 73 minutes. Percentiles give the upper edge of the bucket, never more than
// the largest value seen: an answer of "99 % took at most X" is true.

const PARTS_BITS = 5;
const PARTS = 1 << PARTS_BITS;
const EXACT = 2 * PARTS;
/** Doublings above the exact part: 64 ns x 2^36 is 73 minutes. */
const DOUBLINGS = 36;
const BUCKETS = EXACT + DOUBLINGS * PARTS;
const LARGEST = 2 ** (PARTS_BITS + 1 + DOUBLINGS) - 1;
/** Bitwise operators see 31 bits; larger values are first divided by 2^20, which loses nothing a bucket could tell. */
const WIDE_BITS = 20;

/** One bucket that has values: from `fromNs` to `toNs`, both included. */
export interface Bucket {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
}

/** A histogram as plain values, for another process or for JSON: [index, count] of each bucket that is not empty. */
export interface HistogramParts {
  readonly minNs: number;
  readonly maxNs: number;
  readonly sumNs: number;
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sumNs = 0;
  #minNs = Number.POSITIVE_INFINITY;
  #maxNs = 0;

  /** Adds one value; negative counts as 0, more than 73 minutes as that. */
  record(ns: number): void {
    const value = ns > 0 ? Math.min(ns, LARGEST) : 0;
    this.#counts[bucketOf(value)]! += 1;
    this.#count += 1;
    this.#sumNs += value;
    if (value < this.#minNs) this.#minNs = value;
    if (value > this.#maxNs) this.#maxNs = value;
  }

  get count(): number {
    return this.#count;
  }

  /** 0 where there is none. */
  get minNs(): number {
    return this.#count === 0 ? 0 : this.#minNs;
  }

  get maxNs(): number {
    return this.#maxNs;
  }

  get meanNs(): number {
    return this.#count === 0 ? 0 : this.#sumNs / this.#count;
  }

  /** The smallest bucket edge that at least `percent` of the values do not exceed (nearest rank); 0 where there is none. @param percent 0 to 100 */
  percentileNs(percent: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index]!;
      if (seen >= rank) return Math.max(this.#minNs, Math.min(this.#maxNs, edgesOf(index).toNs));
    }
    return this.#maxNs;
  }

  add(other: Histogram): void {
    this.addParts(other.parts());
  }

  /** Adds what another process counted. */
  addParts(parts: HistogramParts): void {
    for (const [index, count] of parts.buckets) {
      if (!(index >= 0 && index < BUCKETS)) continue;
      this.#counts[index]! += count;
      this.#count += count;
    }
    if (parts.buckets.length === 0) return;
    this.#sumNs += parts.sumNs;
    this.#minNs = Math.min(this.#minNs, parts.minNs);
    this.#maxNs = Math.max(this.#maxNs, parts.maxNs);
  }

  parts(): HistogramParts {
    const buckets: [number, number][] = [];
    for (let index = 0; index < BUCKETS; index++)
      if (this.#counts[index]! > 0) buckets.push([index, this.#counts[index]!]);
    return { minNs: this.minNs, maxNs: this.#maxNs, sumNs: this.#sumNs, buckets };
  }

  /** The buckets that are not empty, in order. */
  buckets(): readonly Bucket[] {
    return this.parts().buckets.map(([index, count]) => ({ ...edgesOf(index), count }));
  }
}

function bucketOf(ns: number): number {
  if (ns < EXACT) return ns | 0;
  const wide = ns >= 2 ** 31;
  const value = wide ? Math.floor(ns / 2 ** WIDE_BITS) : ns | 0;
  const top = 31 - Math.clz32(value);
  const part = (value >>> (top - PARTS_BITS)) - PARTS;
  return EXACT + (top + (wide ? WIDE_BITS : 0) - PARTS_BITS - 1) * PARTS + part;
}

function edgesOf(index: number): { readonly fromNs: number; readonly toNs: number } {
  if (index < EXACT) return { fromNs: index, toNs: index };
  const doubling = Math.floor((index - EXACT) / PARTS);
  const width = 2 ** (doubling + 1);
  const fromNs = (PARTS + ((index - EXACT) % PARTS)) * width;
  return { fromNs, toNs: fromNs + width - 1 };
}
