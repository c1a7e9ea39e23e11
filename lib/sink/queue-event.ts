// What an operator should know of a sink with a queue and a spool, beyond what every sink tells.
import { formatDuration } from "../base/duration.ts";
import { formatSize } from "../base/size.ts";
import { visible } from "../base/visible.ts";
import type { SpoolEvent, SpoolLossCause } from "./io/spool.ts";
import type { SinkEvent } from "./sink.ts";

export type QueueEvent =
  | SinkEvent
  /** At the start: records that an earlier life spooled will be sent. `tornBytes`: what its end cut off in the midst of a write. */
  | { readonly on: "recovered"; readonly records: number; readonly tornBytes: number }
  | { readonly on: "spool-failing"; readonly reason: string }
  | { readonly on: "spool-working"; readonly outageMs: number }
  /** It broke: `again` are sent again and may come twice; of `uncertain`, which its `taker` had taken, nobody knows. */
  | {
      readonly on: "uncertain";
      readonly again: number;
      readonly uncertain: number;
      readonly taker?: string;
      /** What happened, where that is told by nothing else. */
      readonly reason?: string;
    }
  /** Records wait, and of the hosts that have to acknowledge them too few do; then, that there are enough again. */
  | { readonly on: "unacknowledged" | "acknowledged"; readonly wanted: number; readonly hosts: readonly string[] }
  /** Something makes names of groups that Spread does not take; the first of them. */
  | { readonly on: "renamed"; readonly fullName: string; readonly group: string }
  /** The daemon sends back what goes to this group: [[spreadd.allow]] there says nothing of it. Told once for each group. */
  | { readonly on: "refused"; readonly group: string; readonly isKept: boolean }
  /** A program wrote a line to its stderr. */
  | { readonly on: "said"; readonly line: string };

export type OwnQueueEvent = Exclude<QueueEvent, SinkEvent>;

/** What a spool tells, as an event of its sink. Its losses are not told, but counted, and told when the flow resumes. */
export function queueEventOf(event: Exclude<SpoolEvent, { on: "lost" }>): OwnQueueEvent {
  if (event.on === "failing") return { on: "spool-failing", reason: event.reason };
  if (event.on === "working") return { on: "spool-working", outageMs: event.outageMs };
  return event;
}

/** Why a spool lost records, for people. @param directory where it is */
export function whyLost(cause: SpoolLossCause, directory: string): string {
  if (cause === "full") return `its spool in ${directory} is full, and the oldest go`;
  if (cause === "too old") return "the oldest have waited for longer than they are kept";
  return `its spool in ${directory} is damaged`;
}

const SINK_EVENTS: ReadonlySet<string> = new Set<SinkEvent["on"]>([
  "failing",
  "losing",
  "working",
  "overflowed",
  "crowded",
]);

/** Whether every sink has such events, and `reportOf` knows them. */
export function isSinkEvent(event: QueueEvent): event is SinkEvent {
  return SINK_EVENTS.has(event.on);
}

/** The line for an event of the sink `name`, and how urgent it is. */
export function queueReport(
  name: string,
  event: OwnQueueEvent,
): { readonly severity: "err" | "warning" | "notice"; readonly text: string } {
  switch (event.on) {
    case "recovered": {
      const torn =
        event.tornBytes === 0 ? "" : `; ${formatSize(event.tornBytes)} of it were cut off in the midst of a write`;
      const severity = event.tornBytes === 0 ? "notice" : "warning";
      return { severity, text: `${name}: ${records(event.records)} of an earlier run will be sent${torn}` };
    }
    case "spool-failing":
      return {
        severity: "err",
        text: `${name}: cannot spool to disk: ${event.reason}; memory is used as far as it goes`,
      };
    case "spool-working":
      return {
        severity: "notice",
        text: `${name}: spools to disk again after ${formatDuration(Math.round(event.outageMs))}`,
      };
    case "uncertain":
      return { severity: "warning", text: `${name}: ${uncertainText(event)}` };
    case "unacknowledged": {
      const who = event.hosts.length === 0 ? "no host acknowledges" : `only ${event.hosts.join(", ")} acknowledges`;
      const text = `records wait until ${hosts(event.wanted)} on disk, and ${who}; they are kept in the spool as far as it goes`;
      return { severity: "warning", text: `${name}: ${text}` };
    }
    case "acknowledged":
      return { severity: "notice", text: `${name}: records are acknowledged by ${event.hosts.join(", ")}` };
    case "renamed": {
      const text = `${visible(event.fullName)} is no name that a group can have: it is the group ${event.group}`;
      return { severity: "notice", text: `${name}: ${text}; logcat knows it by both (told of the first such name)` };
    }
    case "refused": {
      const becomes = event.isKept ? "records for it wait in the spool" : "records for it are lost";
      const text = `the daemon does not let us send to ${visible(event.group)}: no [[spreadd.allow]] there says that we may; ${becomes}`;
      return { severity: "err", text: `${name}: ${text}` };
    }
    case "said":
      return { severity: "notice", text: `${name}: ${event.line}` };
    default:
      return event satisfies never;
  }
}

function uncertainText(event: QueueEvent & { on: "uncertain" }): string {
  const { again, uncertain, taker = "the other system", reason } = event;
  const parts: string[] = reason === undefined ? [] : [reason];
  if (again > 0) parts.push(`${records(again)} sent again and may come twice`);
  if (uncertain > 0) parts.push(`${records(uncertain)} taken by ${taker} just before, and may be lost`);
  return parts.join(", ");
}

function hosts(count: number): string {
  return count === 1 ? "1 host has them" : `${count} hosts have them`;
}

function records(count: number): string {
  return count === 1 ? "1 record" : `${count} records`;
}
