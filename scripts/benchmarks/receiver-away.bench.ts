// The receiver of a host's log is away for ten seconds: what is lost, doubled, out of order, and how long a program that logs was kept waiting at most. syslogd over a group with
// acks = 1 to an archive, beside rsyslog with the line of every how-to (`*.* @@host`), both otherwise as they come.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runSpreadbox, start, startSpreadbox } from "../../test/support/child.ts";
import { ourDaemon } from "./c-tools.ts";
import { buildFlood, countKept, type Kept, rsyslog } from "./syslog-daemons.ts";

const { values } = parseArgs({
  options: { rate: { type: "string", default: "1000" }, seconds: { type: "string", default: "60" } },
});
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const count = rate * seconds;
const AWAY_FROM_MS = 10_000;
const AWAY_MS = 10_000;
/** As long as the figures that we compare with were waited for. */
const REST_MS = 45_000;

if (Bun.which("rsyslogd") === null) {
  console.error("bench: rsyslogd is missing (Debian: apt-get install rsyslog): nothing to compare with");
  process.exit(69);
}
using flood = await buildFlood();

/** Sends at the rate while `fault` goes on. @returns the longest that one send took, ms */
async function sendThrough(socket: string, fault: () => Promise<void>): Promise<number> {
  await using sender = start([flood.path, "unix", socket, String(count), String(rate)]);
  await fault();
  const { status, stdout, stderr } = await sender.result();
  if (status !== 0) throw new Error(`syslog-flood: ${stderr}`);
  return Number(stdout.split(" ")[2]) / 1e6;
}

function tell(name: string, { distinct, doubled, outOfOrder }: Kept, longestMs: number): void {
  const lost = count - distinct;
  console.log(
    [
      name.padEnd(46),
      `lost ${lost}`.padEnd(14),
      `doubled ${doubled}`.padEnd(14),
      `out of order ${outOfOrder}`.padEnd(20),
      `longest send ${longestMs.toFixed(1)} ms`,
    ].join(" "),
  );
}

async function ours(): Promise<void> {
  await using daemon = await ourDaemon(25_300);
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const path = (name: string) => join(directory, name);
  writeFileSync(
    path("c.toml"),
    `[spread]
servers = ["${daemon.server}"]
[syslogd]
socket = ["${path("log")}"]
kernel = "no"
control = "${path("syslogd.ctl")}"
spool_directory = "${path("spool")}"
[[syslogd.rule]]
select = "*.*"
to = "group:bench.log"
acks = 1
[[syslogd.rule]]
select = "*.*"
to = "file:${path("local.log")}"
[[logcat.write]]
groups = ["bench.log"]
to = "archive:${path("archive")}"
`,
  );
  const config = ["--config", path("c.toml")];
  const record = async () => {
    const recorder = ["logcat", "record", "--verbose", "--state", path("state"), "--control", path("logcat.ctl")];
    const child = startSpreadbox([...recorder, ...config]);
    await child.stderr.until("joined bench.log");
    return child;
  };
  let recorder = await record();
  await using syslogd = startSpreadbox(["syslogd", ...config]);
  await syslogd.stderr.until("listens on");
  const longestMs = await sendThrough(path("log"), async () => {
    await Bun.sleep(AWAY_FROM_MS);
    await recorder[Symbol.asyncDispose]();
    await Bun.sleep(AWAY_MS);
    recorder = await record();
  });
  let kept: Kept = { distinct: 0, doubled: 0, outOfOrder: 0, torn: 0 };
  const show = ["logcat", "--archive", path("archive"), "--before", "2100-01-01T00:00:00Z", "--format", "raw"];
  const shown = async () => {
    const { status, stdout, stderr } = await runSpreadbox([...show, ...config, "bench.log"]);
    if (status !== 0) throw new Error(`logcat --archive: ${stderr}`);
    writeFileSync(path("shown"), stdout.replace(/^/gm, " "));
    kept = countKept(path("shown"), count);
    return kept.distinct;
  };
  const end = performance.now() + REST_MS;
  while ((await shown()) < count && performance.now() < end) await Bun.sleep(1_000);
  tell("syslogd, acks = 1, group, archive", kept, longestMs);
  tell("syslogd, its own file meanwhile", countKept(path("local.log"), count), longestMs);
  recorder.signal("SIGTERM");
  await recorder.exited;
  syslogd.signal("SIGTERM");
  await syslogd.exited;
  rmSync(directory, { recursive: true, force: true });
}

async function theirs(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const file = join(place, "received.log");
  const receive = () => rsyslog({ by: "tcp", port: 5_603 }, { to: "file", file }, false);
  let receiver = await receive();
  await using sender = await rsyslog({ by: "unix" }, { to: "tcp", port: 5_603 }, false);
  const longestMs = await sendThrough(sender.socket, async () => {
    await Bun.sleep(AWAY_FROM_MS);
    await receiver.kill();
    await Bun.sleep(AWAY_MS);
    receiver = await receive();
  });
  const end = performance.now() + REST_MS;
  let kept = countKept(file, count);
  while (kept.distinct < count && performance.now() < end) {
    await Bun.sleep(1_000);
    kept = countKept(file, count);
  }
  tell("rsyslog, *.* @@host", kept, longestMs);
  await receiver[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
}

await ours();
await theirs();
