// `syslogd` beside rsyslog (Debian package), in one run: unix datagrams, UDP, TCP, and from host to host.
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { start, startSpreadbox } from "../../test/support/child.ts";
import { ourDaemon } from "./c-tools.ts";
import { type Contest, type Figures, hold } from "./pairs.ts";
import {
  buildFlood,
  costOf,
  countKept,
  type Goal,
  ourSyslogd,
  rsyslog,
  type SyslogDaemon,
  until,
  type Way,
} from "./syslog-daemons.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "5" },
    only: { type: "string" },
    messages: { type: "string", default: "500000" },
    "in-namespace": { type: "boolean", default: false },
  },
});
const pairs = Number(values.pairs);
const messages = Number(values.messages);
if (Bun.which("rsyslogd") === null) {
  console.error("bench: rsyslogd is missing (Debian: apt-get install rsyslog): nothing to compare with");
  process.exit(69);
}
if (!values["in-namespace"]) process.exit(await inNamespace());

using flood = await buildFlood();

/** All of it in a network namespace of its own: the length of unix datagram queues belongs to the namespace, and systemd sets it to 512. */
async function inNamespace(): Promise<number> {
  const script = 'ip link set lo up && sysctl -qw net.unix.max_dgram_qlen=512 && exec "$@"';
  const again = [process.execPath, import.meta.path, ...process.argv.slice(2), "--in-namespace"];
  const child = Bun.spawn(["unshare", "-n", "sh", "-c", script, "bench", ...again], {
    stdio: ["inherit", "inherit", "inherit"],
  });
  return await child.exited;
}

/** Sends a flood. @returns when the first message was sent, Unix seconds */
async function send(args: readonly string[]): Promise<number> {
  await using child = start(["taskset", "-c", "0", flood.path, ...args]);
  const { status, stdout, stderr } = await child.result();
  if (status !== 0) throw new Error(`syslog-flood ${args.join(" ")}: ${stderr}`);
  return Number(stdout.split(" ")[0]) / 1e9;
}

/** Resolves when a file has not grown for a while. @returns when it grew last, Unix seconds */
async function settled(path: string): Promise<number> {
  let bytes = -1;
  let since = performance.now();
  await until(() => {
    const found = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (found !== bytes) {
      bytes = found;
      since = performance.now();
    }
    return bytes > 0 && performance.now() - since > 600;
  }, `${path} to be complete`);
  return statSync(path).mtimeMs / 1_000;
}

/** One flood into one daemon: records a second from the first send to the last write, CPU seconds a million, peak MiB, and how many are missing. */
async function run(
  daemon: SyslogDaemon,
  count: number,
  args: (daemon: SyslogDaemon) => readonly string[],
  file = daemon.file,
): Promise<Figures> {
  const before = costOf(daemon.pid);
  const begun = await send(args(daemon));
  const ended = await settled(file);
  const after = costOf(daemon.pid);
  const kept = countKept(file, count);
  if (kept.doubled + kept.torn > 0) throw new Error(`${kept.doubled} records came twice, ${kept.torn} are torn`);
  return {
    rate: kept.distinct / (ended - begun),
    cpuPerMillion: ((after.cpuSeconds - before.cpuSeconds) / kept.distinct) * 1e6,
    peakMiB: after.peakMiB,
    lostPercent: (1 - kept.distinct / count) * 100,
  };
}

type Opener = (way: Way, goal?: Goal) => Promise<SyslogDaemon>;

const overUnix = (open: Opener, count: number, rate: number) => async () => {
  await using daemon = await open({ by: "unix" });
  return await run(daemon, count, ({ socket }) => ["unix", socket, String(count), String(rate)]);
};

const overUdp = (open: Opener, rate: number) => async () => {
  await using daemon = await open({ by: "udp", port: 5_514 });
  const count = rate * 3;
  return await run(daemon, count, () => ["udp", "127.0.0.1", "5514", String(count), String(rate)]);
};

