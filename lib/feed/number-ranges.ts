// A set of record numbers, kept as ranges: nearly always one, or a few with holes between them. Whoever sends can make holes: hence the bound, which the owner chooses
// what to do about.

/** Numbers from `from` to `to`, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export class NumberRanges {
  /** Ascending, apart from each other by at least one number. */
  readonly #ranges: NumberRange[] = [];
  #size = 0;

  /** @param ranges in any order; they may overlap */
  constructor(ranges: Iterable<NumberRange> = []) {
    for (const { from, to } of ranges) this.add(from, to);
  }

  /** How many numbers are in it. */
  get size(): number {
    return this.#size;
  }

  /** Ascending, apart from each other. Good until the next change. */
  get ranges(): readonly NumberRange[] {
    return this.#ranges;
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#firstEndingAt(number)];
    return range !== undefined && range.from <= number;
  }

  /** Adds `from` to `to`. Returns how many of them are new. */
  add(from: number, to: number): number {
    if (to < from) return 0;
    const ranges = this.#ranges;
    const last = ranges.at(-1);
    if (last !== undefined && from === last.to + 1) {
      ranges[ranges.length - 1] = { from: last.from, to };
      this.#size += to - from + 1;
      return to - from + 1;
    }
    const first = this.#firstEndingAt(from - 1); // one that ends right before joins
    let end = first;
    let joined = 0;
    let low = from;
    let high = to;
    for (; end < ranges.length && ranges[end]!.from <= to + 1; end++) {
      const range = ranges[end]!;
      joined += range.to - range.from + 1;
      low = Math.min(low, range.from);
      high = Math.max(high, range.to);
    }
    ranges.splice(first, end - first, { from: low, to: high });
    const added = high - low + 1 - joined;
    this.#size += added;
    return added;
  }

  /** Takes `from` to `to` out. Returns how many of them were in it. */
  remove(from: number, to: number): number {
    const before = this.#size;
    const ranges = this.#ranges;
    const first = this.#firstEndingAt(from);
    let end = first;
    const rest: NumberRange[] = [];
    for (; end < ranges.length && ranges[end]!.from <= to; end++) {
      const range = ranges[end]!;
      if (range.from < from) rest.push({ from: range.from, to: from - 1 });
      if (range.to > to) rest.push({ from: to + 1, to: range.to });
      this.#size -= Math.min(range.to, to) - Math.max(range.from, from) + 1;
    }
    if (end > first) ranges.splice(first, end - first, ...rest);
    return before - this.#size;
  }

  /** What of `from` to `to` is in it, ascending. */
  within(from: number, to: number): NumberRange[] {
    const found: NumberRange[] = [];
    for (let at = this.#firstEndingAt(from); at < this.#ranges.length && this.#ranges[at]!.from <= to; at++) {
      const range = this.#ranges[at]!;
      found.push({ from: Math.max(range.from, from), to: Math.min(range.to, to) });
    }
    return found;
  }

  /** What of `from` to `to` is not in it, ascending. */
  missing(from: number, to: number): NumberRange[] {
    const found: NumberRange[] = [];
    let at = from;
    for (const range of this.within(from, to)) {
      if (range.from > at) found.push({ from: at, to: range.from - 1 });
      at = range.to + 1;
    }
    if (at <= to) found.push({ from: at, to });
    return found;
  }

  /** Forgets the lowest ranges, until no more than `rangesMax` are left. Returns how many numbers that were. */
  keepHighest(rangesMax: number): number {
    const surplus = this.#ranges.length - rangesMax;
    if (surplus <= 0) return 0;
    let numbers = 0;
    for (const { from, to } of this.#ranges.splice(0, surplus)) numbers += to - from + 1;
    this.#size -= numbers;
    return numbers;
  }

  /** Forgets the highest ranges, until no more than `rangesMax` are left. */
  keepLowest(rangesMax: number): void {
    for (const { from, to } of this.#ranges.splice(rangesMax)) this.#size -= to - from + 1;
  }

  /** Where the first range lies that ends at `number` or behind it. */
  #firstEndingAt(number: number): number {
    const ranges = this.#ranges;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.to < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const RANGE = /^([1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/;

/** "1-500,502", "-" for none. */
export function formatRanges(ranges: readonly NumberRange[]): string {
  if (ranges.length === 0) return "-";
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/** Reads what `formatRanges` writes: ascending, apart, of safe integers from 1 on; `undefined` where it is not that, or more than `rangesMax`. */
export function tryRanges(text: string, rangesMax: number): NumberRange[] | undefined {
  if (text === "-") return [];
  const parts = text.split(",", rangesMax + 1);
  if (parts.length > rangesMax) return undefined;
  const ranges: NumberRange[] = [];
  let before = -1;
  for (const part of parts) {
    const found = RANGE.exec(part);
    if (found === null) return undefined;
    const from = Number(found[1]);
    const to = Number(found[2] ?? found[1]);
    if (from <= before + 1 || to < from || !Number.isSafeInteger(to)) return undefined;
    ranges.push({ from, to });
    before = to;
  }
  return ranges;
}
