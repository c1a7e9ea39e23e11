// Acknowledged delivery as it is installed: a syslogd whose socket outlives it (as systemd would hold it), a daemon, a recorder, and kill -9 of each under load. Every record
// that syslogd accepted is on the recorder's disk in the end. `ACKS_AWAY_MS=10000` for the recorder away as long as the issue wants it.

import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listenUnixDatagram, openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { NO_CONFIG, startDaemon } from "../logcat/stage.ts";
import { binary } from "../support/binary.ts";
import { type Child, runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Records a second. */
const RATE = 1_000;
const TURN_MS = 10;
const AWAY_MS = Number(process.env["ACKS_AWAY_MS"] ?? "1000");
/** As many datagrams are read at a time: that much of what the kernel had given is lost with the process. */
const BATCH = 64;

/** The programs of one cluster of one host, each of which can be killed and started again. */
class Stage implements AsyncDisposable {
  readonly #scratch = temporaryDirectory();
  readonly #held = listenUnixDatagram(this.path("log"));
  readonly #sender = openUnixDatagram();
  readonly #children = new Map<string, Child>();
  sent = 0;
  #isLoading = false;
  #loading: Promise<void> = Promise.resolve();

  constructor(acks = 1) {
    this.#configure("c.toml", "db1", "user.log", acks);
    this.#configure("c2.toml", "db2", "user2.log", acks);
    this.#configure("c3.toml", "db3", "archive", acks);
  }

  #configure(name: string, recorderHost: string, file: string, acks: number): void {
    writeFileSync(
      this.path(name),
      `[spread]
servers = ["unix:${this.path("spread.sock")}"]
[syslogd]
host = "web1"
kernel = "no"
control = "${this.path("syslogd.ctl")}"
spool_directory = "${this.path("spool")}"
[[syslogd.rule]]
select = "user.*"
to = "group:log.user"
acks = ${acks}
[[logcat.write]]
groups = ["log.user"]
to = "${file === "archive" ? "archive" : "file"}:${this.path(file)}"
${file === "archive" ? "" : 'format = "raw"'}
[logcat.recorder]
host = "${recorderHost}"
`,
    );
  }

  path(name: string): string {
    return join(this.#scratch.path, name);
  }

  async daemon(): Promise<void> {
    this.#children.set("daemon", await startDaemon(this.path("spread.sock")));
  }

  async syslogd(): Promise<void> {
    // A service manager sets LISTEN_PID between fork and exec; here a shell does.
    const command = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" syslogd --config "$1"', binary(), this.path("c.toml")];
    const child = start(command, { env: { ...NO_CONFIG, LISTEN_FDS: "1" }, descriptors: [this.#held.fd] });
    this.#children.set("syslogd", child);
    await child.stderr.until("listens on");
  }

  /** @param which "2" for the one on the other host, "3" for the one with an archive */
  async recorder(which: "" | "2" | "3" = ""): Promise<void> {
    const [state, control, config] = [`state${which}`, `logcat${which}.ctl`, `c${which}.toml`].map((one) =>
      this.path(one),
    );
    const own = ["--state", state!, "--control", control!, "--config", config!];
    const child = startSpreadbox(["logcat", "record", "--verbose", ...own], { env: NO_CONFIG });
    this.#children.set(`recorder${which}`, child);
    await child.stderr.until("joined log.user");
  }

  async kill(who: "daemon" | "syslogd" | "recorder" | "recorder3"): Promise<void> {
    await this.#children.get(who)![Symbol.asyncDispose]();
  }

  async restart(): Promise<void> {
    const { status, stderr } = await runSpreadbox(["syslogd", "restart", "--config", this.path("c.toml")], {
      env: NO_CONFIG,
    });
    expect([status, stderr]).toEqual([0, ""]);
  }

  stderrOf(who: string): string {
    return this.#children.get(who)?.stderr.text ?? "";
  }

  /** Logs RATE records a second, numbered, until `rest`. */
  load(): void {
    this.#isLoading = true;
    this.#loading = (async () => {
      const beganMs = performance.now();
      const before = this.sent;
      while (this.#isLoading) {
        const due = before + ((performance.now() - beganMs) / 1_000) * RATE;
        while (this.sent < due && this.#send(this.sent + 1)) this.sent += 1; // who logs waits for a full socket
        await Bun.sleep(TURN_MS);
      }
    })();
  }

  async rest(): Promise<void> {
    this.#isLoading = false;
    await this.#loading;
  }

  #send(number: number): boolean {
    const text = `<14>app[1]: n=${number} ${"x".repeat(150)}`;
    return sendUnixDatagram(this.#sender.fd, this.path("log"), new TextEncoder().encode(text));
  }

  /** The numbers in the recorder's file, in order. */
  recorded(file = "user.log"): number[] {
    if (!existsSync(this.path(file))) return [];
    return Array.from(readFileSync(this.path(file), "utf8").matchAll(/^n=(\d+) x{150}$/gm), ([, n]) => Number(n));
  }

  /** The numbers in the archive, in the order in which it has them. */
  async archived(): Promise<number[]> {
    const all = ["--before", "2100-01-01T00:00:00Z", "--format", "raw", "--config", this.path("c3.toml"), "log.user"];
    const { status, stdout, stderr } = await runSpreadbox(["logcat", "--archive", this.path("archive"), ...all], {
      env: NO_CONFIG,
    });
    expect([status, stderr]).toEqual([0, ""]);
    return Array.from(stdout.matchAll(/^n=(\d+) x{150}$/gm), ([, n]) => Number(n));
  }

  async counts(): Promise<{ accepted: number; delivered: number; waiting: number; lost: number; text: string }> {
    const { stdout } = await runSpreadbox(["syslogd", "status", "--config", this.path("c.toml")], { env: NO_CONFIG });
    const text = /^group:\* acks=\d: .*$/m.exec(stdout)?.[0] ?? stdout;
    const [, accepted, delivered, waiting, lost] =
      /accepted (\d+), delivered (\d+), waiting (\d+), lost (\d+)/.exec(text)?.map(Number) ?? [];
    return { accepted: accepted!, delivered: delivered!, waiting: waiting!, lost: lost!, text };
  }

  /** Resolves when nothing waits any more, the last that was sent included: it may still lie in the socket. @param file who has it then, or the archive */
  async settled(file: "user.log" | "archive" = "user.log"): Promise<void> {
    for (const deadline = performance.now() + 60_000; ; await Bun.sleep(200)) {
      const counts = await this.counts();
      if (counts.waiting === 0 && counts.delivered > 0) {
        const recorded = file === "archive" ? await this.archived() : this.recorded();
        if (recorded.includes(this.sent)) return;
      }
      if (performance.now() > deadline)
        throw new Error(
          `${counts.text}\n${this.stderrOf("syslogd")}\n${this.stderrOf("recorder")}${this.stderrOf("recorder3")}`,
        );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    for (const child of this.#children.values()) await child[Symbol.asyncDispose]();
    this.#held[Symbol.dispose]();
    this.#sender[Symbol.dispose]();
    this.#scratch[Symbol.dispose]();
  }
}

async function stage(acks?: number): Promise<Stage> {
  const set = new Stage(acks);
  await set.daemon();
  await set.recorder();
  await set.syslogd();
  return set;
}

function missing(numbers: readonly number[], upTo: number): number[] {
  const all = new Set(numbers);
  return Array.from({ length: upTo }, (_, at) => at + 1).filter((number) => !all.has(number));
}

test("kill -9 of the recorder under load, away while syslogd is restarted: nothing is lost, and no more doubled than a commit of its file", async () => {
  await using set = await stage();
  set.load();
  await Bun.sleep(1_500);
  await set.kill("recorder");
  await Bun.sleep(AWAY_MS / 2);
  await set.restart();
  await Bun.sleep(AWAY_MS / 2);
  await set.recorder();
  await Bun.sleep(500);
  await set.rest();
  await set.settled();
  const recorded = set.recorded();
  expect(missing(recorded, set.sent)).toEqual([]);
  expect(recorded.length - set.sent).toBeLessThan(2 * RATE); // a file is at least once: its marks are written once a second
  expect((await set.counts()).lost).toBe(0);
}, 120_000);

test("kill -9 of syslogd under load, its socket held: at most one batch is lost, and nothing doubled", async () => {
  await using set = await stage();
  set.load();
  await Bun.sleep(800);
  await set.kill("syslogd");
  await Bun.sleep(200);
  await set.syslogd();
  await Bun.sleep(500);
  await set.rest();
  await set.settled();
  const recorded = set.recorded();
  expect(missing(recorded, set.sent).length).toBeLessThanOrEqual(BATCH);
  expect(new Set(recorded).size).toBe(recorded.length);
}, 120_000);

test("kill -9 of syslogd, twice, while the recorder is away: when it is back the records of the three lives come in their order", async () => {
  await using set = await stage();
  set.load();
  await Bun.sleep(800);
  await set.kill("recorder");
  for (let life = 0; life < 2; life++) {
    await Bun.sleep(300);
    await set.kill("syslogd");
    await set.syslogd();
  }
  await Bun.sleep(300);
  await set.recorder();
  await Bun.sleep(500);
  await set.rest();
  await set.settled();
  const seen = new Set<number>();
  const firsts = set.recorded().filter((number) => !seen.has(number) && seen.add(number)); // a file is at least once
  expect(firsts).toEqual(firsts.toSorted((one, other) => one - other));
  expect(missing(firsts, set.sent).length).toBeLessThanOrEqual(2 * BATCH);
}, 120_000);

test("kill -9 of a recorder with an archive, twice, and of the daemon, under load: each record is there exactly once, in its sender's order", async () => {
  await using set = new Stage(1);
  await set.daemon();
  await set.recorder("3");
  await set.syslogd();
  set.load();
  for (let time = 0; time < 2; time++) {
    await Bun.sleep(800);
    await set.kill("recorder3");
    await Bun.sleep(time === 0 ? 300 : AWAY_MS);
    await set.recorder("3");
  }
  await Bun.sleep(500);
  await set.kill("daemon");
  await Bun.sleep(300);
  await set.daemon();
  await Bun.sleep(500);
  await set.rest();
  await set.settled("archive");
  expect(await set.archived()).toEqual(Array.from({ length: set.sent }, (_, at) => at + 1));
}, 120_000);

test("with too few recorders records are kept, which is told, and delivered when there are enough", async () => {
  await using set = new Stage(1);
  await set.daemon();
  await set.syslogd();
  set.load();
  await Bun.sleep(300);
  await set.rest();
  for (let waiting = 0; waiting < set.sent; await Bun.sleep(50)) waiting = (await set.counts()).waiting;
  expect((await set.counts()).text).toEndWith("lost 0, acknowledged by none of 1 host wanted");
  await set.recorder();
  await set.settled();
  expect(set.recorded()).toEqual(Array.from({ length: set.sent }, (_, at) => at + 1));
  expect((await set.counts()).text).toMatch(/, acknowledged by 1 \(\S+\) of 1 host wanted$/);
}, 120_000);

test("acks = 2: what one host has is kept until another has it too, and both end with the same records", async () => {
  await using set = await stage(2);
  set.load();
  await Bun.sleep(500);
  await set.recorder("2");
  await Bun.sleep(500);
  await set.kill("recorder");
  await Bun.sleep(500);
  await set.rest();
  await set.recorder();
  await set.settled();
  for (const file of ["user.log", "user2.log"]) expect(missing(set.recorded(file), set.sent)).toEqual([]);
  expect((await set.counts()).text).toEndWith("lost 0, acknowledged by 2 (db1, db2) of 2 hosts wanted");
}, 120_000);

test("publish --acks: what no recorder has when it ends is kept, and sent by the next run, each line once", async () => {
  await using set = new Stage(1);
  await set.daemon();
  const publish = (text: string, flush: string) => {
    const own = ["--acks", "1", "--spool", set.path("publish"), "--flush", flush, "--config", set.path("c.toml")];
    return runSpreadbox(["publish", ...own, "log.user"], { env: NO_CONFIG, stdin: text });
  };
  const line = (number: number): string => `n=${number} ${"x".repeat(150)}\n`;
  const first = await publish(line(1) + line(2), "200ms");
  expect([first.status, first.stderr]).toEqual([75, "publish: group:log.user: 2 lines were left in the spool\n"]);
  await set.recorder("3");
  const second = await publish(line(3), "20s");
  expect([second.status, second.stderr]).toEqual([
    0,
    expect.stringContaining("2 records of an earlier run will be sent"),
  ]);
  expect(await set.archived()).toEqual([1, 2, 3]);
}, 120_000);
