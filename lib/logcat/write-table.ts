// `[[logcat.write]]` and `[logcat.recorder]`: what `logcat record` writes where, and how it runs.

import * as v from "valibot";
import { processKeys, processSettingsOf } from "../base/process-settings.ts";
import { duration, explained, parsed, size } from "../base/schema.ts";
import type { Complaint } from "../base/table.ts";
import { isBatchHost } from "../feed/batch-writer.ts";
import { fileKeys, rotationOf } from "../sink/file-keys.ts";
import { tlsKeys } from "../sink/tls-keys.ts";
import { type Choice, EVERYTHING, parseFacilities, parseRegex, parseSeverities } from "./choice.ts";
import { TIME_LOOKS } from "./clock-face.ts";
import { parseFieldTest } from "./field.ts";
import type { RecordSettings } from "./record-settings.ts";
import { type GroupSets, subscriptionOf } from "./subscription.ts";
import { parseTimeForm, TIME_FORM } from "./time-form.ts";
import { FRAMINGS, WHEN_FULL, type WriteRule } from "./write-rule.ts";
import { formatWriteTarget, parseWriteTarget, TARGET_FORM, type WriteTarget } from "./write-target.ts";

/** Where `logcat record status` looks for the recorder. */
export const CONTROL_PATH = "/run/spreadbox/logcat.ctl";
const STATE_PATH = "/var/lib/spreadbox/logcat";
const CONTROL_FORM = `an absolute path such as "${CONTROL_PATH}", or "" for none`;
const FORMAT_USUAL = "traditional";
/** Only for those who may read the whole log. */
const FILE_MODE = 0o640;
const OPEN_FILES = 128;
const SPOOL_BYTES = 256 * 1_048_576;
const SPOOL_AGE_MS = 7 * 86_400_000;
const LABEL_FORM = 'a field such as "host" or "status"';
const LABELS = ["group", "host", "severity"] as const;
/** What a syslog server can be sent. */
const WIRE_FORMATS: readonly string[] = ["rfc5424", "traditional"];
/** What keys are for that are not for all. */
const KEYS_OF_KINDS: readonly { readonly of: readonly WriteTarget["kind"][]; readonly keys: readonly string[] }[] = [
  { of: ["exec", "syslog"], keys: ["spool", "spool_age"] },
  { of: ["syslog"], keys: ["framing", ...Object.keys(tlsKeys)] },
  { of: ["metrics"], keys: ["labels"] },
  { of: ["file", "exec", "syslog"], keys: ["format", "rewrite_time"] },
  { of: ["file", "archive"], keys: ["mode", "sync"] },
  { of: ["archive"], keys: ["keep_for", "keep_size"] },
  { of: ["file"], keys: Object.keys(fileKeys).filter((key) => key !== "mode" && key !== "sync") },
];

/** The schema of one value or several: "web*" or ["web*", "db*"]. */
const oneOrMore = <Item extends v.GenericSchema<string, unknown>>(item: Item, form: string) =>
  v.union(
    [
      v.pipe(
        item,
        v.transform((one) => [one]),
      ),
      v.array(item, form),
    ],
    form,
  );

const words = (form: string) => oneOrMore(v.string(form), form);

/**
 * @param group what a name for a group looks like
 * @param format checks a format
 */
export function writeSchema<
  Group extends v.GenericSchema<string, string>,
  Format extends v.GenericSchema<string, string>,
