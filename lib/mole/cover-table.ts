// The table: who owns each vip, and who may hold it (the model, section 3). Only delivered events change it, so all who saw the same events have the
// same table; no clock, no chance and nothing local ever touches it.
//
// For each vip: an *owner*, a *number* that grows with each change of owner, and the *set* of members that may hold it. A host acquires only what it owns
// while nobody else is in the set. That one sentence is what keeps an address from being held twice: A is giving a vip to B, B dies before A has let go, and
// the fast path gives it to C; without the set C takes what A still holds.
//
// This file is the shape: making, copying, comparing. What changes it: `deliver.ts` (messages), `departure.ts` (views), `merge.ts` (exchanges), and
// `assign.ts`, which runs after each of these and gives owners to vips that lack one.
import { BeatBook } from "./beat-book.ts";
import { compareText, type Definition, type VipId } from "./definition.ts";
import { ANYBODY, type HostName, type Member, type ViewId } from "./member.ts";
import type { Facts, HostList, Identity, Maintenance, Snapshot, Waited } from "./message.ts";
import { ALL_RULES, type Rules } from "./rules.ts";
import type { Bounds } from "./times.ts";

export interface Entry {
  definition: Definition;
  owner: Member | undefined;
  number: number;
  /** Who may hold it, and the number at which the name was put in. */
  readonly set: Map<Member, number>;
  /** The last number that an owner has answered with `acquired`: the current one, if it is held. */
  acked: number;
  /** The number for which the owner has told why it can't acquire yet. */
  excused: number;
  /** Its last owner had said `acquired`, and departed or released it since: nobody outside the group can be thought to hold it. */
  vacated: boolean;
  /** An operator put it where it is. */
  pinned: boolean;
  /**
   * Had no owner, or did not exist, at some time since the view. Who does not come into the next view with us may not have seen what came after that, and may have
   * become its owner. (Where in the order the transitional signal came says nothing: it differs among those who come together.)
   */
  isDoubtful: boolean;
}

/** A member that has told a valid state: counted and seen. */
export interface HostRecord {
  readonly member: Member;
  readonly identity: Identity;
  facts: Facts;
  /** Has the table of this view, and may own. */
  informed: boolean;
  mature: boolean;
  drained: boolean;
  /** Vips that it could not acquire, until it says that it would again. */
  readonly refusing: Set<VipId>;
}

const NOBODY: readonly Entry[] = [];

export class CoverTable {
  view: ViewId;
  members: readonly Member[];
  readonly entries = new Map<VipId, Entry>();
  readonly hosts = new Map<Member, HostRecord>();
  /** Of this view: their decisions are void, they own nothing and count for no majority. */
  readonly expelled = new Set<Member>();
  /** Names in sets that are waited for by the clock. */
  readonly waited = new Map<Member, Waited>();
  /** Names that may hold anything, also what is defined only later. */
  readonly unknown = new Set<Member>();
  /** Their leases were lifted for maintenance, and they have not said that they are on again: no time ends what they hold. */
  readonly unleased = new Set<Member>();
  /** Digests of the definitions that count. */
  inForce: ReadonlySet<string> = new Set();
  /** The longest that any member has ever told: one that is gone or expelled may hold by them still. */
  longest: Bounds = { silenceMs: 0, leaseMs: 0 };
  /** Somebody here is mature, or has been together with somebody who was. */
  warm = false;
  /** `safe`: this part may cover. In `available` every part may. */
  covers = true;
  /** `safe`: what the table says of absent hosts can be trusted. */
  knowledge = true;
  /** The highest number ever given: an entry that comes back must not be struck by an answer to its former life. */
  top = 0;
  hostList: HostList = { version: 0, hosts: [], tiebreak: undefined, former: [] };
  /** The version of the list that each has said in this view that it goes by. */
  readonly listed = new Map<Member, number>();
  /** The counter of the maintenance that each has said in this view that it knows of. */
  readonly maintained = new Map<Member, number>();
  /** The version of the rules that each told, where its state was heard: what is told to a newcomer has it not. */
  readonly speaks = new Map<Member, number>();
  /** An operator has said since the last maintenance that nobody who is away holds anything. */
  isGivenUp = false;
  /** Somebody here is in `safe`. */
  safe = false;
  maintenance: Maintenance = { counter: 0, on: false };
  beats = new BeatBook();
  /** Members that showed in this view that they have a table. */
  readonly shown = new Set<Member>();
  /** Names newly waited for, since the machine last looked: it sets its clocks by them. */
  readonly freshWaits: { readonly waited: Waited; readonly anew: boolean }[] = [];
  /** Names struck from the set of a vip that another owns, since the machine last looked: its holder announces itself again. */
  readonly struck: Entry[] = [];
  private sharing: ReadonlyMap<Entry, readonly Entry[]> | undefined;
  /** Whether the owners must be looked at again, and whether the definitions too. */
  unsettled = true;
  redefined = true;

  constructor(
    view: ViewId,
    members: readonly Member[],
    readonly rules: Rules = ALL_RULES,
  ) {
    this.view = view;
    this.members = members;
    this.beats.enter(members);
  }

