// One frame, read where it lies (PROTOCOL.md, 5). Both directions have one layout:
//
//   0   4  type: service, membership or request bits, and the mark of the writer's byte order (mask 0x80000080)
//   4  32  name: the sender's private group; on membership messages the group
//  36   4  number of groups G, signed
//  40   4  hint: application message type << 8, with a mark of its own
//  44   4  body length D, signed
//  48   4  only in genuine REJECT messages: the refused message's type
//  ..  32 x G groups, then D bytes of body
//
// A daemon rewrites type, G and D into its own order and passes hint, groups and body on as the sender wrote them. So there are two
// byte orders in a frame: `littleEndian` (header, and integers of membership bodies) and `hintLittleEndian` (the sender's machine:
// how the application's own integers in the body are likely to be ordered).
//
// `readFrame` reads what daemons send, `readRequest` what clients send; each checks every limit that can be checked without knowing
// the session. What is left to the caller: `readRequest`'s sender is any name (a daemon compares it with the session's), and a
// membership body is read by `readView` and its like (membership.ts).
import { Fault } from "../base/fault.ts";
import {
  BODY_BYTES_MAX,
  CARRIED_BYTES_MAX,
  GROUP_ID_BYTES,
  GROUPS_MAX,
  HEADER_BYTES,
  NAME_FIELD_BYTES,
  OLD_TYPE_BYTES,
  VIEW_BODY_BYTES_MIN,
  VIEW_MEMBERS_MAX,
} from "./limits.ts";
import { readName } from "./name-field.ts";
import {
  CAUSE_MASK,
  CAUSED_BY_LEAVE,
  DATA_MASK,
  hasOneOf,
  JOIN,
  LEAVE,
  MEMBERSHIP_MASK,
  REGULAR_MEMBERSHIP,
  REJECT,
  REQUEST_MASK,
  TRANSITION,
} from "./service.ts";

/** What a frame is. A daemon sends the first five, a client the first and the last three. */
export type FrameKind = "message" | "view" | "transition" | "selfLeave" | "reject" | "join" | "leave" | "kill";

/** Where the parts of one frame lie in the read buffer. Refilled by every `readFrame` and `readRequest`: copy what you keep. */
export class FrameView {
  bytes: Uint8Array = NO_BYTES;
  /** Where the frame begins. */
  start = 0;
  kind: FrameKind = "message";
  /** Type without the marks of byte order: bits of service.ts. */
  service = 0;
  littleEndian = true;
  hintLittleEndian = true;
  /** The application's own number, signed 16 bits. */
  messageType = 0;
  /** Of a genuine REJECT: the refused message's type, without marks. Otherwise 0. */
  oldService = 0;
  groupCount = 0;
  groupsStart = 0;
  bodyStart = 0;
  /** Where the body ends, and with it the frame. */
  bodyEnd = 0;

  /** The name field: the sender's private group, or a membership message's group. */
  get name(): string {
    return readName(this.bytes, this.start + NAME_AT);
  }

  /** Where the name field lies, for `isName`. */
  get nameStart(): number {
    return this.start + NAME_AT;
  }

  /** The group at `index`, which must be below `groupCount`. */
  group(index: number): string {
    return readName(this.bytes, this.groupsStart + NAME_FIELD_BYTES * index);
  }

  /** All groups, in the sender's order, duplicates included. */
  groups(): string[] {
    return Array.from({ length: this.groupCount }, (_, index) => this.group(index));
  }

  /** The body where it lies: good until the next frame is read. */
  body(): Uint8Array {
    return this.bytes.subarray(this.bodyStart, this.bodyEnd);
  }

  /** The body as bytes of its own, to keep. */
  copyBody(): Uint8Array {
    const body = new Uint8Array(this.bodyEnd - this.bodyStart); // not slice(): of a Buffer, as sockets give, that is no copy
    body.set(this.bytes.subarray(this.bodyStart, this.bodyEnd));
    return body;
  }
}

