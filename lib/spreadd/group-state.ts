// Who is in which group, and who gets what. Pure: events come in the one order that the engine gives them, what is to be sent goes into a list that
// the runner owns. The same events in the same order make the same state on every host.
//
// Data and changes of membership are one stream: a joiner sees its own view before anything that is sent to the group afterwards. A message with
// several destinations goes to a session once. A name that begins with "#" is a private group, whether or not anybody managed to join it: as on the
// real daemon, joining one makes a group that gets views and no messages (vector grp-raw-join-hash-private).
import { type FrameView, frameSize, writeHeader } from "../spread/frame.ts";
import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import type { PrivateGroup } from "../spread/names.ts";
import { CAUSED_BY_LEAVE, SELF_DISCARD } from "../spread/service.ts";
import type { Deliveries } from "./deliveries.ts";
import { type Cause, Group, type RingId } from "./group.ts";
import { Member } from "./member.ts";
import { NameTable } from "./name-table.ts";

export class GroupState {
  readonly #groups: NameTable<Group>;
  /** All sessions by private group. */
  readonly #sessions: NameTable<Member>;
  /** Numbers the messages with several destinations. */
  #messages = 0;

  /**
   * @param ring the first two words of all group ids
   * @param seed 32 bits that no client can know
   */
  constructor(
    readonly ring: RingId,
    seed: number,
  ) {
    this.#groups = new NameTable(seed);
    this.#sessions = new NameTable(seed);
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** A session is there, and can be sent to by its private group. Its name must be free. */
  connect(slot: number, name: PrivateGroup, wantsViews: boolean): Member {
    const member = new Member(name, slot, wantsViews);
    this.#sessions.add(member.field, member);
    return member;
  }

  /** A session is gone; `disconnect` was delivered before. */
  forget(member: Member): void {
    this.#sessions.delete(member.field);
  }

  /** A message: one copy for each session that any of its groups reaches. */
  send(sender: Member, frame: FrameView, out: Deliveries): void {
    out.frame(frame.bytes, frame.start, frame.bodyEnd);
    const discarded = (frame.service & SELF_DISCARD) === 0 ? undefined : sender;
    if (frame.groupCount === 1) this.#sendToOne(discarded, frame, out);
    else this.#sendToMany(discarded, frame, out);
  }

  /** A request to join the frame's first group. @returns the group; `undefined` for one who is in it: nothing happens */
  join(member: Member, frame: FrameView, out: Deliveries): Group | undefined {
    let group = this.#groups.get(frame.bytes, frame.groupsStart);
    if (group === undefined) {
      group = new Group(groupField(frame));
      this.#groups.add(group.field, group);
    } else if (member.groups.has(group)) return undefined;
    group.add(member);
    this.#tell(group, "join", member, out);
    return group;
  }

  /** A request to leave the frame's first group; nothing happens to one who is not in it. */
  leave(member: Member, frame: FrameView, out: Deliveries): void {
    const group = this.#groups.get(frame.bytes, frame.groupsStart);
    if (group === undefined || !member.groups.has(group)) return;
    this.#remove(group, member);
    if (member.wantsViews) {
      const selfLeave = new Uint8Array(frameSize(0, 0));
      writeHeader(selfLeave, 0, CAUSED_BY_LEAVE, group.field, 0, 0, 0);
      out.frame(selfLeave, 0, selfLeave.length);
      out.to(member.slot);
    }
    this.#tell(group, "leave", member, out);
  }

  /** A session is gone: it leaves all its groups, in the order of their names, as the real daemon does it. */
  disconnect(member: Member, out: Deliveries): void {
    for (const group of [...member.groups].sort(compareFields)) {
      this.#remove(group, member);
      this.#tell(group, "disconnect", member, out);
    }
  }

  #remove(group: Group, member: Member): void {
    group.remove(member);
    if (group.members.length === 0) this.#groups.delete(group.field);
  }

  /** Sends the view after a change to the members who want views. */
  #tell(group: Group, cause: Cause, changed: Member, out: Deliveries): void {
    if (!group.hasViewers) return;
    const view = group.encodeView(this.ring, cause, changed);
    out.frame(view, 0, view.length);
    for (const member of group.members) if (member.wantsViews) out.to(member.slot);
  }

  #sendToOne(discarded: Member | undefined, frame: FrameView, out: Deliveries): void {
    if (frame.bytes[frame.groupsStart] === HASH) {
      const member = this.#sessions.get(frame.bytes, frame.groupsStart);
      if (member !== undefined && member !== discarded) out.to(member.slot);
      return;
    }
    const group = this.#groups.get(frame.bytes, frame.groupsStart);
    if (group === undefined) return;
    for (const member of group.members) if (member !== discarded) out.to(member.slot);
  }

  #sendToMany(discarded: Member | undefined, frame: FrameView, out: Deliveries): void {
    const message = ++this.#messages;
    if (discarded !== undefined) discarded.lastMessage = message;
    let at = frame.groupsStart;
    for (let left = frame.groupCount; left > 0; left--, at += NAME_FIELD_BYTES) {
      if (frame.bytes[at] === HASH) {
        const member = this.#sessions.get(frame.bytes, at);
        if (member !== undefined) sendOnce(member, message, out);
        continue;
      }
      const group = this.#groups.get(frame.bytes, at);
      if (group !== undefined) for (const member of group.members) sendOnce(member, message, out);
    }
  }
}

const HASH = 0x23;

function sendOnce(member: Member, message: number, out: Deliveries): void {
  if (member.lastMessage === message) return;
  member.lastMessage = message;
  out.to(member.slot);
}

/** The frame's first group as a field of its own: without what stands behind the NUL. */
function groupField(frame: FrameView): Uint8Array {
  const field = frame.bytes.slice(frame.groupsStart, frame.groupsStart + NAME_FIELD_BYTES);
  const end = field.indexOf(0);
  return end < 0 ? field : field.fill(0, end);
}

function compareFields(a: Group, b: Group): number {
  for (let index = 0; index < NAME_FIELD_BYTES; index++) {
    const difference = a.field[index]! - b.field[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
