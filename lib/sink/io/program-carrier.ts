// A program that reads records from its stdin, one a line. It runs as long as the sink does; when it ends it is started again, after a back-off. What it says on
// stderr becomes messages of ours; but what one that ends at once says each time, once: where the messages go to that program, each would start it again.
import { type ChildProcess, spawn } from "node:child_process";
import type { BackOffRule } from "../../base/back-off.ts";
import type { Carrier } from "../carrier.ts";
import { RecentTally } from "../recent-tally.ts";
import type { Shipment } from "../shipment.ts";

/** After its stdin is closed: then it is asked to end, then ended. */
const GRACE_MS = 2_000;
/** One that ends sooner each time does not work. */
const PROVEN_MS = 10_000;
const BACK_OFF: BackOffRule = { firstMs: 100, mostMs: 30_000, jitter: 0.2 };
const LINE_CHARACTERS_MAX = 1_000;
/** So many different lines of failed starts are known again. */
const KNOWN_LINES_MAX = 100;

export interface ProgramOptions {
  /** Run by /bin/sh. */
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It is started when this has resolved: what starts as root stays root. At once unless said. */
  readonly mayStart?: Promise<void>;
  /** A line of its stderr. */
  readonly onLine: (line: string) => void;
  /** 10 s unless said. */
  readonly provenAfterMs?: number;
}

export class ProgramCarrier implements Carrier {
  readonly name: string;
  readonly taker = "the program";
  readonly backOff = BACK_OFF;
  readonly provenAfterMs: number;
  readonly #options: ProgramOptions;
  readonly #recent = new RecentTally(1_000);
  #child: ChildProcess | undefined;
  /** What it said when it was started and ended soon, since it ran for long last. */
  readonly #known = new Set<string>();
  /** Rejections of sends that the program's stdin has not taken. */
  readonly #underway = new Set<(error: Error) => void>();

  constructor(options: ProgramOptions) {
    this.#options = options;
    this.name = `program:${options.command}`;
    this.provenAfterMs = options.provenAfterMs ?? PROVEN_MS;
  }

  async open(onBroken: (reason: Error) => void): Promise<void> {
    const { command, env, mayStart, onLine } = this.#options;
    await mayStart;
    const child = spawn("/bin/sh", ["-c", command], {
      stdio: ["pipe", "ignore", "pipe"],
      env: env as NodeJS.ProcessEnv,
      cwd: "/",
      detached: true, // its own group, so that all of a pipeline ends
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    this.#child = child;
    child.stdin!.on("error", () => {}); // "exit" says it
    const startedMs = performance.now();
    const said = new Set<string>();
    follow(child.stderr!, (line) => {
      if (this.#known.has(line)) return;
      if (said.size < KNOWN_LINES_MAX) said.add(line);
      onLine(line);
    });
    child.once("close", () => {
      if (performance.now() - startedMs > this.provenAfterMs) this.#known.clear();
      else for (const line of said) if (this.#known.size < KNOWN_LINES_MAX) this.#known.add(line);
    });
    child.once("exit", (status, signal) => {
      if (child !== this.#child) return;
      this.#child = undefined;
      const reason = new Error(`the program ended ${signal === null ? `with status ${status}` : `by ${signal}`}`);
      for (const reject of this.#underway) reject(reason);
      this.#underway.clear();
      onBroken(reason);
    });
  }

  send(shipment: Shipment): Promise<number> {
    return new Promise((resolve, reject) => {
      const stdin = this.#child?.stdin;
      if (!stdin?.writable) return reject(new Error("the program does not run"));
      this.#underway.add(reject);
      stdin.write(shipment.bytes.subarray(0, shipment.end), (error) => {
        if (!this.#underway.delete(reject)) return;
        if (error) return reject(error);
        this.#recent.add(performance.now(), shipment.records);
        resolve(0);
      });
    });
  }

  takeUncertain(): number {
    return this.#recent.take(performance.now());
  }

  close(): void {
    const child = this.#child;
    this.#child = undefined;
    for (const reject of this.#underway) reject(new Error("closed"));
    this.#underway.clear();
    if (child === undefined) return;
    child.stdin?.end();
    const end = (signal: NodeJS.Signals): void => signalGroup(child.pid!, signal);
    const timers = [setTimeout(end, GRACE_MS, "SIGTERM"), setTimeout(end, 2 * GRACE_MS, "SIGKILL")];
    for (const timer of timers) timer.unref();
    child.once("exit", () => timers.forEach(clearTimeout));
    child.unref();
  }
}

function follow(stderr: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stderr.setEncoding("utf8");
  stderr.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_CHARACTERS_MAX) {
      lines.push(rest);
      rest = "";
    }
    for (const line of lines) if (line !== "") onLine(line.slice(0, LINE_CHARACTERS_MAX));
  });
  stderr.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it is gone
  }
}
