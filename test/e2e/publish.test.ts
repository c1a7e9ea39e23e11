// publish as it is installed: the compiled executable, a daemon, and those who read what it sends. It reaches the daemon by a link that the test makes, so that
// nothing is sent before somebody listens. Every line is accounted for: published = received + told as lost.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../lib/spread/index.ts";
import { NO_CONFIG, startDaemon } from "../logcat/stage.ts";
import { type Child, type ChildOptions, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** A daemon that can be killed and come back, logcats at it, and publishers that reach it while the link is there. */
class Site {
  readonly #scratch = temporaryDirectory();
  readonly #children: Child[] = [];
  #daemon: Child | undefined;

  path(name: string): string {
    return join(this.#scratch.path, name);
  }

  get server(): string {
    return `unix:${this.path("daemon.sock")}`;
  }

  async daemon(): Promise<void> {
    this.#daemon = this.#keep(await startDaemon(this.path("daemon.sock")));
  }

  /** Lets publishers reach the daemon. */
  link(): void {
    symlinkSync(this.path("daemon.sock"), this.path("link.sock"));
  }

  signalDaemon(name: NodeJS.Signals): void {
    this.#daemon!.signal(name);
  }

  async kill(): Promise<void> {
    unlinkSync(this.path("link.sock"));
    this.#daemon!.signal("SIGKILL");
    await this.#daemon!.exited;
    unlinkSync(this.path("daemon.sock"));
  }

  async logcat(args: readonly string[], groups: readonly string[]): Promise<Child> {
    const logcat = this.#keep(
      startSpreadbox(["logcat", "--verbose", "--spread", this.server, ...args, ...groups], { env: NO_CONFIG }),
    );
    for (const group of groups) await logcat.stderr.until(`joined ${group}`);
    return logcat;
  }

  publish(args: readonly string[], options: ChildOptions = {}): Child {
    const server = `unix:${this.path("link.sock")}`;
    return this.#keep(startSpreadbox(["publish", "--spread", server, ...args], { env: NO_CONFIG, ...options }));
  }

  #keep(child: Child): Child {
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) await child[Symbol.asyncDispose]();
    this.#scratch[Symbol.dispose]();
  }
}

async function siteWithDaemon(): Promise<Site> {
  const site = new Site();
  await site.daemon();
  site.link();
  return site;
}

const numbered = (count: number, bytes: number): string =>
  Array.from({ length: count }, (_, at) => `line ${at} `.padEnd(bytes - 1, "x"))
    .join("\n")
    .concat("\n");

/** Lines of a logcat that ended or still goes on. */
const linesOf = (logcat: Child): string[] => logcat.stdout.text.split("\n").slice(0, -1);

function lostOf(text: string): number {
  return Number(/(\d+) of \d+ lines were not delivered/.exec(text)?.[1] ?? 0);
}

describe("lines of stdin reach those who read the group", () => {
  test("as raw text, in order, whatever is in them; what is too long is cut and told", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--format", "%msg%"], ["build.log"]);
    const long = "y".repeat(200_000);
    const publish = site.publish(["build.log"], { stdin: `first\r\n\n\x1b[2Jesc\x00nul <13>1 - -\n${long}\nlast` });
    const { status, stderr } = await publish.result();
    await logcat.stdout.until("last\n");
    const lines = linesOf(logcat);
    expect(lines[0]).toBe("first");
    expect(lines[1]).toContain("esc");
    expect(lines[2]!.length).toBe(61_440 + " [cut]".length);
    expect(lines.slice(3)).toEqual(["last"]);
    expect(status).toBe(0);
    expect(stderr).toContain("being longer than 61440 bytes: 1");
  });

  test("as records: none is missing, though the queue is much smaller than the input", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--strict", "--count", "--first", "40000"], ["log.app"]);
    const args = ["log.app", "--facility", "local3", "--severity", "warning", "--app", "shop", "--queue", "1MiB"];
    const publish = site.publish([...args, "--block-max", "20s"], { stdin: numbered(40_000, 100) });
    expect(await publish.result()).toMatchObject({ status: 0, stderr: "" });
    expect(await logcat.result()).toMatchObject({ status: 0, stdout: "40000\n" });
  });

  test("with the facility, severity and program that were named", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--json"], ["log.app"]);
    const publish = site.publish(["log.app", "--facility", "local3", "-s", "warning", "-a", "shop"], { stdin: "paid" });
    expect(await publish.exited).toBe(0);
    await logcat.stdout.until("paid");
    expect(JSON.parse(linesOf(logcat)[0]!)).toMatchObject({
      group: "log.app",
      facility: "local3",
      severity: "warning",
      app: "shop",
      procid: `${publish.pid}`,
      msg: "paid",
    });
  });

  test("and a file besides, as they came", async () => {
    await using site = await siteWithDaemon();
    const tee = site.path("tee.log");
    const publish = site.publish(["--group", "www.%{v}", "--take-first", "--tee", tee], { stdin: "a one\nb two" });
    expect(await publish.result()).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(tee, "utf8")).toBe("a one\nb two\n");
  });

  test("at once, while stdin goes on; SIGTERM ends it with what the pipe holds", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--format", "%msg%"], ["build.log"]);
    const publish = site.publish(["build.log"], { stdin: "open" });
    publish.stdin.write("one\n");
    await publish.stdin.flush();
    await logcat.stdout.until("one\n");
    publish.stdin.write("two\nthree without an end");
    await publish.stdin.flush();
    publish.signal("SIGTERM");
    expect(await publish.result()).toMatchObject({ status: 0, stderr: "" });
    await logcat.stdout.until("three without an end\n");
    expect(linesOf(logcat)).toEqual(["one", "two", "three without an end"]);
  });
});

