// Nothing waits without a bound: who owes something and is silent for `silence` is expelled (the model, section 4).
//
// Every member watches, at each of its own beats that comes back, so that it counts only while the group service delivers. What is missing is named in the
// `expel`, and whoever reads it can tell whether that had come before it.

import type { CoverTable, Entry } from "./cover-table.ts";
import { isOwed } from "./deliver.ts";
import type { Exchange } from "./exchange.ts";
import type { Member, View } from "./member.ts";
import type { Missing } from "./message.ts";
import type { Pulse } from "./pulse.ts";
import type { Waits } from "./waits.ts";

export interface Suspect {
  readonly member: Member;
  readonly missing: Missing;
}

export class Watch {
  /** Answers that are owed, and since when: "vip number member". */
  private debts = new Map<string, number>();
  /** What was said already: view and reason. */
  private readonly said = new Set<string>();

  /** Whom to expel now, in a complete table. */
  suspects(table: CoverTable, me: Member, pulse: Pulse, waits: Waits, silenceMs: number, nowMs: number): Suspect[] {
    const suspects: Suspect[] = [];
    for (const { member } of table.hosts.values()) {
      if (member === me || table.expelled.has(member)) continue;
      if (pulse.missingMs(pulse.lastHeardMs(member) ?? nowMs, nowMs) >= silenceMs)
        suspects.push({ member, missing: { what: "beat", after: table.beats.lastNumber(member) } });
    }
    for (const [suspect, sinceMs] of this.owing(table, me, waits, nowMs))
      if (pulse.missingMs(sinceMs, nowMs) >= silenceMs) suspects.push(suspect);
    return suspects;
  }

  /** Whom to expel in an exchange: for a missing state only who has had a table may; for missing beats also who has none. */
  suspectsOfExchange(
    exchange: Exchange,
    hadTable: boolean,
    me: Member,
    pulse: Pulse,
    silenceMs: number,
    nowMs: number,
  ): Suspect[] {
    if (hadTable) {
      if (pulse.missingMs(exchange.sinceMs, nowMs) < silenceMs) return [];
      return exchange.missing().flatMap((member) => (member === me ? [] : [{ member, missing: { what: "state" } }]));
    }
    return [...exchange.shown].flatMap((member): Suspect[] => {
      if (member === me || exchange.expelled.has(member) || !exchange.view.members.includes(member)) return [];
      if (pulse.missingMs(pulse.lastHeardMs(member) ?? nowMs, nowMs) < silenceMs) return [];
      return [{ member, missing: { what: "beat", after: exchange.beats.get(member) ?? -1 } }];
    });
  }

  /** Whether this has not been said in this view. */
  isNew(view: View, { member, missing }: Suspect): boolean {
    const key = `${view.id} ${member} ${JSON.stringify(missing)}`;
    if (this.said.has(key)) return false;
    if (this.said.size > 1_000) this.said.clear();
    this.said.add(key);
    return true;
  }

  private *owing(table: CoverTable, me: Member, waits: Waits, nowMs: number): Generator<[Suspect, number]> {
    const debts = new Map<string, number>();
    for (const entry of table.entries.values()) {
      if (entry.set.size === 0) continue;
      for (const name of entry.set.keys()) {
        if (name === me || !table.isLive(name)) continue;
        const what = name !== entry.owner ? "released" : mayTakeBy(table, entry, waits, nowMs) ? "acquired" : undefined;
        if (what === undefined) continue;
        const missing = { what, vip: entry.definition.id, number: entry.number } as const;
        if (!isOwed(table, name, missing)) continue;
        const key = `${missing.vip} ${missing.number} ${name}`;
        const sinceMs = this.debts.get(key) ?? nowMs;
        debts.set(key, sinceMs);
        yield [{ member: name, missing }, sinceMs];
      }
    }
    this.debts = debts;
  }
}

/** Whether, by my clocks, the owner's way is free. */
function mayTakeBy(table: CoverTable, entry: Entry, waits: Waits, nowMs: number): boolean {
  return table.warm && isFreeFor(table, entry, entry.owner!, waits, nowMs);
}

/** Nobody else may hold it or share its addresses, or only names whose waits have run out. */
export function isFreeFor(table: CoverTable, entry: Entry, owner: Member, waits: Waits, nowMs: number): boolean {
  if (!table.rules.mayHoldSet) return true;
  for (const name of entry.set.keys())
    if (name !== owner && !(table.waited.has(name) && waits.hasRunOut(name, nowMs))) return false;
  for (const other of table.sharers(entry))
    for (const name of other.set.keys()) if (!(table.waited.has(name) && waits.hasRunOut(name, nowMs))) return false;
  return true;
}
