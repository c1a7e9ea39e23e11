// What a sink is told besides where it goes: [[syslogd.sink]]. Entries apply to every sink whose name fits their pattern, in their order, a later key over an
// earlier one; so "file:*" may set what all files have in common, and an entry behind it what is special to one.
import type { SyncChoice } from "../sink/file-keys.ts";
import type { PermittedPeer } from "../sink/permitted-peer.ts";
import { describeFormat, type FormatChoice } from "../syslog/format-choice.ts";
import { type Destination, formatDestination } from "./destination.ts";
import type { DirectedRule } from "./directed-rule.ts";

/** The keys of an entry; what is left out is not said. */
export interface SinkKeys {
  readonly queue?: number | undefined;
  readonly spool?: number | undefined;
  readonly spool_age?: number | undefined;
  readonly spool_full?: "drop-oldest" | "drop-newest" | undefined;
  readonly mode?: number | undefined;
  readonly owner?: string | undefined;
  readonly sync?: SyncChoice | undefined;
  readonly sync_severity?: number | undefined;
  readonly rotate_size?: number | undefined;
  readonly rotate_age?: number | undefined;
  readonly rotate_keep?: number | undefined;
  readonly rotate_keep_for?: number | undefined;
  readonly rotate_compress?: boolean | undefined;
  readonly open_files?: number | undefined;
  readonly framing?: "octet-counted" | "line" | undefined;
  readonly datagram?: number | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly authorities?: string | undefined;
  readonly peers?: readonly PermittedPeer[] | undefined;
  readonly payload?: "records" | "text" | undefined;
}

/** An entry: the sinks it is for, `*` standing for anything, and what is said of them. */
export interface SinkEntry {
  readonly of: string;
  readonly keys: SinkKeys;
}

export interface SinkSettings {
  readonly entries: readonly SinkEntry[];
  /** Below it every sink that spools has a directory of its own; "": none spools. */
  readonly spoolDirectory: string;
  /** What each may keep in memory, where no entry says otherwise. */
  readonly queueBytesMax: number;
}

/** What each key is for, by the kind of sink. */
export const KINDS_OF_KEY: Readonly<Record<keyof SinkKeys, readonly SinkKind[]>> = (() => {
  const spooling: readonly SinkKind[] = ["udp", "tcp", "tls", "group", "program", "fifo"];
  const file: readonly SinkKind[] = ["file"];
  return {
    queue: [...spooling, "file", "users", "console"],
    spool: spooling,
    spool_age: spooling,
    spool_full: spooling,
    mode: file,
    owner: file,
    sync: file,
    sync_severity: file,
    rotate_size: file,
    rotate_age: file,
    rotate_keep: file,
    rotate_keep_for: file,
    rotate_compress: file,
    open_files: file,
    framing: ["tcp"],
    datagram: ["udp"],
    certificate: ["tls"],
    key: ["tls"],
    authorities: ["tls"],
    peers: ["tls"],
    payload: ["group"],
  };
})();

/** What stands before the colon of a sink's name. */
export type SinkKind = "file" | "group" | "udp" | "tcp" | "tls" | "fifo" | "program" | "users" | "console";

/** Sinks that spool unless told otherwise: where what they send to may be away for long. */
const SPOOLS_BY_ITSELF: ReadonlySet<SinkKind> = new Set(["group", "udp", "tcp", "tls"]);
export const SPOOL_BYTES = 256 * 1024 * 1024;
export const SPOOL_AGE_MS = 7 * 86_400_000;

/** What a rule's sink is told, entries and defaults together. */
export function keysOf(to: Destination, { entries }: Pick<SinkSettings, "entries">): SinkKeys {
  return keysOfName(formatDestination(to), entries);
}

export function keysOfName(name: string, entries: readonly SinkEntry[]): SinkKeys {
  const fitting = entries.filter(({ of }) => fits(of, name));
  return Object.assign({}, ...fitting.map(({ keys }) => definedOf(keys)));
}

/** Whether a pattern is for the sink of this name. */
export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}

export function kindOf(to: Destination): SinkKind {
  return to.kind === "files" ? "file" : to.kind;
}

/** How much a sink spools and for how long; `undefined` where it does not. */
export interface SpoolLimits {
  readonly bytesMax: number;
  readonly ageMaxMs: number;
  readonly whenFull: "drop-oldest" | "drop-newest";
}

export function spoolOf(kind: SinkKind, keys: SinkKeys, spoolDirectory: string): SpoolLimits | undefined {
  const bytesMax = keys.spool ?? (SPOOLS_BY_ITSELF.has(kind) ? SPOOL_BYTES : 0);
  if (bytesMax === 0 || spoolDirectory === "") return undefined;
  return { bytesMax, ageMaxMs: keys.spool_age ?? SPOOL_AGE_MS, whenFull: keys.spool_full ?? "drop-oldest" };
}

/** Why records can't be kept until they are acknowledged, where a rule asks for that; `undefined`: they can, or need not. */
export function whyNotKept(
  { to, acks }: DirectedRule,
  { entries, spoolDirectory }: Pick<SinkSettings, "entries" | "spoolDirectory">,
): string | undefined {
  if (acks === 0 || to?.kind !== "group") return undefined;
  if (keysOf(to, { entries }).payload === "text")
    return `"acks" needs numbered records, and ${formatDestination(to)} gets text`;
  if (spoolDirectory === "") return '"acks" needs a spool, and there is no directory for it (spool_directory, --spool)';
  if (spoolOf("group", keysOfName("group:*", entries), spoolDirectory) === undefined)
    return '"acks" needs a spool, and a sink "group:*" has "spool" of 0';
  return undefined;
}

/** The form of a sink's records where no rule says one. */
export function usualFormat(kind: SinkKind): FormatChoice {
  return { by: kind === "udp" || kind === "tcp" || kind === "tls" ? "rfc5424" : "traditional" };
}

/** The same text for a sink that is the same in all that can be changed while it runs. */
export function describeSink(format: FormatChoice | undefined, keys: SinkKeys): string {
  return `${format === undefined ? "" : describeFormat(format)} ${JSON.stringify(definedOf(keys))}`;
}

function definedOf(keys: SinkKeys): SinkKeys {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
}
