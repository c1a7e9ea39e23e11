import type { Call } from "../../lib/cli/call.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";

/** What a foreign configuration came to. */
export interface Imported {
  readonly toml: string;
  /** What is not carried over, each with its line. */
  readonly notes: readonly {
    readonly line: number;
    readonly message: string;
    /** It can't be meant as it stands. */
    readonly isMistake?: boolean;
  }[];
}

/** Prints the TOML, with a status that tells of mistakes; what is not carried over goes to stderr, with the file's name and line. */
export async function printImported(
  file: string,
  { toml, notes }: Imported,
  { json, printJson, log, out }: Pick<Call<never>, "json" | "printJson" | "log" | "out">,
): Promise<number> {
  const name = file === "-" ? "stdin" : file;
  const lines = notes.map(({ line, message }) => `${name}:${line}: ${message}`);
  if (json) await printJson({ toml, notes: lines });
  else {
    for (const line of lines) log.warn(line);
    await out.write(toml);
  }
  return notes.some(({ isMistake }) => isMistake) ? exitCodeOf("config") : 0;
}
