// The two syslog daemons of a contest, each with one way in and one file, and what they cost: CPU and memory as the kernel counts them.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, start, startSpreadbox } from "../../test/support/child.ts";

/** How messages come in. Ports are on 127.0.0.1. */
export type Way = { readonly by: "unix" } | { readonly by: "udp" | "tcp"; readonly port: number };

/** Where records go: a file, or on to another host as lines over TCP (rsyslog) or to a group (ours). */
export type Goal =
  /** `file`: instead of one of its own, which goes with the daemon. */
  | { readonly to: "file"; readonly file?: string }
  | { readonly to: "tcp"; readonly port: number }
  | { readonly to: "group"; readonly server: string };

/** A daemon that has begun to listen. */
export interface SyslogDaemon extends AsyncDisposable {
  readonly socket: string;
  readonly file: string;
  readonly pid: number;
  /** SIGKILL, and what it had for itself is removed. */
  kill(): Promise<void>;
}

/** What a process has cost so far. */
export interface Cost {
  /** User and system time of all its threads, seconds; the kernel counts them in hundredths. */
  readonly cpuSeconds: number;
  /** The most memory that it ever had resident, MiB. */
  readonly peakMiB: number;
}

/** On this processor the daemons, on the other the senders: a budget of one core, as on the machine of the figures that we compare with. */
const PINNED = navigator.hardwareConcurrency > 1 ? ["taskset", "-c", "1"] : [];

export async function ourSyslogd(way: Way, goal: Goal = { to: "file" }, pinned = true): Promise<SyslogDaemon> {
  return await begin(goal, (place) => {
    const from = { unix: ["--socket", place.socket], udp: ["--udp"], tcp: ["--tcp"] }[way.by];
    const listen = way.by === "unix" ? from : [...from, `127.0.0.1:${way.port}`];
    if (goal.to === "tcp") throw new Error("ours goes on to groups");
    const sink = goal.to === "file" ? `file:${place.file}` : "group:bench.log";
    const spread = goal.to === "group" ? ["--spread", goal.server, "--spool", join(place.directory, "spool")] : [];
    return {
      args: ["syslogd", ...listen, "--rule", `*.* -> ${sink}`, ...spread],
      run: startPinned(pinned, (args) => startSpreadbox(args)),
      isReady: (child) => child.stderr.until("listens on"),
    };
  });
}

/** rsyslog as the package brings it: its defaults for all but the way in and the file. */
export async function rsyslog(way: Way, goal: Goal = { to: "file" }, pinned = true): Promise<SyslogDaemon> {
  return await begin(goal, (place) => {
    const input = {
      unix: `module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="${place.socket}")`,
      udp: `module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="${way.by === "unix" ? "" : way.port}")`,
      tcp: `module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="${way.by === "unix" ? "" : way.port}")`,
    }[way.by];
    const action =
      goal.to === "tcp" ? `*.* @@127.0.0.1:${goal.port}` : `*.* action(type="omfile" file="${place.file}")`;
    const conf = join(place.directory, "rsyslog.conf");
    writeFileSync(conf, `global(workDirectory="${place.directory}")\n${input}\n${action}\n`);
    return {
      args: ["rsyslogd", "-n", "-f", conf, "-i", join(place.directory, "rsyslog.pid")],
      run: startPinned(pinned, (args) => start(args)),
      isReady: () => until(() => isListening(way, place.socket), "rsyslogd to listen"),
    };
  });
}

interface Place {
  readonly directory: string;
  readonly socket: string;
  readonly file: string;
}

interface Plan {
  readonly args: readonly string[];
  readonly run: (args: readonly string[]) => Child;
  readonly isReady: (child: Child) => Promise<unknown>;
}

async function begin(goal: Goal, planFor: (place: Place) => Plan): Promise<SyslogDaemon> {
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const place = {
    directory,
    socket: join(directory, "log.sock"),
    file: (goal.to === "file" ? goal.file : undefined) ?? join(directory, "all.log"),
  };
  const { args, run, isReady } = planFor(place);
  const child = run(args);
  await isReady(child);
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    child.signal(signal);
    await child.exited;
    await child[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  };
  return { ...place, pid: child.pid, kill: () => end("SIGKILL"), [Symbol.asyncDispose]: () => end("SIGTERM") };
}

/** The process is the daemon itself from its first moment on: taskset becomes what it starts. */
function startPinned(pinned: boolean, run: (args: readonly string[]) => Child): (args: readonly string[]) => Child {
  return (args) => {
    const child = run(args);
    if (pinned && PINNED.length > 0) Bun.spawnSync(["taskset", "-a", "-p", "-c", "1", String(child.pid)]);
    return child;
  };
}

export function costOf(pid: number): Cost {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, peakMiB: Number(peak) / 1_024 };
}

function isListening(way: Way, socket: string): boolean {
  if (way.by === "unix") return statSync(socket, { throwIfNoEntry: false }) !== undefined;
  const port = way.port.toString(16).toUpperCase().padStart(4, "0");
  const table = readFileSync(`/proc/net/${way.by}`, "latin1");
  return table.includes(`:${port} 00000000:0000`);
}

/** The sender is a few lines of C of our own: no other keeps up with what is measured. */
export async function buildFlood(): Promise<{ path: string; [Symbol.dispose](): void }> {
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const path = join(directory, "syslog-flood");
  await using compiler = start(["cc", "-O2", "-o", path, join(import.meta.dir, "syslog-flood.c")]);
  const { status, stderr } = await compiler.result();
  if (status !== 0) throw new Error(`cannot build syslog-flood.c: ${stderr}`);
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Looks every few milliseconds. */
export async function until(isSo: () => boolean, what: string, withinMs = 60_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for ${what}`);
    await Bun.sleep(5);
  }
}

/** What a file holds of a flood: which numbers, and whether each line has its end. */
export interface Kept {
  readonly distinct: number;
  readonly doubled: number;
  /** Lines with a smaller number than the one before. */
  readonly outOfOrder: number;
  /** Lines whose number at the head is not the one at the end. */
  readonly torn: number;
}

/** Counts the numbers of a flood of `count` in a file of lines. */
export function countKept(path: string, count: number): Kept {
  const seen = new Uint8Array(count + 1);
  const bytes = readFileSync(path);
  let distinct = 0;
  let doubled = 0;
  let outOfOrder = 0;
  let torn = 0;
  let last = 0;
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const end = found < 0 ? bytes.length : found;
    const tail = numberAt(bytes, end - 11);
    const head = numberAt(bytes, bytes.indexOf(" n0", start) + 1);
    start = end + 1;
    if (tail === undefined || tail < 1 || tail > count) continue; // a message of the daemon's own
    if (head !== tail) torn += 1;
    if (seen[tail] === 1) doubled += 1;
    else distinct += 1;
    seen[tail] = 1;
    if (tail < last) outOfOrder += 1;
    last = tail;
  }
  return { distinct, doubled, outOfOrder, torn };
}

function numberAt(bytes: Uint8Array, at: number): number | undefined {
  if (at < 0 || bytes[at] !== 0x6e) return undefined;
  let number = 0;
  for (let digit = at + 1; digit <= at + 10; digit++) {
    const value = (bytes[digit] ?? 0) - 48;
    if (value < 0 || value > 9) return undefined;
    number = number * 10 + value;
  }
  return number;
}
