// One group: who is in it, kept ready to be written into views. A view of a thousand members is 32 kB that each of them gets at each join, so the
// members' names stand back to back as a view wants them: a join moves bytes by 32, and a view is one copy of them all, encoded once for all receivers.
import { frameSize, writeHeader, writeInt32 } from "../spread/frame.ts";
import { GROUP_ID_BYTES, NAME_FIELD_BYTES, VIEW_BODY_BYTES_MIN } from "../spread/limits.ts";
import type { GroupId } from "../spread/membership.ts";
import {
  CAUSED_BY_DISCONNECT,
  CAUSED_BY_JOIN,
  CAUSED_BY_LEAVE,
  CAUSED_BY_NETWORK,
  REGULAR_MEMBERSHIP,
  TRANSITION,
} from "../spread/service.ts";
import { compareMembers, type Member } from "./member.ts";

/** What changed a group. */
export type Cause = "join" | "leave" | "disconnect" | "network";

const CAUSE_BITS: Readonly<Record<Cause, number>> = {
  join: CAUSED_BY_JOIN,
  leave: CAUSED_BY_LEAVE,
  disconnect: CAUSED_BY_DISCONNECT,
  network: CAUSED_BY_NETWORK,
};

/** The part of a group id that all groups share: whose ring it is, and since when. */
export type RingId = Omit<GroupId, "index">;

export class Group {
  /** In the order of a view. */
  readonly members: Member[] = [];
  /** Those of this host, in the same order. */
  readonly here: Member[] = [];
  /** Members were told that some of them are lost, and not yet who is left. */
  isTransitional = false;
  /** How many of them want views. */
  #viewers = 0;
  #fields = new Uint8Array(4 * NAME_FIELD_BYTES);

  /**
   * @param field the name's 32 bytes: must never change
   * @param id    of its view: changes with the members
   */
  constructor(
    readonly field: Uint8Array,
    public id: GroupId,
  ) {}

  /** Adds a member that is not in the group. */
  add(member: Member): void {
    const place = insert(this.members, member);
    const count = this.members.length;
    if (this.#fields.length < count * NAME_FIELD_BYTES) this.#resize(count * 2);
    const at = place * NAME_FIELD_BYTES;
    this.#fields.copyWithin(at + NAME_FIELD_BYTES, at, (count - 1) * NAME_FIELD_BYTES);
    this.#fields.set(member.field, at);
    member.groups.add(this);
    if (!member.home.isHere) return;
    insert(this.here, member);
    if (member.wantsViews) this.#viewers += 1;
  }

  /** Removes a member that is in the group. */
  remove(member: Member): void {
    const at = remove(this.members, member) * NAME_FIELD_BYTES;
    const count = this.members.length;
    this.#fields.copyWithin(at, at + NAME_FIELD_BYTES, (count + 1) * NAME_FIELD_BYTES);
    if (this.#fields.length > 64 * NAME_FIELD_BYTES && this.#fields.length > count * 4 * NAME_FIELD_BYTES)
      this.#resize(count * 2);
    member.groups.delete(this);
    if (!member.home.isHere) return;
    remove(this.here, member);
    if (member.wantsViews) this.#viewers -= 1;
  }

  /** `true` where anyone is to be told of changes: else no view need be encoded. */
  get hasViewers(): boolean {
    return this.#viewers > 0;
  }

  /**
   * The view after a change (PROTOCOL.md 7.1), as every member of this host gets it.
   * @param sets who changed, as the one set; after a change of the network, the members by who came together
   * @param own  which of the sets is this host's
   */
  encodeView(cause: Cause, sets: readonly (readonly Member[])[], own = 0): Uint8Array {
    const count = this.members.length;
    let bodyBytes = VIEW_BODY_BYTES_MIN;
    let ownAt = 0;
    for (const [at, set] of sets.entries()) {
      if (at === own) ownAt = bodyBytes - VIEW_BODY_BYTES_MIN;
      bodyBytes += 4 + NAME_FIELD_BYTES * set.length;
    }
    const view = new Uint8Array(frameSize(count, bodyBytes));
    let at = writeHeader(view, 0, REGULAR_MEMBERSHIP | CAUSE_BITS[cause], this.field, count, 0, bodyBytes);
    view.set(this.#fields.subarray(0, count * NAME_FIELD_BYTES), at);
    at = this.#writeId(view, at + count * NAME_FIELD_BYTES);
    writeInt32(view, at, sets.length, true);
    writeInt32(view, at + 4, ownAt, true);
    at += 8;
    for (const set of sets) {
      writeInt32(view, at, set.length, true);
      at += 4;
      for (const member of set) {
        view.set(member.field, at);
        at += NAME_FIELD_BYTES;
      }
    }
    return view;
  }

  /** The signal that members are lost (PROTOCOL.md 7.2): it names the view at hand. */
  encodeTransition(): Uint8Array {
    const signal = new Uint8Array(frameSize(0, GROUP_ID_BYTES));
    this.#writeId(signal, writeHeader(signal, 0, TRANSITION, this.field, 0, 0, GROUP_ID_BYTES));
    return signal;
  }

  #writeId(bytes: Uint8Array, at: number): number {
    writeInt32(bytes, at, this.id.daemonId, true);
    writeInt32(bytes, at + 4, this.id.time, true);
    writeInt32(bytes, at + 8, this.id.index, true);
    return at + GROUP_ID_BYTES;
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