  static from(snapshot: Snapshot, rules: Rules): CoverTable {
    const table = new CoverTable(snapshot.view, snapshot.members, rules);
    for (const { set, ...rest } of snapshot.entries)
      table.entries.set(rest.definition.id, { ...rest, set: new Map(set) });
    for (const { refusing, ...rest } of snapshot.hosts)
      table.hosts.set(rest.member, { ...rest, refusing: new Set(refusing) });
    for (const member of snapshot.expelled) table.expelled.add(member);
    for (const waited of snapshot.waited) table.wait(waited, false);
    for (const name of snapshot.unknown) table.unknown.add(name);
    for (const name of snapshot.unleased) table.unleased.add(name);
    table.inForce = new Set(snapshot.inForce);
    table.longest = snapshot.longest;
    table.safe = table.isSafe();
    table.warm = snapshot.warm;
    table.covers = snapshot.covers;
    table.knowledge = snapshot.knowledge;
    table.top = snapshot.top;
    table.hostList = snapshot.hostList;
    table.maintenance = snapshot.maintenance;
    table.beats = BeatBook.from(snapshot.beats);
    table.beats.enter(snapshot.members);
    return table;
  }

  snapshot(): Snapshot {
    return {
      view: this.view,
      members: this.members,
      entries: [...this.entries.values()].map(({ set, ...rest }) => ({ ...rest, set: [...set] })),
      hosts: [...this.hosts.values()].map(({ refusing, ...rest }) => ({ ...rest, refusing: [...refusing] })),
      expelled: [...this.expelled],
      waited: [...this.waited.values()],
      unknown: [...this.unknown],
      unleased: [...this.unleased],
      inForce: [...this.inForce],
      longest: this.longest,
      warm: this.warm,
      covers: this.covers,
      knowledge: this.knowledge,
      top: this.top,
      hostList: this.hostList,
      maintenance: this.maintenance,
      beats: this.beats.snapshot(),
    };
  }

  /** All of it that must be equal on equal histories, as one text. */
  fingerprint(): string {
    const entries = [...this.entries.values()]
      .sort((a, b) => compareText(a.definition.id, b.definition.id))
      .map(({ definition, owner, number, set, acked, vacated }) => {
        const names = [...set].sort((a, b) => compareText(a[0], b[0])).map(([name, put]) => `${name}:${put}`);
        return `${definition.digest} ${owner ?? "-"} ${number} {${names}} ${acked} ${vacated}`;
      });
    const hosts = [...this.hosts.values()]
      .sort((a, b) => compareText(a.member, b.member))
      .map(({ member, facts, informed, drained, refusing }) => {
        return `${member} ${facts.serial} ${informed} ${drained} [${[...refusing].sort()}] ${this.beats.isQuiet(member)}`;
      });
    const waited = [...this.waited.values()].map(({ name, why }) => `${name}:${why}`).sort();
    const flags = `${this.warm} ${this.covers} ${this.knowledge} ${this.top} ${this.hostList.version} ${this.maintenance.counter}`;
    return [...entries, ...hosts, [...this.expelled].sort(), waited, flags].join("\n");
  }

  /** The view has come, and owners have been given for it: all who have this table agree upon them. */
  beginView(): void {
    for (const entry of this.entries.values()) entry.isDoubtful = entry.owner === undefined;
  }

  /** The host of that name, if it is here. */
  hostNamed(name: HostName): HostRecord | undefined {
    for (const host of this.hosts.values()) if (host.identity.host === name) return host;
    return undefined;
  }

  /** The vip of that name, by the definition that counts. */
  vipNamed(name: string): Entry | undefined {
    for (const entry of this.entries.values())
      if (entry.definition.name === name && this.isInForce(entry)) return entry;
    return undefined;
  }

  isInForce(entry: Entry): boolean {
    return this.inForce.has(entry.definition.digest);
  }

  /** Its owner is here, has said by the number in force that it holds it, and under maintenance has not lost its carrier since: that gives nobody else the vip then. */
  isHeld({ definition, owner, number, acked, set }: Entry): boolean {
    if (owner === undefined || acked !== number || !set.has(owner) || !this.isLive(owner)) return false;
    return !this.maintenance.on || this.hosts.get(owner)!.facts.unfit[definition.name] !== "carrier";
  }

  isLive(member: Member): boolean {
    return this.hosts.has(member) && !this.expelled.has(member);
  }

  /**
   * Who decides for all: the first in the view's order that has the table and is heard. Where all who were known to have it are gone, one that got it just then:
   * its beats show that.
   */
  teller(): Member | undefined {
    const isHeard = (member: Member) => this.isLive(member) && !this.beats.isQuiet(member);
    if (this.isAnybodyInformed() || !this.rules.untoldMayTell)
      return this.members.find((member) => this.hosts.get(member)?.informed && isHeard(member));
    return this.members.find((member) => this.shown.has(member) && isHeard(member));
  }

