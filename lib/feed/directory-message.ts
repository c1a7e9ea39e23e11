// The directory: a group in which senders say what groups they feed, so that readers can follow groups that they have never heard of. What is said there, UTF-8:
//
//   sb1 ask LF  PATTERN LF ...                          a reader to all senders: which of your groups have such a name?
//   sb1 groups HOST INCARNATION LF  LAST NAME LF ...    a sender to all, where a group is new or its number has moved; or to a reader alone that asked
//
//   HOST, INCARNATION   as in the sender's batches (batch.ts)
//   LAST                the number of the last record that was sent to the group before this message, 0 for none; "-" where that can't be said
//   NAME                what the group is called in full: 1 to 512 bytes that drive no terminal. The group itself is made of it (lib/syslog/group-name.ts), as
//                       every host does: so nobody can say of a name that it belongs to another group
//   PATTERN             a name, in which `*` stands for any characters and `?` for one
//
// Since messages of one session come in their order, a reader that has been in a group for a while, and is told LAST, has all records up to it, or they are missing.
import { Fault } from "../base/fault.ts";
import { visible } from "../base/visible.ts";
import { type GroupName, parseGroupName } from "../spread/names.ts";
import { isBatchHost, isIncarnation } from "./batch-writer.ts";

/** The group that senders and readers join. */
export const DIRECTORY_GROUP: GroupName = parseGroupName("spreadbox.groups");
/** The application type of messages in it. */
export const DIRECTORY_MESSAGE_TYPE = 5427;

/** The longest name that is told in full. */
export const FULL_NAME_BYTES_MAX = 512;
/** What one message says at most. Both are well below what a daemon carries. */
export const DIRECTORY_BODY_BYTES_MAX = 60_000;
export const PATTERNS_MAX = 64;
export const PATTERN_BYTES_MAX = 255;
/** Of all patterns of a question: what comparing them costs a sender is bounded by it. */
export const PATTERN_BYTES_ALL_MAX = 1_024;

/** A group that a sender feeds. */
export interface FedGroup {
  readonly name: string;
  /** The number of the last record that was sent to it; `undefined`: it can't be said. */
  readonly last: number | undefined;
}

export type DirectoryMessage =
  | { readonly kind: "ask"; readonly patterns: readonly string[] }
  | {
      readonly kind: "groups";
      readonly host: string;
      readonly incarnation: string;
      readonly groups: readonly FedGroup[];
    };

export type DirectoryErrorCode =
  | "newer" // of a later version: to be passed over
  | "head" // it does not begin as one of ours
  | "size" // longer than any of ours
  | "pattern"
  | "group";

/** A message in the directory that is none, or of a version that we don't know. */
export class DirectoryError extends Fault {
  override readonly name = "DirectoryError";

  /** @param line of the message, from 1 */
  constructor(
    override readonly code: DirectoryErrorCode,
    readonly line: number,
    found: string,
  ) {
    super(code === "newer" ? "protocol" : "data", code, `cannot read directory message: line ${line}: ${found}`);
  }
}

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Whether a group's name can be told in full. */
export function isFullName(name: string): boolean {
  return name !== "" && visible(name) === name && ENCODER.encode(name).length <= FULL_NAME_BYTES_MAX;
}

/** Whether senders take it for a pattern. */
export function isPattern(text: string): boolean {
  return text !== "" && visible(text) === text && ENCODER.encode(text).length <= PATTERN_BYTES_MAX;
}

/** The body of a question. @param patterns up to PATTERNS_MAX, each checked by `isPattern` */
export function writeQuestion(patterns: readonly string[]): Uint8Array {
  return ENCODER.encode(["sb1 ask", ...patterns, ""].join("\n"));
}

/** Gathers what one message says of groups. Host and incarnation are those of batches, names are checked by `isFullName`. */
export class GroupsWriter {
  readonly #head: string;
  #lines: string[] = [];
  #bytes: number;

  constructor(host: string, incarnation: string) {
    this.#head = `sb1 groups ${host} ${incarnation}`;
    this.#bytes = this.#head.length + 1;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Appends a group; false where the message is full. */
  append({ name, last }: FedGroup): boolean {
    const line = `${last ?? "-"} ${name}`;
    const bytes = line.length * 3 + 1; // UTF-8 takes no more
    if (this.#bytes + bytes > DIRECTORY_BODY_BYTES_MAX) return false;
    this.#lines.push(line);
    this.#bytes += bytes;
    return true;
  }

  /** The message; empty again for the next. */
  take(): Uint8Array {
    const body = ENCODER.encode([this.#head, ...this.#lines, ""].join("\n"));
    this.#lines = [];
    this.#bytes = this.#head.length + 1;
    return body;
  }
}

/** Whether the message at [start, end) can be a question: senders need not read what others say of their groups. */
export function mayBeQuestion(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > QUESTION_AT && bytes[start + QUESTION_AT] === LETTER_A;
}

/** "sb1 ask" */
const QUESTION_AT = 4;
const LETTER_A = 0x61;

/**
 * Reads the message at [start, end).
 * @throws {DirectoryError} `code` "newer": of a later version, to be passed over; any other: it is none
 */
export function readDirectoryMessage(bytes: Uint8Array, start: number, end: number): DirectoryMessage {
  if (end - start > DIRECTORY_BODY_BYTES_MAX) throw new DirectoryError("size", 1, `${end - start} bytes`);
  const lines = DECODER.decode(bytes.subarray(start, end)).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const [, version, words = ""] = /^sb([1-9]\d{0,8}) (.*)$/su.exec(lines[0] ?? "") ?? [];
  if (version === undefined) throw new DirectoryError("head", 1, 'no "sb1"');
  if (version !== "1") throw new DirectoryError("newer", 1, `version ${version}, we know 1`);
  if (words === "ask") return { kind: "ask", patterns: patternsOf(lines) };
  const [kind, host = "", incarnation = "", surplus] = words.split(" ");
  if (kind !== "groups" || surplus !== undefined || !isBatchHost(host) || !isIncarnation(incarnation))
    throw new DirectoryError("head", 1, `neither "ask" nor "groups" of a sender`);
  return { kind, host, incarnation, groups: groupsOf(lines) };
}

function patternsOf(lines: readonly string[]): readonly string[] {
  const patterns = lines.slice(1);
  if (patterns.length > PATTERNS_MAX) throw new DirectoryError("pattern", 1, `${patterns.length} patterns`);
  let bytes = 0;
  for (const [index, pattern] of patterns.entries()) {
    bytes += ENCODER.encode(pattern).length;
    if (!isPattern(pattern) || bytes > PATTERN_BYTES_ALL_MAX)
      throw new DirectoryError("pattern", index + 2, "no pattern, or too many bytes of them");
  }
  return patterns;
}

function groupsOf(lines: readonly string[]): readonly FedGroup[] {
  const groups: FedGroup[] = [];
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index]!;
    const space = line.indexOf(" ");
    const last = lastOf(line.slice(0, Math.max(0, space)));
    const name = line.slice(space + 1);
    if (last === "wrong" || !isFullName(name)) throw new DirectoryError("group", index + 1, "no group");
    groups.push({ name, last });
  }
  return groups;
}

function lastOf(text: string): number | undefined | "wrong" {
  if (text === "-") return undefined;
  const last = Number(text);
  return /^(?:0|[1-9]\d{0,15})$/.test(text) && last < Number.MAX_SAFE_INTEGER ? last : "wrong";
}
