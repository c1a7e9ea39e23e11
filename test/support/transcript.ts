// Transcripts: commands with their expected output and exit status, as they would stand in a terminal, reviewed as a diff.
//
//   $ spreadbox halp                    run by sh, in an empty directory, with dist/ first on the PATH
//   a line of stdout
//   ! a line of stderr                  stderr comes behind stdout, whichever was written first
//   ? 64                                exit status; left out where it is 0
//   # a remark, and empty lines         between commands
//
// An expected line may have `<*>` for anything that differs from run to run. UPDATE_TRANSCRIPTS=1 writes what was seen.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { start } from "./child.ts";

export interface Step {
  readonly command: string;
  /** Expected lines, as written below the command. */
  readonly expected: readonly string[];
  /** Remarks and empty lines between this command and the next. */
  readonly behind: readonly string[];
  /** Line of the command in the file, from 1. */
  readonly line: number;
}

/** Reads a transcript's text into steps. Lines before the first command are remarks. */
export function parseTranscript(text: string): Step[] {
  const steps: { command: string; expected: string[]; behind: string[]; line: number }[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), expected: [], behind: [], line: at + 1 });
    else steps.at(-1)?.expected.push(line);
  }
  for (const { expected, behind } of steps) {
    while (expected.length > 0 && /^(?:#.*|)$/.test(expected.at(-1)!)) behind.unshift(expected.pop()!);
  }
  return steps;
}

/** Runs one command and gives its output in the transcript's form. */
export async function perform(command: string, directory: string, bin: string): Promise<string[]> {
  const work = join(directory, "work");
  mkdirSync(work, { recursive: true });
  await using child = start(["/bin/sh", "-c", command], {
    cwd: work,
    env: {
      PATH: `${bin}:${process.env["PATH"]}`,
      NO_COLOR: "1",
      TZ: "UTC",
      LC_ALL: "C.UTF-8",
      SPREADBOX_CONFIG: process.env["SPREADBOX_CONFIG"],
    },
  });
  const { status, stdout, stderr } = await child.result();
  const lines = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
  return [...lines(stdout), ...lines(stderr).map((line) => `! ${line}`), ...(status === 0 ? [] : [`? ${status}`])];
}

/** Whether a line that was seen is as expected. */
export function lineMatches(expected: string, seen: string): boolean {
  if (!expected.includes("<*>")) return expected === seen;
  const pattern = expected.split("<*>").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pattern.join(".*")}$`).test(seen);
}

/** `expected` where it matches what was seen, so that a diff shows just the lines that differ. */
export function alignExpectation(expected: readonly string[], seen: readonly string[]): string[] {
  return seen.map((line, at) => {
    const wanted = expected[at];
    return wanted !== undefined && lineMatches(wanted, line) ? wanted : line;
  });
}
