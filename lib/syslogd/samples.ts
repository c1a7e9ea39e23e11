// What the daemon counts, as samples: one list, which `syslogd stats`, the metrics endpoint and SIGUSR1 all show.
import type { Sample } from "../base/counters.ts";

/** How many records there were. */
export interface Totals {
  readonly received: number;
  /** Of no interest to any rule. */
  readonly unrouted: number;
  /** Beyond the rate of their sender. */
  readonly heldBack: number;
  /** Repetitions, of which only the number was said. */
  readonly repeated: number;
  readonly sources: readonly SourceTotals[];
  readonly sinks: readonly SinkTotals[];
}

export interface SourceTotals {
  readonly name: string;
  readonly received: number;
  /** Of these, longer than the limit. */
  readonly cut: number;
  /** Of these, ended in their midst by the end of their connection. */
  readonly unfinished: number;
  /** Thrown away by the kernel before we could read them. */
  readonly missed: number;
  readonly refused: number;
  readonly connections: number;
}

export interface SinkTotals {
  readonly name: string;
  readonly accepted: number;
  readonly delivered: number;
  readonly lost: number;
  readonly waiting: number;
  /** Sent again after a break: some may have come twice. */
  readonly again: number;
  /** Told to have arrived just before a break, so that nobody knows. Among `delivered`. */
  readonly uncertain: number;
  /** 1 while it can't deliver. */
  readonly failing: 0 | 1;
  /** Why, while it can't. */
  readonly failure?: string;
  /** Where records are kept until so many hosts have them: who acknowledges. */
  readonly acks?: { readonly wanted: number; readonly hosts: readonly string[] };
}

const OF_SOURCES = [
  ["source_records", "counter", "records that a source took", "received"],
  ["source_cut", "counter", "of these, longer than the limit", "cut"],
  ["source_unfinished", "counter", "of these, ended in their midst with their connection", "unfinished"],
  ["source_missed", "counter", "messages that the kernel threw away before they were read", "missed"],
  ["source_refused", "counter", "messages or connections that were turned away", "refused"],
  ["source_connections", "gauge", "connections that are open", "connections"],
] as const;

const OF_SINKS = [
  ["sink_accepted", "counter", "records given to a sink", "accepted"],
  ["sink_delivered", "counter", "records that are where they should be", "delivered"],
  ["sink_lost", "counter", "records that will never be", "lost"],
  ["sink_waiting", "gauge", "records in a sink's queue", "waiting"],
  ["sink_again", "counter", "records that were sent again after a break: some may have come twice", "again"],
  ["sink_uncertain", "counter", "records of which nobody knows, since a break, whether they have arrived", "uncertain"],
  ["sink_failing", "gauge", "1 while a sink can't deliver", "failing"],
] as const;

/** All counts, those of one name together. */
export function samplesOf({ received, unrouted, heldBack, repeated, sources, sinks }: Totals): Sample[] {
  return [
    { name: "records_received", kind: "counter", help: "records received", labels: {}, value: received },
    { name: "records_unrouted", kind: "counter", help: "records that no rule took", labels: {}, value: unrouted },
    { name: "records_held_back", kind: "counter", help: "records beyond a sender's rate", labels: {}, value: heldBack },
    { name: "records_repeated", kind: "counter", help: "repetitions that were summed up", labels: {}, value: repeated },
    ...OF_SOURCES.flatMap(([name, kind, help, key]) =>
      sources.map((source) => ({ name, kind, help, labels: { source: source.name }, value: source[key] })),
    ),
    ...OF_SINKS.flatMap(([name, kind, help, key]) =>
      sinks.map((sink) => ({ name, kind, help, labels: { sink: sink.name }, value: sink[key] })),
    ),
    ...sinks.flatMap(({ name, acks }): Sample[] => {
      if (acks === undefined) return [];
      const labels = { sink: name };
      const wanted = {
        name: "sink_acks_wanted",
        kind: "gauge",
        help: "hosts that have to commit a record",
        labels,
      } as const;
      const hosts = { name: "sink_acks_hosts", kind: "gauge", help: "hosts that acknowledge records", labels } as const;
      return [
        { ...wanted, value: acks.wanted },
        { ...hosts, value: acks.hosts.length },
      ];
    }),
  ];
}

/** A line for all, and one for each source and sink. */
export function formatTotals({ received, unrouted, heldBack, repeated, sources, sinks }: Totals): string[] {
  return [
    `received ${received}, of which no rule took ${unrouted}, ${heldBack} were held back and ${repeated} summed up as repetitions`,
    ...sources.map(
      ({ name, received, cut, unfinished, missed, refused, connections }) =>
        `${name}: received ${received}, cut ${cut}${unfinished > 0 ? `, unfinished ${unfinished}` : ""}${missed > 0 ? `, missed ${missed}` : ""}, refused ${refused}, connections ${connections}`,
    ),
    ...sinks.map(formatSink),
  ];
}

function formatSink({
  name,
  accepted,
  delivered,
  lost,
  waiting,
  again,
  uncertain,
  failing,
  failure,
  acks,
}: SinkTotals): string {
  return [
    `${name}: accepted ${accepted}, delivered ${delivered}, waiting ${waiting}, lost ${lost}`,
    again > 0 ? `, sent again ${again}` : "",
    uncertain > 0 ? `, uncertain ${uncertain}` : "",
    failing === 1 ? `, fails now${failure === undefined ? "" : `: ${failure}`}` : "",
    acks === undefined ? "" : describeAcks(acks),
  ].join("");
}

function describeAcks({ wanted, hosts }: NonNullable<SinkTotals["acks"]>): string {
  const who = hosts.length === 0 ? "by none" : `by ${hosts.length} (${hosts.join(", ")})`;
  return `, acknowledged ${who} of ${wanted} host${wanted === 1 ? "" : "s"} wanted`;
}
