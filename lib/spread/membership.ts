// What a group's members are told of it (PROTOCOL.md, 7): regular views, transitional signals, and a leaver's own self-leave.
//
// A regular membership's groups are the members after the change. Its body, in the header's byte order:
//
//   0  12  group id: representative daemon (signed), time of the daemons' membership (Unix seconds), index
//  12   4  V, number of virtual-synchrony sets
//  16   4  where the receiver's own set begins, counted from 20
//  20      V sets: 4 bytes count n, n x 32 bytes of private groups
//
// Whoever came from the same previous membership together is in one set. Sets come in no meaningful order, and the offset differs
// between receivers of one view.
import {
  FrameError,
  type FrameOrder,
  type FrameView,
  frameSize,
  LITTLE_ENDIAN,
  readInt32,
  writeHeader,
  writeInt32,
} from "./frame.ts";
import { GROUP_ID_BYTES, NAME_FIELD_BYTES, OLD_TYPE_BYTES, VIEW_BODY_BYTES_MIN } from "./limits.ts";
import { nameField, readName, writeName } from "./name-field.ts";
import { isPrivateGroup, type PrivateGroup } from "./names.ts";
import {
  CAUSE_MASK,
  CAUSED_BY_DISCONNECT,
  CAUSED_BY_JOIN,
  CAUSED_BY_LEAVE,
  CAUSED_BY_NETWORK,
  REGULAR_MEMBERSHIP,
  TRANSITION,
} from "./service.ts";

/** Names one view of one group. Two views are the same exactly if all three agree. */
export interface GroupId {
  /** Id of the daemon that stands for the component, signed 32 bits. */
  readonly daemonId: number;
  /** When the daemons' membership began, Unix seconds. */
  readonly time: number;
  /** Counts joins, leaves and disconnects since. */
  readonly index: number;
}

export function equalGroupIds(a: GroupId, b: GroupId): boolean {
  return a.daemonId === b.daemonId && a.time === b.time && a.index === b.index;
}

export type Cause = "join" | "leave" | "disconnect" | "network";

/** A regular membership: who is in a group from here on. */
export interface View {
  readonly kind: "view";
  readonly group: string;
  readonly id: GroupId;
  readonly cause: Cause;
  /** All members, in an order that is the same for each of them. */
  readonly members: readonly PrivateGroup[];
  /** By cause: the joiner, the leaver, who vanished; after a network change the members by where they come from. */
  readonly sets: readonly (readonly PrivateGroup[])[];
  /** Index of the receiver's own set in `sets`. */
  readonly ownSet: number;
}

/** From here to the next view, messages are only guaranteed among those who come along. */
export interface Transition {
  readonly kind: "transition";
  readonly group: string;
  /** Of the view that is ending. */
  readonly id: GroupId;
}

/** The own leave is done. */
export interface SelfLeave {
  readonly kind: "selfLeave";
  readonly group: string;
}

/**
 * Reads the view in a frame of kind "view".
 * @throws {FrameError} sets that overrun the body or leave bytes over, a member that is no private group, an own set that is none
 */
export function readView(frame: FrameView): View {
  const { bytes, bodyStart, bodyEnd, littleEndian } = frame;
  const members = readMembers(bytes, frame.groupsStart, frame.groupCount);
  const setCount = readInt32(bytes, bodyStart + SET_COUNT_AT, littleEndian);
  const ownOffset = readInt32(bytes, bodyStart + OWN_OFFSET_AT, littleEndian);
  const setsStart = bodyStart + VIEW_BODY_BYTES_MIN;
  if (setCount < 0 || setCount > (bodyEnd - setsStart) / 4)
    throw new FrameError("sets", bodyStart + SET_COUNT_AT, setCount);
  const sets: PrivateGroup[][] = [];
  let ownSet = -1;
  let at = setsStart;
  for (let index = 0; index < setCount; index++) {
    if (at - setsStart === ownOffset) ownSet = index;
    const count = bodyEnd - at < 4 ? -1 : readInt32(bytes, at, littleEndian);
    if (count < 0 || count > (bodyEnd - at - 4) / NAME_FIELD_BYTES) throw new FrameError("sets", at, count);
    sets.push(readMembers(bytes, at + 4, count));
    at += 4 + NAME_FIELD_BYTES * count;
  }
  if (at !== bodyEnd) throw new FrameError("sets", at, `${bodyEnd - at} bytes left over`);
  if (ownSet < 0) throw new FrameError("sets", bodyStart + OWN_OFFSET_AT, ownOffset);
  const cause = causeOf(frame.service);
  return { kind: "view", group: frame.name, id: readGroupId(frame), cause, members, sets, ownSet };
}

/** Reads the signal in a frame of kind "transition". (The C library forgets to swap its id between byte orders; we don't.) */
export function readTransition(frame: FrameView): Transition {
  return { kind: "transition", group: frame.name, id: readGroupId(frame) };
}

