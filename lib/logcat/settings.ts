import type { GroupName } from "../spread/names.ts";
import type { Choice } from "./choice.ts";
import type { TimeLook } from "./clock-face.ts";
import type { EndRule } from "./ending.ts";
import type { Wide } from "./line-writer.ts";

export interface ArchiveSettings {
  readonly directory: string;
  /** The command line asks for it: where it can't be read, that is a failure. */
  readonly isAsked: boolean;
  /** It ends with what the archive has: nothing comes live. */
  readonly isAll: boolean;
}

/** All that a follow needs to know: the command line and the config, put together. */
export interface LogcatSettings {
  readonly groups: readonly GroupName[];
  /** Groups with such names are followed as soon as they are heard of. */
  readonly patterns: readonly string[];
  readonly choice: Choice;
  readonly end: EndRule;
  /** A name of FORMAT_NAMES, or a template. */
  readonly format: string;
  /** Unset: "local" on a terminal, "iso" elsewhere. */
  readonly time: TimeLook | undefined;
  readonly wide: Wide;
  readonly color: "auto" | "always" | "never";
  readonly highlight: readonly RegExp[];
  /** A file for the records, instead of stdout. */
  readonly output: string | undefined;
  /** What may wait to be written. */
  readonly bufferBytes: number;
  /** What becomes of records: shown; counted; the last so many shown at the end; their rates shown (`logcat top`). */
  readonly records:
    | { readonly are: "shown" }
    | { readonly are: "counted" }
    | { readonly are: "last"; readonly count: number }
    | { readonly are: "rated" };
  /** Where what was recorded before is looked for, before what comes live; `undefined`: nowhere. */
  readonly archive: ArchiveSettings | undefined;
  /** Where a run notes what has come, for the next one. */
  readonly cursorFile: string | undefined;
  readonly strict: boolean;
  readonly members: boolean;
  readonly stats: boolean;
  /** Wait for a daemon at the start, instead of failing where there is none. */
  readonly wait: boolean;
}
