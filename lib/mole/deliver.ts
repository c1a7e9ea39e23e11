// What a delivered message does to a complete table. Everywhere the same, in the same order; who has no table yet keeps the messages and runs them later.

import { admit, expelMember } from "./admit.ts";
import { assign, candidates, mayTake } from "./assign.ts";
import type { CoverTable } from "./cover-table.ts";
import type { HostName, Member } from "./member.ts";
import type { Answer, Facts, Message, Missing } from "./message.ts";
import { unnamed } from "./unreturned.ts";

/** Applies one message; gives owners anew where that is called for. */
export function deliver(table: CoverTable, from: Member, message: Message): void {
  switch (message.kind) {
    case "beat":
      table.beats.note(from, message.number);
      if (message.table && table.members.includes(from)) table.shown.add(from);
      return; // the one message that changes no owner, and the one that comes all the time
    case "state":
      if (message.view === table.view && table.members.includes(from)) admit(table, from, message, false);
      break;
    case "table":
      if (message.view === table.view && !message.begun) inform(table, from);
      break;
    case "facts":
      takeFacts(table, from, message.facts);
      break;
    case "answer":
      takeAnswer(table, from, message);
      break;
    case "farewell":
      bidFarewell(table, from);
      break;
    case "mature":
      ripen(table, from);
      break;
    case "leased":
      table.unleased.delete(from);
      return;
    case "drain":
      drain(table, message.host, message.on, message.force);
      break;
    case "move":
      move(table, from, message);
      break;
    case "balance":
      for (const entry of table.entries.values()) entry.pinned = false;
      break;
    case "expel":
      if (isExpelValid(table, from, message)) expelMember(table, message.member, identityOf(table, message.member));
      break;
    case "maintenance":
      maintain(table, message);
      break;
    case "forget":
      forget(table, message.host);
      break;
    case "listed":
      takeListed(table, from, message.version);
      break;
    case "maintained":
      if (table.members.includes(from)) table.maintained.set(from, message.counter);
      return;
    case "unreturned":
      if (table.members.includes(from))
        for (const name of unnamed(table)) table.wait({ name, why: "kept", identity: undefined }, true);
      return;
    default:
      message satisfies never;
  }
  assign(table);
}

/** Whether an answer that somebody is expelled for is still owed. Also who sends `expel` asks this. */
export function isOwed(table: CoverTable, member: Member, missing: Extract<Missing, { vip: string }>): boolean {
  const entry = table.entries.get(missing.vip);
  if (entry === undefined || entry.number !== missing.number) return false;
  if (missing.what === "released") return entry.owner !== member && entry.set.has(member);
  if (entry.owner !== member || entry.acked === entry.number || entry.excused === entry.number) return false;
  return !table.hosts.get(member)?.refusing.has(missing.vip);
}

function isExpelValid(table: CoverTable, from: Member, message: Extract<Message, { kind: "expel" }>): boolean {
  const { member, missing, view } = message;
  if (table.rules.decisionsOfTheView && view !== table.view) return false;
  if (table.maintenance.on || table.expelled.has(from) || table.expelled.has(member)) return false;
  if (!table.members.includes(member)) return false;
  if (!table.rules.voidExpel) return true;
  switch (missing.what) {
    case "beat":
      return table.beats.lastNumber(member) === missing.after;
    case "state":
      return false; // the table is complete: nobody owes one
    default:
      return isOwed(table, member, missing);
  }
}

/** Everybody who has told a state has now been told the table. */
function inform(table: CoverTable, from: Member): void {
  if (!table.isLive(from)) return;
  const mayTell = !table.isAnybodyInformed() && table.rules.untoldMayTell; // it has the table, or it could not tell it
  if (!table.hosts.get(from)!.informed && !mayTell) return;
  for (const host of table.hosts.values()) host.informed = true;
  table.unsettled = true;
}

function takeFacts(table: CoverTable, from: Member, facts: Facts): void {
  const host = table.hosts.get(from);
  if (host === undefined || facts.serial <= host.facts.serial) return;
  host.facts = facts;
  table.lengthen(facts);
  table.unsettled = true;
  table.redefined = true;
}

