// Where a run of logcat ended, for the next one: which numbers of which streams have come. So the next run knows what is missing between the two, and what it
// has shown before. A text file, one line a stream:
//
//   logcat-cursor 1
//   HOST INCARNATION GROUP NEXT FLOOR HOLES        holes as "3-5,9-9", or "-"
import { Fault } from "../base/fault.ts";
import { HOLES_MAX, type Range, type StreamState } from "./gaps.ts";

const HEAD = "logcat-cursor 1";

/** The streams as the text of a cursor file. */
export function formatCursor(streams: Iterable<StreamState>): string {
  const lines = [HEAD];
  for (const { host, incarnation, group, next, floor, holes } of streams) {
    const ranges = holes.map(({ from, to }) => `${from}-${to}`).join(",") || "-";
    lines.push(`${host} ${incarnation} ${group} ${next} ${floor} ${ranges}`);
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Reads the text of a cursor file.
 * @throws {Fault} kind "data", code "cursor": the line that is none
 */
export function parseCursor(text: string): readonly StreamState[] {
  const lines = text.split("\n");
  if (lines[0] !== HEAD) throw wrong(1, lines[0] ?? "", JSON.stringify(HEAD));
  const streams: StreamState[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === "") continue;
    const stream = tryStream(line);
    if (stream === undefined) throw wrong(index + 1, line, "HOST INCARNATION GROUP NEXT FLOOR HOLES");
    streams.push(stream);
  }
  return streams;
}

function tryStream(line: string): StreamState | undefined {
  const [, host, incarnation, group, nextText, floorText, rangesText] =
    /^([!-~]{1,255}) ([0-9A-Za-z]{1,32}) ([!-~]{1,31}) (\d{1,16}) (\d{1,16}) (-|[\d,-]+)$/.exec(line) ?? [];
  if (host === undefined || incarnation === undefined || group === undefined) return undefined;
  const next = Number(nextText);
  const floor = Number(floorText);
  const holes = rangesText === "-" ? [] : rangesText!.split(",").map(rangeOf);
  // What follows holds of every tracker: a file that says otherwise was not written by one.
  let at = floor;
  for (const { from, to } of holes) {
    if (!(from >= at && to >= from)) return undefined;
    at = to + 1;
  }
  const fits =
    Number.isSafeInteger(next) && floor <= next && (holes.at(-1)?.to ?? -1) < next && holes.length <= HOLES_MAX;
  return fits ? { host, incarnation, group, next, floor, holes } : undefined;
}

/** NaN for both where it is none. */
function rangeOf(text: string): Range {
  const [, from, to] = /^(\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  return { from: Number(from), to: Number(to) };
}

function wrong(line: number, found: string, expected: string): Fault {
  return new Fault("data", "cursor", `line ${line}: found ${JSON.stringify(found.slice(0, 80))}, expected ${expected}`);
}
