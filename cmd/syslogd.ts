// The syslog daemon. What it does lies in lib/syslogd; here are its flags, its signals and its end.
import { hostname } from "node:os";
import { Fault } from "../lib/base/fault.ts";
import { parseListenAddress } from "../lib/base/listen-address.ts";
import type { Log } from "../lib/base/log.ts";
import { whenAborted } from "../lib/base/when-aborted.ts";
import type { Call } from "../lib/cli/call.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { exitCodeOf } from "../lib/cli/exit-codes.ts";
import { type ListeningControl, Operation } from "../lib/control/io/operation.ts";
import { CAPABILITIES } from "../lib/linux/capabilities.ts";
import { jitObstacles } from "../lib/linux/jit-limits.ts";
import { notifyServiceManager } from "../lib/linux/service-manager.ts";
import { systemClock } from "../lib/run/clock.ts";
import { serveMetrics } from "../lib/run/metrics-server.ts";
import { beatForWatchdog, dropRoot, giveFileTo, giveTo, keepPidFile } from "../lib/run/process-state.ts";
import { forgetStart } from "../lib/run/start-memory.ts";
import type { SessionOptions } from "../lib/spread/index.ts";
import { parseServer } from "../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../lib/spread/table.ts";
import type { SeverityName } from "../lib/syslog/severity.ts";
import { tryZone, type ZoneOffset } from "../lib/syslog/zone.ts";
import { describeLeftOut } from "../lib/syslogd/changes.ts";
import type { DirectedRule } from "../lib/syslogd/directed-rule.ts";
import { formatExplanation } from "../lib/syslogd/explain.ts";
import { EXPLAINED_VIAS, explainInput } from "../lib/syslogd/io/explaining.ts";
import { checkAccounts } from "../lib/syslogd/io/host-check.ts";
import { Inheritance } from "../lib/syslogd/io/inheritance.ts";
import { markLife } from "../lib/syslogd/io/life-mark.ts";
import { answerRestart, becomeAnew, CONTROL_KEY } from "../lib/syslogd/io/restart.ts";
import { KERNEL_LOG } from "../lib/syslogd/io/sources.ts";
import { Syslogd } from "../lib/syslogd/io/syslogd.ts";
import { TCP_PORT } from "../lib/syslogd/listener.ts";
import { operated, type Status } from "../lib/syslogd/operated.ts";
import { parseRuleLine } from "../lib/syslogd/rule-line.ts";
import { samplesOf } from "../lib/syslogd/samples.ts";
import type { Settings } from "../lib/syslogd/settings.ts";
import { CONTROL_PATH, syslogdTable } from "../lib/syslogd/table.ts";
import { configurationFor, describeWrongElsewhere } from "./configuration.ts";
import { controlCommands } from "./control-commands.ts";
import { showChecked } from "./syslogd/check.ts";
import { classicRules, settingsOf } from "./syslogd/settings.ts";
import { version } from "./version.ts";

/** What reopening needs: sockets at ports below 1024, and the kernel's log. */
const KEPT = Object.values(CAPABILITIES);
const METRICS_PREFIX = "spreadbox_syslogd";
/** How long the sinks may take at the end to get rid of what waits. */
const CLOSE_MS = 5_000;
/** After a restart, what only the start needed stays for so long. */
const FORGET_AFTER_MS = 1_000;

