// One life of a program that reads records from its stdin. That is a pipe, of which the kernel tells how much nobody has read: so it is known to the byte what the
// program has taken, and what is left can be taken back from one that reads no more.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { openPipe, takeUnread, unreadBytes } from "../../linux/pipe.ts";
import { signalGroup } from "../../linux/process-group.ts";
import { files } from "./files.ts";

const PIPE_BYTES = 1_048_576;
/** A full pipe is tried again: nothing tells when it has room. */
const FULL_MS = 10;
const LINE_CHARACTERS_MAX = 1_000;

export interface ProgramCall {
  /** Run by /bin/sh. */
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line of its stderr. */
  readonly onLine: (line: string) => void;
}

export class ProgramRun {
  /** Resolves with how: "with status 3", "by SIGTERM". */
  readonly ended: Promise<string>;
  /** Resolves when its stderr has ended too. */
  readonly closed: Promise<void>;
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;
  #fd: number;
  #writtenBytes = 0;
  #end: string | undefined;
  /** The write that is underway: the descriptor is closed behind it. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, fd: number, onLine: (line: string) => void) {
    this.#child = child;
    this.#fd = fd;
    follow(child.stderr!, onLine);
    this.ended = new Promise((resolve) => {
      child.once("exit", (status, signal) => {
        const how = signal === null ? `with status ${status}` : `by ${signal}`;
        this.#end = how;
        // What it has read counts as written only when the write has told so.
        void this.#writing.catch(() => {}).then(() => resolve(how));
      });
    });
    this.closed = new Promise((resolve) => child.once("close", () => resolve()));
  }

  /** @throws where it can't be started */
  static async start({ command, env, onLine }: ProgramCall): Promise<ProgramRun> {
    const { readFd, writeFd } = openPipe(PIPE_BYTES);
    try {
      const child = spawn("/bin/sh", ["-c", command], {
        stdio: [readFd, "ignore", "pipe"],
        env: env as NodeJS.ProcessEnv,
        cwd: "/",
        detached: true, // its own group, so that all of a pipeline ends
      });
      const run = new ProgramRun(child, writeFd, onLine);
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
      return run;
    } catch (error) {
      closeSync(writeFd);
      throw error;
    } finally {
      closeSync(readFd);
    }
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** How it has ended; `undefined` while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** Of what was written, so many bytes it has read. */
  get readBytes(): number {
    return this.#fd < 0 ? this.#writtenBytes : this.#writtenBytes - unreadBytes(this.#fd);
  }

  /** Resolves when the pipe has taken all. One at a time. Rejects where the program reads no more, or its stdin was closed. */
  async write(bytes: Uint8Array, end: number): Promise<void> {
    for (let at = 0; at < end; ) {
      if (this.#fd < 0) throw new Error("closed");
      try {
        const writing = files.write(this.#fd, bytes, at, end, null).then((count) => {
          this.#writtenBytes += count;
          return count;
        });
        this.#writing = writing;
        at += await writing;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") throw new Error("the program reads no more");
        if (code !== "EAGAIN") throw error;
        await new Promise((resolve) => setTimeout(resolve, FULL_MS));
      }
    }
  }

  /** Ends its stdin, and takes back what it has not read. @returns how many bytes it has read */
  endInput(): number {
    const fd = this.#fd;
    if (fd < 0) return this.#writtenBytes;
    this.#fd = -1;
    this.#writtenBytes -= takeUnread(fd);
    void this.#writing.catch(() => {}).then(() => closeSync(fd));
    return this.#writtenBytes;
  }

  /** To all of a pipeline. */
  signal(name: NodeJS.Signals): void {
    if (!this.isOver) signalGroup(this.#child.pid!, name);
  }

  /** It holds up no end of ours. */
  unref(): void {
    this.#child.unref();
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