/** A frame in bytes of its own, to keep. */
export function copyFrame(frame: FrameView): FrameView {
  const { start, bodyEnd } = frame;
  const bytes = new Uint8Array(bodyEnd - start); // not slice(): of a Buffer, as sockets give, that is no copy
  bytes.set(frame.bytes.subarray(start, bodyEnd));
  return Object.assign(new FrameView(), frame, {
    bytes,
    start: 0,
    groupsStart: frame.groupsStart - start,
    bodyStart: frame.bodyStart - start,
    bodyEnd: bodyEnd - start,
  });
}

/**
 * Reads the frame of a daemon that begins at `at`, into `view`.
 * @param end where the bytes received so far end
 * @returns bytes the frame takes; 0 where more are needed (`frameBytes` tells how many)
 * @throws {FrameError} as soon as the header shows that the frame is not one a daemon sends
 */
export function readFrame(bytes: Uint8Array, at: number, end: number, view: FrameView): number {
  if (end - at < HEADER_BYTES) return 0;
  const carried = readHeader(bytes, at, view);
  const kind = kindOfFrame(view.service);
  if (kind === undefined) throw new FrameError("type", at, view.service);
  view.kind = kind;
  checkFrame(view, at, carried);
  if (kind !== "reject") return end - at < HEADER_BYTES + carried ? 0 : HEADER_BYTES + carried;
  const total = HEADER_BYTES + OLD_TYPE_BYTES + carried;
  if (end - at < total) return 0;
  view.oldService = readInt32(bytes, at + HEADER_BYTES, view.littleEndian) & ~ORDER_MASK;
  view.groupsStart += OLD_TYPE_BYTES;
  view.bodyStart += OLD_TYPE_BYTES;
  view.bodyEnd += OLD_TYPE_BYTES;
  return total;
}

/**
 * Reads the request of a client that begins at `at`, into `view`; with the checks of section 10, but the sender's name.
 * Bits that no client ought to set (9.4) pass here: the real daemon lets most of them through. Ask `view.service`.
 * @param end where the bytes received so far end
 * @returns bytes the frame takes; 0 where more are needed (`frameBytes` tells how many)
 * @throws {FrameError} as soon as the header shows that a daemon must close the session
 */
export function readRequest(bytes: Uint8Array, at: number, end: number, view: FrameView): number {
  if (end - at < HEADER_BYTES) return 0;
  const carried = readHeader(bytes, at, view);
  if (!hasOneOf(view.service, REQUEST_MASK)) throw new FrameError("type", at, view.service);
  if ((view.service & DATA_MASK) !== 0) view.kind = "message";
  else view.kind = (view.service & JOIN) !== 0 ? "join" : (view.service & LEAVE) !== 0 ? "leave" : "kill";
  checkCarried(view, at, carried, GROUPS_MAX);
  return end - at < HEADER_BYTES + carried ? 0 : HEADER_BYTES + carried;
}

/**
 * How many bytes the frame at `at` has, once its header is there; `HEADER_BYTES` before. For a reader that makes room for a frame that
 * `readFrame` or `readRequest` has just answered 0 to (and so has checked).
 */
export function frameBytes(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < HEADER_BYTES) return HEADER_BYTES;
  const type = readInt32(bytes, at, true);
  const little = (type & ORDER_MASK) === ORDER_MASK;
  const groups = readInt32(bytes, at + GROUPS_AT, little);
  const body = readInt32(bytes, at + LENGTH_AT, little);
  const service = (little ? type : readInt32(bytes, at, false)) & ~ORDER_MASK;
  return frameSize(groups, body) + (kindOfFrame(service) === "reject" ? OLD_TYPE_BYTES : 0);
}

/** Bytes of a frame with so many groups and body bytes; a REJECT has `OLD_TYPE_BYTES` more. */
export function frameSize(groupCount: number, bodyBytes: number): number {
  return HEADER_BYTES + NAME_FIELD_BYTES * groupCount + bodyBytes;
}

/** The order in which a header, or the hint in it, is written. */
export interface FrameOrder {
  readonly littleEndian: boolean;
  readonly hintLittleEndian: boolean;
}