export const syslogdCommand: AnyCommand = defineCommand({
  name: "syslogd",
  summary: "takes the host's log messages and delivers them by rule to files, hosts, users and Spread groups",
  about:
    "Listens where programs log to: on the socket that systemd passes, else where journald forwards to, else on /dev/log; on UDP, TCP, TLS, " +
    "unix streams and FIFOs where told; and reads the kernel's messages. Each message goes to every sink whose rule takes it.\n\n" +
    "Without any configuration or rule, messages of info and above go to /var/log/messages, but for those of auth and authpriv, " +
    "which go to /var/log/auth.log whatever their severity. Nothing leaves the host unless a rule says so.\n\n" +
    "While a sink cannot take records they wait in its queue, and nobody else does: in memory, and for other hosts and groups on disk too, through " +
    "restarts, kills and full disks. What is lost is counted by sink, and reported as a message itself: that it begins, and how much it was when the sink works again.",
  examples: [
    { line: "spreadbox syslogd", about: "as the host's syslog daemon, by its configuration" },
    {
      line: "spreadbox syslogd --socket /tmp/log --rule '*.* -> file:/tmp/all.log'",
      about: "try it: logger -u /tmp/log hello",
    },
    {
      line: "spreadbox syslogd --rule '*.* -> tcp:loghost:601' --rule '*.emerg -> users:*'",
      about: "to another host, and what is grave to everybody's terminal",
    },
    {
      line: "spreadbox syslogd --rule 'mail.*;mail.!debug -> group:log.%facility%' --spread 4803@loghost",
      about: "to a group for each facility",
    },
  ],
  flags: {
    socket: {
      type: "list",
      hint: "PATH",
      about: "listen on this unix datagram socket, instead of those found or configured",
    },
    udp: {
      type: "list",
      hint: "ADDR:PORT",
      about: "listen here for messages from the network",
      read: parseListenAddress,
    },
    tcp: {
      type: "list",
      hint: "ADDR:PORT",
      about: "take connections here, of octet-counted messages or lines",
      read: (text) => parseListenAddress(text, TCP_PORT),
    },
    stream: { type: "list", hint: "PATH", about: "take connections on this unix stream socket" },
    stdin: {
      type: "switch",
      about:
        "take messages from stdin, a line each; unless --socket, --udp, --tcp or --stream is given, from nowhere else, and end with it; while a sink's queue is filling up, its writer waits (10 s at most for a sink that fails)",
    },
    rule: {
      type: "list",
      hint: "'SELECTOR -> SINK'",
      about:
        "send these records there, instead of what the configuration says; between selector and arrow may stand " +
        "program=, host=, match=, property=, format=, template=, acks= and stop, as in [[syslogd.rule]]",
      read: parseRuleLine,
    },
    control: {
      type: "value",
      hint: "PATH",
      about: `take commands on this socket, instead of the configured one (${CONTROL_PATH}); a syslogd whose sources the command line names has none unless given`,
    },
    "syslog-conf": {
      type: "value",
      hint: "FILE",
      about:
        "take the rules of this classic syslog.conf, instead of those of the configuration; what has no equivalent is told, and so is at the start a line that can't be read, which " +
        "--check, reload and restart refuse; without any rule it is refused always",
    },
    spool: {
      type: "value",
      hint: "DIR",
      about:
        "keep on disk below DIR what sinks have no room for in memory, instead of where the configuration says; a syslogd whose sources the command line names has no spool unless given",
      read: readDirectory,
    },
    spread: {
      type: "value",
      hint: "SERVER",
      about: "the Spread daemon for rules that name a group",
      read: parseServer,
    },
    kernel: { type: "switch", about: "read the kernel's messages from /dev/kmsg, whoever owns /dev/log" },
    "take-devlog": { type: "switch", about: "put a socket of ours where journald has its link, at /dev/log" },
    check: {
      type: "switch",
      about:
        "check the configuration and what it names on this host (users, certificates, paths), show the rules, and end",
    },
    explain: {
      type: "switch",
      about:
        "read raw messages from stdin, a line each, show how each is read, which rules take it and where it would go, and end; nothing is written",
    },
    null: { type: "switch", short: "0", about: "explain: messages are ended by NUL, not by a line feed" },
    via: {
      type: "value",
      choices: EXPLAINED_VIAS,
      about: "explain: read messages as if they had come this way; udp where --from is given, else unix",
    },
    from: { type: "value", hint: "HOST", about: "explain: who sent them" },
    now: {
      type: "value",
      hint: "TIME",
      about: "explain: the clock, as ISO 8601, by which dates are read",
      read: readTime,
    },
    tz: { type: "value", hint: "ZONE", about: "explain: the zone of times that name none", read: readZone },
  },
  json: true,
  endsWithinMs: 2 * CLOSE_MS,
  commands: controlCommands<Status>({
    restarts: true,
    name: "syslogd",
    typed: "syslogd",
    usualPath: CONTROL_PATH,
    uses: [syslogdTable],
    configuredPath: (config) => config.table(syslogdTable).control,
    statusAbout: "listens on, its rules",
    telling: { line: "syslogd stats | grep sink_lost", about: "is anything lost?" },
    reloadAbout: "Sources, rules and sinks change without a record or a connection lost",
    statusLines: ({ listensOn, rules }) => [
      `listens on ${listensOn.join(", ")}`,
      ...rules.map((rule, at) => `rule ${at + 1}: ${rule}`),
    ],
  }),
  sections: [
    {
      title: "Exit status",
      text: "0 it ended as asked; 74 records were lost at the end (with --stdin: any record, or what became of some is not known, as where a program fails that had read them). A service that lost records earlier has told so, and ends with 0.",
    },
    {
      title: "Sources",
      text:
        "A connection over TCP, TLS or a unix stream socket may count its messages or end each with a line feed or a NUL (RFC 6587): that is told by " +
        "itself. It waits while a file or a spool is written slower than it sends; programs that log to a datagram socket wait for no slow disk, and 50 ms at most for one that keeps up. [::] takes IPv4 too, unless 0.0.0.0 is listed at the same port. TLS and all that is special to one " +
        "place (networks, time zone, certificates, permitted peers) is set in [[syslogd.listen]] of the configuration. A unix socket that somebody takes " +
        "away is made again.",
    },
    {
      title: "Sinks",
      text:
        "file:PATH (with %host%, %app% and the like a file for each), group:NAME (likewise), udp:HOST, tcp:HOST, tls:HOST (each with :PORT; by default 514, 601, " +
        "6514), fifo:PATH, program:COMMAND (a line each to its stdin; started again when it ends, and given what the one before had not read), users:NAME,NAME (users:* are all), console. What is special to " +
        "one, or to all of a kind, is set in [[syslogd.sink]] of the configuration: queue and spool, sync, owner, mode, rotation by size and age, framing, TLS. " +
        "Sinks to other hosts and groups spool below /var/lib/spreadbox/syslogd, 256 MiB and 7 days each, unless told otherwise.",
    },
    {
      title: "Acknowledgements",
      text:
        'A rule with "acks = N" keeps the records of its groups in the spool until recorders (logcat record) on N hosts have told that they are on disk, and sends them again ' +
        "where they got lost. Too few recorders are told after 10 s; status tells who acknowledges, and how much waits. What the spool has no room for is lost, the oldest first, and counted.",
    },
    {
      title: "Signals",
      text: "SIGHUP opens the files anew, for logrotate, reads certificates that were renewed, and the configuration; one with mistakes is refused, and the old one stays. SIGUSR1 says the counts, as messages. SIGUSR2 restarts it, as syslogd restart does. SIGTERM and SIGINT end it in order: what was received is delivered first, within 5 s. A second SIGTERM meanwhile changes nothing; a second SIGINT ends it at once, and what waits in memory is lost.",
    },
  ],
  async run(call) {
    const { flags, env, log } = call;
    const load = async (mistakes: "refuse" | "tell" = "refuse") => {
      const config = configurationFor(call, [syslogdTable, spreadTable]);
      const spread: SessionOptions = {
        ...sessionOptionsOf(config.table(spreadTable)),
        ...(flags.spread === undefined ? {} : { servers: flags.spread }),
      };
      const table = config.table(syslogdTable);
      const classic = await classicRules(flags["syslog-conf"], table.host ?? hostname(), mistakes);
      return settingsOf(table, spread, flags, classic, describeWrongElsewhere(config));
    };
    refuseContradictions(flags);
    const settings = await load("tell");
    const { leftOut = [] } = settings;
    if (flags.check) return await showChecked(settings, call);
    if (flags.explain) {
      for (const { text, isMistake } of leftOut) isMistake ? log.error(text) : log.warn(text);
      return await explainStdin(settings, call);
    }
    if (settings.process.umask !== undefined) process.umask(settings.process.umask);
    const inheritance = Inheritance.take(env);
    giveTo(settings.process, settings.sinks.spoolDirectory);
    const { promise: rootDropped, resolve: onRootDropped } = Promise.withResolvers<void>();
    const onOwnMessage = teller(log);
    // Before it says that it has started: the address may be in use. Nobody is answered before the daemon is there.
    using _metrics = settings.metrics && serveMetrics(settings.metrics, METRICS_PREFIX, () => samplesOf(daemon.totals));
    const daemon: Syslogd = new Syslogd(settings, { clock: systemClock, env, inheritance, onOwnMessage, rootDropped });
    const say = daemon.say.bind(daemon);
    for (const { text, isMistake } of leftOut) say(isMistake ? "err" : "warning", text);
    await daemon.ready();
    let control: ListeningControl | undefined;
    const restart = (next: Settings, answerFd: number) =>
      becomeAnew({
        daemon,
        settings: next,
        tryStart: (next) => tryStart(settings, next),
        env,
        kept: settings.process.user === "" ? [] : KEPT,
        controlFd: control?.fd ?? -1,
        answerFd,
      });
    const operation = new Operation({
      service: operated(daemon, restart),
      load: () => load(),
      clock: systemClock,
      env,
    });
    using _life = markLife(settings.sinks.spoolDirectory, say);
    using _pidFile = keepNumber(settings.process.pidFile, inheritance, say);
    const controlFd = inheritance.takePlace(CONTROL_KEY);
    using listening = settings.control === "" ? undefined : await operation.listen(settings.control, controlFd);
    control = listening;
    inheritance.closeRest();
    process.on("SIGHUP", () => void operation.hangUp());
    process.on("SIGUSR1", () => operation.tellTotals());
    process.on("SIGUSR2", () => void operation.restart().catch(() => {})); // told already
    giveTo(settings.process, settings.sinks.spoolDirectory); // what sinks have spooled since
    if (daemon.listensOn.includes(KERNEL_LOG)) giveFileTo(settings.process, settings.sources.kernelStatePath);
    for (const text of daemon.keepConsoles()) say("warning", text);
    dropRoot(settings.process, filesOf(settings.rules), say, KEPT);
    onRootDropped();
    for (const obstacle of jitObstacles()) say("warning", obstacle);
    using _watchdog = beatForWatchdog(env);
    notifyServiceManager("READY=1", env);
    // Those who log have waited for the restart: not for that too.
    if (inheritance.isSome) setTimeout(forgetStart, FORGET_AFTER_MS).unref();
    else await forgetStart();
    answerRestart(inheritance, version.version, describeLeftOut(leftOut.map(({ text }) => text)));
    await Promise.race([whenAborted(call.stop), ...(settings.sources.stdin === "only" ? [inputDone(daemon)] : [])]);
    notifyServiceManager("STOPPING=1", env);
    const lostBefore = lostOf(daemon);
    await daemon.close(CLOSE_MS);
    for (const { name, lost } of daemon.totals.sinks)
      if (lost > 0) log.warn(`${name}: ${lost === 1 ? "1 record was" : `${lost} records were`} lost in all`);
    // A service that lost something long ago, and told, ends well; a pipe into a file that is not there, or into a program that fails, does not.
    const isPipe = settings.sources.stdin === "only";
    const missed = isPipe ? lostOf(daemon) + uncertainOf(daemon) : lostOf(daemon) - lostBefore;
    return missed > 0 ? exitCodeOf("io") : 0;
  },
});

