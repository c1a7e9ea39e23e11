// What a recorder counts, as samples and as lines: `logcat record stats`, status and SIGUSR1 all show it.
import type { Sample } from "../base/counters.ts";
import { formatSize } from "../base/size.ts";

export interface RecordTotals {
  readonly messages: number;
  readonly bytes: number;
  readonly records: number;
  readonly unreadable: number;
  /** How often the daemon was lost. */
  readonly losses: number;
  /** How often the session was not read, for want of room. */
  readonly waits: number;
  readonly writes: readonly WriteTotals[];
}

/** Of one [[logcat.write]]. */
export interface WriteTotals {
  readonly name: string;
  readonly chosen: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly lost: number;
  readonly waiting: number;
  /** Of those delivered: nobody knows, since the other side broke, whether they have arrived. */
  readonly uncertain: number;
  /** By their numbers: never came, came late, came twice. */
  readonly missing: number;
  readonly late: number;
  readonly repeated: number;
  readonly streams: number;
}

const OF_ALL = [
  ["messages_received", "counter", "messages received", "messages"],
  ["records_received", "counter", "records received", "records"],
  ["messages_unreadable", "counter", "messages that were no log records", "unreadable"],
  ["daemon_losses", "counter", "how often the daemon was lost", "losses"],
  ["session_waits", "counter", "how often the session waited for a destination", "waits"],
] as const;

const OF_WRITES = [
  ["sink_chosen", "counter", "records that a rule took", "chosen"],
  ["sink_accepted", "counter", "records given to a destination", "accepted"],
  ["sink_delivered", "counter", "records that are where they should be", "delivered"],
  ["sink_lost", "counter", "records that will never be", "lost"],
  ["sink_waiting", "gauge", "records in a destination's queue", "waiting"],
  ["sink_uncertain", "counter", "records of which nobody knows, since a break, whether they have arrived", "uncertain"],
  ["records_missing", "gauge", "records that were sent and have not come", "missing"],
  ["records_late", "counter", "records that were missing and came late", "late"],
  ["records_repeated", "counter", "records that came twice, and were taken once", "repeated"],
  ["streams", "gauge", "senders by life and group", "streams"],
] as const;

/** All counts, those of one name together. */
export function recordSamples(totals: RecordTotals): Sample[] {
  return [
    ...OF_ALL.map(([name, kind, help, key]) => ({ name, kind, help, labels: {}, value: totals[key] })),
    ...OF_WRITES.flatMap(([name, kind, help, key]) =>
      totals.writes.map((write) => ({ name, kind, help, labels: { sink: write.name }, value: write[key] })),
    ),
  ];
}

/** A line for all, and one for each destination. */
export function formatRecordTotals(totals: RecordTotals): string[] {
  const { messages, bytes, records, unreadable, losses, waits, writes } = totals;
  return [
    `received ${records} records in ${messages} messages (${formatSize(bytes)}), ${unreadable} messages unreadable, daemon lost ${losses} times, waited for room ${waits} times`,
    ...writes.map(
      ({ name, accepted, delivered, waiting, lost, uncertain, missing, late, repeated }) =>
        `${name}: accepted ${accepted}, delivered ${delivered}${uncertain > 0 ? ` (uncertain ${uncertain})` : ""}, waiting ${waiting}, lost ${lost}; missing ${missing}, late ${late}, repeated ${repeated}`,
    ),
  ];
}
