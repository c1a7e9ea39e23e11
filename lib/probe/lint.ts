// `spread-probe lint`: what a spread.conf says, what is wrong with it, and what it means for fail-over. Pure: the text and what the resolver said come in.
import type { ConfReading, SpreadConf } from "../spread/spread-conf.ts";
import { configurationHash } from "../spread/spread-conf-hash.ts";
import { DEFAULT_SESSION_MESSAGES, type Timeouts } from "../spread/spread-conf-options.ts";
import { type FailoverTimes, failoverTimes, timeoutConflicts } from "./failover-times.ts";

export type Severity =
  | "error" // the daemon refuses the file
  | "warning" // the daemon takes it, and it will hurt
  | "note"; // a default that an operator should know of

export interface Finding {
  readonly severity: Severity;
  /** Absent where the finding is about something that the file does not say. */
  readonly line?: number;
  readonly column?: number;
  readonly code: string;
  readonly message: string;
}

export interface LintDaemon {
  readonly name: string;
  readonly address: string | undefined;
  readonly id: number;
  readonly idFrom: "VirtualID" | "name";
  /** Addresses on which clients are taken; empty: all of the host's. */
  readonly clientAddresses: readonly string[];
  readonly line: number;
}

export interface LintSegment {
  readonly addresses: readonly string[];
  readonly port: number;
  /** What must be open between the hosts, and to clients. */
  readonly ports: {
    readonly clientsTcp: number;
    readonly daemonsUdp: readonly number[];
    readonly statusUdp: number;
    readonly unixSocket: string;
  };
  readonly daemons: readonly LintDaemon[];
  readonly line: number;
}

/** The whole result, as `--json` prints it. */
export interface LintResult {
  readonly file: string;
  /** Whether the daemon takes the file. */
  readonly accepted: boolean;
  /** `undefined` where the file is refused or an address is unknown. */
  readonly configurationHash: number | undefined;
  readonly segments: readonly LintSegment[];
  readonly timeouts: Timeouts;
  readonly timeoutsFrom: string;
  readonly failover: FailoverTimes;
  readonly findings: readonly Finding[];
}

export function lintSpreadConf(reading: ConfReading, file: string): LintResult {
  const { conf, errors, warnings } = reading;
  const accepted = errors.length === 0;
  const findings: Finding[] = [
    ...errors.map((note): Finding => ({ severity: "error", ...note })),
    ...warnings.map((note): Finding => ({ severity: "warning", ...note })),
    ...(accepted ? advice(conf) : []),
  ];
  const { timeouts, timeoutsFrom } = conf.options;
  return {
    file,
    accepted,
    configurationHash: accepted ? configurationHash(conf) : undefined,
    segments: conf.segments.map(lintSegment),
    timeouts,
    timeoutsFrom,
    failover: failoverTimes(timeouts),
    findings: findings.toSorted(
      (a, b) =>
        (a.line ?? Number.POSITIVE_INFINITY) - (b.line ?? Number.POSITIVE_INFINITY) ||
        (a.column ?? 0) - (b.column ?? 0),
    ),
  };
}

function lintSegment(segment: SpreadConf["segments"][number]): LintSegment {
  const { port } = segment;
  return {
    addresses: segment.addresses.map((address) => address.text),
    port,
    ports: { clientsTcp: port, daemonsUdp: [port, port + 1], statusUdp: port, unixSocket: `/tmp/${port}` },
    daemons: segment.daemons.map((daemon) => ({
      name: daemon.name,
      address: daemon.address?.text,
      id: daemon.id,
      idFrom: daemon.idFrom,
      clientAddresses: daemon.interfaces.filter((one) => one.client).map((one) => one.address.text),
      line: daemon.line,
    })),
    line: segment.line,
  };
}

/** What a right file still leaves to be sorry for. */
function advice(conf: SpreadConf): readonly Finding[] {
  const { options } = conf;
  const findings: Finding[] = [];
  const add = (severity: Severity, option: string, code: string, message: string) =>
    findings.push({ severity, ...conf.setAt.get(option), code, message });
  for (const { option, message } of timeoutConflicts(options.timeouts)) add("warning", option, "timeouts", message);
  if (options.maxSessionMessages <= DEFAULT_SESSION_MESSAGES) {
    const how = conf.setAt.has("MaxSessionMessages")
      ? `is ${options.maxSessionMessages}`
      : `is not set, so it is ${DEFAULT_SESSION_MESSAGES}`;
    add(
      "warning",
      "MaxSessionMessages",
      "slow-readers",
      `MaxSessionMessages ${how}: a client that is so many messages behind is thrown out, and at 100,000 messages a second that is ${options.maxSessionMessages / 100} ms; write "MaxSessionMessages = 20000"`,
    );
  }
  if (options.dangerousMonitor)
    add(
      "warning",
      "DangerousMonitor",
      "dangerous-monitor",
      "DangerousMonitor is on: one UDP packet from a daemon's address ends the daemons or cuts the ring in parts; leave it off",
    );
  if (options.daemonUser === "root")
    add("warning", "DaemonUser", "root", "DaemonUser is root: the daemon keeps all rights; give it a user of its own");
  if (options.allowedAuthMethods.includes("NULL") && !options.requiredAuthMethods.includes("IP")) {
    const open = conf.segments.flatMap((segment) => segment.daemons).some((daemon) => daemon.interfaces.length === 0);
    if (open)
      add(
        "note",
        "AllowedAuthMethods",
        "open",
        'clients are taken from every network without authentication, also where the daemon\'s address is loopback: keep the TCP port shut, name client interfaces, or set RequiredAuthMethods = "IP"',
      );
  }
  if (options.socketPortReuse !== "on")
    add(
      "note",
      "SocketPortReuse",
      "restart",
      'after a restart the daemon may end with "address in use" while old connections time out; write "SocketPortReuse = on"',
    );
  return findings;
}
