// Other people's programs: hooks and health checks. Each in a process group of its own, which is killed as a whole when its time is up; of what it says the first
// kilobytes are read and the rest is thrown away; nothing ever waits for it but who asked.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { setPriority } from "node:os";
import type { Readable } from "node:stream";
import { signalGroup } from "../../linux/process-group.ts";

export interface ProgramRun {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Each line that it says. */
  readonly onLine?: (line: string) => void;
  /** What it leaves running is killed when it ends. */
  readonly leavesNothing?: boolean;
}

export type ProgramEnd =
  | { readonly how: "exited"; readonly status: number }
  | { readonly how: "signal"; readonly name: string }
  | { readonly how: "timeout" }
  | { readonly how: "failed"; readonly why: string };

/** What is read of what one run says, by stream; the rest is thrown away as it comes, for a closed pipe would kill the program, and a full one would hang it. */
const BYTES_MAX = 16_384;
const LINES_MAX = 100;
const LINE_LENGTH_MAX = 1_000;
/** Between pieces that are thrown away, so that one that talks without end does not take all of this process's time: some 60 MB a second are left to it. */
const BREATH_MS = 1;

/** Whether a command's program is there, and this process may run it. @param searched PATH, for a name without a slash */
export function canRun(program: string, searched: string | undefined): boolean {
  const path = program.includes("/") ? program : Bun.which(program, { PATH: searched ?? "" });
  if (path === null) return false;
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Resolves when it has ended, was killed, or could not be started. Never rejects. */
export function runProgram({
  command,
  env,
  timeoutMs,
  onLine,
  leavesNothing = false,
}: ProgramRun): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  let child: ChildProcess;
  try {
    child = spawn(command[0]!, command.slice(1), {
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  } catch (error) {
    return Promise.resolve({ how: "failed", why: error instanceof Error ? error.message : String(error) });
  }
  yieldTo(child);
  const timer = setTimeout(() => {
    killGroup(child);
    resolve({ how: "timeout" });
  }, timeoutMs);
  const end = (how: ProgramEnd) => {
    clearTimeout(timer);
    resolve(how);
  };
  let lines = 0;
  const say = (line: string) => {
    if (lines++ < LINES_MAX) onLine?.(line.slice(0, LINE_LENGTH_MAX));
  };
  for (const stream of [child.stdout!, child.stderr!]) readLines(stream, say);
  child.on("error", (error) => end({ how: "failed", why: error.message }));
  // Not "close": a daemon that it left behind may keep its output open for ever.
  child.on("exit", (status, signal) => {
    if (leavesNothing) killGroup(child);
    end(signal === null ? { how: "exited", status: status ?? 0 } : { how: "signal", name: signal });
  });
  return promise;
}

/** Gives the lines of the first bytes; what comes after them is not looked at. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new TextDecoder();
  let rest = "";
  let bytesLeft = BYTES_MAX;
  const tellRest = (): void => {
    if (rest !== "") onLine(rest);
    rest = "";
  };
  stream.on("data", (chunk: Uint8Array) => {
    if (bytesLeft === 0) {
      stream.pause();
      setTimeout(() => stream.resume(), BREATH_MS);
      return;
    }
    const bytes = chunk.subarray(0, bytesLeft);
    bytesLeft -= bytes.length;
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const line of parts) onLine(line);
    if (bytesLeft === 0) tellRest(); // its end is among what is thrown away
  });
  stream.on("end", tellRest);
  stream.on("error", () => {});
}

export function describeEnd(end: ProgramEnd, timeoutMs: number): string {
  switch (end.how) {
    case "exited":
      return `status ${end.status}`;
    case "signal":
      return `ended by ${end.name}`;
    case "timeout":
      return `killed after ${timeoutMs} ms`;
    case "failed":
      return `could not be started: ${end.why}`;
    default:
      return end satisfies never;
  }
}

/** Whoever starts it may be in a hurry; it is not. */
function yieldTo({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, 0);
  } catch {
    // ended already
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) signalGroup(pid, "SIGKILL");
}
