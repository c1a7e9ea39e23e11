// What `logcat` must hold, each row against its goal: it has no rival that reads groups. Rates are the median of the runs, from the first send to logcat's end; the
// CPU is logcat's alone.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Child, start, startSpreadbox } from "../../test/support/child.ts";
import { type Daemon, hasRealSpread, ourDaemon, realDaemon } from "./c-tools.ts";
import type { Figures } from "./pairs.ts";
import { RecordFlood } from "./record-flood.ts";
import { costOf, until } from "./syslog-daemons.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    only: { type: "string" },
    records: { type: "string", default: "2000000" },
  },
});
const records = Number(values.records);
const RECORD_BYTES = 200;
const GROUP = "bench.log";
const NO_CONFIG = { SPREADBOX_CONFIG: "" };

interface Row {
  readonly name: string;
  readonly run: () => Promise<Figures>;
  /** What the median of a figure should reach: at least for `more`, at most for `less`. */
  readonly goals: Readonly<Record<string, { readonly more?: number; readonly less?: number }>>;
}

/** It waits: a real daemon refuses who comes while too many others do. */
function logcat(server: string, args: readonly string[]): Child {
  return startSpreadbox(["logcat", "--verbose", "--wait", "--spread", server, ...args], { env: NO_CONFIG });
}

/** Waits for logcat to end by itself, looking at what it costs until then. */
async function ended(child: Child): Promise<{ cpuSeconds: number; peakMiB: number }> {
  let cost = costOf(child.pid);
  let isOver = false;
  void child.exited.then(() => {
    isOver = true;
  });
  while (!isOver) {
    try {
      const now = costOf(child.pid);
      if (now.peakMiB > 0) cost = now; // one that has ended, and is not waited for yet, has no memory
    } catch {
      break; // it has ended just now
    }
    await Bun.sleep(10);
  }
  const { status, stderr } = await child.result();
  if (status !== 0) throw new Error(`logcat ended with ${status}: ${stderr}`);
  return cost;
}

/** Records as batches through `args` of logcat. A record that is missing ends it with a failure. */
async function batches(daemon: Daemon, args: readonly string[], wanted: number): Promise<Figures> {
  await using child = logcat(daemon.server, ["--strict", "--first", String(wanted), ...args, GROUP]);
  await child.stderr.until(`joined ${GROUP}`);
  await using flood = await RecordFlood.open(daemon.server, GROUP, RECORD_BYTES);
  const begunMs = performance.now();
  const [cost] = await Promise.all([ended(child), flood.batches(records)]);
  const seconds = (performance.now() - begunMs) / 1_000;
  return { rate: records / seconds, perCore: records / cost.cpuSeconds, peakMiB: cost.peakMiB };
}

async function batchesToFile(): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  try {
    const file = join(directory, "out.log");
    await using daemon = await ourDaemon(25_300);
    const figures = await batches(daemon, ["--output", file], records);
    let lines = 0;
    for await (const chunk of Bun.file(file).stream()) for (const byte of chunk) if (byte === 10) lines += 1;
    return { ...figures, missing: records - lines };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function grep(): Promise<Figures> {
  await using daemon = await ourDaemon(25_300);
  return await batches(daemon, ["--grep", "request [0-9]+ time(out|d out)", "--count"], records / 10);
}

/** Raw text, one line a message; beside it what the same daemon delivers to a reader that does nothing with it. */
async function singles(open: () => Promise<Daemon>): Promise<Figures> {
  const count = records / 5;
  await using daemon = await open();
  await using child = logcat(daemon.server, ["--first", String(count), "--count", GROUP]);
  await child.stderr.until(`joined ${GROUP}`);
  await using flood = await RecordFlood.open(daemon.server, GROUP, RECORD_BYTES);
  const begunMs = performance.now();
  const [cost] = await Promise.all([ended(child), flood.singles(count)]);
  const rate = count / ((performance.now() - begunMs) / 1_000);
  await child[Symbol.asyncDispose]();
  const bare = await bareRate(daemon, count);
  return { rate, perCore: count / cost.cpuSeconds, ofDaemon: rate / bare };
}

async function bareRate(daemon: Daemon, count: number): Promise<number> {
  const flags = ["--spread", daemon.server, "--processes", "--size", String(RECORD_BYTES), "--count", String(count)];
  await using child = startSpreadbox(["spread-probe", "bench", ...flags, "--json"], { env: NO_CONFIG });
  const { stdout } = await child.result();
  return Number(JSON.parse(stdout.trim().split("\n").at(-1)!).messagesPerSecond);
}

const PUBLISHERS = 20;
const GROUPS_OF_EACH = 250;

/** Publishers that feed thousands of groups, and a logcat that comes later. */
async function wildcard(open: () => Promise<Daemon>): Promise<Figures> {
  await using daemon = await open();
  const publishers = Array.from({ length: PUBLISHERS }, (_, index) => {
    const args = ["publish", "--spread", daemon.server, "--group", "www.%{vhost}", "--take-first", "-a", "bench"];
    const child = startSpreadbox(args, { env: NO_CONFIG, stdin: "open" });
    for (let group = 0; group < GROUPS_OF_EACH; group++)
      child.stdin.write(`host-${index}-${group}.example.org here I am\n`);
    child.stdin.flush();
    return child;
  });
  try {
    await using witness = logcat(daemon.server, ["--count", "www.*"]);
    await until(() => joinedBy(witness) === PUBLISHERS * GROUPS_OF_EACH, "all publishers to be there");
    await using idle = logcat(daemon.server, ["--count", "nothing.like.it.*"]);
    await idle.stderr.until("waiting for one");
    const idleMiB = residentMiB(idle);
    const begunMs = performance.now();
    await using child = logcat(daemon.server, ["--count", "www.*"]);
    await until(() => joinedBy(child) === PUBLISHERS * GROUPS_OF_EACH, "all groups to be joined");
    const joinedSeconds = (performance.now() - begunMs) / 1_000;
    await Bun.sleep(1_000);
    return { joinedSeconds, overIdleMiB: residentMiB(child) - idleMiB };
  } finally {
    for (const child of publishers) await child[Symbol.asyncDispose]();
  }
}

function joinedBy(child: Child): number {
  return new Set(child.stderr.text.match(/joined www\.\S+/g)).size; // who was thrown out and is back has joined twice
}

function residentMiB(child: Child): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "latin1"))?.[1]) / 1_024;
}

