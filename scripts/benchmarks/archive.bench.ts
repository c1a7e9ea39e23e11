// The archive: how fast `logcat record` writes it, and how soon a search in it shows its first result. Records are of many hosts and programs, each with an id, an
// address and words of its own: no two are alike, and what is searched for stands in few of them. A search is the command as it is typed, from its start on.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Sample } from "../../lib/base/counters.ts";
import { askOnce } from "../../lib/control/io/client.ts";
import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { BatchWriter } from "../../lib/feed/batch-writer.ts";
import { connect, type Session } from "../../lib/spread/index.ts";
import { type Child, runSpreadbox, startSpreadbox } from "../../test/support/child.ts";
import { ourDaemon } from "./c-tools.ts";
import { costOf } from "./syslog-daemons.ts";

const { values } = parseArgs({ options: { records: { type: "string", default: "5000000" } } });
const records = Number(values.records);
const GROUP = "bench.log";
const NO_CONFIG = { SPREADBOX_CONFIG: "" };
const HOSTS = 20;
const APPS = ["postfix/smtpd", "sshd", "nginx", "dovecot", "kernel", "cron", "app-server", "haproxy"];
const WORDS =
  "connection from server refused user login failed session opened closed request completed error disk usage memory process started stopped restart network interface packet dropped queue message delivered relay status sent client host reject filter cache hit miss upstream response header".split(
    " ",
  );

/** Reproducible chance. */
let seed = 1;
const chance = (below: number) => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
  return seed % below;
};

function text(index: number): string {
  const words = Array.from({ length: 8 }, () => WORDS[chance(WORDS.length)]!).join(" ");
  const rare = index % 500_000 === 250_000 ? " timeout of backend db7" : "";
  return `${words}${rare} id=${idOf(index)} from 10.${chance(200)}.${chance(250)}.${chance(250)} took ${chance(1_000)}ms`;
}

const idOf = (index: number) =>
  (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0") + index.toString(16);

/** As fast as they are committed: so many are on their way at most. */
const WINDOW = 30_000;

async function send(session: Session, control: string): Promise<void> {
  const encoder = new TextEncoder();
  const next = Array.from({ length: HOSTS }, () => 1);
  const nowMs = Date.now();
  for (let sent = 0; sent < records; ) {
    const host = chance(HOSTS);
    const writer = new BatchWriter(`host${host}`, "a");
    for (let index = 0; index < 200 && sent < records && !writer.isFull; index++, sent++) {
      const time = new Date(nowMs + sent / 1_000).toISOString();
      const app = APPS[chance(APPS.length)]!;
      const line = `<${8 * chance(10) + 2 + chance(5)}>1 ${time} host${host} ${app} ${chance(30_000)} - [sb@32473 rx="${nowMs}000" pid="311" uid="0" via="unix"] ${text(sent)}`;
      const bytes = encoder.encode(line);
      writer.append(next[host]!++, bytes, 0, bytes.length);
    }
    await session.multicast(GROUP, writer.close(), { messageType: BATCH_MESSAGE_TYPE });
    if (sent % 4_000 < 200) while (sent - (await delivered(control)) > WINDOW) await Bun.sleep(20);
  }
}

async function delivered(control: string): Promise<number> {
  const samples = (await askOnce("recorder", control, { ask: "stats", with: {} })) as readonly Sample[];
  const sampleOf = (wanted: string) => samples.find(({ name }) => name === wanted)?.value ?? 0;
  if (sampleOf("sink_lost") > 0) throw new Error(`the recorder lost ${sampleOf("sink_lost")} records`);
  return sampleOf("sink_delivered");
}

const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
try {
  await using daemon = await ourDaemon(25_320);
  const config = join(directory, "c.toml");
  const control = join(directory, "ctl");
  const archive = join(directory, "archive");
  writeFileSync(
    config,
    `[spread]\nservers = ["${daemon.server}"]\n[[logcat.write]]\ngroups = ["${GROUP}"]\nto = "archive:${archive}"\n`,
  );
  const args = ["--verbose", "--config", config, "--control", control, "--state", join(directory, "state")];
  const recorder: Child = startSpreadbox(["logcat", "record", ...args], { env: NO_CONFIG });
  try {
    await recorder.stderr.until(`joined ${GROUP}`);
    await using session = await connect({ servers: daemon.server, membership: false });
    const before = costOf(recorder.pid);
    const begunMs = performance.now();
    await send(session, control);
    while ((await delivered(control)) < records) await Bun.sleep(100);
    const seconds = (performance.now() - begunMs) / 1_000;
    const cost = costOf(recorder.pid);
    const cpu = cost.cpuSeconds - before.cpuSeconds;
    const bytes = readdirSync(archive).reduce((sum, name) => sum + statSync(join(archive, name)).size, 0);
    show("archive writing", "records/s", records / seconds, "goal: at least 50,000");
    show("archive writing", "records/s a core", records / cpu, "");
    show("archive writing", "peak MiB", cost.peakMiB, "");
    show("archive writing", "bytes a record", bytes / records, "");
  } finally {
    recorder.signal("SIGTERM");
    await recorder.exited;
    await recorder[Symbol.asyncDispose]();
  }
  await startup();
  const middle = idOf(Math.floor(records / 2));
  for (const [name, flags] of [
    ["a word in ten records", ["--grep", "timeout"]],
    ["an id in one record", ["--grep", middle]],
    ["a part of an id", ["--grep", middle.slice(2, 12)]],
    ["a common word", ["--grep", "refused"]],
    ["one of two rare texts", ["--grep", `backend db7|${middle}`]],
    ["a word of one host", ["--grep", "refused", "--host", "host7"]],
    ["the last 20 with a word", ["--grep", "refused", "-n", "20"]],
    ["nothing like it", ["--grep", "no such text anywhere"]],
    ["a class of characters: a scan", ["--grep", "[xyz]{5}", "--count"]],
    ["all, counted: a scan", ["--count"]],
  ] as const)
    await search(archive, name, flags);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function search(archive: string, name: string, flags: readonly string[]): Promise<void> {
  const firsts: number[] = [];
  let lines = 0;
  for (let run = 0; run < 3; run++) {
    const begunMs = performance.now();
    await using child = startSpreadbox(["logcat", "--archive", archive, "--before", "0s", ...flags, GROUP], {
      env: NO_CONFIG,
    });
    const end = child.stdout.end();
    await Promise.race([child.stdout.until("\n").catch(() => {}), end]);
    firsts.push(performance.now() - begunMs);
    lines = (await end).split("\n").length - 1;
  }
  firsts.sort((a, b) => a - b);
  show(`search: ${name}`, "first, ms", firsts[1]!, `${lines} lines; goal: at most 300`);
}

/** What of a search is the start of the executable: more on a machine that has other work. */
async function startup(): Promise<void> {
  const took: number[] = [];
  for (let run = 0; run < 5; run++) {
    const begunMs = performance.now();
    await runSpreadbox(["logcat", "--help"], { env: NO_CONFIG });
    took.push(performance.now() - begunMs);
  }
  show("the command's start alone", "ms", took.toSorted((a, b) => a - b)[2]!, "");
}

function show(name: string, figure: string, value: number, more: string): void {
  console.log(
    `${name.padEnd(42)} ${figure.padEnd(18)} ${Math.round(value).toLocaleString("en").padStart(12)}   ${more}`,
  );
}
