// What one [[logcat.write]] asks for.
import type { Retention } from "../archive/segment.ts";
import type { SyncChoice } from "../sink/file-keys.ts";
import type { RotationRule } from "../sink/rotation.ts";
import type { TlsKeys } from "../sink/tls-keys.ts";
import type { GroupName } from "../spread/names.ts";
import type { Choice } from "./choice.ts";
import type { TimeLook } from "./clock-face.ts";
import type { WriteTarget } from "./write-target.ts";

/** What becomes of records when the queue is full: the session is read no further until there is room, or the newest are dropped and counted. */
export type WhenFull = "wait" | "drop";

export const WHEN_FULL = ["wait", "drop"] as const satisfies readonly WhenFull[];

export const FRAMINGS = ["octet-counted", "line"] as const;
export type Framing = (typeof FRAMINGS)[number];

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

/** What a hand-over keeps on disk while who gets the records is away. */
export interface SpoolKeeping {
  /** 0: nothing. */
  readonly bytesMax: number;
  readonly ageMaxMs: number;
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
  /** A pattern of parseTimeForm: records have the recorder's time, in raw text written so. `undefined`: their sender's, as it is. */
  readonly rewriteTime: string | undefined;
  /** Whether what the recorder has to say is written among the records; `undefined`: where the format can tell them apart. */
  readonly notices: boolean | undefined;
  readonly bufferBytes: number;
  readonly whenFull: WhenFull;
  readonly files: FileKeeping;
  readonly archive: Retention;
  readonly spool: SpoolKeeping;
  readonly tls: TlsKeys;
  /** By TCP: each record with its length before it, or in a line. */
  readonly framing: Framing;
  /** Fields by which records are counted. */
  readonly labels: readonly string[];
}

/** Formats whose readers can tell our own records from others. In a raw file, an access log, they would be mistaken for what they are not. */
const TELLING_FORMATS: ReadonlySet<string> = new Set(["short", "full", "json", "rfc5424", "traditional"]);

/** Whether what the recorder has to say goes among the records. */
export function takesNotices({ notices, format }: WriteRule): boolean {
  return notices ?? TELLING_FORMATS.has(format);
}
