// Members are hosts: what the first state of a session means for other sessions of the same host (the model, section 4).
import type { CoverTable, HostRecord } from "./cover-table.ts";
import type { Member } from "./member.ts";
import type { Identity, StateMessage } from "./message.ts";

/**
 * Counts the sender of a valid state as a host, or renews what is known of it.
 *
 * Of two machines with one name the later is not let in: that is an operator's mistake, and the one that works shall not suffer for it. Of two sessions of one
 * machine the newer voids the older, where that is heard no more: else they are two moles that pass for one machine (a copied image has its machine id), and
 * would throw each other out for ever. Who restarted in so short a time that its former session was heard just now comes back a moment later.
 * @param informed an exchange has ended: nobody was here first
 */
export function admit(table: CoverTable, member: Member, state: StateMessage, informed: boolean): void {
  table.lengthen(state.facts);
  table.speaks.set(member, state.version);
  if (table.expelled.has(member)) return;
  const known = table.hosts.get(member);
  if (known !== undefined) {
    renew(table, known, state);
    return;
  }
  for (const other of table.hosts.values()) {
    if (other.identity.host !== state.identity.host) continue;
    const sameMachine = other.identity.machine === state.identity.machine;
    const later = state.identity.incarnation > other.identity.incarnation;
    const isRestart = sameMachine && later && table.beats.isQuiet(other.member);
    const loser = isRestart || (informed && !later) ? other.member : member;
    expelMember(table, loser, loser === member ? state.identity : other.identity);
    if (loser === member) return;
  }
  strikeFormerSessions(table, member, state);
  table.hosts.set(member, {
    member,
    identity: state.identity,
    facts: state.facts,
    informed,
    mature: state.mature,
    drained: state.drained,
    refusing: new Set(state.refusing),
  });
  // Whoever took it for departed waited for it by the clock; now it speaks for itself.
  table.waited.delete(member);
  table.unknown.delete(member);
  if (state.maintenance.on && state.holds.length > 0) table.unleased.add(member);
  if (state.adopts) adopt(table, member, state);
  table.maintain(state.maintenance);
  if (state.hostList.version > table.hostList.version) table.hostList = state.hostList;
  table.unsettled = true;
  table.redefined = true;
}

/** Throws a member out of the table; what it may hold is waited for. */
export function expelMember(table: CoverTable, member: Member, identity: Identity | undefined): void {
  table.expelled.add(member);
  table.hosts.delete(member);
  const stands = table.unknown.has(member) || [...table.entries.values()].some(({ set }) => set.has(member));
  if (stands) table.wait({ name: member, why: table.unleased.has(member) ? "kept" : "expelled", identity }, true);
  table.unsettled = true;
  table.redefined = true;
}

function renew(table: CoverTable, known: HostRecord, state: StateMessage): void {
  if (state.facts.serial > known.facts.serial) known.facts = state.facts;
  known.mature ||= state.mature;
  known.drained = state.drained;
  table.unsettled = true;
  table.redefined = true;
}

/** A machine that is back has cleaned its addresses before it joined: the names of its former sessions leave every set, except under maintenance. */
export function strikeFormerSessions(table: CoverTable, member: Member, { identity, adopts }: StateMessage): void {
  for (const { name, identity: former } of [...table.waited.values()]) {
    if (former === undefined || former.machine !== identity.machine || former.host !== identity.host) continue;
    if (former.incarnation >= identity.incarnation) continue;
    // Under maintenance it has kept its addresses: what was its former session's is its own.
    if (adopts) {
      for (const entry of table.entries.values()) if (entry.owner === name) table.own(entry, member);
    }
    table.strikeEverywhere(name);
  }
}

/** Under maintenance a newcomer brings what it holds. */
function adopt(table: CoverTable, member: Member, { holds }: StateMessage): void {
  for (const { vip, definition } of holds) {
    const entry = table.entries.get(vip) ?? table.addEntry(definition, false);
    if (entry.owner === undefined || entry.owner === member) table.own(entry, member);
    else entry.set.set(member, entry.number);
  }
}