/** What our own frames are written in. */
export const LITTLE_ENDIAN: FrameOrder = { littleEndian: true, hintLittleEndian: true };
export const BIG_ENDIAN: FrameOrder = { littleEndian: false, hintLittleEndian: false };

/**
 * Writes a header at `at`; the groups follow (`writeName`, or a copy of prepared fields), then the body. Checks nothing.
 * @param name the name field's 32 bytes (`nameField`)
 * @returns where the groups begin
 */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  service: number,
  name: Uint8Array,
  groupCount: number,
  messageType: number,
  bodyBytes: number,
  order: FrameOrder = LITTLE_ENDIAN,
): number {
  const little = order.littleEndian;
  writeInt32(bytes, at, little ? service | ORDER_MASK : service, little);
  bytes.set(name, at + NAME_AT);
  writeInt32(bytes, at + GROUPS_AT, groupCount, little);
  const hint = (messageType & 0xffff) << 8;
  writeInt32(bytes, at + HINT_AT, order.hintLittleEndian ? hint | ORDER_MASK : hint, order.hintLittleEndian);
  writeInt32(bytes, at + LENGTH_AT, bodyBytes, little);
  return at + HEADER_BYTES;
}

/**
 * Turns a client's frame into one of a daemon with byte order `little`, in place: rewrites type, G and D, ends the name at byte 31 at the
 * latest; hint, groups and body stay as they are (section 15).
 */
export function rewriteHeader(view: FrameView, little: boolean): void {
  const { bytes, start } = view;
  bytes[start + NAME_AT + NAME_FIELD_BYTES - 1] = 0;
  if (view.littleEndian === little) return;
  writeInt32(bytes, start, little ? view.service | ORDER_MASK : view.service, little);
  writeInt32(bytes, start + GROUPS_AT, view.groupCount, little);
  writeInt32(bytes, start + LENGTH_AT, view.bodyEnd - view.bodyStart, little);
  view.littleEndian = little;
}

/** Reads a signed 32-bit integer. */
export function readInt32(bytes: Uint8Array, at: number, little: boolean): number {
  const a = bytes[at]!;
  const b = bytes[at + 1]!;
  const c = bytes[at + 2]!;
  const d = bytes[at + 3]!;
  return little ? a | (b << 8) | (c << 16) | (d << 24) : (a << 24) | (b << 16) | (c << 8) | d;
}

export function writeInt32(bytes: Uint8Array, at: number, value: number, little: boolean): void {
  bytes[at] = little ? value : value >>> 24;
  bytes[at + 1] = little ? value >>> 8 : value >>> 16;
  bytes[at + 2] = little ? value >>> 16 : value >>> 8;
  bytes[at + 3] = little ? value >>> 24 : value;
}

/** Which field of a frame is wrong. */
export type FrameField = "type" | "groups" | "hint" | "length" | "size" | "name" | "sets";

/** A peer sent bytes that are no frame, or none that it may send: the session ends. */
export class FrameError extends Fault {
  override readonly name = "FrameError";

  /** @param offset of the field, in the bytes that were read; @param found what stands there */
  constructor(
    readonly field: FrameField,
    readonly offset: number,
    readonly found: number | string,
  ) {
    const shown = typeof found === "string" ? JSON.stringify(found) : field === "type" ? hex(found) : found;
    super("protocol", `frame-${field}`, `cannot read frame: ${FIELD_WORDS[field]} is ${shown} at offset ${offset}`);
  }
}

const FIELD_WORDS: Readonly<Record<FrameField, string>> = {
  type: "type",
  groups: "number of groups",
  hint: "hint",
  length: "body length",
  size: "length of body and groups",
  name: "name",
  sets: "virtual-synchrony set",
};

const NO_BYTES = new Uint8Array(0);
const NAME_AT = 4;
const GROUPS_AT = 36;
const HINT_AT = 40;
const LENGTH_AT = 44;
const ORDER_MASK = 0x8000_0080 | 0;

