// What the daemons of a ring say to each other. Little-endian, each message with one header:
//
//   0  1  version          1  1  kind            2  1  of a batch: 1 where its messages were delivered before, and only the rest counts      3  1  of a batch: 1 in a call
//   4 16  tag: the view or exchange that it was sent in (ring's node, sequence low, high, digest of the members)
//  20  4  number of the sender's message
//
// batch  24  4 how many batches of the view the sender has been delivered, 28  4 digest of them (its acknowledgement), 32  4 number of what is in it, the same
//        when it is sent again, 0 of an empty one; then entries: 4 slot, and the frame
//        A call is answered by everybody, by a batch that acknowledges it.
// state  24  4 part, 28  4 parts, then this part of a `MemberState`
// resync 24  4 a number that makes the exchange another one
// expel  24  4 node, 28  4 pid: who does not answer
//
// A host's state:
//   0  1  lowest version it speaks    1  1  highest    2  1  length of its name    3  1  zero    4 20  name
//  24  8  when its daemon was started, milliseconds as a float    32  4  now, Unix seconds    36  4  time of its last ring
//  40 16  tag of the last view it was in    56  4  batches delivered in it    60  8  digest of them
//  68  4  count, then of each daemon that it has heard: 4 node, 4 pid, 4 the last batch delivered of it, by the number of what is in it; then the snapshot
import { Fault } from "../base/fault.ts";
import { type DaemonName, tryDaemonName } from "../spread/names.ts";

/** What is spoken. Version N talks to N - 1. Since version 2 daemons answer calls. */
export const VERSION_MAX = 2;
export const VERSION_MIN = 1;
/** From this version on calls are answered. */
export const VERSION_OF_CALLS = 2;
/** What messages are written in: that of the oldest version that we talk to, since all else in them is the same. */
const VERSION_WRITTEN = 1;

/** A seat that speaks for a host. */
export interface Seat {
  readonly node: number;
  readonly pid: number;
}

export function isSame(a: Seat, b: Seat): boolean {
  return a.node === b.node && a.pid === b.pid;
}

/** The order of hosts: by node, as the configuration numbers them. */
export function compareSeats(a: Seat, b: Seat): number {
  return a.node - b.node || a.pid - b.pid;
}

export const TAG_BYTES = 16;
const TAG_AT = 4;
const WAS_TOLD_AT = 2;
const IS_CALL_AT = 3;
const NUMBER_AT = 20;
const FIELDS_AT = 24;
/** Where the entries of a batch begin. */
export const ENTRIES_AT = 36;
const DIGEST_AT = 28;
const CONTENT_AT = 32;
const PART_AT = 32;

export type Kind = "batch" | "state" | "resync" | "expel";
const KINDS: readonly (Kind | undefined)[] = [undefined, "batch", "state", "resync", "expel"];

/** A view, or the exchange that is to become one: the ring, and who is in it. 16 bytes, compared as such. */
export type Tag = Uint8Array;

/** @param nonce tells exchanges of the same seats in the same ring apart */
export function makeTag(ringNode: number, sequence: number, members: readonly Seat[], nonce: number): Tag {
  const tag = new Uint8Array(TAG_BYTES);
  const view = new DataView(tag.buffer);
  view.setUint32(0, ringNode, true);
  view.setUint32(4, sequence % 2 ** 32, true);
  view.setUint32(8, Math.floor(sequence / 2 ** 32), true);
  let digest = mix(FIRST_DIGEST, nonce);
  for (const { node, pid } of members) digest = mix(mix(digest, node), pid);
  view.setUint32(12, digest, true);
  return tag;
}

/** A number that hardly any other tag has. */
export function saltOf(tag: Tag): number {
  return mix(viewOf(tag).getInt32(12, true), viewOf(tag).getInt32(4, true));
}

export function sameTag(tag: Tag, bytes: Uint8Array, at = TAG_AT): boolean {
  for (let index = 0; index < TAG_BYTES; index++) if (bytes[at + index] !== tag[index]) return false;
  return true;
}

/** Whether the message was sent in this ring, in whichever exchange or view. */
export function sameRing(bytes: Uint8Array, ringNode: number, sequence: number): boolean {
  const view = viewOf(bytes);
  return (
    view.getUint32(TAG_AT, true) === ringNode &&
    view.getUint32(TAG_AT + 8, true) * 2 ** 32 + view.getUint32(TAG_AT + 4, true) === sequence
  );
}

const FIRST_DIGEST = 0x811c_9dc5 | 0;

