// The `[logcat]` table: what is followed and how it looks where the command line does not say.
import * as v from "valibot";
import { explained, parsed, size } from "../base/schema.ts";
import { type Complaint, defineTable } from "../base/table.ts";
import { UTC } from "../syslog/zone.ts";
import { parseRegex } from "./choice.ts";
import { TIME_LOOKS } from "./clock-face.ts";
import { WIDE_FORMS } from "./line-writer.ts";
import { FORMAT_FORM, lookOf } from "./look-of.ts";
import { GROUP_FORM, isGroupWord } from "./subscription.ts";
import { checkWrites, recorderSchema, writeSchema } from "./write-table.ts";

/** When colours are written. */
export const COLOR_CHOICES = ["auto", "always", "never"] as const;

const SET_NAME_FORM = 'a name of letters, digits, "-", "_" and "."';

/** A name, a pattern, or a set. */
const group = () =>
  parsed(GROUP_FORM, (text) => (isGroupWord(text) ? text : undefined), { examples: ["log.mail", "log.*", "@web"] });

const list = <Item extends v.GenericSchema>(item: Item, form: string) => v.array(item, form);

const schema = v.strictObject({
  groups: v.pipe(
    v.optional(list(group(), "a list of groups"), []),
    v.description('groups that are followed where the command line names none; "@web" stands for a set'),
  ),
  sets: v.pipe(
    v.optional(
      v.record(
        parsed(SET_NAME_FORM, (text) => (/^[\w.-]+$/.test(text) ? text : undefined)),
        list(group(), "a list of groups"),
      ),
      {},
    ),
    v.description('names for sets of groups: web = ["www.example.org", "www.*.net"] is "@web" on the command line'),
  ),
  format: v.pipe(v.optional(explained(FORMAT_FORM, readFormat), "short"), v.description("how records look")),
  time: v.pipe(
    v.optional(v.picklist(TIME_LOOKS, `one of ${TIME_LOOKS.join(", ")}`)),
    v.description('how the time is shown; unset, "local" on a terminal and "iso" elsewhere'),
  ),
  wide: v.pipe(
    v.optional(v.picklist(WIDE_FORMS, `one of ${WIDE_FORMS.join(", ")}`), "wrap"),
    v.description("what becomes of text that is wider than the terminal; plain: the terminal decides"),
  ),
  color: v.pipe(
    v.optional(v.picklist(COLOR_CHOICES, `one of ${COLOR_CHOICES.join(", ")}`), "auto"),
    v.description("when colours are written; auto: on a terminal, unless NO_COLOR says otherwise"),
  ),
  highlight: v.pipe(
    v.optional(
      list(
        explained("a regular expression", (text) => parseRegex(text)),
        "a list of regular expressions",
      ),
      [],
    ),
    v.description("what is marked in messages, as well as what --grep asks for"),
  ),
  archive: v.pipe(
    v.optional(
      parsed('an absolute path of a directory, or "none"', (text) =>
        text === "none" || /^\/[^\0]*$/.test(text) ? text : undefined,
      ),
    ),
    v.description(
      'where --since and --before find what was recorded; unset, the first archive that [[logcat.write]] writes; "none": nowhere',
    ),
  ),
  buffer: v.pipe(
    v.optional(size(), "8MiB"),
    v.description(
      "what may wait for a file that can't be written, or a reader of the output, and for a slow one no more than it reads in a second; then records are skipped, counted and told",
    ),
  ),
  write: v.pipe(
    v.optional(v.array(writeSchema(group(), explained(FORMAT_FORM, readFormat))), []),
    v.description("what `logcat record` writes where: one entry for each file, or files with one template"),
  ),
  recorder: v.pipe(v.optional(recorderSchema, {}), v.description("how `logcat record` runs")),
});

export type LogcatTable = v.InferOutput<typeof schema>;

export const logcatTable = defineTable({
  name: "logcat",
  summary: "the subscriber: shows or writes the records of groups",
  schema,
  check: checkMeaning,
  starter: `# Groups that are followed where the command line names none.
# groups = ["log.auth", "log.mail.*", "@web"]
# How records look: ${FORMAT_FORM.replace("one of ", "")}.
# format = "short"
# Marked in messages, as regular expressions.
# highlight = ["[Ee]rror", "timeout"]
# Names for sets of groups: logcat @web
# sets = { web = ["www.example.org", "www.*.net"] }

# What \`logcat record\` writes where. A file for each host and program, kept for a month:
# [[logcat.write]]
# groups = ["log.auth", "log.mail"]
# to = "file:/var/log/cluster/%host%/%app%.log"
# severity = "info"
# format = "traditional"
# rotate_age = "1d"
# rotate_size = "1GiB"
# rotate_keep_for = "30d"
# rotate_keep = 1000
# owner = "root:adm"
# mode = "0640"

# For search: logcat --since 2h --grep timeout
# [[logcat.write]]
# groups = ["log.*"]
# to = "archive:/var/lib/spreadbox/archive"
# keep_for = "90d"
# keep_size = "100GiB"

# Access logs stay as they are, one file for each group.
# [[logcat.write]]
# groups = ["@web"]
# to = "file:/var/log/apache-all/%group%.log"
# format = "raw"
# rotate_size = "1GiB"
# rotate_keep = 10

# Handed over: to a command, to a syslog server, and counts to who collects metrics.
# [[logcat.write]]
# groups = ["log.*"]
# to = "exec:/usr/local/bin/alert"
# severity = "crit"
# format = "json"

# [[logcat.write]]
# groups = ["log.auth"]
# to = "syslog:tls:loghost.example.com"
# spool = "1GiB"

# [[logcat.write]]
# groups = ["log.*"]
# to = "metrics:127.0.0.1:9517"
# labels = ["group", "host", "severity"]

# [logcat.recorder]
# pid_file = "/run/spreadbox/logcat.pid"
# state = "/var/lib/spreadbox/logcat"
`,
});

/** A template is checked by making the look of it. */
function readFormat(format: string): string {
  lookOf({ format, time: "none", zone: UTC, startUs: 0, forTerminal: false, highlight: [] });
  return format;
}

function checkMeaning(table: LogcatTable): readonly Complaint[] {
  const complaints: Complaint[] = [];
  const lists = table.write.map(({ groups }, index) => ({ names: groups ?? [], path: ["write", index, "groups"] }));
  for (const { names, path } of [{ names: table.groups, path: ["groups"] }, ...lists])
    complaints.push(...unknownSets(names, table.sets, path));
  for (const [set, names] of Object.entries(table.sets)) {
    for (const [index, name] of names.entries()) {
      if (name.startsWith("@"))
        complaints.push({
          path: ["sets", set, index],
          code: "set",
          message: `"${name}" is a set; a set holds groups only`,
        });
    }
  }
  return complaints.length > 0 ? complaints : checkWrites(table);
}

function unknownSets(
  names: readonly string[],
  sets: LogcatTable["sets"],
  path: readonly (string | number)[],
): Complaint[] {
  return names.flatMap((name, index) =>
    name.startsWith("@") && !Object.hasOwn(sets, name.slice(1))
      ? [{ path: [...path, index], code: "set", message: `"${name}" is no set of logcat.sets` }]
      : [],
  );
}
