// A syslogd inside the test, on sockets of its own, and what its files say.
import { join } from "node:path";
import { systemClock } from "../../lib/run/clock.ts";
import type { SeverityName } from "../../lib/syslog/severity.ts";
import { Syslogd } from "../../lib/syslogd/io/syslogd.ts";
import { parseRuleLine } from "../../lib/syslogd/rule-line.ts";
import type { Settings } from "../../lib/syslogd/settings.ts";
import { PLAIN_SOURCES } from "../../lib/syslogd/source-settings.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { textOf } from "../support/text-of.ts";

export class Running implements AsyncDisposable {
  readonly directory = temporaryDirectory();
  readonly socket = join(this.directory.path, "log");
  readonly said: string[] = [];
  readonly daemon: Syslogd;
  #ended = false;

  /**
   * @param rules   `%d` in them is the test's own directory
   * @param prepare makes there what has to be there before
   */
  constructor(rules: readonly string[], more: Partial<Settings> = {}, prepare: (directory: string) => void = () => {}) {
    prepare(this.directory.path);
    this.daemon = new Syslogd(
      {
        sockets: [this.socket],
        takeDevLog: false,
        udp: [],
        sources: { ...PLAIN_SOURCES, kernelStatePath: join(this.directory.path, "kernel-state") },
        kernel: "no",
        host: "web1",
        rules: rules.map((rule) => parseRuleLine(rule.replaceAll("%d", this.directory.path))),
        spread: { servers: "unix:/nonexistent/spread.sock" },
        control: "",
        rate: undefined,
        summariseRepeats: false,
        process: { user: "", group: "", umask: undefined, pidFile: "" },
        metrics: undefined,
        sinks: sinksWith(1 << 20),
        lastResort: undefined,
        ...more,
      },
      {
        clock: systemClock,
        env: {},
        keepsUpMs: Number.POSITIVE_INFINITY, // however busy the machine of the test: its disk keeps up
        onOwnMessage: (severity: SeverityName, text: string) => this.said.push(`${severity} ${text}`),
      },
    );
  }

  path(name: string): string {
    return join(this.directory.path, name);
  }

  /** Lines of a file, without the time. */
  lines(name: string): string[] {
    const lines = textOf(this.path(name)).split("\n").slice(0, -1);
    return lines.map((line) => line.replace(/^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /, ""));
  }

  /** Waits until a file holds a line. */
  async line(name: string, wanted: string | RegExp): Promise<string> {
    return await eventually(
      () => this.lines(name).find((line) => (typeof wanted === "string" ? line === wanted : wanted.test(line))),
      () => `no line ${wanted} in ${name}:\n${this.lines(name).slice(-20).join("\n")}\nsaid: ${this.said.join("\n")}`,
    );
  }

  async end(withinMs = 5_000): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.daemon.close(withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(100);
    this.directory[Symbol.dispose]();
  }
}

/** What `find` gives as soon as it is something; fails when the time runs out. */
export async function eventually<T>(find: () => T | undefined | false, complaint: () => string): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const found = find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(complaint());
    await new Promise((done) => setTimeout(done, 2));
  }
}

/** Sinks that keep so much in memory, and nothing on disk. */
export function sinksWith(queueBytesMax: number): Settings["sinks"] {
  return { entries: [], spoolDirectory: "", queueBytesMax };
}

/** Runs logger(1). */
export function logger(socket: string, ...args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["logger", "-u", socket, ...args]);
  if (exitCode !== 0) throw new Error(`logger ended with ${exitCode}: ${stderr}`);
}