test("--take-first: each of 2,000 virtual hosts has a group of its own", async () => {
  await using site = await siteWithDaemon();
  const hosts = 2_000;
  const got = new Map<string, string[]>();
  await using reader = await connect({ servers: site.server, name: "reader", membership: false });
  for (let host = 0; host < hosts; host++) await reader.join(`www.v${host}.example`);
  await reader.multicast(reader.privateGroup!, "joined");
  let lines = 0;
  let publish: Child | undefined;
  for await (const event of reader) {
    if (event.kind !== "message") continue;
    // Our own message comes behind our joins: all of them are known to the daemon.
    publish ??= site.publish(["--group", "www.%{vhost}", "--take-first"], {
      stdin: Array.from({ length: 3 * hosts }, (_, at) => `v${at % hosts}.example hit ${at}`).join("\n"),
    });
    const group = event.groups[0]!;
    if (!group.startsWith("www.")) continue;
    const texts = new TextDecoder().decode(event.body).trimEnd().split("\n");
    got.set(group, [...(got.get(group) ?? []), ...texts]);
    lines += texts.length;
    if (lines === 3 * hosts) break;
  }
  expect(await publish!.result()).toMatchObject({ status: 0, stderr: "" });
  expect(got.size).toBe(hosts);
  for (let host = 0; host < hosts; host += 97)
    expect(got.get(`www.v${host}.example`)).toEqual([0, 1, 2].map((round) => `hit ${host + round * hosts}`));
});

test("one line for each of 8,000 groups, many times over, to a daemon that stands still for a while: none is lost", async () => {
  await using site = await siteWithDaemon();
  const hosts = 8_000;
  const rounds = 5;
  const every = 80;
  let seen = 0;
  await using reader = await connect({ servers: site.server, name: "reader", membership: false });
  for (let host = 0; host < hosts; host += every) await reader.join(`v${host}`);
  await reader.multicast(reader.privateGroup!, "joined");
  let publish: Child | undefined;
  for await (const event of reader) {
    if (event.kind !== "message") continue;
    if (publish === undefined) {
      publish = site.publish(["--group", "%{v}", "--take-first"], { stdin: "open" });
      publish.stdin.write("v0 x\n");
      await publish.stdin.flush();
      continue;
    }
    seen += new TextDecoder().decode(event.body).split("\n").length - 1;
    if (seen === 1) {
      // On the wire a line of one byte takes 83: far more than the lines themselves waits for the daemon.
      site.signalDaemon("SIGSTOP");
      publish.stdin.write(Array.from({ length: hosts * rounds }, (_, at) => `v${at % hosts} x\n`).join(""));
      await publish.stdin.end();
      site.signalDaemon("SIGCONT");
    }
    if (seen === 1 + (hosts / every) * rounds) break;
  }
  expect(await publish!.result()).toMatchObject({ status: 0, stderr: "" });
});

