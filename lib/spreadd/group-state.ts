// Who is in which group, and who gets what. Pure: events come in the one order that the engine gives them, what is to be sent goes into a list that
// the runner owns. The same events in the same order make the same state on every host: sessions of other hosts are members like those of this one, that
// nothing is sent to from here.
//
// Data and changes of membership are one stream: a joiner sees its own view before anything that is sent to the group afterwards. A message with
// several destinations goes to a session once. A name that begins with "#" is a private group, whether or not anybody managed to join it: as on the
// real daemon, joining one makes a group that gets views and no messages (vector grp-raw-join-hash-private).
import { type FrameView, frameSize, writeHeader } from "../spread/frame.ts";
import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import { isPrivateGroup, type PrivateGroup } from "../spread/names.ts";
import { CAUSED_BY_LEAVE, SELF_DISCARD } from "../spread/service.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Ring } from "./engine.ts";
import { type Cause, Group, type RingId } from "./group.ts";
import { mergeGroups } from "./group-merge.ts";
import { type HostSnapshot, trySnapshot, writeSnapshot } from "./group-snapshot.ts";
import { Home } from "./home.ts";
import { Member } from "./member.ts";
import { NameTable } from "./name-table.ts";

export class GroupState {
  readonly #seed: number;
  #groups: NameTable<Group>;
  /** All sessions of this host by private group. */
  readonly #sessions: NameTable<Member>;
  /** The hosts of the ring, in its order. */
  #homes: Home[];
  readonly #here: Home;
  #ring: RingId;
  /**
   * A digest of all changes in this ring, where it spans hosts; 0 in a ring of one. Hosts that part may have been delivered different ends of their view:
   * so the upper half of an index tells their histories apart.
   */
  #history = 0;
  /** What was delivered, as the engine digests it. */
  #heard = 0;
  /** Numbers the messages with several destinations. */
  #messages = 0;

  /**
   * @param ring the first two words of all group ids
   * @param seed 32 bits that no client can know
   */
  constructor(ring: RingId, seed: number) {
    this.#ring = ring;
    this.#seed = seed;
    this.#groups = new NameTable(seed);
    this.#sessions = new NameTable(seed);
    this.#here = new Home(true, 0, "");
    this.#homes = [this.#here];
  }