/** Fills all of `view` but its kind. @returns bytes of groups and body: garbage where G or D is, so check before use */
function readHeader(bytes: Uint8Array, at: number, view: FrameView): number {
  const type = readInt32(bytes, at, true);
  const little = (type & ORDER_MASK) === ORDER_MASK;
  const groups = readInt32(bytes, at + GROUPS_AT, little);
  const body = readInt32(bytes, at + LENGTH_AT, little);
  const hint = readInt32(bytes, at + HINT_AT, true);
  const hintLittle = (hint & ORDER_MASK) === ORDER_MASK;
  view.bytes = bytes;
  view.start = at;
  view.service = (little ? type : readInt32(bytes, at, false)) & ~ORDER_MASK;
  view.littleEndian = little;
  view.hintLittleEndian = hintLittle;
  // 00 tttt 00 in the writer's order: the middle two bytes, swapped or not
  view.messageType = hintLittle
    ? (hint << 8) >> 16
    : ((bytes[at + HINT_AT + 1]! << 24) >> 16) | bytes[at + HINT_AT + 2]!;
  view.oldService = 0;
  view.groupCount = groups;
  view.groupsStart = at + HEADER_BYTES;
  view.bodyStart = view.groupsStart + NAME_FIELD_BYTES * groups;
  view.bodyEnd = view.bodyStart + body;
  return NAME_FIELD_BYTES * groups + body;
}

/** The robust order of 5.3: a data bit makes it data, whatever its sender forged besides. */
function kindOfFrame(service: number): FrameKind | undefined {
  if ((service & DATA_MASK) !== 0) return "message";
  if ((service & REJECT) !== 0) return "reject";
  const membership = service & MEMBERSHIP_MASK;
  if (membership !== service) return undefined;
  if ((membership & REGULAR_MEMBERSHIP) !== 0)
    return (membership & TRANSITION) === 0 && hasOneOf(membership, CAUSE_MASK) ? "view" : undefined;
  if (membership === TRANSITION) return "transition";
  return membership === CAUSED_BY_LEAVE ? "selfLeave" : undefined;
}

function checkFrame(view: FrameView, at: number, carried: number): void {
  if (view.kind === "message") checkCarried(view, at, carried, GROUPS_MAX);
  // the sender is appended to the groups, so the sum may be one name longer than it could be sent
  else if (view.kind === "reject") checkCarried(view, at, carried - NAME_FIELD_BYTES, GROUPS_MAX + 1);
  else checkMembership(view, at);
}

function checkMembership(view: FrameView, at: number): void {
  const body = view.bodyEnd - view.bodyStart;
  let groupsMax = 0;
  let bodyMin = 0;
  let bodyMax = 0;
  if (view.kind === "view") {
    groupsMax = VIEW_MEMBERS_MAX;
    bodyMin = VIEW_BODY_BYTES_MIN;
    bodyMax = VIEW_BODY_BYTES_MIN + VIEW_MEMBERS_MAX * (4 + NAME_FIELD_BYTES); // each member in a set of its own
  } else if (view.kind === "transition") {
    bodyMin = bodyMax = GROUP_ID_BYTES;
  }
  if (view.groupCount < 0 || view.groupCount > groupsMax)
    throw new FrameError("groups", at + GROUPS_AT, view.groupCount);
  if (body < bodyMin || body > bodyMax) throw new FrameError("length", at + LENGTH_AT, body);
}

/** Checks 3 to 6 of section 10. */
function checkCarried(view: FrameView, at: number, carried: number, groupsMax: number): void {
  const { bytes, groupCount } = view;
  if (groupCount < 0 || groupCount > groupsMax) throw new FrameError("groups", at + GROUPS_AT, groupCount);
  // outside 0x80ffff80 nothing may be set, in either order
  if (((bytes[at + HINT_AT]! | bytes[at + HINT_AT + 3]!) & 0x7f) !== 0)
    throw new FrameError("hint", at + HINT_AT, hex(readInt32(bytes, at + HINT_AT, true)));
  const body = view.bodyEnd - view.bodyStart;
  if (body < 0 || body > BODY_BYTES_MAX) throw new FrameError("length", at + LENGTH_AT, body);
  if (carried > CARRIED_BYTES_MAX) throw new FrameError("size", at + LENGTH_AT, carried);
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}