/** Before a restart: what ends a start, besides what a reload refuses. @throws {Fault} where it can't be had */
function tryStart(before: Settings, { metrics, process: { user, group, pidFile } }: Settings): void {
  checkAccounts({ user, group });
  if (pidFile !== before.process.pidFile) keepPidFile(pidFile)[Symbol.dispose]();
  if (metrics !== undefined && JSON.stringify(metrics) !== JSON.stringify(before.metrics))
    serveMetrics(metrics, METRICS_PREFIX, () => [])[Symbol.dispose]();
}

/** After a restart a pid file that can't be written is told: no reason to leave the host without its logger. @throws {Fault} at a first start */
function keepNumber(path: string, inheritance: Inheritance, say: Syslogd["say"]): Disposable {
  try {
    return keepPidFile(path, path === inheritance.pidFile);
  } catch (error) {
    if (!inheritance.isSome || !(error instanceof Fault)) throw error;
    say("warning", `${error.message}; goes on without it`);
    return { [Symbol.dispose]() {} };
  }
}

function filesOf(rules: readonly DirectedRule[]): Set<string> {
  return new Set(rules.flatMap(({ to }) => (to?.kind === "file" ? to.path : [])));
}

/** A pipe has ended, and what came of it is where it should be, as far as sinks work. */
async function inputDone(daemon: Syslogd): Promise<void> {
  await daemon.inputEnded;
  await daemon.emptied(CLOSE_MS);
}

