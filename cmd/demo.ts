// The main job end to end, on this host, with nothing installed: the real commands as children of their own, in a private directory.
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDuration } from "../lib/base/duration.ts";
import { Fault } from "../lib/base/fault.ts";
import { reasonOf } from "../lib/base/system-reason.ts";
import type { Output } from "../lib/cli/call.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { styleFor } from "../lib/cli/style.ts";
import { pause } from "../lib/run/pause.ts";

export const demoCommand: AnyCommand = defineCommand({
  name: "demo",
  summary: "the main job end to end on this host, nothing installed",
  about: `
Starts spreadd, syslogd and logcat in a private directory, on private sockets. What logger(1) says to that syslogd, and the
kernel's log where it can be read, travels through Spread groups to logcat on this screen. Ctrl-C ends it and removes everything.

While it runs, talk to it from another terminal: the lines at the start say how.`,
  examples: [
    { line: "spreadbox demo", about: "watch it until Ctrl-C" },
    { line: "spreadbox demo --seconds 5", about: "for scripts: ends by itself, with status 0 if a line came through" },
    { line: "spreadbox demo --every 100ms", about: "a line from logger ten times a second" },
  ],
  flags: {
    seconds: { type: "value", hint: "N", about: "end after so many seconds", read: parseSeconds },
    every: {
      type: "value",
      hint: "DURATION",
      about: "how often logger says something",
      read: parseDuration,
      default: "1s",
    },
  },
  async run(call) {
    // A terminal that is closed ends a demo as Ctrl-C does; a service would open its files anew.
    const hangUp = new AbortController();
    process.on("SIGHUP", () => hangUp.abort());
    const stage = new Stage(call.out, AbortSignal.any([call.stop, hangUp.signal]));
    try {
      await stage.play(call.flags.seconds, call.flags.every ?? 1_000);
    } finally {
      await stage.clear();
    }
    return await stage.judge(call.flags.seconds !== undefined);
  },
});

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds > 0 && seconds <= 86_400)) {
    throw new Fault(
      "usage",
      "seconds",
      `cannot read ${JSON.stringify(text)}: expected a number of seconds above 0, at most 86400`,
    );
  }
  return seconds;
}

/** How long a part of the demo may take to be ready. */
const READY_MS = 15_000;

/** Groups that the demo's syslogd feeds, by `log.%facility%`: all that logger says below, and the kernel. */
const GROUPS = ["log.kern", "log.user", "log.mail", "log.daemon", "log.auth", "log.cron", "log.syslog", "log.local0"];

/** A kernel says hundreds of lines while it boots, and keeps them: here only what may matter. */
const RULES = ["*.*;kern.none -> group:log.%facility%", "kern.notice -> group:log.%facility%"];

const SAYINGS: readonly (readonly [priority: string, tag: string, text: string])[] = [
  ["user.notice", "demo", "hello from logger: this line went through a Spread group"],
  ["mail.info", "postfix/smtpd", "connect from mail.example.org[192.0.2.25]"],
  ["auth.warning", "sshd", "Failed password for invalid user admin from 198.51.100.7 port 40022 ssh2"],
  ["daemon.err", "backup", "cannot write /var/backups/db.tar: No space left on device"],
  ["cron.info", "CRON", "(root) CMD (run-parts /etc/cron.hourly)"],
  ["local0.debug", "app", "cache warmed in 37 ms"],
];

/** The demo's children and the directory they live in. */
class Stage {
  readonly #directory = makeDirectory();
  readonly #children: { readonly name: string; readonly process: Bun.Subprocess<"ignore", "pipe", "pipe"> }[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #said = 0;
  #seen = 0;
  #clearing = false;

  constructor(
    private readonly out: Output,
    private readonly stop: AbortSignal,
  ) {
    // Whoever waits races against this one; where nobody does, a failure must not count as unhandled.
    this.#failed.promise.catch(() => {});
  }

