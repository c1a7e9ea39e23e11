// The main job, with the compiled executable and real programs: what logger(1) says reaches a screen through syslogd, a group and logcat.
import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { type Child, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Seen {
  readonly kind: string;
  readonly group: string;
  readonly facility: string;
  readonly severity: string;
  readonly host: string;
  readonly app?: string;
  readonly msg: string;
}

/** Daemon, syslogds and logcats on sockets of their own, ended with the scope. */
class Site {
  readonly #children: Child[] = [];

  constructor(readonly directory: string) {}

  get server(): string {
    return `unix:${join(this.directory, "spread.sock")}`;
  }

  async spreadd(): Promise<Child> {
    const socket = join(this.directory, "spread.sock");
    const child = this.#keep(
      startSpreadbox(["spreadd", "--port", "0", "--name", "site", "--socket", socket, "--no-tmp-socket"]),
    );
    await child.stderr.until("listens on");
    return child;
  }

  /** @param host the name of the host it is to speak for */
  async syslogd(name: string, host = "h1.example"): Promise<{ child: Child; socket: string }> {
    const socket = join(this.directory, name);
    const config = join(this.directory, `${name}.toml`);
    writeFileSync(config, `[syslogd]\nhost = "${host}"\n`);
    const child = this.#keep(
      startSpreadbox([
        "syslogd",
        "--socket",
        socket,
        "--spread",
        this.server,
        "--rule",
        "*.* -> group:log.%facility%",
        "--config",
        config,
      ]),
    );
    await child.stderr.until("started");
    return { child, socket };
  }

  async logcat(groups: readonly string[], ...flags: string[]): Promise<Child> {
    const child = this.#keep(startSpreadbox(["logcat", "--spread", this.server, "--verbose", ...flags, ...groups]));
    for (const group of groups) await child.stderr.until(`joined ${group}`);
    return child;
  }

  #keep(child: Child): Child {
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) await child[Symbol.asyncDispose]();
  }
}

