// What one [[logcat.write]] asks for.
import type { Retention } from "../archive/segment.ts";
import type { SyncChoice } from "../sink/file-keys.ts";
import type { RotationRule } from "../sink/rotation.ts";
import type { GroupName } from "../spread/names.ts";
import type { Choice } from "./choice.ts";
import type { TimeLook } from "./clock-face.ts";
import type { WriteTarget } from "./write-target.ts";

/** What becomes of records when the queue is full: the session is read no further until there is room, or the newest are dropped and counted. */
export type WhenFull = "wait" | "drop";

export const WHEN_FULL = ["wait", "drop"] as const satisfies readonly WhenFull[];

/** How files are made and kept. */
export interface FileKeeping {
  readonly mode: number;
  /** "user", "user:group" or ":group"; "": as they come. */
  readonly owner: string;
  readonly sync: SyncChoice;
  readonly rotation: RotationRule | undefined;
  /** Of a path by template. */
  readonly openFilesMax: number;
}

export interface WriteRule {
  readonly groups: readonly GroupName[];
  /** Groups with such names are recorded as soon as they are heard of. */
  readonly patterns: readonly string[];
  readonly choice: Choice;
  readonly to: WriteTarget;
  /** A name of FORMAT_NAMES, or a template. */
  readonly format: string;
  readonly time: TimeLook;
  /** Whether what the recorder has to say is written among the records; `undefined`: where the format can tell them apart. */
  readonly notices: boolean | undefined;
  readonly bufferBytes: number;
  readonly whenFull: WhenFull;
  readonly files: FileKeeping;
  readonly archive: Retention;
}