function takeAnswer(table: CoverTable, from: Member, { released, acquired, refused, excused, willing }: Answer): void {
  for (const [vip, number] of released) {
    const entry = table.entries.get(vip);
    const put = entry?.set.get(from);
    if (entry === undefined || put === undefined || (table.rules.numbers && put > number)) continue;
    table.strike(entry, from);
  }
  for (const [vip, number, cleared] of acquired) {
    const entry = table.entries.get(vip);
    if (entry?.owner !== from || entry.number !== number) continue;
    entry.acked = number;
    entry.vacated = false;
    for (const name of cleared) if (table.waited.has(name) && entry.set.get(name)! <= number) table.strike(entry, name);
  }
  for (const [vip, number] of refused) {
    const entry = table.entries.get(vip);
    if (entry?.owner !== from || entry.number !== number) continue;
    table.hosts.get(from)?.refusing.add(vip);
    entry.vacated = false; // something keeps it from the vip: perhaps that the address is there already
    table.unsettled = true;
  }
  for (const [vip, number] of excused) {
    const entry = table.entries.get(vip);
    if (entry?.owner === from && entry.number === number) entry.excused = number;
  }
  for (const vip of willing) if (table.hosts.get(from)?.refusing.delete(vip)) table.unsettled = true;
}

/** It holds nothing, for good: what it owned goes on at once, before any view says that it has gone. */
function bidFarewell(table: CoverTable, from: Member): void {
  if (!table.members.includes(from)) return;
  table.expelled.add(from);
  table.hosts.delete(from);
  table.strikeEverywhere(from);
  table.unsettled = true;
  table.redefined = true;
}

/** The first maturity timer of a cold start ends it for all who are present. */
function ripen(table: CoverTable, from: Member): void {
  if (!table.isLive(from)) return;
  table.warm = true;
  for (const host of table.hosts.values()) host.mature = true;
  table.unsettled = true;
}

/** Judged where it is delivered, so that two operators can't drain the last two hosts at once. */
function drain(table: CoverTable, name: HostName, on: boolean, force: boolean): void {
  const host = table.hostNamed(name);
  if (host === undefined || (on && !force && wouldUncover(table, host.member))) return;
  host.drained = on;
  table.unsettled = true;
}

/** Whether some vip has no other host that could own it. */
export function wouldUncover(table: CoverTable, member: Member): boolean {
  for (const entry of table.entries.values()) {
    const able = candidates(table, entry);
    if (able.length === 1 && able[0]!.member === member) return true;
  }
  return false;
}

function move(table: CoverTable, from: Member, message: Extract<Message, { kind: "move" }>): void {
  const entry = table.entries.get(message.vip);
  if (entry === undefined || entry.number !== message.number || !table.isLive(from)) return;
  if (table.rules.decisionsOfTheView && message.view !== table.view) return;
  if (table.maintenance.on || !table.warm || entry.owner === message.to || !mayTake(table, entry, message.to)) return;
  table.own(entry, message.to);
  entry.pinned = message.pinned;
}

function maintain(table: CoverTable, { state, force }: Extract<Message, { kind: "maintenance" }>): void {
  table.maintain(state);
  if (!table.maintenance.on && force) {
    for (const { name } of [...table.waited.values()]) giveUp(table, name);
    table.isGivenUp = true;
  }
  table.unsettled = true;
}

function forget(table: CoverTable, host: HostName): void {
  const { version, hosts, tiebreak, former } = table.hostList;
  const others = (names: readonly HostName[]) => names.filter((name) => name !== host);
  if (hosts.includes(host) || former.includes(host))
    table.hostList = { version: version + 1, hosts: others(hosts), tiebreak, former: others(former) };
  for (const { name, identity } of [...table.waited.values()]) if (identity?.host === host) giveUp(table, name);
  table.unsettled = true;
}

/** An operator says that a host which departed under maintenance does not hold what it held. In `safe` it is waited for as any that departed. */
function giveUp(table: CoverTable, name: Member): void {
  const waited = table.waited.get(name);
  if (waited?.why !== "kept") return;
  table.waited.delete(name);
  table.unleased.delete(name);
  if (table.isSafe()) table.wait({ ...waited, why: "departed" }, true);
  else table.strikeEverywhere(name);
}

function takeListed(table: CoverTable, from: Member, version: number): void {
  if (!table.members.includes(from)) return;
  table.listed.set(from, Math.max(version, table.listed.get(from) ?? 0));
  table.redefined = true;
}

function identityOf(table: CoverTable, member: Member) {
  return table.hosts.get(member)?.identity;
}
