// What daemons say of themselves, put side by side: do they form one ring, and does it run well? Pure.
import { type StatusReport, stateWord } from "../spread/status.ts";

/** One daemon's answer, or its silence. */
export type StatusAnswer = {
  readonly name: string;
  readonly address: string | undefined;
  readonly port: number;
} & (
  | { readonly at: "answered"; readonly report: StatusReport; readonly elapsedMs: number }
  | { readonly at: "silent"; readonly waitedMs: number }
);

export type Answered = StatusAnswer & { readonly at: "answered" };

/** Something that an operator should look at. */
export interface StatusConcern {
  readonly severity: "critical" | "warning";
  readonly code: "silent" | "forming" | "parts" | "alone" | "retransmissions";
  readonly message: string;
}

/** Above this part of the packets sent again, the network loses more than a ring should bear. */
const RETRANSMISSIONS_MOST = 0.01;
/** Below so many packets the part says nothing. */
const PACKETS_LEAST = 1_000;

/** Judges all answers together: daemons in parts, silent, or forming a ring. */
export function concernsOf(answers: readonly StatusAnswer[]): readonly StatusConcern[] {
  const concerns: StatusConcern[] = [];
  const answered = answers.filter((answer): answer is Answered => answer.at === "answered");
  for (const answer of answers) if (answer.at === "silent") concerns.push(silence(answer, answered.length === 0));
  for (const { name, report } of answered) {
    if (report.state !== 1)
      concerns.push({
        severity: "critical",
        code: "forming",
        message: `${name} has no ring: it is in state ${stateWord(report.state)}`,
      });
    const resent = report.packetsSent >= PACKETS_LEAST ? report.retransmissions / report.packetsSent : 0;
    if (resent > RETRANSMISSIONS_MOST)
      concerns.push({
        severity: "warning",
        code: "retransmissions",
        message: `${name} sent ${(100 * resent).toFixed(1)} % of its packets again: the network loses some`,
      });
  }
  const leaders = new Map<number, string[]>();
  for (const { name, report } of answered)
    leaders.set(report.leaderId, [...(leaders.get(report.leaderId) ?? []), name]);
  if (leaders.size > 1)
    concerns.push({
      severity: "critical",
      code: "parts",
      message: `the daemons are in ${leaders.size} parts: ${[...leaders.values()].map((names) => names.join(" ")).join(" | ")}`,
    });
  return concerns;
}

function silence(answer: StatusAnswer & { readonly at: "silent" }, all: boolean): StatusConcern {
  const where =
    answer.address === undefined
      ? "its address is unknown"
      : `no answer from ${answer.address} UDP ${answer.port} within ${answer.waitedMs} ms`;
  const why = all
    ? "not running, another spread.conf there (daemons that differ don't talk), or the port is shut"
    : "not running, or another spread.conf there";
  return { severity: "critical", code: "silent", message: `${answer.name}: ${where}: ${why}` };
}
