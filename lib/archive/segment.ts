// The segments of an archive: a database for each day, or several where one grows large. Names sort by age:
//
//   20261126.db          of that day, UTC
//   20261126-001.db      begun on the same day, when the one before had grown large
//   20261126.db.damaged  set aside: it could not be read
import { CivilDate, DAY_US } from "../syslog/civil-date.ts";

const NAME = /^(\d{8})(?:-(\d{3}))?\.db$/;

export interface Retention {
  /** Segments whose records all came longer ago are removed; Infinity: none is. */
  readonly ageMaxMs: number;
  /** The oldest are removed when all of them take more; Infinity: none is. */
  readonly bytesMax: number;
}

/** A segment on the disk. */
export interface Segment {
  readonly name: string;
  readonly bytes: number;
  /** When it was written last: milliseconds since 1970. */
  readonly writtenMs: number;
}

export function isSegmentName(name: string): boolean {
  return NAME.test(name);
}

/** The day of a time, as in names: "20261126". */
export function dayOf(wallMs: number): string {
  const date = new CivilDate();
  date.setDays(Math.floor((wallMs * 1_000) / DAY_US));
  const two = (value: number) => `${value}`.padStart(2, "0");
  return `${`${date.year}`.padStart(4, "0")}${two(date.month)}${two(date.day)}`;
}

/** The day that a segment was begun on. */
export function dayOfSegment(name: string): string {
  return NAME.exec(name)?.[1] ?? "";
}

/** A name for the next segment, behind all of `names`: whatever the clock says, time goes on from there. */
export function nextSegmentName(day: string, names: readonly string[]): string {
  const last = names.filter(isSegmentName).sort(bySegmentAge).at(-1);
  if (last === undefined || dayOfSegment(last) < day) return `${day}.db`;
  const [, lastDay = day, turn = "0"] = NAME.exec(last) ?? [];
  return `${lastDay}-${`${Number(turn) + 1}`.padStart(3, "0")}.db`;
}

/** The oldest first. */
export function bySegmentAge(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => name.replace(/\.db$/, ""));
  return first! < second! ? -1 : first! > second! ? 1 : 0;
}

/** Which segments are to be removed. @param current is written at the moment, and stays */
export function outdated(
  { ageMaxMs, bytesMax }: Retention,
  segments: readonly Segment[],
  current: string,
  nowMs: number,
): readonly string[] {
  const gone: string[] = [];
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  for (const segment of [...segments].sort((a, b) => bySegmentAge(a.name, b.name))) {
    if (segment.name === current) continue;
    if (nowMs - segment.writtenMs <= ageMaxMs && bytes <= bytesMax) continue;
    gone.push(segment.name);
    bytes -= segment.bytes;
  }
  return gone;
}

/** A segment of this size is followed by another: what is removed for want of room is then a part of the whole, be it one day's. */
export function segmentBytesMax({ bytesMax }: Retention): number {
  return Math.min(4 * 2 ** 30, Math.max(16 * 2 ** 20, bytesMax / 10));
}