  /** What was delivered in this ring, as the engine digests it; 0 in a ring of one for good. Set it before an event that changes groups. */
  hasHeard(history: number): void {
    this.#heard = history;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** All groups that have members, on any host. */
  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  /** A session of this host is there, and can be sent to by its private group. Its name must be free. */
  connect(slot: number, name: PrivateGroup, wantsViews: boolean): Member {
    const member = new Member(name, slot, wantsViews, this.#here);
    this.#sessions.add(member.field, member);
    this.#here.members.set(slot, member);
    return member;
  }

  /**
   * A session of another host, as of the ring's first request of it to join; `undefined` where the request is no session's.
   * @param host its host's place in the ring
   */
  guest(host: number, slot: number, frame: FrameView): Member | undefined {
    const home = this.#homes[host];
    if (home === undefined || home.isHere) return undefined;
    const known = home.members.get(slot);
    if (known !== undefined || frame.kind !== "join") return known;
    const { name } = frame;
    if (!isPrivateGroup(name)) return undefined;
    const member = new Member(name, slot, false, home);
    home.members.set(slot, member);
    return member;
  }

  /** A session is gone; `disconnect` was delivered before. */
  forget(member: Member): void {
    if (member.home.isHere) this.#sessions.delete(member.field);
    member.home.members.delete(member.slot);
  }

  /** A message: one copy for each session of this host that any of its groups reaches. @param sender `undefined` of a session of another host */
  send(sender: Member | undefined, frame: FrameView, out: Deliveries): void {
    out.frame(frame.bytes, frame.start, frame.bodyEnd);
    const discarded = (frame.service & SELF_DISCARD) === 0 ? undefined : sender;
    if (frame.groupCount === 1) this.#sendToOne(discarded, frame, out);
    else this.#sendToMany(discarded, frame, out);
  }

  /** A request to join the frame's first group. @returns the group; `undefined` for one who is in it: nothing happens */
  join(member: Member, frame: FrameView, out: Deliveries): Group | undefined {
    let group = this.#groups.get(frame.bytes, frame.groupsStart);
    if (group === undefined) {
      group = new Group(groupField(frame), { ...this.#ring, index: 0 });
      this.#groups.add(group.field, group);
    } else if (member.groups.has(group)) return undefined;
    group.add(member);
    this.#renumber(group, member);
    this.#tell(group, "join", member, out);
    return group;
  }

  /** A request to leave the frame's first group; nothing happens to one who is not in it. */
  leave(member: Member, frame: FrameView, out: Deliveries): void {
    const group = this.#groups.get(frame.bytes, frame.groupsStart);
    if (group === undefined || !member.groups.has(group)) return;
    this.#remove(group, member);
    this.#renumber(group, member);
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
      this.#renumber(group, member);
      this.#tell(group, "disconnect", member, out);
    }
  }

  // --- where the ring spans hosts ---

  /** What the other hosts need to know of this one's sessions. */
  snapshot(): Uint8Array {
    const groups = new Set<Group>();
    const sessions: Member[] = [];
    for (const member of this.#here.members.values()) {
      if (member.groups.size === 0) continue;
      sessions.push(member);
      for (const group of member.groups) groups.add(group);
    }
    return writeSnapshot(sessions, [...groups]);
  }

  /** Hosts are lost: members of groups that have members there are told so, before they are told who is left. */
  transition(lost: readonly number[], out: Deliveries): void {
    const groups = new Set<Group>();
    for (const place of lost) {
      const home = this.#homes[place];
      if (home === undefined) continue;
      home.isLost = true;
      for (const member of home.members.values()) for (const group of member.groups) groups.add(group);
    }
    for (const group of [...groups].sort(compareFields)) this.#signal(group, out);
  }

  /** A host has left the ring, its sessions all groups. */
  gone(host: number, out: Deliveries): void {
    const [home] = this.#homes.splice(host, 1);
    for (const [rank, each] of this.#homes.entries()) each.rank = rank;
    const groups = new Set<Group>();
    for (const member of [...(home?.members.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)))
      for (const group of member.groups) {
        groups.add(group);
        this.#remove(group, member);
        this.#renumber(group, member);
      }
    for (const group of [...groups].sort(compareFields)) {
      group.isTransitional = false;
      if (group.hasViewers) this.#tellMembers(group.encodeView("network", [group.members]), group, out);
    }
  }

  /** A new ring of these hosts begins. A host whose snapshot is none, for all of us alike, has no sessions in groups. */
  merge(ring: Ring, out: Deliveries): void {
    const { hosts, own, merge } = ring;
    const { snapshots, sets, salt } = merge ?? { snapshots: [], sets: [], salt: 0 };
    const told = hosts.map((_, place) => trySnapshot(snapshots[place] ?? NO_BYTES));
    this.#signalLost(new Set(hosts.filter((_, place) => sets[place] === sets[own]).map(({ run }) => run)), out);
    this.#ring = { daemonId: hosts[0]!.id, time: ring.time };
    this.#history = salt | SPANS;
    this.#here.rank = own;
    this.#homes = hosts.map(({ run }, place) => (place === own ? this.#here : new Home(false, place, run)));
    for (const member of this.#here.members.values()) member.groups.clear();
    this.#groups = new NameTable(this.#seed);
    const members = told.map((host, place) => this.#membersOf(host, place));
    for (const { field, parts, id } of mergeGroups(told, sets)) {
      const group = new Group(field, id ?? { ...this.#ring, index: this.#indexAfter(0) });
      this.#groups.add(group.field, group);
      const together = new Map<number, Member[]>();
      for (const part of parts) {
        const set = together.get(sets[part.host]!) ?? [];
        together.set(sets[part.host]!, set);
        for (const place of part.members) {
          const member = members[part.host]![place]!;
          group.add(member);
          set.push(member);
        }
      }
      if (id !== undefined || !group.hasViewers) continue;
      const ownSet = [...together.keys()].indexOf(sets[own]!);
      this.#tellMembers(group.encodeView("network", [...together.values()], ownSet), group, out);
    }
  }

  /** The members that a host told of, by their places among its sessions. */
  #membersOf({ sessions }: HostSnapshot, place: number): Member[] {
    const home = this.#homes[place]!;
    return sessions.map(({ slot, name }) => {
      const known = home.members.get(slot);
      if (known !== undefined) return known;
      const member = new Member(name, slot, false, home);
      home.members.set(slot, member);
      return member;
    });
  }

  /** Whoever has members on hosts that did not come here with us, and has not heard so yet. */
  #signalLost(came: ReadonlySet<string>, out: Deliveries): void {
    const lost = [...this.#homes.entries()].filter(([, home]) => !home.isHere && !came.has(home.run));
    this.transition(
      lost.map(([place]) => place),
      out,
    );
  }

  #signal(group: Group, out: Deliveries): void {
    if (group.isTransitional) return;
    group.isTransitional = true;
    if (group.hasViewers) this.#tellMembers(group.encodeTransition(), group, out);
  }

  // --- changes ---

  #remove(group: Group, member: Member): void {
    group.remove(member);
    if (group.members.length === 0) this.#groups.delete(group.field);
  }

  /** The group has a new view, by what `member` did. */
  #renumber(group: Group, member: Member): void {
    if (this.#history !== 0)
      this.#history = digest(member.field, digest(group.field, this.#history ^ this.#heard)) | SPANS;
    group.id = { ...group.id, index: this.#indexAfter(group.id.index) };
  }

  #indexAfter(index: number): number {
    if (this.#history === 0) return index + 1;
    return ((this.#history & 0x7fff) << 16) | ((index + 1) & 0xffff);
  }

  /** Sends the view after a change to the members who want views. */
  #tell(group: Group, cause: Cause, changed: Member, out: Deliveries): void {
    if (!group.hasViewers) return;
    if (group.isTransitional) this.#tellAmidst(group, changed, out);
    else this.#tellMembers(group.encodeView(cause, [[changed]]), group, out);
  }

  /**
   * The same between the signal and the view that tells who is left (PROTOCOL.md 7.2): a view of the network that still lists those who are lost, each host's
   * as a set of their own, and a joiner alone in the last; then the signal again.
   */
  #tellAmidst(group: Group, changed: Member, out: Deliveries): void {
    const together = group.members.filter((member) => !member.home.isLost && member !== changed);
    const sets = [together];
    for (const home of this.#homes)
      if (home.isLost) sets.push(group.members.filter((member) => member.home === home && member !== changed));
    if (group.members.includes(changed)) sets.push([changed]);
    const shown = sets.filter((set) => set.length > 0);
    const own = Math.max(0, shown.indexOf(together));
    const view = group.encodeView("network", shown, own);
    out.frame(view, 0, view.length);
    for (const member of group.here) if (member.wantsViews && member !== changed) out.to(member.slot);
    if (changed.wantsViews && group.here.includes(changed)) {
      const joined = group.encodeView("network", shown, shown.length - 1);
      out.frame(joined, 0, joined.length);
      out.to(changed.slot);
    }
    group.isTransitional = false;
    this.#signal(group, out);
  }

  #tellMembers(frame: Uint8Array, group: Group, out: Deliveries): void {
    out.frame(frame, 0, frame.length);
    for (const member of group.here) if (member.wantsViews) out.to(member.slot);
  }

  #sendToOne(discarded: Member | undefined, frame: FrameView, out: Deliveries): void {
    if (frame.bytes[frame.groupsStart] === HASH) {
      const member = this.#sessions.get(frame.bytes, frame.groupsStart);
      if (member !== undefined && member !== discarded) out.to(member.slot);
      return;
    }
    const group = this.#groups.get(frame.bytes, frame.groupsStart);
    if (group === undefined) return;
    for (const member of group.here) if (member !== discarded) out.to(member.slot);
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
      if (group !== undefined) for (const member of group.here) sendOnce(member, message, out);
    }
  }
}

const HASH = 0x23;
/** Set in every history of a ring that spans hosts. */
const SPANS = 1 << 30;
const NO_BYTES = new Uint8Array(0);

/** A digest of a name, going on from another. */
function digest(field: Uint8Array, from: number): number {
  let hash = from;
  for (let index = 0; index < NAME_FIELD_BYTES && field[index] !== 0; index++)
    hash = Math.imul(hash ^ field[index]!, 0x0100_0193);
  return hash ^ (hash >>> 15);
}

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
