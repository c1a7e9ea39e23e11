// The Spread client and `spreadd` beside the C library and the real daemon, in one run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { binary } from "../../test/support/binary.ts";
import { start } from "../../test/support/child.ts";
import { type Daemon, hasRealSpread, ourDaemon, realDaemon, spreadPrefix, wholeFlood } from "./c-tools.ts";
import { type Contest, type Figures, hold } from "./pairs.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "9" },
    only: { type: "string" },
    messages: { type: "string", default: "400000" },
  },
});
if (!hasRealSpread) process.exit(69);
const pairs = Number(values.pairs);
/** Enough that starting up does not count: a second or more at every size. */
const messagesAt = (bytes: number) => Math.round(Number(values.messages) / (bytes > 1_000 ? 4 : 1));

await using real = await realDaemon(25_100);
await using ours = await ourDaemon(25_110);
const roundTrip = await buildRoundTrip();

/** Our clients, a process each, as the C tools are. A run in which a message was lost or the reader thrown out has rate 0. */
async function bench(daemon: Daemon, messages: number, bytes: number): Promise<Figures> {
  const flags = [
    "--spread",
    daemon.server,
    "--processes",
    "--size",
    String(bytes),
    "--count",
    String(messages),
    "--json",
  ];
  await using child = start([binary(), "spread-probe", "bench", ...flags]);
  const { status, stdout } = await child.result();
  const result = JSON.parse(stdout.trim().split("\n").at(-1)!);
  return { rate: status === 0 ? result.messagesPerSecond : 0, senderCpu: result.senderCpuSecondsPerMillion };
}

async function ping(daemon: Daemon): Promise<Figures> {
  await using child = start([
    binary(),
    "spread-probe",
    "ping",
    "--spread",
    daemon.server,
    "--count",
    "2000",
    "--interval",
    "0",
    "--json",
  ]);
  const { stdout } = await child.result();
  return { medianUs: JSON.parse(stdout).roundTripNs.p50 / 1_000 };
}

async function pingOfC(daemon: Daemon): Promise<Figures> {
  await using child = start([roundTrip.path, daemon.name, "2000", "100"]);
  const { stdout } = await child.result();
  return { medianUs: Number(stdout) };
}

/** The C round trip is our own few lines on the C library: it has to be built against whatever library is there. */
async function buildRoundTrip(): Promise<{ path: string; [Symbol.dispose](): void }> {
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const path = join(directory, "round-trip");
  const source = join(import.meta.dir, "round-trip.c");
  const libraries = [join(spreadPrefix, "lib/libspread-core.a"), "-lm", "-ldl"];
  await using compiler = start(["cc", "-O2", "-w", `-I${spreadPrefix}/include`, source, ...libraries, "-o", path]);
  const { status, stderr } = await compiler.result();
  if (status !== 0) throw new Error(`cannot build the C round trip: ${stderr}`);
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

const contests: Contest[] = [
  ...[100, 1_000, 10_000].map(
    (bytes): Contest => ({
      name: `client: real daemon, ours v. spflooder, ${bytes} B`,
      ours: () => bench(real, messagesAt(bytes), bytes),
      theirs: () => wholeFlood(real, messagesAt(bytes), bytes),
      goals: { rate: { ratio: 0.97, better: "more" }, senderCpu: { ratio: 0.5, better: "less" } },
    }),
  ),
  ...[100, 1_000, 10_000].map(
    (bytes): Contest => ({
      name: `spreadd v. real daemon, under spflooder, ${bytes} B`,
      ours: () => wholeFlood(ours, messagesAt(bytes), bytes),
      theirs: () => wholeFlood(real, messagesAt(bytes), bytes),
      goals: { rate: { ratio: 1, better: "more" } },
    }),
  ),
  ...[100, 1_000].map(
    (bytes): Contest => ({
      name: `spreadd with our clients v. real with C, ${bytes} B`,
      ours: () => bench(ours, messagesAt(bytes), bytes),
      theirs: () => wholeFlood(real, messagesAt(bytes), bytes),
      goals: { rate: { ratio: 2, better: "more" } },
    }),
  ),
  {
    name: "round trip, idle, agreed, unix socket: ours v. C",
    ours: () => ping(ours),
    theirs: () => pingOfC(real),
    goals: { medianUs: { ratio: 1, better: "less" } },
  },
];

for (const contest of contests) {
  if (values.only === undefined || contest.name.includes(values.only)) await hold(contest, pairs);
}
roundTrip[Symbol.dispose]();