/** Reads a frame of kind "selfLeave". */
export function readSelfLeave(frame: FrameView): SelfLeave {
  return { kind: "selfLeave", group: frame.name };
}

/** Bytes of the frame that `writeView` writes. */
export function viewSize(view: Pick<View, "members" | "sets">): number {
  let body = VIEW_BODY_BYTES_MIN;
  for (const set of view.sets) body += 4 + NAME_FIELD_BYTES * set.length;
  return frameSize(view.members.length, body);
}

/** Writes a whole view, as the receivers in `view.ownSet` get it. @returns where it ends */
export function writeView(
  bytes: Uint8Array,
  at: number,
  view: Omit<View, "kind">,
  order: FrameOrder = LITTLE_ENDIAN,
): number {
  const little = order.littleEndian;
  const service = REGULAR_MEMBERSHIP | CAUSE_BITS[view.cause];
  const bodyBytes = viewSize(view) - frameSize(view.members.length, 0);
  at = writeHeader(bytes, at, service, nameField(view.group), view.members.length, 0, bodyBytes, order);
  for (const member of view.members) at = writeName(bytes, at, member);
  const body = at;
  writeGroupId(bytes, body, view.id, little);
  writeInt32(bytes, body + SET_COUNT_AT, view.sets.length, little);
  writeInt32(bytes, body + OWN_OFFSET_AT, 0, little);
  at = body + VIEW_BODY_BYTES_MIN;
  for (const [index, set] of view.sets.entries()) {
    if (index === view.ownSet) writeInt32(bytes, body + OWN_OFFSET_AT, at - body - VIEW_BODY_BYTES_MIN, little);
    writeInt32(bytes, at, set.length, little);
    at += 4;
    for (const member of set) at = writeName(bytes, at, member);
  }
  return at;
}

/** Bytes of the frame that `writeTransition` writes. */
export const TRANSITION_BYTES = frameSize(0, GROUP_ID_BYTES);

/** Writes a whole transitional signal. @returns where it ends */
export function writeTransition(
  bytes: Uint8Array,
  at: number,
  group: string,
  id: GroupId,
  order: FrameOrder = LITTLE_ENDIAN,
): number {
  at = writeHeader(bytes, at, TRANSITION, nameField(group), 0, 0, GROUP_ID_BYTES, order);
  return writeGroupId(bytes, at, id, order.littleEndian);
}

/** Bytes of the frame that `writeSelfLeave` writes. */
export const SELF_LEAVE_BYTES = frameSize(0, 0);

/** Writes a whole self-leave. @returns where it ends */
export function writeSelfLeave(
  bytes: Uint8Array,
  at: number,
  group: string,
  order: FrameOrder = LITTLE_ENDIAN,
): number {
  return writeHeader(bytes, at, CAUSED_BY_LEAVE, nameField(group), 0, 0, 0, order);
}

/** Bytes of a genuine REJECT with so many groups (the sender, appended, included) and body bytes. */
export function rejectSize(groupCount: number, bodyBytes: number): number {
  return frameSize(groupCount, bodyBytes) + OLD_TYPE_BYTES;
}

const SET_COUNT_AT = 12;
const OWN_OFFSET_AT = 16;

const CAUSE_BITS: Readonly<Record<Cause, number>> = {
  join: CAUSED_BY_JOIN,
  leave: CAUSED_BY_LEAVE,
  disconnect: CAUSED_BY_DISCONNECT,
  network: CAUSED_BY_NETWORK,
};

function causeOf(service: number): Cause {
  switch (service & CAUSE_MASK) {
    case CAUSED_BY_JOIN:
      return "join";
    case CAUSED_BY_LEAVE:
      return "leave";
    case CAUSED_BY_DISCONNECT:
      return "disconnect";
    default:
      return "network"; // readFrame has let through exactly one of the four
  }
}

function readMembers(bytes: Uint8Array, at: number, count: number): PrivateGroup[] {
  const members: PrivateGroup[] = [];
  for (let index = 0; index < count; index++, at += NAME_FIELD_BYTES) {
    const member = readName(bytes, at);
    if (!isPrivateGroup(member)) throw new FrameError("name", at, member);
    members.push(member);
  }
  return members;
}

function readGroupId(frame: FrameView): GroupId {
  const { bytes, bodyStart, littleEndian } = frame;
  return {
    daemonId: readInt32(bytes, bodyStart, littleEndian),
    time: readInt32(bytes, bodyStart + 4, littleEndian),
    index: readInt32(bytes, bodyStart + 8, littleEndian),
  };
}

function writeGroupId(bytes: Uint8Array, at: number, id: GroupId, little: boolean): number {
  writeInt32(bytes, at, id.daemonId, little);
  writeInt32(bytes, at + 4, id.time, little);
  writeInt32(bytes, at + 8, id.index, little);
  return at + GROUP_ID_BYTES;
}
