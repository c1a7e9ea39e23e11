// [[syslogd.sink]] of the configuration: what is special to one sink, or to all of a kind.
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { duration, explained, parsed, size } from "../base/schema.ts";
import type { Complaint } from "../base/table.ts";
import { fileKeys } from "../sink/file-keys.ts";
import { tlsKeys } from "../sink/tls-keys.ts";
import { SEVERITY_NAMES, trySeverity } from "../syslog/severity.ts";
import { formatDestination, parseDestination, type QueuedDestination } from "./destination.ts";
import type { DirectedRule } from "./directed-rule.ts";
import { KINDS_OF_KEY, type SinkEntry, type SinkKeys, type SinkKind } from "./sink-settings.ts";

const PATTERN_FORM = 'a sink as a rule names it, or a pattern of sinks such as "file:*" or "tcp:*"';
const KINDS: readonly SinkKind[] = ["file", "group", "udp", "tcp", "tls", "fifo", "program", "users", "console"];
const LAST_RESORT_FORM = '"console", users such as "users:root", another host, a program, or "none"';
const SEVERITY_FORM = `a severity: ${SEVERITY_NAMES.map((name) => JSON.stringify(name)).join(", ")}`;

/** Memory of a sink: the longest message (64 KiB) has to find room. */
export const queueBytes = () => v.pipe(size(), v.minValue(65_536, "at least 64KiB"));

const sinkSchema = v.strictObject({
  of: v.pipe(
    explained(PATTERN_FORM, parsePattern, { examples: ["file:*", "file:/var/log/messages", "tcp:loghost:601"] }),
    v.description("which sinks: as rules name them, * standing for anything; what a later entry says goes before"),
  ),
  queue: v.pipe(v.optional(queueBytes()), v.description("what it may keep in memory; by default syslogd.queue")),
  spool: v.pipe(
    v.optional(size()),
    v.description(
      "what it may keep on disk besides, through restarts too; 0: nothing. By default 256MiB for group, udp, tcp and tls",
    ),
  ),
  spool_age: v.pipe(v.optional(duration()), v.description("for how long it is kept there; by default 7d")),
  spool_full: v.pipe(
    v.optional(v.picklist(["drop-oldest", "drop-newest"], '"drop-oldest" or "drop-newest"')),
    v.description("which records go when the spool is full; by default the oldest"),
  ),
  ...fileKeys,
  sync_severity: v.pipe(
    v.optional(parsed(SEVERITY_FORM, trySeverity, { examples: ["err", "crit"] })),
    v.description("file: have records of this severity, and of graver ones, on the disk at once, whatever sync says"),
  ),
  framing: v.pipe(
    v.optional(v.picklist(["octet-counted", "line"], '"octet-counted" or "line"')),
    v.description("tcp: how records are parted (RFC 6587); by default each is a line. By tls they are always counted"),
  ),
  datagram: v.pipe(
    v.optional(v.pipe(size(), v.minValue(480, "at least 480B"), v.maxValue(65_507, "at most 65507B"))),
    v.description("udp: a longer record is cut; by default 2KiB (RFC 5426)"),
  ),
  ...tlsKeys,
  payload: v.pipe(
    v.optional(v.picklist(["records", "text"], '"records" or "text"')),
    v.description(
      "group: numbered records, or plain lines for readers that are not ours, from which nobody can tell what is missing; by default records",
    ),
  ),
});

export const sinkKeys = {
  last_resort: v.pipe(
    v.optional(
      explained(LAST_RESORT_FORM, parseLastResort, { examples: ["console", "users:root", "none"] }),
      "console",
    ),
    v.description("who hears that a sink fails where no sink that works takes that message; none: nobody but stderr"),
  ),
  sink: v.pipe(
    v.optional(v.array(sinkSchema), []),
    v.description("what is special to one sink, or to all of a kind: queue, spool, sync, rotation, owner, TLS"),
  ),
  spool_directory: v.pipe(
    v.optional(
      parsed('an absolute path such as "/var/lib/spreadbox/syslogd", or "" for none', (text) =>
        /^(?:\/[^\0]*)?$/.test(text) ? text : undefined,
      ),
      "/var/lib/spreadbox/syslogd",
    ),
    v.description('where sinks keep what memory has no room for, and what shall outlive the process; "": nowhere'),
  ),
};

const schema = v.strictObject(sinkKeys);
export type SinkTable = v.InferOutput<typeof schema>;

/** An entry's keys, not read yet. */
export type RawSink = v.InferInput<typeof sinkSchema>;

