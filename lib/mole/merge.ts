// What comes of an exchange: one table out of everybody's state (the model, section 4).
//
// A host is the truth about itself: of whoever has told a state, only what it says that it holds counts, whatever the tables of others say. Of absent ones the
// tables' union is taken: in `available` the absent are gone and only the expelled are waited for, in `safe` all are. An expelled member that nobody knows may
// hold anything. Then conflicts are settled, holders first, so that as little as possible moves; and `assign` does the rest.
//
// Pure and of delivered things only: each member computes it by itself and comes to the same.
import { admit, strikeFormerSessions } from "./admit.ts";
import { assign, candidates, isMajority, judge } from "./assign.ts";
import { CoverTable } from "./cover-table.ts";
import { compareText, type VipId } from "./definition.ts";
import type { Member, View } from "./member.ts";
import type { EntrySnapshot, Snapshot, StateMessage } from "./message.ts";
import type { Rules } from "./rules.ts";

export interface Parts {
  readonly view: View;
  readonly states: ReadonlyMap<Member, StateMessage>;
  /** Expelled in this view, or before by somebody who has told a state. */
  readonly expelled: ReadonlySet<Member>;
}

/** Where no state brings a table, none has ever been, and this is the first. Also of the expelled what they told counts: it was true when they did. */
export function merge({ view, states, expelled }: Parts, rules: Rules): CoverTable {
  const table = new CoverTable(view.id, view.members, rules);
  const told = view.members.flatMap((member) => {
    const state = states.get(member);
    return state === undefined || expelled.has(member) ? [] : [{ member, state }];
  });
  const brought = view.members.flatMap((member) => states.get(member)?.table ?? []);
  const safe = told.some(({ state }) => state.facts.mode === "safe");
  const backed = brought.filter((snapshot) => isBacked(snapshot, told, rules));
  const trusted = safe && rules.knowledge && backed.length > 0 ? backed : brought;

  carryBasics(table, brought);
  for (const { facts } of states.values()) table.lengthen(facts);
  for (const member of expelled) if (view.members.includes(member)) table.expelled.add(member);
  uniteWaited(table, trusted);
  uniteEntries(table, brought, trusted, new Set(states.keys()));
  for (const { member, state } of told) admit(table, member, state, true);
  placeHolders(table, states);
  for (const { state } of told) {
    const { hostList } = state;
    // Also where no table is brought: the list in force is on disk, and a config that has changed meanwhile is only a proposal.
    const isFirst = table.hostList.hosts.length === 0 && hostList.hosts.length > 0;
    if (isFirst || hostList.version > table.hostList.version) table.hostList = hostList;
  }
  noteUnleased(table, brought);
  waitForAbsent(table, trusted, safe, view);
  for (const { member, state } of told) if (table.isLive(member)) strikeFormerSessions(table, member, state);
  suspectUnknown(table, states, told, rules);
  table.knowledge = !safe || backed.length > 0;
  settle(table, told, trusted, heirs(table, states, told, trusted));
  table.unsettled = true;
  assign(table);
  table.beginView();
  return table;
}

type Told = readonly { readonly member: Member; readonly state: StateMessage }[];

/**
 * Whether what a table says of the absent may be believed in `safe`: it was allowed to cover, and a majority comes here straight from its view. With fewer the
 * rest of that view may have been a majority meanwhile, with others, and have given away what this table knows; a frozen daemon that thaws brings such a one.
 */
function isBacked({ view, covers, knowledge, hostList }: Snapshot, told: Told, rules: Rules): boolean {
  if (!covers || !knowledge) return false;
  if (!rules.backedByMajority) return true;
  const from = told.filter(({ state }) => state.table?.view === view).map(({ state }) => state.identity.host);
  return isMajority(hostList, new Set(from));
}

