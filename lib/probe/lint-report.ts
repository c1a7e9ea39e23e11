// What `lint` found, for people.
import type { Style } from "../cli/style.ts";
import { textTable } from "../cli/text-table.ts";
import { TIMEOUT_NAMES } from "../spread/spread-conf-options.ts";
import { formatElapsed, NS_PER_MS } from "./elapsed.ts";
import type { Finding, LintDaemon, LintResult, LintSegment, Severity } from "./lint.ts";

/** All of a result: verdict, segments, timeouts and what they mean, then the findings in the order of the file, the verdict last. */
export function lintReport(result: LintResult, style: Style): readonly string[] {
  const lines: string[] = [];
  if (result.segments.length > 0) lines.push(summary(result, style), "");
  for (const [index, segment] of result.segments.entries()) lines.push(...segmentLines(segment, index, style), "");
  if (result.segments.length > 0) lines.push(...timeoutLines(result, style), "");
  lines.push(...result.findings.map((finding) => findingLine(result.file, finding, style)));
  lines.push(verdict(result, style));
  return lines;
}

function summary(result: LintResult, style: Style): string {
  const daemons = result.segments.reduce((sum, segment) => sum + segment.daemons.length, 0);
  const hash =
    result.configurationHash === undefined
      ? ""
      : `, configuration hash ${result.configurationHash} (must be the same on every host)`;
  return `${style.heading(result.file)}: ${counted(daemons, "daemon")} in ${counted(result.segments.length, "segment")}${hash}`;
}

function segmentLines(segment: LintSegment, index: number, style: Style): readonly string[] {
  const { clientsTcp, daemonsUdp, unixSocket } = segment.ports;
  const columns = [
    { title: "DAEMON" },
    { title: "ADDRESS" },
    { title: "ID", align: "right" as const },
    { title: "CLIENTS ON" },
  ];
  return [
    `${style.heading(`Segment ${index + 1}`)} at ${segment.addresses.join(" ")}: TCP ${clientsTcp} for clients, UDP ${daemonsUdp.join(" and ")} between daemons, socket ${unixSocket}`,
    ...textTable(columns, segment.daemons.map(daemonCells), style.faint).map((line) => `  ${line}`),
  ];
}

function daemonCells(daemon: LintDaemon): readonly string[] {
  const id = daemon.idFrom === "VirtualID" ? `${daemon.id} (VirtualID)` : String(daemon.id);
  return [
    daemon.name,
    daemon.address ?? "looked up at start",
    id,
    daemon.clientAddresses.join(" ") || "all addresses of its host",
  ];
}

function timeoutLines(result: LintResult, style: Style): readonly string[] {
  const { lostHostLeastMs, lostHostMostMs, firstRingMs, mergeMostMs } = result.failover;
  const from = result.timeoutsFrom === "file" ? "set in the file" : result.timeoutsFrom;
  const daemons = result.segments.reduce((sum, segment) => sum + segment.daemons.length, 0);
  const between = [
    `  a host, its daemon or its cable is gone: the others have new views after ${elapsed(lostHostLeastMs)} to ${elapsed(lostHostMostMs)}`,
    `  the network is whole again: the parts are one after at most about ${elapsed(mergeMostMs)}`,
  ];
  return [
    `${style.heading("Timeouts")} (${from}): ${TIMEOUT_NAMES.map((name) => `${name} ${result.timeouts[name]}`).join(", ")} ms`,
    ...(daemons > 1 ? between : ["  one daemon: when it or its host is gone, nobody is left to be told"]),
    "  a client's process ends: the others know at once, whatever the timeouts",
    `  a daemon starts: clients' joins are answered after ${elapsed(firstRingMs)}`,
  ];
}

/** "FILE:LINE:COLUMN: error: MESSAGE". */
function findingLine(file: string, finding: Finding, style: Style): string {
  const place = finding.line === undefined ? file : `${file}:${finding.line}:${finding.column ?? 1}`;
  return `${place}: ${severityPaint(finding.severity, style)(finding.severity)}: ${finding.message}`;
}

function severityPaint(severity: Severity, style: Style) {
  return severity === "error" ? style.bad : severity === "warning" ? style.warning : style.faint;
}

function verdict(result: LintResult, style: Style): string {
  const count = (severity: Severity) => result.findings.filter((finding) => finding.severity === severity).length;
  if (!result.accepted)
    return `${result.file}: ${style.bad("refused")}: Spread does not start with it (${counted(count("error"), "error")})`;
  const left =
    count("warning") + count("note") === 0
      ? ""
      : ` (${counted(count("warning"), "warning")}, ${counted(count("note"), "note")})`;
  return `${result.file}: ${style.good("accepted")}${left}`;
}

const elapsed = (ms: number) => formatElapsed(ms * NS_PER_MS);

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
