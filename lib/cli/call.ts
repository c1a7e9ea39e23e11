// What a command gets to work with when it is called. Only types: `io/` makes the real thing.
import type { Log } from "../base/log.ts";
import type { Flag } from "./command.ts";

/** The value that a flag's description leads to. */
export type FlagValue<F extends Flag> = F["type"] extends "switch"
  ? boolean
  : F["type"] extends "list"
    ? readonly ReadValue<F>[]
    : ReadValue<F> | undefined;

type ReadValue<F extends Flag> = F["read"] extends (text: string) => infer T
  ? T
  : F["choices"] extends readonly (infer Choice)[]
    ? Choice
    : string;

export type FlagValues<Flags extends Readonly<Record<string, Flag>>> = {
  readonly [Name in keyof Flags]: FlagValue<Flags[Name]>;
};

/** Where results go: stdout, or a file. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Rows of the terminal; `undefined` where there is none. */
  readonly rows?: number | undefined;
  /** Whether to write colours: a terminal, and neither NO_COLOR nor TERM=dumb. */
  readonly colour: boolean;
  /**
   * Resolves when the text is taken; wait for it, or memory grows with a slow reader.
   * A reader that went away (EPIPE) is no error: `closed` is aborted and what follows is dropped.
   */
  write(text: string | Uint8Array): Promise<void>;
  /** Aborted when the reader has gone: nothing more need be produced. */
  readonly closed: AbortSignal;
}

/** One call of a command. */
export interface Call<Flags extends Readonly<Record<string, Flag>>> {
  readonly flags: FlagValues<Flags>;
  readonly positionals: readonly string[];
  /** `--json` was given. */
  readonly json: boolean;
  /** `--config FILE`. */
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results: stdout. */
  readonly out: Output;
  /** Prints one result as a line of JSON on stdout. */
  readonly printJson: (value: unknown) => Promise<void>;
  /** What a person should know: stderr, one line each, behind the command's name. */
  readonly log: Log;
  /** Aborted by SIGINT or SIGTERM: end in order. A second signal ends the process at once; of a service only a second SIGINT does (`endsWithinMs` of the command). */
  readonly stop: AbortSignal;
  readonly version: VersionFacts;
}

/** What the build put in. */
export interface VersionFacts {
  readonly version: string;
  readonly commit: string;
  readonly target: string;
  readonly runtime: string;
}
