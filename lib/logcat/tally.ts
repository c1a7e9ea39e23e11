// What was counted, for `--stats` and SIGUSR1.
import { formatDuration } from "../base/duration.ts";
import { formatSize } from "../base/size.ts";
import type { GapTotals } from "./gaps.ts";
import { counted } from "./notice.ts";

/** Counts from the start. Refilled in place. */
export class Tally {
  messages = 0;
  bytes = 0;
  /** Records received, without what came twice. */
  records = 0;
  chosen = 0;
  /** Handed to the output. */
  shown = 0;
  /** Chosen, and not shown for want of room. */
  skipped = 0;
  /** Messages that were no log records. */
  unreadable = 0;
  /** How often the daemon was lost. */
  losses = 0;
}

export interface Stats extends Tally, GapTotals {
  readonly seconds: number;
}

/** All counts at one moment. @param ranMs since the start */
export function statsOf(tally: Tally, gaps: GapTotals, ranMs: number): Stats {
  return { ...tally, ...gaps, seconds: Math.round(ranMs) / 1_000 };
}

/** The counts for people, in one line. */
export function statsText(stats: Stats): string {
  const rate = stats.seconds > 0 ? Math.round(stats.records / stats.seconds) : 0;
  const trouble = (["skipped", "missing", "late", "repeated", "unreadable"] as const).map(
    (name) => `${stats[name]} ${name}`,
  );
  return [
    `${counted(stats.records, "record")} in ${counted(stats.messages, "message")} (${formatSize(stats.bytes)}) of ${counted(stats.streams, "stream")}`,
    `${stats.chosen} chosen`,
    ...trouble,
    `daemon lost ${stats.losses} times`,
    `${rate} records/s over ${formatDuration(Math.round(stats.seconds * 10) * 100)}`,
  ].join(", ");
}
