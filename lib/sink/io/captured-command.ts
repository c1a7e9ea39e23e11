// Runs a command and gives its output line by line, and how it ended. It reads our stdin; a SIGTERM or SIGINT to us is passed on to it.

import { reasonOf } from "../../base/system-reason.ts";
import { LineCutter } from "../../feed/line-cutter.ts";
import type { CommandEnd } from "../command-end.ts";

export type OutputStream = "stdout" | "stderr";

/** Gets each line; good until it resolves. */
export type OnLine = (stream: OutputStream, line: LineCutter) => Promise<void>;

export interface CapturedCommand {
  readonly argv: readonly string[];
  readonly lineBytesMax: number;
  readonly onLine: OnLine;
  readonly stop: AbortSignal;
}

/** What it started may hold its output open for ever; that is not waited for. */
const OUTPUT_MS = 2_000;
const STATUS_NOT_STARTED = 127;

/** Runs to the end of the command. Never throws. */
export async function runCaptured({ argv, lineBytesMax, onLine, stop }: CapturedCommand): Promise<CommandEnd> {
  const startedMs = performance.now();
  let child: Bun.Subprocess<"inherit", "pipe", "pipe">;
  try {
    child = Bun.spawn([...argv], { stdin: "inherit", stdout: "pipe", stderr: "pipe" });
  } catch (error) {
    const failure = reasonOf(error);
    return { status: STATUS_NOT_STARTED, signal: undefined, durationMs: performance.now() - startedMs, failure };
  }
  const pass = (): void => child.kill(stop.reason === "SIGINT" ? "SIGINT" : "SIGTERM");
  stop.addEventListener("abort", pass, { once: true });
  if (stop.aborted) pass();
  const read = Promise.all([
    readLines(child.stdout, new LineCutter(lineBytesMax), (line) => onLine("stdout", line)),
    readLines(child.stderr, new LineCutter(lineBytesMax), (line) => onLine("stderr", line)),
  ]);
  const status = await child.exited;
  const durationMs = performance.now() - startedMs;
  stop.removeEventListener("abort", pass);
  await Promise.race([read, new Promise((resolve) => setTimeout(resolve, OUTPUT_MS))]);
  return {
    status,
    signal: child.signalCode === null ? undefined : String(child.signalCode),
    durationMs,
    failure: undefined,
  };
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  lines: LineCutter,
  onLine: (line: LineCutter) => Promise<void>,
): Promise<void> {
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      const room = lines.room();
      const part = chunk.subarray(at, at + room.length);
      room.set(part);
      lines.took(part.length);
      at += part.length;
      while (lines.next()) await onLine(lines);
    }
  }
  if (lines.last()) await onLine(lines);
}