function carryBasics(table: CoverTable, brought: readonly Snapshot[]): void {
  const inForce = new Set<string>();
  for (const { warm, longest, top, hostList, maintenance, inForce: digests } of brought) {
    table.warm ||= warm;
    table.lengthen(longest);
    table.top = Math.max(table.top, top);
    if (hostList.version > table.hostList.version || table.hostList.hosts.length === 0) table.hostList = hostList;
    if (maintenance.counter > table.maintenance.counter) table.maintenance = maintenance;
    for (const digest of digests) inForce.add(digest);
  }
  table.inForce = inForce;
}

function uniteWaited(table: CoverTable, trusted: readonly Snapshot[]): void {
  // Who was live in one part departs only now, though another part has long waited for it.
  const live = new Set(trusted.flatMap(({ hosts }) => hosts.map(({ member }) => member)));
  for (const { waited, unknown, unleased } of trusted) {
    for (const one of waited) if (!table.rules.freshWaitForTheLive || !live.has(one.name)) table.wait(one, false);
    for (const name of unknown) table.unknown.add(name);
    for (const name of unleased) table.unleased.add(name);
  }
}

/** Every vip that any table has, with the absent names of the trusted ones. Who has told a state speaks for itself. */
function uniteEntries(
  table: CoverTable,
  brought: readonly Snapshot[],
  trusted: readonly Snapshot[],
  told: ReadonlySet<Member>,
): void {
  for (const snapshot of brought) {
    for (const { definition, number, vacated, set } of snapshot.entries) {
      const entry = table.entries.get(definition.id) ?? table.addEntry(definition, false);
      entry.number = Math.max(entry.number, number);
      entry.vacated ||= vacated;
      if (!trusted.includes(snapshot)) continue;
      for (const [name, put] of set) if (!told.has(name)) entry.set.set(name, Math.max(put, entry.set.get(name) ?? 0));
    }
  }
}

function placeHolders(table: CoverTable, states: Parts["states"]): void {
  for (const [member, { holds }] of states) {
    for (const { vip, put, definition } of holds) {
      const entry = table.entries.get(vip) ?? table.addEntry(definition, false);
      entry.set.set(member, put);
    }
  }
}

/** Where maintenance is over by what others tell, each host of a part that was still in it holds without a lease until it says otherwise: as where `off` is delivered. */
function noteUnleased(table: CoverTable, brought: readonly Snapshot[]): void {
  if (table.maintenance.on || !table.rules.unleasedByMerge) return;
  for (const { maintenance, hosts } of brought)
    if (maintenance.on) for (const { member } of hosts) table.unleased.add(member);
}

/** Absent names: gone in `available` unless they are waited for already; in `safe` all are. */
function waitForAbsent(table: CoverTable, trusted: readonly Snapshot[], safe: boolean, view: View): void {
  const identities = new Map(trusted.flatMap(({ hosts }) => hosts.map(({ member, identity }) => [member, identity])));
  // As in a departure: a last burst may have made an absent host the owner of what has none.
  for (const { hosts, entries } of trusted) {
    if (!safe || view.cause !== "network" || !table.rules.ownerlessBurst) break;
    for (const { member } of hosts) {
      if (view.members.includes(member)) continue;
      table.unknown.add(member);
      table.wait({ name: member, why: "departed", identity: identities.get(member) }, true);
      for (const { owner, definition, number, isDoubtful } of entries)
        if (owner === undefined || isDoubtful) table.entries.get(definition.id)!.set.set(member, number);
    }
  }
  const names = new Set(table.unknown);
  for (const { set } of table.entries.values()) for (const name of set.keys()) names.add(name);
  for (const name of names) {
    if (table.hosts.has(name)) continue;
    const identity = identities.get(name);
    const present = view.members.includes(name);
    // Under maintenance also who is thrown out: its leases are lifted, so that no wait tells that it has let go.
    if (table.maintenance.on || table.unleased.has(name)) table.wait({ name, why: "kept", identity }, true);
    else if (present) table.wait({ name, why: "expelled", identity }, true);
    else if (safe) table.wait({ name, why: "departed", identity }, true);
    else if (!table.waited.has(name)) table.strikeEverywhere(name);
  }
}

