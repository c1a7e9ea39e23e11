// One unit of a conversation, as `dump` shows it: a line for people, a plain object for `--json`.
import type { GroupId } from "../spread/membership.ts";

/** Client to daemon, or daemon to client. */
export type Direction = "c2s" | "s2c";

/** What every entry has: where it stands in the bytes of its direction, and how many it takes. */
interface Placed {
  readonly direction: Direction;
  readonly offset: number;
  readonly bytes: number;
}

export type Unit =
  | {
      readonly kind: "connect";
      readonly version: string;
      readonly name: string;
      readonly membership: boolean;
      readonly priority: number;
    }
  | { readonly kind: "methods"; readonly methods: readonly string[] }
  | { readonly kind: "choice"; readonly methods: readonly string[] }
  | { readonly kind: "authentication"; readonly method: string; readonly said: string }
  | { readonly kind: "accept"; readonly version: string; readonly privateGroup: string }
  | { readonly kind: "refuse"; readonly reason: string; readonly code: number }
  | {
      readonly kind: "message" | "rejected";
      readonly service: string;
      readonly flags: readonly string[];
      readonly sender: string;
      readonly groups: readonly string[];
      readonly messageType: number;
      readonly byteOrder: "little" | "big";
      readonly bodyBytes: number;
      readonly body: string;
    }
  | { readonly kind: "join" | "leave" | "kill"; readonly sender: string; readonly groups: readonly string[] }
  | {
      readonly kind: "view";
      readonly group: string;
      readonly cause: string;
      readonly id: GroupId;
      readonly members: readonly string[];
      readonly sets: readonly (readonly string[])[];
      readonly ownSet: number;
    }
  | { readonly kind: "transition"; readonly group: string; readonly id: GroupId }
  | { readonly kind: "selfLeave"; readonly group: string }
  /** A unit that breaks the rules; its place is known, and perhaps its length. */
  | { readonly kind: "broken"; readonly error: string; readonly errorOffset: number; readonly shown: string }
  /** The stream ended inside a unit. */
  | { readonly kind: "cut"; readonly missing: number | undefined; readonly shown: string }
  /** Bytes that can't be split into units any more. */
  | { readonly kind: "undecodable"; readonly shown: string };

export type DumpEntry = Placed & Unit;

/** "c2s      180  agreed      #a#d -> g1  type 5  100 bytes "hello"": one line, safe for a terminal whatever the peer sent. */
export function dumpLine(entry: DumpEntry): string {
  return `${entry.direction} ${String(entry.offset).padStart(8)}  ${label(entry).padEnd(10)}  ${describe(entry)}`.trimEnd();
}

/** A text of one character a byte, or of any peer: quoted unless plain, with nothing that a terminal would obey. */
export function plain(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) ? text : quoted(text);
}

/** A body's first bytes: as text where they are text, otherwise as hexadecimal digits. */
export function bodyPreview(bytes: Uint8Array, start: number, end: number, most: number): string {
  const shown = bytes.subarray(start, Math.min(end, start + most));
  const more = end - start > most ? "..." : "";
  const isText =
    shown.length > 0 &&
    shown.every((byte) => (byte >= 0x20 && byte <= 0x7e) || byte === 0x09 || byte === 0x0a || byte === 0x0d);
  return (isText ? quoted(String.fromCharCode(...shown)) : hexDigits(shown)) + more;
}

/** "80 00 00 81". */
export function hexDigits(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function label(entry: DumpEntry): string {
  if (entry.kind === "message") return entry.service;
  return entry.kind === "broken" || entry.kind === "cut" || entry.kind === "undecodable"
    ? entry.kind.toUpperCase()
    : entry.kind;
}

function describe(entry: DumpEntry): string {
  switch (entry.kind) {
    case "connect": {
      const name = entry.name === "" ? "no name" : plain(entry.name);
      return `version ${entry.version}, ${name}, ${entry.membership ? "with" : "without"} memberships${entry.priority > 0 ? `, priority ${entry.priority}` : ""}`;
    }
    case "methods":
    case "choice":
      return entry.methods.map(plain).join(" ") || "none";
    case "authentication":
      return `${plain(entry.method)}: ${entry.said}`;
    case "accept":
      return `version ${entry.version}, as ${plain(entry.privateGroup)}`;
    case "refuse":
      return `${entry.reason} (${entry.code})`;
    case "message":
    case "rejected":
      return describeMessage(entry);
    case "join":
    case "leave":
    case "kill":
      return `${plain(entry.sender)}${entry.kind === "kill" ? "" : ` ${names(entry.groups)}`}`;
    case "view":
      return describeView(entry);
    case "transition":
      return `${plain(entry.group)}  id ${groupId(entry.id)}`;
    case "selfLeave":
      return plain(entry.group);
    case "broken":
      return `${escaped(entry.error)}  ${entry.shown}`; // it may quote the peer
    case "cut":
      return `${entry.bytes} bytes${entry.missing === undefined ? "" : `, ${entry.missing} missing`}  ${entry.shown}`;
    case "undecodable":
      return `${entry.bytes} bytes  ${entry.shown}`;
    default:
      return entry satisfies never;
  }
}

function describeMessage(entry: Extract<DumpEntry, { kind: "message" | "rejected" }>): string {
  const refused = entry.kind === "rejected" ? `${entry.service} ` : "";
  const type = entry.messageType === 0 ? "" : `  type ${entry.messageType}`;
  const flags = entry.flags.length === 0 ? "" : `  +${entry.flags.join("+")}`;
  const order = entry.byteOrder === "big" ? "  big-endian" : "";
  return `${refused}${plain(entry.sender)} -> ${names(entry.groups)}${type}${flags}${order}  ${entry.bodyBytes} bytes  ${entry.body}`;
}

function describeView(entry: Extract<DumpEntry, { kind: "view" }>): string {
  const own = entry.sets[entry.ownSet] ?? [];
  const who = entry.cause === "network" ? `${entry.sets.length} sets, own ${names(own)}` : names(entry.sets.flat());
  return `${plain(entry.group)} ${entry.cause}: ${who}  ${entry.members.length > 1 ? `${entry.members.length} ` : ""}members: ${names(entry.members)}  id ${groupId(entry.id)}`;
}

/** A long list is cut: a line is for reading, `--json` has all. */
function names(list: readonly string[]): string {
  const most = 8;
  const shown = list.slice(0, most).map(plain).join(", ");
  return list.length > most ? `${shown} and ${list.length - most} more` : shown || "nobody";
}

function groupId(id: GroupId): string {
  return `${id.daemonId >>> 0}.${id.time}.${id.index}`;
}

function quoted(text: string): string {
  return escaped(JSON.stringify(text));
}

/** Nothing beyond ASCII, and no control character, of which JSON leaves some. */
function escaped(text: string): string {
  return text.replace(/[\x7f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