describe("while the daemon is away", () => {
  test("at the start and later, lines wait, and go out when it is back", async () => {
    await using site = new Site();
    const publish = site.publish(["log.app", "--app", "shop"], { stdin: "open" });
    publish.stdin.write("one\n");
    await publish.stdin.flush();
    await publish.stderr.until("cannot deliver");
    await site.daemon();
    const before = await site.logcat(["--format", "%msg%"], ["log.app"]);
    site.link();
    await before.stdout.until("one\n");
    await site.kill();
    publish.stdin.write("two\nthree\n");
    await publish.stdin.flush();
    await publish.stderr.until(/cannot deliver[\s\S]*cannot deliver/);
    await site.daemon();
    const behind = await site.logcat(["--format", "%msg%"], ["log.app"]);
    site.link();
    await behind.stdout.until("three\n");
    publish.stdin.end();
    const { status, stderr } = await publish.result();
    expect(status).toBe(0);
    expect(stderr).toMatch(/delivers again after \S+; nothing was lost/);
    expect(linesOf(behind).slice(-2)).toEqual(["two", "three"]);
  });

  test("the end waits no longer than --flush: status 75, and the lines are counted", async () => {
    await using site = new Site();
    const publish = site.publish(["build.log", "--flush", "200ms"], { stdin: "one\ntwo\nthree\n" });
    const { status, stderr } = await publish.result();
    expect(status).toBe(75);
    expect(stderr).toContain("3 of 3 lines were not delivered");
  });

  test("a spool keeps them beyond the end, and the next one delivers them", async () => {
    await using site = new Site();
    const spool = site.path("spool");
    const first = await site.publish(["build.log", "--spool", spool], { stdin: "one\ntwo\n" }).result();
    expect(first.status).toBe(0);
    expect(first.stderr).toContain("2 lines were left in the spool");
    await site.daemon();
    const logcat = await site.logcat(["--format", "%msg%"], ["build.log"]);
    site.link();
    expect((await site.publish(["build.log", "--spool", spool], { stdin: "three\n" }).result()).status).toBe(0);
    await logcat.stdout.until("three\n");
    expect(linesOf(logcat)).toEqual(["one", "two", "three"]);
  });
});

describe("where the queue is full", () => {
  const LINES = 20_000;
  const input = numbered(LINES, 200);

  for (const { policy, atLeastMs } of [
    { policy: ["--on-full", "drop"], atLeastMs: 0 },
    { policy: ["--on-full", "block", "--block-max", "300ms"], atLeastMs: 300 },
  ])
    test(`${policy.join(" ")}: the writer is held up no longer, and received + told as lost = published`, async () => {
      await using site = new Site();
      await site.daemon();
      const logcat = await site.logcat(["--format", "%msg%"], ["build.log"]);
      const publish = site.publish(["build.log", "--queue", "1MiB", ...policy], { stdin: "open" });
      const startedMs = performance.now();
      publish.stdin.write(input);
      await publish.stdin.flush(); // all but what a pipe holds was read, though nothing could be sent
      publish.stdin.write("the last\n");
      await publish.stdin.end();
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(atLeastMs);
      await publish.stderr.until("cannot deliver");
      site.link();
      const { status, stderr } = await publish.result();
      const lost = lostOf(stderr);
      expect(status).toBe(75);
      expect(stderr).toMatch(/delivers again after \S+; \d+ lines were dropped|\d+ of \d+ lines/);
      expect(lost).toBeGreaterThan(LINES / 2);
      const wanted = LINES + 1 - lost;
      await logcat.stdout.until(new RegExp(`^(?:.*\n){${wanted}}`));
      const lines = linesOf(logcat);
      expect(lines.length).toBe(wanted);
      expect(lines[0]).toStartWith("line 0 ");
      expect(new Set(lines).size).toBe(wanted);
    });
});