/** Reads an entry's keys, of a syslog.conf. They are known to be right. */
export function readSink(raw: RawSink): SinkEntry {
  const { of, ...keys } = v.parse(sinkSchema, raw);
  return { of, keys };
}

/** The entries of a table. */
export function sinkEntriesOf(table: Pick<SinkTable, "sink">): readonly SinkEntry[] {
  return table.sink.map(({ of, ...keys }) => ({ of, keys }));
}

/** What has the right shape and the wrong meaning. */
export function checkSinks(table: SinkTable, rules: readonly DirectedRule[]): Complaint[] {
  const names = new Set(rules.flatMap(({ to }) => (to === undefined ? [] : formatDestination(to))));
  const canSpool = table.spool_directory !== "";
  return sinkEntriesOf(table).flatMap((entry, index) => [...checkEntry(entry, index, names, canSpool)]);
}

function* checkEntry(
  { of, keys }: SinkEntry,
  index: number,
  names: ReadonlySet<string>,
  canSpool: boolean,
): Generator<Complaint> {
  const at = (key: string): Complaint["path"] => ["sink", index, key];
  const kind = kindIn(of);
  for (const key of Object.keys(keys) as (keyof SinkKeys)[]) {
    if (keys[key] === undefined || kind === undefined || KINDS_OF_KEY[key].includes(kind)) continue;
    const meant = KINDS_OF_KEY[key].join(", ");
    yield { path: at(key), code: "no-use", message: `"${key}" is for ${meant}, these are sinks of kind ${kind}` };
  }
  if (!canSpool && (keys.spool ?? 0) > 0)
    yield { path: at("spool"), code: "no-use", message: 'nothing can be kept on disk: spool_directory is ""' };
  if (!of.includes("*") && !names.has(of)) {
    const known = nearest(of, names);
    const hint = known === undefined ? "" : `; did you mean ${JSON.stringify(known)}?`;
    yield { path: at("of"), code: "no-use", message: `no rule sends anything to ${of}${hint}` };
  }
  for (const [one, other] of [
    ["certificate", "key"],
    ["key", "certificate"],
  ] as const)
    if (keys[one] !== undefined && keys[other] === undefined)
      yield { path: at(one), code: "missing", message: `"${one}" is of use together with "${other}" only` };
  if (keys.rotate_size === undefined && keys.rotate_age === undefined)
    for (const key of ["rotate_keep", "rotate_keep_for", "rotate_compress"] as const)
      if (keys[key] !== undefined && of !== "file:*" && !of.includes("*"))
        yield { path: at(key), code: "no-use", message: `"${key}" needs "rotate_size" or "rotate_age" beside it` };
  if (kind === "group" && of !== "group:*")
    for (const key of ["queue", "spool", "spool_age", "spool_full"] as const)
      if (keys[key] !== undefined)
        yield { path: at(key), code: "no-use", message: `all groups have one queue: say "${key}" of "group:*"` };
}

/** The kind that all sinks of a pattern have; `undefined` where they have several. */
function kindIn(pattern: string): SinkKind | undefined {
  return KINDS.find((kind) => pattern.startsWith(`${kind}:`) || pattern === kind);
}

/** @throws {Fault} kind "config", code "sink" */
function parsePattern(text: string): string {
  try {
    return formatDestination(parseDestination(text));
  } catch (error) {
    if (!(error instanceof Fault) || !text.includes("*")) throw error;
    const head = text.slice(0, text.search(/[:*]/));
    if (text.startsWith("*") || KINDS.some((kind) => kind === head)) return text;
    throw error;
  }
}

/** @throws {Fault} kind "config", code "sink" */
function parseLastResort(text: string): QueuedDestination | "none" {
  if (text === "none") return "none";
  const to = parseDestination(text);
  if (to.kind === "file" || to.kind === "files" || to.kind === "group")
    throw new Fault(
      "config",
      "sink",
      `${to.kind === "group" ? "a group" : "a file"} is no last resort: expected ${LAST_RESORT_FORM}`,
    );
  return to;
}

/** Lines of the starter, behind the rules. */
export const SINK_STARTER = `
# What sinks are told besides. Sinks to other hosts and to groups keep 256 MiB on disk while these are away, unless told otherwise.
# [[syslogd.sink]]
# of = "file:*"
# mode = "0640"
# sync = "1s"
# sync_severity = "crit"
# rotate_size = "64MiB"
# rotate_keep = 10

# [[syslogd.sink]]
# of = "group:*"
# spool = "1GiB"
# spool_age = "3d"
`;
