// A spread.conf, read as the 5.0.1 daemon reads it (PROTOCOL.md 12) and told as the daemon does not: every mistake with its line, its column and
// what to do, several at once. The verdict is the daemon's own: no errors here means that the daemon takes the file, and the test against the real
// one holds us to it. Warnings are what it takes and an operator will be sorry for.
//
// Four steps, all pure: `spread-conf-tokens` cuts words, `spread-conf-reader` knows the grammar, `spread-conf-meaning` checks what only the whole
// file can show, `spread-conf-hash` computes the ids and the hash. Names without an address need the resolver: the caller looks
// `namesToLookUp` up and reads again with `addresses`.
import { Fault } from "../base/fault.ts";
import type { ConfAddress } from "./spread-conf-address.ts";
import { checkMeaning } from "./spread-conf-meaning.ts";
import { harmless } from "./spread-conf-notes.ts";
import type { Timeouts } from "./spread-conf-options.ts";
import { ConfReader } from "./spread-conf-reader.ts";
import { placeOf } from "./spread-conf-tokens.ts";

/** One finding, at a place of the file; line and column count from 1. */
export interface ConfNote {
  readonly line: number;
  readonly column: number;
  /** A stable word for programs, such as "unknown-option". */
  readonly code: string;
  readonly message: string;
}

/** What an interface is for; without letters in the file, for everything. */
export interface ConfInterface {
  readonly address: ConfAddress;
  readonly daemon: boolean;
  readonly client: boolean;
  readonly monitor: boolean;
}

export interface ConfDaemon {
  /** As the daemon uses it: cut to 19 bytes. */
  readonly name: string;
  /** Before it was cut. */
  readonly written: string;
  /** Unsigned 32 bits: VirtualID, else the hash of the name. */
  readonly id: number;
  readonly idFrom: "VirtualID" | "name";
  /** `undefined` while the name has not been looked up. */
  readonly address: ConfAddress | undefined;
  /** What to ask the resolver for, where the file gives no address. */
  readonly lookUp: string | undefined;
  /** The segment's. */
  readonly port: number;
  /** Empty: the daemon's own address, for everything. */
  readonly interfaces: readonly ConfInterface[];
  readonly line: number;
  readonly column: number;
}

export interface ConfSegment {
  readonly port: number;
  readonly addresses: readonly ConfAddress[];
  readonly daemons: readonly ConfDaemon[];
  readonly line: number;
  readonly column: number;
}

/** Options as they take effect. `undefined`: not set, and the daemon's default is no single value. */
export interface ConfOptions {
  readonly eventLogFile: string | undefined;
  readonly eventTimeStamp: boolean;
  readonly eventPriority: string;
  readonly debugFlags: readonly string[] | undefined;
  readonly dangerousMonitor: boolean;
  readonly socketPortReuse: "on" | "off" | "auto";
  readonly runtimeDir: string;
  readonly daemonUser: string;
  readonly daemonGroup: string;
  readonly allowedAuthMethods: readonly string[];
  readonly requiredAuthMethods: readonly string[];
  readonly maxSessionMessages: number;
  readonly ipVersion: 4 | 6 | undefined;
  readonly window: number;
  readonly personalWindow: number;
  readonly acceleratedWindow: number;
  /** Only where the file says so: what the hash knows (PROTOCOL.md 11.3). */
  readonly acceleratedRing: boolean | undefined;
  /** As set, else: more than one segment. */
  readonly wideAreaNetwork: boolean;
  readonly excludeSegAddrsFromHash: boolean;
  readonly ignoreMulticastJoinErrors: boolean;
  readonly timeouts: Timeouts;
  readonly timeoutsFrom: "file" | "LAN defaults" | "WAN defaults";
}

export interface SpreadConf {
  readonly segments: readonly ConfSegment[];
  readonly options: ConfOptions;
  /** Where each option that the file sets is set; the last place counts. */
  readonly setAt: ReadonlyMap<string, { readonly line: number; readonly column: number }>;
}

/** A file as read: with errors `conf` is what could be understood of it. */
export interface ConfReading {
  readonly conf: SpreadConf;
  readonly errors: readonly ConfNote[];
  readonly warnings: readonly ConfNote[];
}

export interface ConfReadOptions {
  /** What the resolver gave for names without an address; an empty list: unknown host. Absent: nothing was looked up yet. */
  readonly addresses?: ReadonlyMap<string, readonly string[]>;
  /** Spread 4 knows two options that Spread 5 refuses (PROTOCOL.md 12.3). Default 5. */
  readonly dialect?: 4 | 5;
}

/** A spread.conf that the daemon would refuse: one mistake, or the first of those in `all`. */
export class SpreadConfError extends Fault {
  override readonly name = "SpreadConfError";
  readonly line: number;
  readonly column: number;

  constructor(
    readonly file: string,
    first: ConfNote,
    others: readonly ConfNote[] = [],
  ) {
    const all = others.length === 0 ? [] : [first, ...others].map((note) => new SpreadConfError(file, note));
    super("config", first.code, formatNote(file, first), { all });
    this.line = first.line;
    this.column = first.column;
  }
}

/** Reads a whole file. Never throws, whatever the text. */
export function readSpreadConf(text: string, options: ConfReadOptions = {}): ConfReading {
  const reader = new ConfReader(text, options);
  const draft = reader.read();
  const conf = checkMeaning(draft, reader.notes);
  const place = ({ at, code, message }: { at: number; code: string; message: string }): ConfNote => ({
    ...placeOf(text, at),
    code,
    message: harmless(message),
  });
  return {
    conf,
    errors: reader.notes.errors.toSorted((a, b) => a.at - b.at).map(place),
    warnings: reader.notes.warnings.toSorted((a, b) => a.at - b.at).map(place),
  };
}

/**
 * Reads a file that must be right.
 * @param file its name, for messages
 * @throws {SpreadConfError} with all mistakes
 */
export function parseSpreadConf(text: string, file: string, options: ConfReadOptions = {}): SpreadConf {
  const { conf, errors } = readSpreadConf(text, options);
  const [first, ...others] = errors;
  if (first !== undefined) throw new SpreadConfError(file, first, others);
  return conf;
}

/** Every daemon of the file, in its order. */
export function daemonsOf(conf: SpreadConf): readonly ConfDaemon[] {
  return conf.segments.flatMap((segment) => segment.daemons);
}

/** Names that stand without an address: the daemon asks the resolver for them, and so must we. */
export function namesToLookUp(conf: SpreadConf): readonly string[] {
  return [...new Set(daemonsOf(conf).flatMap((daemon) => daemon.lookUp ?? []))];
}

/** "FILE:LINE:COLUMN: MESSAGE". */
export function formatNote(file: string, note: ConfNote): string {
  return `${file}:${note.line}:${note.column}: ${note.message}`;
}
