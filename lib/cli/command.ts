// A command as data. Help, the strict check of the arguments, the hint at a similar flag, and later man pages and completions
// all come from this one description; a flag is written down once.
import type { Call } from "./call.ts";

/** One flag. Its name is the key in `flags`: lower case, words joined by `-`. */
export interface Flag {
  /** `switch`: on or off, no value. `value`: takes one. `list`: takes one, may be given again and again. */
  readonly type: "switch" | "value" | "list";
  /** One letter. */
  readonly short?: string;
  /** What stands for the value in help: "FILE", "DURATION". Without it the flag's name in capitals. */
  readonly hint?: string;
  /** One line of help, no full stop. */
  readonly about: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  /** Turns the text into a value; throws a `Fault` of kind "usage" that says what was expected. */
  readonly read?: (text: string) => unknown;
  /** Shown in help; not applied, so that a command can tell "not given" from "given": the config may have it. */
  readonly default?: string;
}

/** What a command takes besides flags. Only the last may be `many`. */
export interface Positional {
  /** In capitals, as in the usage line. */
  readonly name: string;
  readonly about: string;
  readonly required?: boolean;
  readonly many?: boolean;
  readonly choices?: readonly string[];
}

export interface Example {
  readonly line: string;
  readonly about: string;
}

/** Extra help at the end of the page: "Exit status", "Files". */
export interface Section {
  readonly title: string;
  readonly text: string;
}

/** A command without the types of its flags: what help, dispatch and checks work on. */
export interface AnyCommand {
  readonly name: string;
  /** One line, lower case, no full stop: what it does. */
  readonly summary: string;
  /** Paragraphs below the summary, separated by empty lines; wrapped to the terminal. */
  readonly about?: string;
  /** The first thing in help: three, from simple to real. */
  readonly examples?: readonly Example[];
  readonly positionals?: readonly Positional[];
  readonly flags?: Readonly<Record<string, Flag>>;
  readonly sections?: readonly Section[];
  /** Commands below it: named by the first word. With a `run` it is a command itself; its positionals are words that name none of these. */
  readonly commands?: readonly AnyCommand[];
  /** Arguments after the first positional belong to somebody else's command: no flags are read there. */
  readonly passThrough?: boolean;
  /** A check for Nagios and Icinga: it knows no statuses but 0 to 3, and is read on stdout; what is wrong with the call is "unknown". */
  readonly isCheck?: boolean;
  /** A service: how long its end in order may take. A second SIGTERM within that changes nothing (timeout(1) and some init scripts send two); else it ends it at once. */
  readonly endsWithinMs?: number;
  /** It prints results, so it takes `--json`. */
  readonly json?: boolean;
  /** Ends with the given exit status, 0 where it gives none. Throws `Fault` for whatever was foreseen. */
  readonly run?: (call: Call<Record<string, Flag>>) => Promise<number | undefined>;
}

/** Describes a command; the types of `call.flags` follow from `flags`. Give `json: true` where results are printed: `--json` comes by itself. */
export function defineCommand<const Flags extends Readonly<Record<string, Flag>>>(
  command: Omit<AnyCommand, "flags" | "run"> & {
    readonly flags?: Flags;
    readonly run?: (call: Call<Flags>) => Promise<number | undefined>;
  },
): AnyCommand {
  // The flags of a call are read by this very description, so `Call<Flags>` is what `run` will get.
  return command as AnyCommand;
}

/** Flags that every command has. `json` only where the command says so. */
export const COMMON_FLAGS = {
  config: { type: "value", hint: "FILE", about: "read this configuration instead of /etc/spreadbox/spreadbox.toml" },
  help: { type: "switch", short: "h", about: "show this help" },
  version: { type: "switch", about: "show version, commit and build target" },
  verbose: { type: "switch", about: "tell more on stderr: what is tried, and what is done" },
  "stack-trace": { type: "switch", about: "on an error in spreadbox itself, show where it happened" },
} as const satisfies Record<string, Flag>;

export const JSON_FLAG: Flag = {
  type: "switch",
  about: "print results (and errors) as JSON on stdout, one object a line",
};

/** All flags that `command` takes, its own first. */
export function flagsOf(command: AnyCommand): Record<string, Flag> {
  return { ...command.flags, ...(command.json ? { json: JSON_FLAG } : {}), ...COMMON_FLAGS };
}