>(group: Group, format: Format) {
  return v.strictObject({
    groups: v.pipe(
      v.optional(v.array(group, "a list of groups")),
      v.description("the groups that are recorded; unset, those of logcat.groups"),
    ),
    to: v.pipe(
      explained(TARGET_FORM, parseWriteTarget, {
        examples: ["file:/var/log/cluster/%host%/%app%.log", "exec:/usr/local/bin/alert", "syslog:tcp:loghost:601"],
      }),
      v.description(
        "where they go: to a file, whose path may have fields of the record in it; as lines to a command's stdin; to a syslog server; or only their counts, by HTTP or to a file",
      ),
    ),
    host: v.pipe(
      v.optional(words("a host, or a list of hosts")),
      v.description("only of these hosts; * and ? are wildcards"),
    ),
    app: v.pipe(
      v.optional(words("a program, or a list of programs")),
      v.description("only of these programs; * and ? are wildcards"),
    ),
    facility: v.pipe(
      v.optional(explained('facilities such as "mail,auth"', parseFacilities)),
      v.description("only of these facilities"),
    ),
    severity: v.pipe(
      v.optional(explained('a severity such as "err" or "=err"', parseSeverities)),
      v.description('only of this severity and above; "=err" is only that'),
    ),
    grep: v.pipe(
      v.optional(words("a regular expression, or a list of them")),
      v.description("only where the message matches one of these regular expressions"),
    ),
    not: v.pipe(
      v.optional(words("a regular expression, or a list of them")),
      v.description("only where the message matches none of these"),
    ),
    ignore_case: v.pipe(
      v.optional(v.boolean("true or false"), false),
      v.description("grep and not take upper for lower case"),
    ),
    field: v.pipe(
      v.optional(words('a field such as "status=500", or a list of them')),
      v.description("only with these fields: of the record, its structured data, or JSON in its message"),
    ),
    format: v.pipe(
      v.optional(format),
      v.description("how records look; by default traditional, and to a syslog server rfc5424"),
    ),
    time: v.pipe(
      v.optional(v.picklist(TIME_LOOKS, `one of ${TIME_LOOKS.join(", ")}`), "iso"),
      v.description('how the time looks in the formats "short" and "full"'),
    ),
    rewrite_time: v.pipe(
      v.optional(explained(TIME_FORM, parseTimeForm, { examples: ["common", "rfc3164", "iso"] })),
      v.description(
        "the recorder's time instead of the sender's. In raw text it is written so, in place of the time in the first brackets or at the beginning of the line; in other formats the record's time is set, whatever is said here",
      ),
    ),
    notices: v.pipe(
      v.optional(v.boolean("true or false")),
      v.description(
        "write what logcat has to say (records that are missing, that were lost) as records of its own among the others; unset, where the format can tell them apart: not in raw files and templates",
      ),
    ),
    buffer: v.pipe(
      v.optional(size(), "16MiB"),
      v.description("what may wait in memory while the destination can't be written"),
    ),
    on_full: v.pipe(
      v.optional(v.picklist(WHEN_FULL, '"wait" or "drop"'), "wait"),
      v.description(
        "when the buffer is full: wait, and read no more from the daemon; or drop the newest records, which is counted and told",
      ),
    ),
    spool: v.pipe(
      v.optional(size()),
      v.description(
        "exec, syslog: what may wait on disk, through restarts too, while the command or the server does not take it; then the oldest records go, which is counted and told. 0: nothing, buffer and on_full say what happens. By default 256MiB",
      ),
    ),
    spool_age: v.pipe(
      v.optional(duration()),
      v.description("exec, syslog: for how long it is kept there; by default 7d"),
    ),
    framing: v.pipe(
      v.optional(v.picklist(FRAMINGS, '"octet-counted" or "line"')),
      v.description(
        "syslog:tcp: how records are parted (RFC 6587); by default each is a line. By tls they are always counted",
      ),
    ),
    labels: v.pipe(
      v.optional(v.array(parsed(LABEL_FORM, (text) => (text === "" ? undefined : text), { examples: [...LABELS] }))),
      v.description(
        "metrics: by what records are counted: fields of the record, of its structured data, or of JSON in its message; by default group, host and severity",
      ),
    ),
    ...fileKeys,
    keep_for: v.pipe(
      v.optional(duration()),
      v.description("archive: for how long records are kept; by default as long as there is room for them"),
    ),
    keep_size: v.pipe(
      v.optional(size()),
      v.description("archive: what it may take on the disk; then the oldest go. By default whatever it takes"),
    ),
    ...tlsKeys,
  });
}

export const recorderSchema = v.strictObject({
  host: v.pipe(
    v.optional(
      parsed("1 to 255 printable ASCII characters, no space", (text) => (isBatchHost(text) ? text : undefined)),
    ),
    v.description(
      "this host's name: in what the recorder says, and to senders with acks = N, who count hosts; by default what the system calls it",
    ),
  ),
  state: v.pipe(
    v.optional(
      parsed("an absolute path of a directory", (text) => (/^\/[^\0]*$/.test(text) ? text : undefined)),
      STATE_PATH,
    ),
    v.description("directory for what the recorder has to remember: how far it has recorded; it has it for itself"),
  ),
  control: v.pipe(
    v.optional(
      parsed(CONTROL_FORM, (text) => (/^(?:\/[^\0]*)?$/.test(text) ? text : undefined), { examples: [CONTROL_PATH] }),
      CONTROL_PATH,
    ),
    v.description('the socket for logcat record status, stats, reload and reopen; "": none'),
  ),
  ...processKeys,
});

type Schema = ReturnType<typeof writeSchema<v.GenericSchema<string, string>, v.GenericSchema<string, string>>>;
export type WriteEntry = v.InferOutput<Schema>;

