// A view without newcomers to wait for: who came together with a complete table computes the next one at once, without a word (the model, section 4).
// A mute member can't block this, for nobody is asked.
import { assign } from "./assign.ts";
import type { CoverTable } from "./cover-table.ts";
import type { Member, View } from "./member.ts";

/**
 * Carries a complete table into the next view. Members that joined alone are not in `table.hosts` yet: they hold nothing, and tell their state.
 *
 * In `available` the names of the departed leave the sets here. In `safe` they are waited for, disconnected ones too: a disconnect is no death.
 */
export function carryOver(table: CoverTable, view: View): void {
  const gone = table.members.filter((member) => !view.members.includes(member));
  const network = view.cause === "network";
  for (const member of gone) depart(table, member, network);
  table.view = view.id;
  table.members = view.members;
  table.beats.enter(view.members);
  table.shown.clear();
  table.listed.clear();
  table.maintained.clear();
  assign(table);
  table.beginView();
}

function depart(table: CoverTable, member: Member, network: boolean): void {
  const safe = table.isSafe();
  const host = table.hosts.get(member);
  const identity = host?.identity;
  const expelled = table.expelled.delete(member);
  table.hosts.delete(member);
  table.unknown.delete(member);
  table.speaks.delete(member);
  // The departed daemon may have delivered, in a last burst, what made its host the owner of a vip that has none, or that is not even defined here now.
  const burst = safe && network && host !== undefined && table.rules.ownerlessBurst;
  if (burst) table.unknown.add(member);
  // Without leases it goes on holding, whatever becomes of it.
  const keeps = table.maintenance.on || table.unleased.has(member);
  let stands = burst;
  for (const entry of table.entries.values()) {
    if (burst && (entry.owner === undefined || entry.isDoubtful))
      entry.set.set(member, Math.max(entry.number, entry.set.get(member) ?? 0));
    if (entry.owner === member && !(keeps && entry.set.has(member))) {
      entry.owner = undefined;
      entry.vacated = table.hasHeld(entry, member);
    }
    if (!entry.set.has(member)) continue;
    if (keeps || safe || expelled) stands = true;
    else table.strike(entry, member);
  }
  if (stands && keeps) table.wait({ name: member, why: "kept", identity }, true);
  else if (stands && safe)
    table.wait({ name: member, why: "departed", identity: identity ?? table.waited.get(member)?.identity }, true);
  table.unsettled = true;
  table.redefined = true;
}
