// One group: who is in it, kept ready to be written into views. A view of a thousand members is 32 kB that each of them gets at each join, so the
// members' names stand back to back as a view wants them: a join moves bytes by 32, and a view is one copy of them all, encoded once for all receivers.
import { frameSize, writeHeader, writeInt32 } from "../spread/frame.ts";
import { NAME_FIELD_BYTES, VIEW_BODY_BYTES_MIN } from "../spread/limits.ts";
import { CAUSED_BY_DISCONNECT, CAUSED_BY_JOIN, CAUSED_BY_LEAVE, REGULAR_MEMBERSHIP } from "../spread/service.ts";
import { compareMembers, type Member } from "./member.ts";

/** What changed a group, other than the network. */
export type Cause = "join" | "leave" | "disconnect";

const CAUSE_BITS: Readonly<Record<Cause, number>> = {
  join: CAUSED_BY_JOIN,
  leave: CAUSED_BY_LEAVE,
  disconnect: CAUSED_BY_DISCONNECT,
};

/** The part of a group id that all groups share: whose ring it is, and since when. */
export interface RingId {
  /** Id of the daemon that stands for the ring, 32 bits. */
  readonly daemonId: number;
  /** When the ring began, Unix seconds. */
  readonly time: number;
}

export class Group {
  /** In the order of a view. */
  readonly members: Member[] = [];
  /** How many of them want views. */
  #viewers = 0;
  /** Counts the changes since the group or the ring began. */
  #index = 0;
  #fields = new Uint8Array(4 * NAME_FIELD_BYTES);

  /** @param field the name's 32 bytes: must never change */
  constructor(readonly field: Uint8Array) {}

  /** Adds a member that is not in the group. */
  add(member: Member): void {
    const place = insert(this.members, member);
    const count = this.members.length;
    if (this.#fields.length < count * NAME_FIELD_BYTES) this.#resize(count * 2);
    const at = place * NAME_FIELD_BYTES;
    this.#fields.copyWithin(at + NAME_FIELD_BYTES, at, (count - 1) * NAME_FIELD_BYTES);
    this.#fields.set(member.field, at);
    this.#index += 1;
    member.groups.add(this);
    if (member.wantsViews) this.#viewers += 1;
  }

  /** Removes a member that is in the group. */
  remove(member: Member): void {
    const at = remove(this.members, member) * NAME_FIELD_BYTES;
    const count = this.members.length;
    this.#fields.copyWithin(at, at + NAME_FIELD_BYTES, (count + 1) * NAME_FIELD_BYTES);
    if (this.#fields.length > 64 * NAME_FIELD_BYTES && this.#fields.length > count * 4 * NAME_FIELD_BYTES)
      this.#resize(count * 2);
    this.#index += 1;
    member.groups.delete(this);
    if (member.wantsViews) this.#viewers -= 1;
  }

  /** `true` where anyone is to be told of changes: else no view need be encoded. */
  get hasViewers(): boolean {
    return this.#viewers > 0;
  }

  /**
   * The view after a change (PROTOCOL.md 7.1), as every member gets it: one virtual-synchrony set, at offset 0.
   * @param changed who joined, left or vanished
   */
  encodeView(ring: RingId, cause: Cause, changed: Member): Uint8Array {
    const count = this.members.length;
    const bodyBytes = VIEW_BODY_BYTES_MIN + 4 + NAME_FIELD_BYTES;
    const view = new Uint8Array(frameSize(count, bodyBytes));
    const groups = writeHeader(view, 0, REGULAR_MEMBERSHIP | CAUSE_BITS[cause], this.field, count, 0, bodyBytes);
    view.set(this.#fields.subarray(0, count * NAME_FIELD_BYTES), groups);
    const body = groups + count * NAME_FIELD_BYTES;
    writeInt32(view, body, ring.daemonId, true);
    writeInt32(view, body + 4, ring.time, true);
    writeInt32(view, body + 8, this.#index, true);
    writeInt32(view, body + 12, 1, true); // sets
    writeInt32(view, body + 16, 0, true); // offset of the receiver's own set
    writeInt32(view, body + VIEW_BODY_BYTES_MIN, 1, true);
    view.set(changed.field, body + VIEW_BODY_BYTES_MIN + 4);
    return view;
  }

  #resize(members: number): void {
    const fields = new Uint8Array(Math.max(4, members) * NAME_FIELD_BYTES);
    fields.set(this.#fields.subarray(0, Math.min(this.#fields.length, fields.length)));
    this.#fields = fields;
  }
}

/** Inserts into a sorted list. @returns where */
function insert(members: Member[], member: Member): number {
  const place = placeOf(members, member);
  members.splice(place, 0, member);
  return place;
}

/** Removes from a sorted list. @returns where it was */
function remove(members: Member[], member: Member): number {
  const place = placeOf(members, member);
  members.splice(place, 1);
  return place;
}

function placeOf(members: readonly Member[], member: Member): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareMembers(members[middle]!, member) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