/** An expelled member that no teller has been in one complete view with and come together with since may hold anything. */
function suspectUnknown(table: CoverTable, states: Parts["states"], told: Told, rules: Rules): void {
  if (!rules.unknownHoldsAll) return;
  for (const member of table.expelled) {
    if (states.has(member) || told.some(({ state }) => state.knows.includes(member))) continue;
    table.suspectAll(member);
    table.wait({ name: member, why: table.maintenance.on ? "kept" : "expelled", identity: undefined }, true);
  }
}

/** From this version of the rules on. */
const OWN_HEIRS = 2;

/**
 * By owner that is gone: the same host's session that is back under maintenance. What was its own stays its own, also where its kernel has lost it: then it puts it on
 * again. Hosts of the version before leave such a vip without an owner, so that is done where there are none of them.
 */
function heirs(
  table: CoverTable,
  states: Parts["states"],
  told: Told,
  trusted: readonly Snapshot[],
): ReadonlyMap<Member, Member> {
  const heirs = new Map<Member, Member>();
  const isAgreed = [...states.values()].every(({ version }) => version >= OWN_HEIRS);
  if (!isAgreed || !table.maintenance.on || !table.rules.ownersPutBack) return heirs;
  const former = trusted.flatMap(({ hosts, waited }) => [
    ...hosts.map(({ member, identity }) => ({ name: member, identity })),
    ...waited,
  ]);
  for (const { member, state } of told) {
    if (!state.adopts || !table.isLive(member)) continue;
    const { host, machine, incarnation } = state.identity;
    for (const { name, identity } of former)
      if (identity?.host === host && identity.machine === machine && identity.incarnation < incarnation)
        heirs.set(name, member);
  }
  return heirs;
}

/** Whoever holds a vip keeps it if it may; of several: may have it, came with the larger part, has held it longer, has the lower name. */
function settle(table: CoverTable, told: Told, trusted: readonly Snapshot[], heirs: ReadonlyMap<Member, Member>): void {
  const highest = ownersBefore(trusted);
  table.redefined = true;
  judge(table);
  for (const entry of table.entries.values()) {
    const able = new Set(candidates(table, entry).map(({ member }) => member));
    const holders = told
      .filter(({ member }) => entry.set.has(member) && table.isLive(member))
      .map(({ member, state }) => ({
        member,
        able: able.has(member),
        part: state.together,
        heldMs: state.holds.find(({ vip }) => vip === entry.definition.id)?.heldMs ?? 0,
        host: state.identity.host,
      }))
      .sort(
        (a, b) =>
          Number(b.able) - Number(a.able) || b.part - a.part || b.heldMs - a.heldMs || compareText(a.host, b.host),
      );
    const before = highest.get(entry.definition.id)?.owner;
    // Held by a host that went away under maintenance: it stays its own, and nobody is put in.
    if (holders.length === 0 && before !== undefined && table.waited.get(before)?.why === "kept") entry.owner = before;
    else table.own(entry, holders[0]?.member ?? ownerAgain(before, able, heirs));
  }
}

function ownerAgain(
  before: Member | undefined,
  able: ReadonlySet<Member>,
  heirs: ReadonlyMap<Member, Member>,
): Member | undefined {
  if (before === undefined) return undefined;
  return able.has(before) ? before : heirs.get(before);
}

function ownersBefore(trusted: readonly Snapshot[]): ReadonlyMap<VipId, EntrySnapshot> {
  const highest = new Map<VipId, EntrySnapshot>();
  for (const { entries } of trusted) {
    for (const entry of entries) {
      const seen = highest.get(entry.definition.id);
      if (seen === undefined || entry.number > seen.number) highest.set(entry.definition.id, entry);
    }
  }
  return highest;
}