function lostOf(daemon: Syslogd): number {
  return daemon.totals.sinks.reduce((sum, { lost }) => sum + lost, 0);
}

function uncertainOf(daemon: Syslogd): number {
  return daemon.totals.sinks.reduce((sum, { uncertain }) => sum + uncertain, 0);
}

async function explainStdin(
  settings: Settings,
  { flags, json, out, printJson }: Pick<Call<never>, "json" | "out" | "printJson"> & { readonly flags: Asked },
): Promise<number> {
  const { from = "", now, tz } = flags;
  const via = flags.via ?? (from === "" ? "unix" : "udp");
  const options = { via, from, nowMs: now, zone: tz, isNulEnded: flags.null };
  let isFirst = true;
  for await (const found of explainInput(Bun.stdin.stream(), settings, options)) {
    if (out.closed.aborted) break;
    if (json) await printJson(found);
    else await out.write(`${isFirst ? "" : "\n"}${formatExplanation(found)}`);
    isFirst = false;
  }
  return 0;
}

interface Asked {
  readonly check: boolean;
  readonly explain: boolean;
  readonly "syslog-conf": string | undefined;
  readonly rule: readonly DirectedRule[];
  readonly null: boolean;
  readonly via: (typeof EXPLAINED_VIAS)[number] | undefined;
  readonly from: string | undefined;
  readonly now: number | undefined;
  readonly tz: ZoneOffset | undefined;
}