  async play(seconds: number | undefined, everyMs: number): Promise<void> {
    const spread = join(this.#directory, "spread.sock");
    const log = join(this.#directory, "log");
    const logger = Bun.which("logger");
    const kernel = canRead("/dev/kmsg");
    await this.#say("demo: a Spread daemon, a syslog daemon and a subscriber, all on this host", "heading");
    await this.#say(
      `demo: spreadd on ${spread}, syslogd on ${log}${kernel ? " and the kernel's log" : " (the kernel's log is not readable here)"}`,
    );
    await this.#say(`demo: try from another terminal:  logger -u ${log} -p mail.err -t me 'can you see this?'`);

    this.#start("spreadd", ["--port", "0", "--name", "demo", "--socket", spread, "--no-tmp-socket"]);
    await this.#until(() => existsSync(spread), "spreadd");
    const logcat = this.#start(
      "logcat",
      ["--spread", `unix:${spread}`, "--verbose", ...(this.out.colour ? ["--color", "always"] : []), ...GROUPS],
      { screen: true },
    );
    await this.#until(() => logcat.joined >= GROUPS.length, "logcat");
    const rules = RULES.flatMap((rule) => ["--rule", rule]);
    this.#start("syslogd", ["--socket", log, "--spread", `unix:${spread}`, ...rules, ...(kernel ? ["--kernel"] : [])]);
    await this.#until(() => existsSync(log), "syslogd");
    if (logger === null)
      await this.#say(
        "demo: logger(1) is not installed (Debian: bsdutils), so nobody speaks but the kernel and syslogd itself",
      );

    await this.#say(`demo: running${seconds === undefined ? ", Ctrl-C ends it" : ` for ${seconds} s`}`);
    const end = this.#endAfter(seconds);
    for (let turn = 0; !end.aborted; turn++) {
      const [priority, tag, text] = SAYINGS[turn % SAYINGS.length]!;
      if (logger !== null) {
        Bun.spawn([logger, "-u", log, "-p", priority, "-t", tag, text], { stdio: ["ignore", "ignore", "inherit"] });
        this.#said += 1;
      }
      await Promise.race([pause(everyMs, end), this.#failed.promise]);
    }
  }

  /** Tells the outcome. @param strict nothing of what was said came through: a fault */
  async judge(strict: boolean): Promise<number> {
    await this.#say(`demo: ended; of ${this.#said} lines that logger said, ${this.#seen} came through`);
    if (strict && this.#said > 0 && this.#seen === 0)
      throw new Fault("unavailable", "nothing-seen", "no line of logger reached the screen");
    return 0;
  }

  /** Ends the children in the order of the flow, so that what was said last is still shown, and removes the directory. */
  async clear(): Promise<void> {
    this.#clearing = true;
    for (const name of ["syslogd", "logcat", "spreadd"]) {
      for (const child of this.#children.filter((one) => one.name === name)) {
        child.process.kill("SIGTERM");
        const late = setTimeout(() => child.process.kill("SIGKILL"), 3_000);
        await child.process.exited;
        clearTimeout(late);
      }
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #start(name: string, args: readonly string[], { screen = false } = {}) {
    const process_ = Bun.spawn({
      cmd: [process.execPath, name, ...args],
      // A group of its own is not needed: Ctrl-C reaches the children too, and they end in order by themselves.
      stdio: ["ignore", "pipe", "pipe"],
    });
    const state = { joined: 0 };
    this.#children.push({ name, process: process_ });
    void eachLine(process_.stdout, async (line) => {
      if (!screen) return;
      if (SAYINGS.some(([, , text]) => line.includes(text))) this.#seen += 1;
      await this.out.write(`${line}\n`);
    });
    void eachLine(process_.stderr, async (line) => {
      if (screen && /\bjoined\b/.test(line)) state.joined += 1;
      else process.stderr.write(`${styleFor(this.out.colour).faint(line)}\n`);
    });
    void process_.exited.then((status) => {
      if (this.#clearing || this.stop.aborted) return;
      this.#failed.reject(
        new Fault("unavailable", "child-ended", `${name} ended with status ${status}; its last words stand above`),
      );
    });
    return state;
  }

  async #until(ready: () => boolean, name: string): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (!ready() && !this.stop.aborted) {
      if (performance.now() > deadline)
        throw new Fault("unavailable", "not-ready", `${name} was not ready within ${READY_MS / 1_000} s`);
      await Promise.race([pause(10, this.stop), this.#failed.promise]);
    }
  }

  #endAfter(seconds: number | undefined): AbortSignal {
    const ends = [this.stop, this.out.closed];
    if (seconds !== undefined) ends.push(AbortSignal.timeout(seconds * 1_000));
    return AbortSignal.any(ends);
  }

  #say(text: string, style: "heading" | "faint" = "faint"): Promise<void> {
    return this.out.write(`${styleFor(this.out.colour)[style](text)}\n`);
  }
}

function makeDirectory(): string {
  try {
    return mkdtempSync(join(tmpdir(), "spreadbox-demo-"));
  } catch (cause) {
    const why = reasonOf(cause);
    throw new Fault(
      "cannot-create",
      "directory",
      `cannot make a directory in ${tmpdir()}: ${why}; set TMPDIR to one that can be written`,
      { cause },
    );
  }
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => Promise<void>): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await take(line);
  }
}