describe("--command", () => {
  const failing = "echo out; echo err >&2; exit 3";

  test("publishes what it says and how it ended, and passes its status on", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--json"], ["log.cron"]);
    const publish = site.publish(["--command", "log.cron", "--", "sh", "-c", failing]);
    expect(await publish.result()).toMatchObject({ status: 3, stdout: "", stderr: "" });
    await logcat.stdout.until("exited with");
    const seen = linesOf(logcat).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(seen.filter(({ msg }) => msg === "out")).toMatchObject([{ severity: "info", app: "sh" }]);
    expect(seen.filter(({ msg }) => msg === "err")).toMatchObject([{ severity: "err", app: "sh" }]);
    expect(seen.at(-1)).toMatchObject({ severity: "err", msg: expect.stringMatching(/^exited with status 3 after /) });
    expect(JSON.stringify(seen.at(-1))).toContain("command@32473");
  });

  test("--quiet-on-success: nothing where it succeeds, all of it where it fails", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--format", "%msg%"], ["log.cron"]);
    const quiet = ["--command", "--quiet-on-success", "log.cron", "--", "sh", "-c"];
    expect(await site.publish([...quiet, "echo fine"]).exited).toBe(0);
    expect(await site.publish([...quiet, failing]).exited).toBe(3);
    await logcat.stdout.until("exited with");
    expect(logcat.stdout.text).not.toContain("fine");
    expect(linesOf(logcat).slice(0, -1).sort()).toEqual(["err", "out"]);
  });

  test("one that is not there has status 127, and one that a signal ended 128 and its number", async () => {
    await using site = await siteWithDaemon();
    const logcat = await site.logcat(["--format", "%msg%"], ["log.cron"]);
    const run = ["--command", "log.cron", "--"];
    expect(await site.publish([...run, site.path("none")]).exited).toBe(127);
    expect(await site.publish([...run, "sh", "-c", "kill -TERM $$"]).exited).toBe(143);
    await logcat.stdout.until("was ended by SIGTERM");
    expect(logcat.stdout.text).toContain("could not be started");
  });

  test("status 0 and no daemon: 75, for what it said has not arrived", async () => {
    await using site = new Site();
    const publish = site.publish(["--command", "--flush", "100ms", "log.cron", "--", "echo", "hello"]);
    const { status, stdout } = await publish.result();
    expect(status).toBe(75);
    expect(stdout).toMatch(/^hello\nexited with status 0 after /);
  });

  test("what can't be delivered goes to stdout, so that cron mails it; what a spool keeps does not", async () => {
    await using site = new Site();
    const args = ["--command", "--quiet-on-success", "--flush", "100ms", "log.cron"];
    const lost = await site.publish([...args, "--", "sh", "-c", "echo out; exit 3"]).result();
    expect(lost.status).toBe(3);
    expect(lost.stdout).toMatch(/^out\nexited with status 3 after /);
    const spool = ["--spool", site.path("spool")];
    const kept = await site.publish([...spool, ...args, "--", "sh", "-c", "echo out; exit 3"]).result();
    expect(kept).toMatchObject({ status: 3, stdout: "" });
  });
});

describe("--acks without a spool that can be used is refused before anything is read or run", () => {
  test("where the directory can't be made", async () => {
    await using site = new Site();
    writeFileSync(site.path("file"), "");
    const spool = site.path("file/spool");
    for (const more of [[], ["--command", "--quiet-on-success"]]) {
      const rest = more.length === 0 ? [] : ["--", "touch", site.path("was-run")];
      const publish = site.publish(["--acks", "1", "--spool", spool, ...more, "log.cron", ...rest], { stdin: "one\n" });
      const { status, stderr } = await publish.result();
      expect(status).toBe(73);
      expect(stderr).toStartWith(
        `publish: cannot use spool ${spool}, and --acks needs one: a part of its path is no directory\n`,
      );
    }
    expect(existsSync(site.path("was-run"))).toBe(false);
  });

  test("where another publish has it", async () => {
    await using site = new Site();
    const args = ["--acks", "1", "--spool", site.path("spool"), "log.cron"];
    const first = site.publish(args, { stdin: "open" });
    first.stdin.write("one\n");
    await first.stdin.flush();
    await first.stderr.until("cannot deliver");
    const { status, stderr } = await site.publish(args, { stdin: "two\n" }).result();
    expect(status).toBe(75);
    expect(stderr).toBe(`publish: cannot use spool ${site.path("spool")}: another process has it\n`);
    await first.stdin.end();
    expect(await first.exited).toBe(75);
  });
});

describe("what can't be meant is refused", () => {
  for (const { args, says } of [
    { args: [], says: "GROUP is missing" },
    { args: ["www.%{v}"], says: "--take-first is not given" },
    { args: ["log.cron", "--take-first"], says: "no field for --take-first" },
    { args: ["log.cron", "true"], says: "give --command" },
    { args: ["--command", "log.cron"], says: "COMMAND is missing" },
    { args: ["log.cron", "--facility", "crno"], says: 'did you mean "cron"?' },
    { args: ["log cron"], says: "log cron" },
    { args: ["log.cron", "--queue", "1KiB"], says: "1MiB to 1GiB" },
  ])
    test(`publish ${args.join(" ")}`, async () => {
      await using site = new Site();
      const { status, stderr } = await site.publish(args).result();
      expect(status).toBe(64);
      expect(stderr).toContain(says);
    });
});
