// What the other hosts need to know of one host's sessions: which are in groups, and what it takes these groups to be. Little-endian:
//
//   4 sessions, then each: 4 slot, 32 name field, in the order of views
//   4 groups, then each: 32 name field, 12 id of its view, 4 whether its members were told of a loss, 4 members in it (of all hosts), 4 members of this host, then for each 4: which of the sessions
import { Fault } from "../base/fault.ts";
import { readInt32, writeInt32 } from "../spread/frame.ts";
import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import type { GroupId } from "../spread/membership.ts";
import { readName } from "../spread/name-field.ts";
import { isPrivateGroup, type PrivateGroup } from "../spread/names.ts";
import type { Group } from "./group.ts";
import type { Member } from "./member.ts";

export interface SessionSnapshot {
  readonly slot: number;
  readonly name: PrivateGroup;
}

export interface GroupSnapshot {
  readonly field: Uint8Array;
  readonly id: GroupId;
  /** Its members were told that some are lost: they have to be told who is left. */
  readonly isTransitional: boolean;
  /** Members of all hosts in the host's last view of it. */
  readonly memberCount: number;
  /** Those of the host itself, by their places among the sessions, in the order of the view. */
  readonly members: readonly number[];
}

export interface HostSnapshot {
  readonly sessions: readonly SessionSnapshot[];
  readonly groups: readonly GroupSnapshot[];
}

const SESSION_BYTES = 4 + NAME_FIELD_BYTES;
const GROUP_BYTES = NAME_FIELD_BYTES + 24;

/** @param sessions those that are in any group; @param groups those that any of them is in */
export function writeSnapshot(sessions: readonly Member[], groups: readonly Group[]): Uint8Array {
  const places = new Map(sessions.map((session, place) => [session, place]));
  const memberships = groups.reduce((count, { here }) => count + here.length, 0);
  const bytes = new Uint8Array(8 + SESSION_BYTES * sessions.length + GROUP_BYTES * groups.length + 4 * memberships);
  let at = 0;
  const put = (value: number) => {
    writeInt32(bytes, at, value, true);
    at += 4;
  };
  const putField = (field: Uint8Array) => {
    bytes.set(field, at);
    at += NAME_FIELD_BYTES;
  };
  put(sessions.length);
  for (const { slot, field } of sessions) {
    put(slot);
    putField(field);
  }
  put(groups.length);
  for (const { field, id, isTransitional, members, here } of groups) {
    putField(field);
    put(id.daemonId);
    put(id.time);
    put(id.index);
    put(isTransitional ? 1 : 0);
    put(members.length);
    put(here.length);
    for (const member of here) put(places.get(member)!);
  }
  return bytes;
}

/** What another host told; nothing where it is no snapshot. */
export function trySnapshot(bytes: Uint8Array): HostSnapshot {
  try {
    return readSnapshot(bytes);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { sessions: [], groups: [] };
  }
}

/** Reads what another host told. @throws {Fault} kind "protocol": that is no snapshot */
export function readSnapshot(bytes: Uint8Array): HostSnapshot {
  if (bytes.length === 0) return { sessions: [], groups: [] };
  let at = 0;
  const need = (size: number) => {
    if (size < 0 || at + size > bytes.length)
      throw new Fault(
        "protocol",
        "snapshot",
        `cannot read snapshot: it ends at ${bytes.length}, in the midst of an entry`,
      );
  };
  const get = () => {
    need(4);
    at += 4;
    return readInt32(bytes, at - 4, true);
  };
  const count = (entryBytes: number) => {
    const entries = get();
    need(entries * entryBytes);
    return entries;
  };
  const field = () => {
    at += NAME_FIELD_BYTES;
    return bytes.subarray(at - NAME_FIELD_BYTES, at);
  };
  const sessions = Array.from({ length: count(SESSION_BYTES) }, () => {
    const slot = get();
    const name = readName(field(), 0);
    if (!isPrivateGroup(name))
      throw new Fault("protocol", "snapshot", `cannot read snapshot: ${JSON.stringify(name)} is no session`);
    return { slot, name };
  });
  const groups = Array.from({ length: count(GROUP_BYTES) }, () => {
    need(GROUP_BYTES);
    const name = field();
    const id = { daemonId: get(), time: get(), index: get() };
    const isTransitional = get() !== 0;
    const memberCount = get();
    const members = Array.from({ length: count(4) }, get);
    if (members.some((place) => sessions[place] === undefined))
      throw new Fault(
        "protocol",
        "snapshot",
        "cannot read snapshot: a group has a member that is none of its sessions",
      );
    return { field: name, id, isTransitional, memberCount, members };
  });
  return { sessions, groups };
}