/** @throws {Fault} kind "usage" for what can't be meant together, or means something to --explain only */
function refuseContradictions(flags: Asked): void {
  if (flags.check && flags.explain) throw contradiction("--check", "--explain");
  if (flags["syslog-conf"] !== undefined && flags.rule.length > 0) throw contradiction("--syslog-conf", "--rule");
  if (flags.check || flags.explain) return;
  const names = (["null", "via", "from", "now", "tz"] as const).filter(
    (name) => flags[name] !== undefined && flags[name] !== false,
  );
  if (names[0] !== undefined) throw new Fault("usage", "needs-explain", `--${names[0]} is for --explain`);
}

function contradiction(one: string, other: string): Fault {
  return new Fault("usage", "contradiction", `${one} and ${other} contradict each other: give one of them`);
}

function readTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new Fault("usage", "time", `found ${JSON.stringify(text)}, expected a time such as "2026-11-23T12:00:00Z"`);
}

function readDirectory(text: string): string {
  if (text.startsWith("/")) return text;
  throw new Fault(
    "usage",
    "spool",
    `found ${JSON.stringify(text)}, expected an absolute path such as "/var/tmp/spool"`,
  );
}

function readZone(text: string): ZoneOffset {
  const zone = tryZone(text);
  if (zone !== undefined) return zone;
  throw new Fault(
    "usage",
    "zone",
    `found ${JSON.stringify(text)}, expected a time zone such as "Europe/Berlin" or "+05:30"`,
  );
}

/** What the daemon says of itself goes to stderr too. */
function teller(log: Log): (severity: SeverityName, text: string) => void {
  return (severity, text) => {
    if (severity === "err") log.error(text);
    else if (severity === "warning") log.warn(text);
    else if (severity === "notice") log.notice(text);
    else log.debug(text);
  };
}
