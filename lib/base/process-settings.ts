// What becomes of the process itself, rather than of records: whom it runs as, and what it leaves where others find it.
import * as v from "valibot";
import { parsed } from "./schema.ts";

export interface ProcessSettings {
  /** Who to run as when all is open; "": as it was started. */
  readonly user: string;
  /** "": the user's own. */
  readonly group: string;
  /** `undefined`: as it was started. */
  readonly umask: number | undefined;
  /** "": none. */
  readonly pidFile: string;
}

const ACCOUNT = /^[a-z_][a-z0-9_.-]{0,31}\$?$/i;
const accountName = (what: string) =>
  parsed(`the name of a ${what}`, (text) => (ACCOUNT.test(text) ? text : undefined));

/** Entries of the table's schema. */
export const processKeys = {
  user: v.pipe(
    v.optional(accountName("user")),
    v.description("run as this user when all is open; by default as started"),
  ),
  group: v.pipe(v.optional(accountName("group")), v.description("and as this group; by default the user's own")),
  umask: v.pipe(
    v.optional(
      parsed('octal digits such as "0027"', (text) =>
        /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined,
      ),
    ),
    v.description("what new files and sockets may not be; by default as started"),
  ),
  pid_file: v.pipe(
    v.optional(
      parsed('an absolute path such as "/run/spreadbox/syslogd.pid"', (text) =>
        /^\/[^\0]*[^\0/]$/.test(text) ? text : undefined,
      ),
    ),
    v.description("where to leave the number of the process while it runs; by default nowhere"),
  ),
};

const schema = v.strictObject(processKeys);

export function processSettingsOf(table: v.InferOutput<typeof schema>): ProcessSettings {
  return { user: table.user ?? "", group: table.group ?? "", umask: table.umask, pidFile: table.pid_file ?? "" };
}
