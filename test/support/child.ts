// A real program beside the test: started, read line by line as events, ended by pid whatever happens.
import { binary } from "./binary.ts";

/** How long any wait for an event may last before the test fails. A bound, never a measure. */
export const WAIT_MS = 20_000;

interface Waiter {
  readonly wants: (text: string) => boolean;
  readonly done: (text: string) => void;
}

/** One stream of a child as text that can be waited for. */
class Spoken {
  text = "";
  ended = false;
  readonly #waiters = new Set<Waiter>();

  constructor(
    readonly label: string,
    stream: ReadableStream<Uint8Array>,
  ) {
    void this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#wake();
    }
    this.ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.wants(this.text) && !this.ended) continue;
      this.#waiters.delete(waiter);
      waiter.done(this.text);
    }
  }

  /** Resolves with all text so far as soon as `pattern` occurs in it, or holds of it; fails where the stream ends or the time runs out before. */
  async until(pattern: string | RegExp | ((text: string) => boolean), waitMs = WAIT_MS): Promise<string> {
    const wants = (text: string) =>
      typeof pattern === "string"
        ? text.includes(pattern)
        : typeof pattern === "function"
          ? pattern(text)
          : pattern.test(text);
    if (!wants(this.text) && !this.ended) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          this.#waiters.delete(waiter);
          reject(new Error(`${this.label}: waited ${waitMs} ms for ${pattern}, found:\n${this.text.slice(-4_000)}`));
        }, waitMs);
        const waiter: Waiter = {
          wants,
          done: () => {
            clearTimeout(timer);
            resolve();
          },
        };
        this.#waiters.add(waiter);
      });
    }
    if (!wants(this.text))
      throw new Error(`${this.label}: ended before ${pattern}, found:\n${this.text.slice(-4_000)}`);
    return this.text;
  }

  /** Resolves with all text when the stream has ended. */
  async end(): Promise<string> {
    if (!this.ended)
      await new Promise<void>((resolve) => this.#waiters.add({ wants: () => false, done: () => resolve() }));
    return this.text;
  }
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Text for stdin, which is then closed; "open" leaves it open for `stdin`. Default: empty. */
  readonly stdin?: string | "open";
  readonly argv0?: string;
  /** Descriptors of ours that it has too, as 3, 4 and so on. */
  readonly descriptors?: readonly number[];
}

/** A running program. `await using child = start([...])` ends it with SIGKILL at the end of the scope, if it still lives. */
export class Child {
  readonly stdout: Spoken;
  readonly stderr: Spoken;
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;

  constructor(command: readonly string[], options: ChildOptions = {}) {
    this.#process = Bun.spawn({
      cmd: [...command],
      cwd: options.cwd ?? "/",
      env: { PATH: process.env["PATH"], HOME: "/proc/nonexistent", ...options.env },
      stdio: ["pipe", "pipe", "pipe", ...(options.descriptors ?? [])],
      ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    });
    const label = command.join(" ");
    this.stdout = new Spoken(`${label} (stdout)`, this.#process.stdout);
    this.stderr = new Spoken(`${label} (stderr)`, this.#process.stderr);
    if (options.stdin !== "open") {
      if (options.stdin) this.#process.stdin.write(options.stdin);
      this.#process.stdin.end();
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  get stdin(): Bun.FileSink {
    return this.#process.stdin;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** The exit status once it has ended; 128 + n where signal n ended it. */
  get exited(): Promise<number> {
    return this.#process.exited;
  }

  /** Waits for the end and for all output. */
  async result(): Promise<{ status: number; stdout: string; stderr: string }> {
    const [status, stdout, stderr] = await Promise.all([this.exited, this.stdout.end(), this.stderr.end()]);
    return { status, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

/** Starts any program. */
export const start = (command: readonly string[], options?: ChildOptions): Child => new Child(command, options);

/** Starts the compiled executable with these arguments. */
export const startSpreadbox = (args: readonly string[], options?: ChildOptions): Child =>
  new Child([binary(), ...args], options);

/** Runs the compiled executable to its end. */
export async function runSpreadbox(args: readonly string[], options?: ChildOptions) {
  await using child = startSpreadbox(args, options);
  return await child.result();
}