/** One step of a digest over 32-bit numbers. */
export function mix(digest: number, value: number): number {
  let hash = Math.imul(digest ^ value, 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}

/** What kind a message is; `undefined` of one that is none, or of a version that we don't speak. */
export function kindOf(bytes: Uint8Array): Kind | undefined {
  if (bytes.length < PART_AT) return undefined;
  const version = bytes[0]!;
  const kind = KINDS[bytes[1]!];
  if (kind === "batch" && bytes.length < ENTRIES_AT) return undefined;
  // states are in one form for good: they say who speaks which version
  if (kind !== "state" && (version < VERSION_MIN || version > VERSION_MAX)) return undefined;
  return kind;
}

export function numberOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(NUMBER_AT, true);
}

/** Writes the number that a message goes out under, when it does. */
export function setNumber(bytes: Uint8Array, number: number): void {
  viewOf(bytes).setUint32(NUMBER_AT, number, true);
}

export interface BatchHeader {
  /** How many batches of the view its sender was delivered, and their digest. */
  readonly delivered: number;
  readonly digest: number;
  /** Numbers what is in it. */
  readonly content: number;
  /** Its messages were delivered before. */
  readonly wasTold: boolean;
  /** Everybody is to acknowledge it. */
  readonly isCall: boolean;
}

/** Writes what stands before a batch's entries. */
export function writeBatchHeader(
  bytes: Uint8Array,
  tag: Tag,
  number: number,
  { delivered, digest, content, wasTold, isCall }: BatchHeader,
): void {
  writeHeader(bytes, "batch", tag);
  bytes[WAS_TOLD_AT] = wasTold ? 1 : 0;
  bytes[IS_CALL_AT] = isCall ? 1 : 0;
  const view = viewOf(bytes);
  view.setUint32(NUMBER_AT, number, true);
  view.setUint32(FIELDS_AT, delivered, true);
  view.setInt32(DIGEST_AT, digest, true);
  view.setUint32(CONTENT_AT, content, true);
}

/** How many batches the sender of a batch had been delivered. */
export function deliveredOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(FIELDS_AT, true);
}

/** Whether a batch's messages were delivered before. */
export function wasTold(bytes: Uint8Array): boolean {
  return bytes[WAS_TOLD_AT] === 1;
}

/** Whether everybody is to acknowledge a batch. */
export function isCall(bytes: Uint8Array): boolean {
  return bytes[IS_CALL_AT] === 1;
}

/** The number of what is in a batch. */
export function contentOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(CONTENT_AT, true);
}

/** The digest of those. */
export function digestOf(bytes: Uint8Array): number {
  return viewOf(bytes).getInt32(DIGEST_AT, true);
}

export function resyncMessage(tag: Tag, nonce: number): Uint8Array {
  const bytes = new Uint8Array(PART_AT);
  writeHeader(bytes, "resync", tag);
  viewOf(bytes).setUint32(FIELDS_AT, nonce, true);
  return bytes;
}

export function nonceOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(FIELDS_AT, true);
}

export function expelMessage(tag: Tag, seat: Seat): Uint8Array {
  const bytes = new Uint8Array(PART_AT);
  writeHeader(bytes, "expel", tag);
  const view = viewOf(bytes);
  view.setUint32(FIELDS_AT, seat.node, true);
  view.setUint32(FIELDS_AT + 4, seat.pid, true);
  return bytes;
}

export function expelledBy(bytes: Uint8Array): Seat {
  const view = viewOf(bytes);
  return { node: view.getUint32(FIELDS_AT, true), pid: view.getUint32(FIELDS_AT + 4, true) };
}

/** The last batch that was delivered of a daemon, by the number of what was in it. */
export interface Heard {
  readonly seat: Seat;
  readonly content: number;
}

/** A host at the beginning of an exchange. */
export interface MemberState {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly name: DaemonName;
  /** When its daemon was started, milliseconds since 1970. */
  readonly startedMs: number;
  /** Its clock, Unix seconds. */
  readonly now: number;
  /** Time of the last ring it was in. */
  readonly lastTime: number;
  /** Its last view and what it was delivered in it: `KEY_BYTES`, equal exactly of hosts that were delivered the same. */
  readonly key: Uint8Array;
  /** Of whom it was last delivered what. */
  readonly heard: readonly Heard[];
  readonly snapshot: Uint8Array;
}

export const KEY_BYTES = 28;
const NAME_AT = 4;
const NAME_ROOM = 20;
const KEY_AT = 40;
const HEARD_AT = KEY_AT + KEY_BYTES;
const HEARD_BYTES = 12;
/** A part of a state: well below what goes as one message. */
const PART_BYTES_MAX = 500_000;
/** A state of more than this is not believed. */
const PARTS_MAX = 2_000;