async function logger(socket: string, ...args: string[]): Promise<void> {
  await using child = start(["logger", "-u", socket, ...args]);
  const { status, stderr } = await child.result();
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

const records = (text: string): Seen[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Seen)
    .filter(({ kind }) => kind === "record");

describe("a line from logger", () => {
  test("appears at logcat with its facility, severity, host, tag and text", async () => {
    using scratch = temporaryDirectory();
    await using site = new Site(scratch.path);
    await site.spreadd();
    const logcat = await site.logcat(["log.mail"], "--json");
    const { socket } = await site.syslogd("log");
    await logger(socket, "-p", "mail.warning", "-t", "postfix/smtpd", "hello ü");
    await logcat.stdout.until("hello ü");
    expect(records(logcat.stdout.text)).toMatchObject([
      {
        group: "log.mail",
        facility: "mail",
        severity: "warning",
        host: "h1.example",
        app: "postfix/smtpd",
        msg: "hello ü",
      },
    ]);
  });

  test("in RFC 5424 keeps its structured data and its identity", async () => {
    using scratch = temporaryDirectory();
    await using site = new Site(scratch.path);
    await site.spreadd();
    const logcat = await site.logcat(["log.local3"], "--json");
    const { socket } = await site.syslogd("log");
    await logger(
      socket,
      "--rfc5424",
      "--sd-id",
      "order@32473",
      "--sd-param",
      'number="17"',
      "--msgid",
      "NEW",
      "-p",
      "local3.crit",
      "-t",
      "shop",
      "paid",
    );
    await logcat.stdout.until("paid");
    expect(records(logcat.stdout.text)).toMatchObject([
      { facility: "local3", severity: "crit", app: "shop", msg: "paid" },
    ]);
    expect(logcat.stdout.text).toContain("17");
    expect(logcat.stdout.text).toContain("NEW");
  });

  test("cannot drive the terminal of the one who reads it", async () => {
    using scratch = temporaryDirectory();
    await using site = new Site(scratch.path);
    await site.spreadd();
    const logcat = await site.logcat(["log.user"]);
    const { socket } = await site.syslogd("log");
    await logger(socket, "-t", "evil", "clear \x1b[2J\x07 end");
    const text = await logcat.stdout.until(" end");
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  });
});

test("two logcats see what two syslogds send in one order", async () => {
  using scratch = temporaryDirectory();
  await using site = new Site(scratch.path);
  await site.spreadd();
  const readers = [
    await site.logcat(["log.user", "log.mail"], "--json"),
    await site.logcat(["log.user", "log.mail"], "--json"),
  ];
  const senders = [await site.syslogd("log1", "h1"), await site.syslogd("log2", "h2")];
  const perSender = 300;
  await Promise.all(
    senders.map(async ({ socket }, sender) => {
      const lines = Array.from({ length: perSender }, (_, at) => `line ${at} of sender ${sender}`).join("\n");
      await using child = start(
        ["logger", "-u", socket, "-p", sender === 0 ? "user.info" : "mail.info", "-t", "order"],
        { stdin: `${lines}\n` },
      );
      expect((await child.result()).status).toBe(0);
    }),
  );
  for (const reader of readers) {
    for (const sender of [0, 1]) await reader.stdout.until(`line ${perSender - 1} of sender ${sender}"`);
  }
  const [first, second] = readers.map((reader) => records(reader.stdout.text).filter(({ app }) => app === "order"));
  expect(first!.length).toBe(2 * perSender);
  expect(second!.map(({ host, msg }) => `${host} ${msg}`)).toEqual(first!.map(({ host, msg }) => `${host} ${msg}`));
});

describe("logcat ends as it was asked to", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal}: status 0`, async () => {
      using scratch = temporaryDirectory();
      await using site = new Site(scratch.path);
      await site.spreadd();
      const logcat = await site.logcat(["log.user"]);
      logcat.signal(signal);
      expect(await logcat.exited).toBe(0);
    });
  }

  test("a reader that has seen enough: status 0, and not a word", async () => {
    using scratch = temporaryDirectory();
    await using site = new Site(scratch.path);
    await site.spreadd();
    const { socket } = await site.syslogd("log");
    const probe = await site.logcat(["log.user"], "--members");
    await using pipe = start([
      "bash",
      "-c",
      'set -o pipefail; "$1" logcat --spread "$2" log.user | head -n 1',
      "bash",
      binary(),
      site.server,
    ]);
    await probe.stdout.until(/joined[\s\S]*joined/);
    await logger(socket, "one");
    await pipe.stdout.until("one");
    // The pipe is noticed at the next write.
    while ((await Promise.race([pipe.exited, Bun.sleep(50)])) === undefined) await logger(socket, "more");
    expect(await pipe.result()).toMatchObject({ status: 0, stderr: "" });
  });
});

test("the demo shows a line of logger, ends by itself, and leaves nothing behind", async () => {
  await using demo = startSpreadbox(["demo", "--seconds", "3", "--every", "200ms"], { env: { TMPDIR: "/tmp" } });
  await demo.stdout.until("hello from logger");
  const directory = /spreadd on (\/tmp\/spreadbox-demo-\w+)\//.exec(demo.stdout.text)![1]!;
  expect(existsSync(directory)).toBe(true);
  expect(await demo.exited).toBe(0);
  expect(existsSync(directory)).toBe(false);
});

test("the demo stops cleanly on Ctrl-C", async () => {
  await using demo = startSpreadbox(["demo"], { env: { TMPDIR: "/tmp" } });
  await demo.stdout.until("hello from logger");
  const directory = /spreadd on (\/tmp\/spreadbox-demo-\w+)\//.exec(demo.stdout.text)![1]!;
  demo.signal("SIGINT");
  expect(await demo.exited).toBe(0);
  expect(existsSync(directory)).toBe(false);
});
