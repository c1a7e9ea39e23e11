// Status answers as samples for OpenMetrics: `openMetrics("spread", samplesOf(answers))`.
import type { Sample } from "../base/counters.ts";
import type { StatusReport } from "../spread/status.ts";
import type { StatusAnswer } from "./status-answer.ts";

interface Metric {
  readonly name: string;
  readonly kind: Sample["kind"];
  readonly help: string;
  readonly of: (report: StatusReport) => number;
}

/** The daemon's counters are 32 bits and signed: told as unsigned, so that they wrap as a counter's reader expects. */
const unsigned = (value: number) => value >>> 0;

const METRICS: readonly Metric[] = [
  { name: "uptime_seconds", kind: "gauge", help: "Since the daemon started", of: (report) => report.secondsUp },
  {
    name: "operational",
    kind: "gauge",
    help: "1 where the daemon has a ring, 0 while it forms one",
    of: (report) => (report.state === 1 ? 1 : 0),
  },
  {
    name: "leader_id",
    kind: "gauge",
    help: "Id of the ring's leader: the same at all daemons of one ring",
    of: (report) => report.leaderId,
  },
  { name: "daemons", kind: "gauge", help: "Daemons in the membership", of: (report) => report.daemons },
  { name: "segments", kind: "gauge", help: "Segments in the membership", of: (report) => report.segments },
  { name: "sessions", kind: "gauge", help: "Clients connected", of: (report) => report.sessions },
  { name: "groups", kind: "gauge", help: "Groups that have members", of: (report) => report.groups },
  {
    name: "window",
    kind: "gauge",
    help: "Packets that all daemons may have on the way",
    of: (report) => report.window,
  },
  {
    name: "membership_changes",
    kind: "counter",
    help: "Changes of the daemons' membership",
    of: (report) => unsigned(report.membershipChanges) & 0xffff,
  },
  {
    name: "messages_delivered",
    kind: "counter",
    help: "Messages of clients delivered",
    of: (report) => unsigned(report.messagesDelivered),
  },
  {
    name: "packets_sent",
    kind: "counter",
    help: "Packets sent to other daemons",
    of: (report) => unsigned(report.packetsSent),
  },
  {
    name: "packets_received",
    kind: "counter",
    help: "Packets received from other daemons",
    of: (report) => unsigned(report.packetsReceived),
  },
  {
    name: "packets_delivered",
    kind: "counter",
    help: "Packets delivered",
    of: (report) => unsigned(report.packetsDelivered),
  },
  {
    name: "retransmissions",
    kind: "counter",
    help: "Packets sent again",
    of: (report) => unsigned(report.retransmissions),
  },
  { name: "token_rounds", kind: "counter", help: "Rounds of the token", of: (report) => unsigned(report.tokenRounds) },
  {
    name: "token_hurries",
    kind: "counter",
    help: "Times the token was hurried on",
    of: (report) => unsigned(report.tokenHurries),
  },
];

/** Samples of all daemons, by name: `spread_up` for each, and the counters of those that answered. */
export function samplesOf(answers: readonly StatusAnswer[]): readonly Sample[] {
  const up = answers.map(
    (answer): Sample => ({
      ...{ name: "up", kind: "gauge", help: "1 where the daemon answered" },
      labels: { daemon: answer.name },
      value: answer.at === "answered" ? 1 : 0,
    }),
  );
  const counters = METRICS.flatMap(({ name, kind, help, of }) =>
    answers.flatMap((answer): readonly Sample[] =>
      answer.at === "answered" ? [{ name, kind, help, labels: { daemon: answer.name }, value: of(answer.report) }] : [],
    ),
  );
  return [...up, ...counters];
}
