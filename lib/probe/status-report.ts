// Status answers as text: a table of all daemons, or all counters of each; and what changed between two rounds.
import { formatDuration } from "../base/duration.ts";
import type { Style } from "../cli/style.ts";
import { textTable } from "../cli/text-table.ts";
import { groupStateWord, type StatusReport, stateWord } from "../spread/status.ts";
import { formatCount } from "./elapsed.ts";
import { type Answered, concernsOf, type StatusAnswer } from "./status-answer.ts";

/** Counters that only grow, by their heading. */
const RATES = [
  ["MSG/S", "messagesDelivered"],
  ["PKT/S", "packetsSent"],
  ["RESENT/S", "retransmissions"],
] as const;

const right = (title: string) => ({ title, align: "right" as const });

/** A line a daemon, then what is of concern. @param before the answers of the round before, for rates */
export function statusTable(answers: readonly StatusAnswer[], style: Style, before?: Round): readonly string[] {
  const rates = before === undefined ? [] : RATES.map(([title]) => right(title));
  const columns = [
    ...[
      { title: "DAEMON" },
      { title: "ADDRESS" },
      { title: "VERSION" },
      right("UP"),
      { title: "STATE" },
      { title: "LEADER" },
    ],
    ...[
      right("DAEMONS"),
      right("SESSIONS"),
      right("GROUPS"),
      right("MESSAGES"),
      right("RESENT"),
      right("VIEWS"),
      ...rates,
    ],
  ];
  const names = new Map(
    answers.flatMap((answer) => (answer.at === "answered" ? [[answer.report.myId, answer.name] as const] : [])),
  );
  const rows = answers.map((answer) => {
    const where = [answer.name, answer.address === undefined ? "?" : `${answer.address}:${answer.port}`];
    if (answer.at === "silent") return [...where, "-", "-", "no answer"];
    const { report } = answer;
    return [...where, ...counterCells(report, names), ...(before === undefined ? [] : rateCells(answer, before))];
  });
  return [...textTable(columns, rows, style.faint), ...concernLines(answers, style)];
}

/** All counters of each daemon. */
export function statusDetails(answers: readonly StatusAnswer[], style: Style): readonly string[] {
  const lines: string[] = [];
  for (const answer of answers) {
    if (answer.at === "silent") continue;
    const { report } = answer;
    lines.push(
      `${style.heading(answer.name)}: Spread ${report.version} at ${answer.address}:${answer.port}, ${report.byteOrder}-endian, answered in ${answer.elapsedMs.toFixed(1)} ms`,
    );
    lines.push(
      ...textTable([{ title: "" }, { title: "" }], detailRows(report))
        .slice(1)
        .map((line) => `  ${line}`),
      "",
    );
  }
  return [...lines, ...concernLines(answers, style)];
}

/** The answers of the round before, and how long ago they came. */
export interface Round {
  readonly answers: readonly StatusAnswer[];
  readonly sinceMs: number;
}

/** What a counter did between two reports of one daemon, a second; `undefined` after a restart, 32-bit counters wrap. */
export function ratePerSecond(now: number, then: number, sinceMs: number): number | undefined {
  const grown = (now - then) | 0;
  return grown < 0 || sinceMs <= 0 ? undefined : (1_000 * grown) / sinceMs;
}

function counterCells(report: StatusReport, names: ReadonlyMap<number, string>): readonly string[] {
  return [
    ...[
      report.version,
      formatDuration(report.secondsUp * 1_000),
      stateWord(report.state),
      names.get(report.leaderId) ?? String(report.leaderId),
    ],
    ...[
      report.daemons,
      report.sessions,
      report.groups,
      report.messagesDelivered,
      report.retransmissions,
      report.membershipChanges,
    ].map(String),
  ];
}

function rateCells(answer: Answered, before: Round): readonly string[] {
  const then = before.answers.find((one) => one.name === answer.name);
  return RATES.map(([, counter]) => {
    if (then?.at !== "answered" || then.report.secondsUp > answer.report.secondsUp) return "-";
    const rate = ratePerSecond(answer.report[counter], then.report[counter], before.sinceMs);
    return rate === undefined ? "-" : formatCount(rate);
  });
}

function concernLines(answers: readonly StatusAnswer[], style: Style): readonly string[] {
  return concernsOf(answers).map(
    ({ severity, message }) =>
      `${severity === "critical" ? style.bad("critical") : style.warning("warning")}: ${message}`,
  );
}

function detailRows(report: StatusReport): readonly (readonly string[])[] {
  const rows: [string, string | number][] = [
    ["up", formatDuration(report.secondsUp * 1_000)],
    ["state", stateWord(report.state)],
    ["group state", groupStateWord(report.groupState)],
    ["id", report.myId],
    ["leader", report.leaderId],
    ["daemons in the membership", report.daemons],
    ["segments in the membership", report.segments],
    ["membership changes", report.membershipChanges],
    ["sessions", report.sessions],
    ["groups", report.groups],
    ["messages delivered", report.messagesDelivered],
    ["packets sent", report.packetsSent],
    ["packets received", report.packetsReceived],
    ["packets delivered", report.packetsDelivered],
    [
      "retransmissions",
      `${report.retransmissions} (u ${report.uRetransmissions}, s ${report.sRetransmissions}, b ${report.bRetransmissions})`,
    ],
    ["all received up to", `${report.aru} (by this one ${report.myAru}, highest ${report.highestSequence})`],
    ["token rounds", report.tokenRounds],
    ["token hurries", report.tokenHurries],
    [
      "window",
      `${report.window} (personal ${report.personalWindow}${report.acceleratedWindow === undefined ? "" : `, accelerated ${report.acceleratedWindow}`})`,
    ],
    [
      "accelerated ring",
      report.acceleratedRing === undefined
        ? "unknown to Spread 4"
        : report.acceleratedRing
          ? "asked for"
          : "not asked for",
    ],
  ];
  return rows.map(([name, value]) => [name, String(value)]);
}