/** A view and what was delivered in it, as a key to compare by. */
export function viewKey(tag: Tag, delivered: number, digestLow: number, digestHigh: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  key.set(tag);
  const view = new DataView(key.buffer);
  view.setUint32(TAG_BYTES, delivered, true);
  view.setInt32(TAG_BYTES + 4, digestLow, true);
  view.setInt32(TAG_BYTES + 8, digestHigh, true);
  return key;
}

/** A host's state as messages. */
export function stateMessages(tag: Tag, state: MemberState): Uint8Array[] {
  const snapshotAt = HEARD_AT + 4 + HEARD_BYTES * state.heard.length;
  const whole = new Uint8Array(snapshotAt + state.snapshot.length);
  const view = new DataView(whole.buffer);
  whole[0] = state.versionMin;
  whole[1] = state.versionMax;
  whole[2] = state.name.length;
  new TextEncoder().encodeInto(state.name, whole.subarray(NAME_AT, NAME_AT + NAME_ROOM));
  view.setFloat64(24, state.startedMs, true);
  view.setUint32(32, state.now, true);
  view.setUint32(36, state.lastTime, true);
  whole.set(state.key, KEY_AT);
  view.setUint32(HEARD_AT, state.heard.length, true);
  for (const [index, { seat, content }] of state.heard.entries()) {
    const at = HEARD_AT + 4 + HEARD_BYTES * index;
    view.setUint32(at, seat.node, true);
    view.setUint32(at + 4, seat.pid, true);
    view.setUint32(at + 8, content, true);
  }
  whole.set(state.snapshot, snapshotAt);
  const parts = Math.ceil(whole.length / PART_BYTES_MAX);
  return Array.from({ length: parts }, (_, part) => {
    const piece = whole.subarray(part * PART_BYTES_MAX, (part + 1) * PART_BYTES_MAX);
    const bytes = new Uint8Array(PART_AT + piece.length);
    writeHeader(bytes, "state", tag);
    viewOf(bytes).setUint32(FIELDS_AT, part, true);
    viewOf(bytes).setUint32(FIELDS_AT + 4, parts, true);
    bytes.set(piece, PART_AT);
    return bytes;
  });
}

/** Puts a host's state together from its parts, which come in order. */
export class StateParts {
  readonly #pieces: Uint8Array[] = [];

  /** @returns the state, when this was the last part. @throws {Fault} kind "protocol": that is no state */
  add(bytes: Uint8Array): MemberState | undefined {
    const view = viewOf(bytes);
    const part = view.getUint32(FIELDS_AT, true);
    const parts = view.getUint32(FIELDS_AT + 4, true);
    if (part !== this.#pieces.length || parts > PARTS_MAX)
      throw new Fault("protocol", "state-part", `cannot read state: part ${part} of ${parts} is out of turn`);
    this.#pieces.push(bytes.subarray(PART_AT));
    if (part + 1 < parts) return undefined;
    return readState(this.#pieces.length === 1 ? this.#pieces[0]! : joined(this.#pieces));
  }
}

function readState(whole: Uint8Array): MemberState {
  const heardCount = whole.length < HEARD_AT + 4 ? 0 : viewOf(whole).getUint32(HEARD_AT, true);
  const snapshotAt = HEARD_AT + 4 + HEARD_BYTES * heardCount;
  if (whole.length < snapshotAt)
    throw new Fault("protocol", "state-size", `cannot read state: it has ${whole.length} bytes`);
  const view = viewOf(whole);
  const text = new TextDecoder("latin1").decode(whole.subarray(NAME_AT, NAME_AT + Math.min(NAME_ROOM, whole[2]!)));
  const name = tryDaemonName(text);
  if (name === undefined)
    throw new Fault("protocol", "state-name", `cannot read state: ${JSON.stringify(text)} is no daemon's name`);
  return {
    versionMin: whole[0]!,
    versionMax: whole[1]!,
    name,
    startedMs: view.getFloat64(24, true),
    now: view.getUint32(32, true),
    lastTime: view.getUint32(36, true),
    key: whole.subarray(KEY_AT, HEARD_AT),
    heard: Array.from({ length: heardCount }, (_, index) => {
      const at = HEARD_AT + 4 + HEARD_BYTES * index;
      const seat = { node: view.getUint32(at, true), pid: view.getUint32(at + 4, true) };
      return { seat, content: view.getUint32(at + 8, true) };
    }),
    snapshot: whole.subarray(snapshotAt),
  };
}

function writeHeader(bytes: Uint8Array, kind: Kind, tag: Tag): void {
  bytes[0] = VERSION_WRITTEN;
  bytes[1] = KINDS.indexOf(kind);
  bytes.set(tag, TAG_AT);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