const overTcp = (open: Opener, framing: "lf" | "octet", connections: number) => async () => {
  await using daemon = await open({ by: "tcp", port: 5_601 });
  const count = messages * 2;
  return await run(daemon, count, () => {
    const aWrite = connections > 1 ? "16" : "1";
    return ["tcp", "127.0.0.1", "5601", String(count), framing, String(connections), aWrite];
  });
};

/** syslogd, spreadd, the recorder: what the last one's file has. */
async function hostToHostOurs(): Promise<Figures> {
  await using daemon = await ourDaemon(25_200);
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const file = join(directory, "received.log");
  const config = join(directory, "c.toml");
  writeFileSync(config, `[[logcat.write]]\ngroups = ["bench.log"]\nto = "file:${file}"\n`);
  const places = ["--state", join(directory, "state"), "--control", ""];
  const record = ["logcat", "record", "--verbose", "--config", config, "--spread", daemon.server, ...places];
  await using reader = startSpreadbox(record);
  await reader.stderr.until("joined bench.log");
  await using sender = await ourSyslogd({ by: "unix" }, { to: "group", server: daemon.server }, false);
  const figures = await run(sender, messages, ({ socket }) => ["unix", socket, String(messages), "0"], file);
  reader.signal("SIGTERM");
  await reader.exited;
  rmSync(directory, { recursive: true, force: true });
  return figures;
}

/** rsyslog to rsyslog, lines over TCP. */
async function hostToHostTheirs(): Promise<Figures> {
  await using receiver = await rsyslog({ by: "tcp", port: 5_602 }, { to: "file" }, false);
  await using sender = await rsyslog({ by: "unix" }, { to: "tcp", port: 5_602 }, false);
  return await run(sender, messages, ({ socket }) => ["unix", socket, String(messages), "0"], receiver.file);
}

const atLeast = (ratio: number) => ({ ratio, better: "more" }) as const;
const atMost = (ratio: number) => ({ ratio, better: "less" }) as const;

const contests: Contest[] = [
  {
    name: "unix datagram to file, flat out",
    ours: overUnix(ourSyslogd, messages, 0),
    theirs: overUnix(rsyslog, messages, 0),
    goals: { rate: atLeast(2), cpuPerMillion: atMost(0.5) },
    most: { lostPercent: 0, peakMiB: 96 },
  },
  {
    name: "unix datagram to file, 5,000 a second",
    // Half a minute: in the first ten seconds a third of ours is the compiler's.
    ours: overUnix(ourSyslogd, 150_000, 5_000),
    theirs: overUnix(rsyslog, 150_000, 5_000),
    goals: { cpuPerMillion: atMost(1) },
    most: { lostPercent: 0, peakMiB: 96 },
  },
  ...[100_000, 200_000, 400_000].map(
    (rate): Contest => ({
      name: `UDP to file, ${rate.toLocaleString("en")} a second`,
      ours: overUdp(ourSyslogd, rate),
      theirs: overUdp(rsyslog, rate),
      goals: {},
      most: { lostPercent: 0, peakMiB: 96 },
    }),
  ),
  ...(["lf", "octet"] as const).map(
    (framing): Contest => ({
      name: `TCP to file, one connection, ${framing}`,
      ours: overTcp(ourSyslogd, framing, 1),
      theirs: overTcp(rsyslog, framing, 1),
      goals: { rate: atLeast(1.2), cpuPerMillion: atMost(1) },
      most: { lostPercent: 0, peakMiB: 96 },
    }),
  ),
  {
    name: "TCP to file, 20 connections, lf",
    ours: overTcp(ourSyslogd, "lf", 20),
    theirs: overTcp(rsyslog, "lf", 20),
    goals: { rate: atLeast(1.2), cpuPerMillion: atMost(1) },
    most: { lostPercent: 0, peakMiB: 96 },
  },
  {
    name: "host to host: syslogd, group, logcat v. rsyslog",
    ours: hostToHostOurs,
    theirs: hostToHostTheirs,
    goals: { rate: atLeast(1) },
    most: { lostPercent: 0 },
  },
];

for (const contest of contests) {
  if (values.only === undefined || contest.name.includes(values.only)) await hold(contest, pairs);
}