  isAnybodyInformed(): boolean {
    return this.members.some((member) => this.hosts.get(member)?.informed && this.isLive(member));
  }

  /** @param anew from now on; else others tell how long they would still wait */
  wait(waited: Waited, anew: boolean): void {
    const before = this.waited.get(waited.name);
    // Of several waits the longest counts: the wait for a departure is longer than the one for an expulsion, and "kept" has no end.
    const rank = { expelled: 0, departed: 1, kept: 2 } as const;
    if (before !== undefined && rank[before.why] >= rank[waited.why]) return;
    this.waited.set(waited.name, waited);
    this.freshWaits.push({ waited, anew });
  }

  lengthen({ silenceMs, leaseMs }: Bounds): void {
    const { longest } = this;
    this.longest = {
      silenceMs: Math.max(silenceMs, longest.silenceMs),
      leaseMs: Math.max(leaseMs, longest.leaseMs),
    };
  }

  /** The later word counts. Where it ends a maintenance, each host here goes on without a lease until it says otherwise. */
  maintain(word: Maintenance): void {
    if (word.counter <= this.maintenance.counter) return;
    if (this.maintenance.on) for (const member of this.hosts.keys()) this.unleased.add(member);
    this.maintenance = word;
    this.isGivenUp = false;
  }

  /** `safe` beats `available` where members differ. */
  isSafe(): boolean {
    for (const { facts } of this.hosts.values()) if (facts.mode === "safe") return true;
    return false;
  }

  /** Entries whose addresses the entry shares: their holders block its owner. None in almost every table. */
  sharers(entry: Entry): readonly Entry[] {
    this.sharing ??= this.findSharing();
    return this.sharing.get(entry) ?? NOBODY;
  }

  forgetEntry(id: VipId): void {
    this.entries.delete(id);
    this.sharing = undefined;
  }

  private findSharing(): ReadonlyMap<Entry, readonly Entry[]> {
    const byAddress = new Map<string, Entry[]>();
    const sharing = new Map<Entry, Entry[]>();
    if (!this.rules.setsByAddress) return sharing;
    for (const entry of this.entries.values()) {
      for (const address of entry.definition.addresses) {
        const others = byAddress.get(address) ?? [];
        for (const other of others) {
          sharing.set(entry, [...(sharing.get(entry) ?? []), other]);
          sharing.set(other, [...(sharing.get(other) ?? []), entry]);
        }
        byAddress.set(address, [...others, entry]);
      }
    }
    return sharing;
  }

  /** A new owner, or the same one anew: the number grows, and the name goes in. */
  own(entry: Entry, owner: Member | undefined): void {
    // Whoever never took it may have found it taken: by a stranger, who answers still.
    if (entry.owner !== undefined && entry.owner !== owner && entry.acked !== entry.number) entry.vacated = false;
    entry.number += 1;
    this.top = Math.max(this.top, entry.number);
    entry.owner = owner;
    entry.excused = 0;
    entry.pinned = false;
    if (owner !== undefined) entry.set.set(owner, entry.number);
    else entry.isDoubtful = true;
  }

  /** Whether the member is the last that said `acquired`, and stands for it. */
  hasHeld({ acked, set }: Entry, name: Member): boolean {
    return acked > 0 && set.get(name) === acked;
  }

  /** Takes a name out of a set. */
  strike(entry: Entry, name: Member): void {
    if (name !== entry.owner) this.struck.push(entry);
    // Nobody but its owner is left, who is only about to take it: the last holder has let go, and nobody need be asked on the wire.
    if (this.hasHeld(entry, name))
      entry.vacated = [...entry.set.keys()].every((one) => one === name || one === entry.owner);
    entry.set.delete(name);
    this.unsettled = true;
  }

  strikeEverywhere(name: Member): void {
    for (const entry of this.entries.values()) if (entry.set.has(name)) this.strike(entry, name);
    this.waited.delete(name);
    this.unknown.delete(name);
    this.unleased.delete(name);
  }

  /** @param isNew nobody has had it in a table: who may hold anything may hold it */
  addEntry(definition: Definition, isNew: boolean): Entry {
    const entry: Entry = {
      definition,
      owner: undefined,
      number: this.top,
      set: new Map(),
      acked: 0,
      excused: 0,
      vacated: false,
      pinned: false,
      isDoubtful: true,
    };
    if (isNew) for (const name of this.unknown) entry.set.set(name, entry.number);
    this.entries.set(definition.id, entry);
    this.sharing = undefined;
    return entry;
  }

  /** Nobody knows who holds what: every vip waits for anybody. */
  suspectAll(name: Member): void {
    this.unknown.add(name);
    for (const entry of this.entries.values()) entry.set.set(name, entry.number);
    this.unsettled = true;
  }

  /** As `suspectAll`, for the host that nobody can name. Under maintenance it has no lease that could end. */
  suspectAnybody(): void {
    this.wait({ name: ANYBODY, why: this.maintenance.on ? "kept" : "departed", identity: undefined }, true);
    this.suspectAll(ANYBODY);
  }
}