/** A reader of 1,000 lines a second under 50,000 records a second, for ten seconds. */
async function slowReader(): Promise<Figures> {
  const seconds = 10;
  const count = seconds * 50_000;
  await using daemon = await ourDaemon(25_300);
  await using flood = await RecordFlood.open(daemon.server, GROUP, RECORD_BYTES);
  const reader =
    "import sys,time\nfor line in sys.stdin: sys.stdout.write('-' if line[:3] == '-- ' else '.'); time.sleep(0.001)";
  const binary = join(import.meta.dir, "../../dist/spreadbox");
  const script = `"$0" logcat --verbose --stats --idle 2s --spread ${daemon.server} ${GROUP} & echo pid $! >&2; wait`;
  await using child = start(["sh", "-c", `{ ${script}; } | python3 -c "$1"`, binary, reader], { env: NO_CONFIG });
  await child.stderr.until(`joined ${GROUP}`);
  const pid = Number(/pid (\d+)/.exec(child.stderr.text)?.[1]);
  await flood.batches(count, 50_000);
  const { peakMiB } = costOf(pid);
  const { stdout, stderr } = await child.result();
  const figure = (name: RegExp) => Number(name.exec(stderr)?.[1]);
  const read = stdout.split(".").length - 1;
  return {
    peakMiB,
    daemonLost: figure(/daemon lost (\d+) times/),
    told: stdout.split("-").length - 1,
    unaccounted: count - read - figure(/(\d+) skipped/),
  };
}

const rows: Row[] = [
  {
    name: "batches of 200-byte records to a file",
    run: batchesToFile,
    goals: { rate: {}, perCore: { more: 300_000 }, missing: { less: 0 }, peakMiB: {} },
  },
  { name: "--grep on that stream", run: grep, goals: { rate: {}, perCore: { more: 200_000 } } },
  {
    name: "raw singles, spreadd",
    run: () => singles(() => ourDaemon(25_300)),
    goals: { rate: {}, ofDaemon: {} },
  },
  ...(hasRealSpread
    ? [
        {
          name: "raw singles, real daemon",
          run: () => singles(() => realDaemon(25_310)),
          goals: { rate: {}, ofDaemon: { more: 0.97 } },
        },
        {
          name: "5,000 groups, 20 publishers, real daemon",
          run: () => wildcard(() => realDaemon(25_310)),
          goals: { joinedSeconds: { less: 3 }, overIdleMiB: { less: 60 } },
        },
      ]
    : []),
  {
    name: "5,000 groups, 20 publishers, spreadd",
    run: () => wildcard(() => ourDaemon(25_300)),
    goals: { joinedSeconds: { less: 3 }, overIdleMiB: { less: 60 } },
  },
  {
    name: "pipe read at 1,000 lines/s, 50,000 records/s",
    run: slowReader,
    goals: { peakMiB: { less: 160 }, daemonLost: { less: 0 }, told: { more: 1 }, unaccounted: { less: 0 } },
  },
];

for (const row of rows) {
  if (values.only !== undefined && !row.name.includes(values.only)) continue;
  const runs: Figures[] = [];
  for (let run = 0; run < Number(values.runs); run++) runs.push(await row.run());
  for (const [figure, { more, less }] of Object.entries(row.goals)) {
    const sorted = runs.map((run) => run[figure] ?? Number.NaN).toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1]!;
    console.log(`${row.name.padEnd(46)} ${figure.padEnd(14)} ${show(sorted)} ${verdict(median, more, less)}`);
  }
}

function show(sorted: readonly number[]): string {
  const text = (value: number) => (value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));
  return `${text(sorted[0]!)} / ${text(sorted[sorted.length >> 1]!)} / ${text(sorted.at(-1)!)}`.padEnd(36);
}

function verdict(median: number, more: number | undefined, less: number | undefined): string {
  if (more === undefined && less === undefined) return "";
  const isReached = more === undefined ? median <= less! : median >= more;
  const goal = more === undefined ? `<= ${less}` : `>= ${more.toLocaleString("en")}`;
  return `goal ${goal} ${isReached ? "reached" : "NOT reached"}`;
}
