// The marks of a recorder as the text of a file, one line a stream:
//
//   logcat-marks 1 open|closed                    closed: the run that wrote it ended in order, and has written nothing since
//   HOST INCARNATION GROUP SENDER RANGES          ranges as "1-500,502"
import { Fault } from "../base/fault.ts";
import { isBatchHost, isIncarnation } from "../feed/batch-writer.ts";
import { RANGES_MAX, type StreamMarks } from "../feed/marks.ts";
import { formatRanges, tryRanges } from "../feed/number-ranges.ts";
import { isGroupName, isPrivateGroup } from "../spread/names.ts";
import { HOLES_MAX, type StreamState } from "./gaps.ts";

export interface MarksFile {
  readonly streams: readonly StreamMarks[];
  /** The run that wrote it ended in order. */
  readonly isClosed: boolean;
}

export function formatMarks({ streams, isClosed }: { streams: Iterable<StreamMarks>; isClosed: boolean }): string {
  const lines = [`logcat-marks 1 ${isClosed ? "closed" : "open"}`];
  for (const { host, incarnation, group, sender, ranges } of streams)
    lines.push(`${host} ${incarnation} ${group} ${sender} ${formatRanges(ranges)}`);
  return `${lines.join("\n")}\n`;
}

/** @throws {Fault} kind "data", code "marks": the line that is none */
export function parseMarks(text: string): MarksFile {
  const [head = "", ...lines] = text.split("\n");
  const state = /^logcat-marks 1 (open|closed)$/.exec(head)?.[1];
  if (state === undefined) throw wrong(1, head, '"logcat-marks 1 open" or "logcat-marks 1 closed"');
  const streams: StreamMarks[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    const [host = "", incarnation = "", group = "", sender = "", numbers = "", ...more] = line.split(" ");
    const ranges = tryRanges(numbers, RANGES_MAX);
    const isWhole = isBatchHost(host) && isIncarnation(incarnation) && isGroupName(group) && isPrivateGroup(sender);
    if (!isWhole || ranges === undefined || more.length > 0)
      throw wrong(index + 2, line, "HOST INCARNATION GROUP SENDER RANGES");
    streams.push({ host, incarnation, group, sender, ranges });
  }
  return { streams, isClosed: state === "closed" };
}

/** The same for who watches for gaps: what is not in the ranges between the first and the last is a hole. */
export function streamState({ host, incarnation, group, ranges }: StreamMarks): StreamState | undefined {
  const known = ranges.slice(-HOLES_MAX - 1);
  const first = known[0];
  const last = known.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const holes = known.slice(1).map(({ from }, index) => ({ from: known[index]!.to + 1, to: from - 1 }));
  return { host, incarnation, group, next: last.to + 1, floor: first.from, holes };
}

function wrong(line: number, found: string, expected: string): Fault {
  return new Fault("data", "marks", `line ${line}: found ${JSON.stringify(found.slice(0, 80))}, expected ${expected}`);
}
