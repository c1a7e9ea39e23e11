// What a session may do. No rules: everybody whom the sockets let in may do everything. With rules, a session may do what any rule that names its peer
// allows, and a peer that no rule names may not connect. Groups are named by patterns: `*` stands for anything, `?` for one byte.
//
// To its own private group a session may always send, whatever the rules say: that reaches nobody else, and it is how a program learns that what it sent before
// has its place in the order. `publish` and `syslogd` count on it.
import type { FrameView } from "../spread/frame.ts";
import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import { isName, nameBytes } from "../spread/name-field.ts";
import { contains, type KnownPeerSet, type Peer } from "./peer.ts";

/** One `[[spreadd.allow]]`. */
export interface AccessRule<Set = KnownPeerSet> {
  readonly from: readonly Set[];
  /** Patterns of groups that may be sent to, private groups (`#name#daemon`) of others included. */
  readonly send: readonly string[];
  /** Patterns of groups that may be joined. */
  readonly join: readonly string[];
}

/** What one session may do. */
export interface Permissions {
  readonly send: GroupPatterns;
  readonly join: GroupPatterns;
}

/** What `rules` allow to `peer`; `undefined` where it may not even connect. */
export function permissionsOf(rules: readonly AccessRule[], peer: Peer): Permissions | undefined {
  if (rules.length === 0) return EVERYTHING;
  const named = rules.filter(({ from }) => from.some((set) => contains(set, peer)));
  if (named.length === 0) return undefined;
  return {
    send: new GroupPatterns(named.flatMap(({ send }) => send)),
    join: new GroupPatterns(named.flatMap(({ join }) => join)),
  };
}

/**
 * Where the first group stands in a join's or a message's bytes that it may not name; -1 where it may do what it asks for.
 * @param own the session's private group, as it stands in frames
 */
export function refusedAt({ send, join }: Permissions, frame: FrameView, own: Uint8Array): number {
  const isJoin = frame.kind === "join";
  const patterns = isJoin ? join : send;
  if (patterns.all) return -1;
  const { bytes, groupsStart } = frame;
  const end = groupsStart + (isJoin ? 1 : frame.groupCount) * NAME_FIELD_BYTES;
  for (let at = groupsStart; at < end; at += NAME_FIELD_BYTES)
    if (!patterns.match(bytes, at, at + nameBytes(bytes, at)) && (isJoin || !isName(bytes, at, own))) return at;
  return -1;
}

/** Some patterns of group names, asked about names where they lie in a frame. */
export class GroupPatterns {
  /** `true` where every name matches: nothing need be asked. */
  readonly all: boolean;
  readonly #patterns: readonly Uint8Array[];

  /** @param patterns ASCII */
  constructor(patterns: readonly string[]) {
    this.all = patterns.includes("*");
    this.#patterns = patterns.map((pattern) => Uint8Array.from(pattern, (character) => character.charCodeAt(0)));
  }

  /** Whether any pattern matches the name that lies from `at` to `end`. */
  match(bytes: Uint8Array, at: number, end: number): boolean {
    if (this.all) return true;
    for (const pattern of this.#patterns) if (matches(pattern, bytes, at, end)) return true;
    return false;
  }
}

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/** Matches with one mark to go back to, the last star: a name has at most 31 bytes, and no pattern makes this take long. */
function matches(pattern: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  let read = 0;
  let star = -1;
  let starAt = 0;
  while (at < end) {
    const wanted = pattern[read];
    if (wanted === STAR) {
      star = read++;
      starAt = at;
    } else if (wanted === QUESTION_MARK || wanted === bytes[at]) {
      read++;
      at++;
    } else if (star >= 0) {
      read = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[read] === STAR) read++;
  return read === pattern.length;
}

/** Without rules. */
export const EVERYTHING: Permissions = { send: new GroupPatterns(["*"]), join: new GroupPatterns(["*"]) };
