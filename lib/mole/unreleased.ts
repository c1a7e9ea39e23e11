// Whose word is still out: hosts that departed while they may have held something, without a `released` (the model, section 4: after a merge).
//
// In `available` others took over at once, and for a while two answered for one address. When the departed one has let go, clients may still ask *it*, and nobody
// tells them: they stay in the dark until their ARP entry ages out, half a minute and more. So when it is back (it has let go before it joined), or its last
// word comes through after all, or two parts meet, whoever holds the vip by then announces itself once more.
//
// A session that joined after the departure knows nothing of it, and may be the one that holds the vip: to it a machine that it has never seen may be one of those.
import type { CoverTable } from "./cover-table.ts";
import type { VipId } from "./definition.ts";
import type { Member, View } from "./member.ts";

export class Unreleased {
  private readonly byMachine = new Map<string, { readonly member: Member; readonly vips: Set<VipId> }>();
  private readonly over = new Set<VipId>();
  private hasMerged = false;
  /** All that were ever in the table of this session. */
  private known: Set<string> | undefined;

  /**
   * A view comes after this table.
   * @param isExchanging the table is the one of before an exchange that is not over: who departs in it may have taken anything while we were cut off, and has not told
   */
  noteDepartures(table: CoverTable, view: View, isExchanging: boolean): void {
    for (const { member, identity } of table.hosts.values()) {
      if (view.members.includes(member)) continue;
      const vips = this.byMachine.get(identity.machine)?.vips ?? new Set();
      // Cut off, it may have taken anything.
      const mayHaveAny = view.cause === "network" || isExchanging;
      for (const [vip, { set }] of table.entries) if (set.has(member) || mayHaveAny) vips.add(vip);
      if (vips.size > 0) this.byMachine.set(identity.machine, { member, vips });
    }
  }

  /** Perhaps from a session that has departed: its last word came through after all. */
  noteFarewell(from: Member): void {
    for (const [machine, { member, vips }] of this.byMachine) {
      if (member !== from) continue;
      for (const vip of vips) this.over.add(vip);
      this.byMachine.delete(machine);
    }
  }

  /** Two parts have met: in the other one somebody may have held what I hold, and be gone already. */
  noteMerge(): void {
    this.hasMerged = true;
  }

  /** Vips that may have been doubled until now. Each is given once. */
  take(table: CoverTable): ReadonlySet<VipId> {
    const vips = new Set(this.hasMerged || this.hasStranger(table) ? table.entries.keys() : this.over);
    this.hasMerged = false;
    this.over.clear();
    if (this.byMachine.size === 0) return vips;
    for (const { identity } of table.hosts.values()) {
      for (const vip of this.byMachine.get(identity.machine)?.vips ?? []) vips.add(vip);
      this.byMachine.delete(identity.machine);
    }
    return vips;
  }

  private hasStranger(table: CoverTable): boolean {
    const isFirst = this.known === undefined;
    this.known ??= new Set();
    const before = this.known.size;
    for (const { identity } of table.hosts.values()) this.known.add(identity.machine);
    return !isFirst && this.known.size > before;
  }
}