/** What of `[logcat]` a recorder needs. */
export interface RecorderTable {
  readonly groups: readonly string[];
  readonly sets: GroupSets;
  readonly write: readonly WriteEntry[];
  readonly recorder: v.InferOutput<typeof recorderSchema>;
}

/**
 * The recorder that the configuration asks for.
 * @throws {Fault} kind "usage": a group or an expression that is none
 */
export function recordSettingsOf(table: RecorderTable): RecordSettings {
  const { host, state, control } = table.recorder;
  return {
    rules: table.write.map((entry) => writeRule(entry, table)),
    host: host ?? "",
    state,
    control,
    process: processSettingsOf(table.recorder),
  };
}

/** The rule that an entry asks for. @throws {Fault} kind "usage" */
export function writeRule(entry: WriteEntry, { groups, sets }: Pick<RecorderTable, "groups" | "sets">): WriteRule {
  const { to, format, time, notices, buffer, on_full, mode, owner = "", sync, open_files } = entry;
  const { certificate, key, authorities, peers } = entry;
  const subscription = subscriptionOf(entry.groups ?? groups, sets);
  return {
    groups: subscription.groups,
    patterns: subscription.patterns,
    choice: choiceOf(entry),
    to,
    format: format ?? (to.kind === "syslog" ? "rfc5424" : FORMAT_USUAL),
    time,
    rewriteTime: entry.rewrite_time,
    notices,
    bufferBytes: buffer,
    whenFull: on_full,
    files: {
      mode: mode ?? FILE_MODE,
      owner,
      sync: sync ?? (to.kind === "archive" ? "each" : "never"),
      rotation: rotationOf(entry),
      openFilesMax: open_files ?? OPEN_FILES,
    },
    archive: {
      ageMaxMs: entry.keep_for ?? Number.POSITIVE_INFINITY,
      bytesMax: entry.keep_size ?? Number.POSITIVE_INFINITY,
    },
    spool: { bytesMax: entry.spool ?? SPOOL_BYTES, ageMaxMs: entry.spool_age ?? SPOOL_AGE_MS },
    tls: { certificate, key, authorities, peers },
    framing: entry.framing ?? "line",
    labels: entry.labels ?? LABELS,
  };
}

/** What is wrong with the entries together. */
export function checkWrites(table: RecorderTable): readonly Complaint[] {
  const complaints: Complaint[] = [];
  const seen = new Set<string>();
  for (const [index, entry] of table.write.entries()) {
    const at = (key: string, code: string, message: string) =>
      complaints.push({ path: key === "" ? ["write", index] : ["write", index, key], code, message });
    const target = formatWriteTarget(entry.to);
    if (seen.has(target)) at("to", "twice", `"${target}" is written by another entry already; name all groups in one`);
    seen.add(target);
    if (entry.groups === undefined && table.groups.length === 0)
      at("", "groups", "groups are missing: name them here, or in logcat.groups");
    for (const { of, keys } of KEYS_OF_KINDS) {
      if (of.includes(entry.to.kind)) continue;
      for (const key of keys)
        if (entry[key as keyof WriteEntry] !== undefined)
          at(key, "no-use", `"${key}" is for ${of.join(", ")}, and this is ${target}`);
    }
    if (entry.to.kind === "syslog" && entry.format !== undefined && !WIRE_FORMATS.includes(entry.format))
      at("format", "format", `a syslog server takes ${WIRE_FORMATS.join(" or ")}, not ${JSON.stringify(entry.format)}`);
    for (const key of ["grep", "not", "field"] as const) {
      const wrong = attempt(() => choiceOf({ ...NO_CHOICE, [key]: entry[key], ignore_case: entry.ignore_case }));
      if (wrong !== undefined) at(key, "unreadable", wrong);
    }
  }
  return complaints;
}

type ChoiceKeys = "host" | "app" | "facility" | "severity" | "grep" | "not" | "field" | "ignore_case";

const NO_CHOICE: Pick<WriteEntry, ChoiceKeys> = {
  host: undefined,
  app: undefined,
  facility: undefined,
  severity: undefined,
  grep: undefined,
  not: undefined,
  field: undefined,
  ignore_case: false,
};

function choiceOf(entry: Pick<WriteEntry, ChoiceKeys>): Choice {
  const { host = [], app = [], facility = [], severity, grep = [], not = [], field = [], ignore_case } = entry;
  const regexes = (texts: readonly string[]) => texts.map((text) => parseRegex(text, ignore_case));
  return {
    ...EVERYTHING,
    hosts: host,
    apps: app,
    facilities: facility,
    severities: severity ?? EVERYTHING.severities,
    grep: regexes(grep),
    not: regexes(not),
    fields: field.map(parseFieldTest),
  };
}

function attempt(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}
