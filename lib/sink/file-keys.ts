// How files are made and kept, as keys of a table: of a sink of the syslogd, of what a recorder writes.
import * as v from "valibot";
import { tryDuration } from "../base/duration.ts";
import { duration, integer, parsed, size } from "../base/schema.ts";
import type { RotationRule } from "./rotation.ts";

/** When what is written to a file is on the disk: whenever the system likes, so long after it was written, or before anything more is written. */
export type SyncChoice = "never" | "each" | { readonly everyMs: number };

const SYNC_FORM = '"never", "each" or a duration such as "500ms"';
const OWNER_FORM = 'a user, or a user and a group, such as "syslog", "syslog:adm" or ":adm"';
/** How many files that were put aside are kept unless told. */
const ROTATIONS_KEPT = 10;

/** Entries of the table's schema. */
export const fileKeys = {
  mode: v.pipe(
    v.optional(
      parsed('octal digits such as "0640"', (text) =>
        /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined,
      ),
    ),
    v.description("file: the mode of one that is made; by default 0640. The umask takes away from it"),
  ),
  owner: v.pipe(
    v.optional(
      parsed(OWNER_FORM, (text) =>
        /^(?=.)([a-z_][a-z0-9_.-]{0,31}\$?)?(:[a-z_][a-z0-9_.-]{0,31}\$?)?$/i.test(text) ? text : undefined,
      ),
    ),
    v.description("file: whose one is that is made; by default of who makes it"),
  ),
  sync: v.pipe(
    v.optional(parsed(SYNC_FORM, trySync, { examples: ["never", "each", "500ms"] })),
    v.description(
      "file: have the disk keep what is written: never (when the system likes), each (before more is written), or so long after; by default never",
    ),
  ),
  rotate_size: v.pipe(v.optional(size()), v.description("file: put it aside when it is so large")),
  rotate_age: v.pipe(v.optional(duration()), v.description("file: put it aside so long after it was begun")),
  rotate_keep: v.pipe(
    v.optional(integer(0, 10_000)),
    v.description("file: how many that were put aside are kept; by default 10"),
  ),
  rotate_keep_for: v.pipe(
    v.optional(duration()),
    v.description("file: for how long; by default as long as there are no more"),
  ),
  rotate_compress: v.pipe(
    v.optional(v.boolean("true or false")),
    v.description("file: compress what was put aside, with gzip; by default true"),
  ),
  open_files: v.pipe(
    v.optional(integer(1, 100_000)),
    v.description(
      "file: of a path with a template, how many are open at a time; records for others wait their turn; by default 128",
    ),
  ),
};

const schema = v.strictObject(fileKeys);

/** When a file is put aside, and what is kept; `undefined`: never. */
export function rotationOf(keys: Partial<v.InferOutput<typeof schema>>): RotationRule | undefined {
  const { rotate_size, rotate_age } = keys;
  if (rotate_size === undefined && rotate_age === undefined) return undefined;
  return {
    bytesMax: rotate_size ?? Number.POSITIVE_INFINITY,
    ageMaxMs: rotate_age ?? Number.POSITIVE_INFINITY,
    compress: keys.rotate_compress ?? true,
    keep: keys.rotate_keep ?? ROTATIONS_KEPT,
    keepMs: keys.rotate_keep_for ?? Number.POSITIVE_INFINITY,
  };
}

function trySync(text: string): SyncChoice | undefined {
  if (text === "never" || text === "each") return text;
  const everyMs = tryDuration(text);
  return everyMs === undefined || everyMs < 1 ? undefined : { everyMs };
}
