// The verdict of `check`, by the rules of Nagios plug-ins: one line, a status of 0 to 3, performance data. Pure.
import type { Sample } from "../base/counters.ts";
import type { StatusAnswer, StatusConcern } from "./status-answer.ts";

export type CheckStatus = 0 | 1 | 2 | 3;

const WORDS: Readonly<Record<CheckStatus, string>> = { 0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN" };

export interface Thresholds {
  /** Of the median round trip. */
  readonly warningMs: number;
  readonly criticalMs: number;
  /** Fewer daemons in the ring than this; 0: not asked. */
  readonly daemonsWarning: number;
  readonly daemonsCritical: number;
}

/** What was found out. */
export interface Observation {
  /** Why there was no round trip at all. */
  readonly failure: string | undefined;
  /** It could not even be tried: the fault is on our side. */
  readonly unknown: string | undefined;
  readonly server: string;
  readonly version: string;
  readonly connectMs: number | undefined;
  readonly roundTripMs: number | undefined;
  readonly sent: number;
  readonly lost: number;
  /** Where a spread.conf was given. */
  readonly daemons:
    | { readonly answers: readonly StatusAnswer[]; readonly concerns: readonly StatusConcern[] }
    | undefined;
}

export interface Verdict {
  readonly status: CheckStatus;
  readonly word: string;
  readonly message: string;
  readonly performanceData: string;
}

/** Judges what was found; the worst finding makes the status, all of that rank stand in the line. */
export function judge(found: Observation, limits: Thresholds): Verdict {
  const findings = findingsOf(found, limits);
  const status = worst(findings.map((finding) => finding.status));
  const said = findings.filter((finding) => finding.status === status).map((finding) => finding.text);
  const message = said.length > 0 ? said.join("; ") : summary(found);
  return { status, word: WORDS[status], message, performanceData: performanceData(found, limits) };
}

/** "SPREAD OK: round trip 0.21 ms ... | round_trip=0.00021s;0.1;1;0": one line, as Nagios reads it. */
export function nagiosLine({ word, message, performanceData: data }: Verdict): string {
  // what stands behind "|" is data: it must not come from elsewhere
  const text = message.replaceAll("|", "/").replaceAll("\n", " ");
  return `SPREAD ${word}: ${text}${data === "" ? "" : ` | ${data}`}`;
}

/** The same as samples, for `openMetrics("spread_check", ...)`. */
export function checkSamples(found: Observation, verdict: Verdict): readonly Sample[] {
  const gauge = (name: string, help: string, value: number | undefined): readonly Sample[] =>
    value === undefined ? [] : [{ name, kind: "gauge", help, labels: {}, value }];
  return [
    ...gauge("status", "0 ok, 1 warning, 2 critical, 3 unknown", verdict.status),
    ...gauge("connect_seconds", "Until the daemon had ordered our join", seconds(found.connectMs)),
    ...gauge("round_trip_seconds", "Median round trip through a group", seconds(found.roundTripMs)),
    ...gauge("round_trips_lost", "Round trips that did not come back", found.sent === 0 ? undefined : found.lost),
    ...gauge("daemons", "Daemons in the ring", ringSize(found)),
  ];
}

interface Finding {
  readonly status: CheckStatus;
  readonly text: string;
}

function findingsOf(found: Observation, limits: Thresholds): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (status: CheckStatus, text: string) => findings.push({ status, text });
  if (found.failure !== undefined) add(2, found.failure);
  if (found.unknown !== undefined) add(3, found.unknown);
  if (found.lost > 0) add(2, `${found.lost} of ${found.sent} messages did not come back`);
  const { roundTripMs } = found;
  if (roundTripMs !== undefined && roundTripMs >= limits.criticalMs)
    add(2, `round trip ${ms(roundTripMs)}, critical from ${ms(limits.criticalMs)}`);
  else if (roundTripMs !== undefined && roundTripMs >= limits.warningMs)
    add(1, `round trip ${ms(roundTripMs)}, warning from ${ms(limits.warningMs)}`);
  for (const { severity, code, message } of found.daemons?.concerns ?? []) {
    // with numbers given, they say how many daemons may be missing
    const asked = code === "silent" && limits.daemonsWarning + limits.daemonsCritical > 0;
    if (!asked) add(severity === "critical" ? 2 : 1, message);
  }
  const ring = ringSize(found);
  if (ring !== undefined && ring < limits.daemonsCritical)
    add(2, `${ring} daemons in the ring, critical below ${limits.daemonsCritical}`);
  else if (ring !== undefined && ring < limits.daemonsWarning)
    add(1, `${ring} daemons in the ring, warning below ${limits.daemonsWarning}`);
  return findings;
}

/** Nagios's order of badness: critical is worse than unknown, for it is known. */
function worst(statuses: readonly CheckStatus[]): CheckStatus {
  for (const status of [2, 3, 1] as const) if (statuses.includes(status)) return status;
  return 0;
}

function summary(found: Observation): string {
  const ring = ringSize(found);
  const daemons =
    found.daemons === undefined ? "" : `, ${ring ?? 0} of ${found.daemons.answers.length} daemons in the ring`;
  return `round trip ${ms(found.roundTripMs ?? 0)} through ${found.server} (Spread ${found.version})${daemons}`;
}

/** The smallest ring that a daemon says it is in; `undefined` where none was asked. */
function ringSize({ daemons }: Observation): number | undefined {
  if (daemons === undefined) return undefined;
  const sizes = daemons.answers.flatMap((answer) => (answer.at === "answered" ? [answer.report.daemons] : []));
  return sizes.length === 0 ? 0 : Math.min(...sizes);
}

function performanceData(found: Observation, limits: Thresholds): string {
  const data: string[] = [];
  const add = (label: string, value: number | undefined, unit: string, rest: string) => {
    if (value !== undefined) data.push(`${label}=${decimal(value)}${unit};${rest}`);
  };
  add("connect", seconds(found.connectMs), "s", ";;0");
  add(
    "round_trip",
    seconds(found.roundTripMs),
    "s",
    `${decimal(limits.warningMs / 1_000)};${decimal(limits.criticalMs / 1_000)};0`,
  );
  if (found.sent > 0) add("lost", found.lost, "", `;1;0;${found.sent}`);
  const least = (count: number) => (count === 0 ? "" : `${count}:`);
  add(
    "daemons",
    ringSize(found),
    "",
    `${least(limits.daemonsWarning)};${least(limits.daemonsCritical)};0;${found.daemons?.answers.length ?? 0}`,
  );
  return data.join(" ");
}

/** Without an exponent, which a monitor does not read. */
const decimal = (value: number) => value.toFixed(9).replace(/\.?0+$/, "");
const seconds = (milliseconds: number | undefined) => (milliseconds === undefined ? undefined : milliseconds / 1_000);
const ms = (milliseconds: number) => `${Number(milliseconds.toPrecision(3))} ms`;
