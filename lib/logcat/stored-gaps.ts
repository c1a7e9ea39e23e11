// What is missing in an archive, told where it is gone through.
//
// Numbers alone don't tell: a recorder may have been asked for some records only. Its marks do, for they say what it received: a hole is what lies between two ranges of
// a stream's marks. Those of the segment that is read know most of its time; what came after all, on a later day, is in those of the newest one.
import type { StreamMarks } from "../feed/marks.ts";
import { type NumberRange, NumberRanges } from "../feed/number-ranges.ts";

/** A run of records of one stream, consecutively numbered; none of the names holds a space. */
export interface Run {
  readonly host: string;
  readonly incarnation: string;
  readonly group: string;
  readonly first: number;
  readonly count: number;
}

export class StoredGaps {
  /** What has come by now. */
  readonly #newest: ReadonlyMap<string, NumberRanges>;
  #segment = "";
  #ofSegment: ReadonlyMap<string, NumberRanges> = new Map();
  /** Of each stream: what comes behind all that was gone through. */
  readonly #next = new Map<string, number>();

  /** @param newest the marks of the archive's newest segment @param marksOf those of another */
  constructor(
    newest: Iterable<StreamMarks>,
    private readonly marksOf: (segment: string) => Iterable<StreamMarks>,
  ) {
    this.#newest = byStream(newest);
  }

  /** These records are gone through, of that segment. @returns what is missing between them and those of their stream before, ascending */
  pass(segment: string, { host, incarnation, group, first, count }: Run): readonly NumberRange[] {
    const key = keyOf(host, incarnation, group);
    const next = this.#next.get(key);
    this.#next.set(key, Math.max(next ?? 0, first + count));
    if (next === undefined || first <= next) return [];
    if (segment !== this.#segment) {
      this.#segment = segment;
      this.#ofSegment = byStream(this.marksOf(segment));
    }
    const ofSegment = this.#ofSegment.get(key);
    const [lowest] = ofSegment?.ranges ?? [];
    if (ofSegment === undefined || lowest === undefined) return [];
    // Below the lowest range a recorder remembers nothing. The newest marks may remember less than those of the day.
    const holes = ofSegment.missing(Math.max(next, lowest.from), first - 1);
    const newest = this.#newest.get(key);
    const floor = newest?.ranges[0]?.from ?? Number.POSITIVE_INFINITY;
    return holes.flatMap((hole) => (hole.to < floor ? [hole] : newest!.missing(hole.from, hole.to)));
  }
}

function byStream(marks: Iterable<StreamMarks>): ReadonlyMap<string, NumberRanges> {
  const all = new Map<string, NumberRanges>();
  for (const { host, incarnation, group, ranges } of marks)
    all.set(keyOf(host, incarnation, group), new NumberRanges(ranges));
  return all;
}

function keyOf(host: string, incarnation: string, group: string): string {
  return `${host} ${incarnation} ${group}`;
}
