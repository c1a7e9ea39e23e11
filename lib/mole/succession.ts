// What was taken behind a holder that went out of reach with its part of the network, and not asked for on the wire: a gap costs more than a question. Where the hosts' own network is
// cut and the vips' is whole, that holder serves on. Pure; mode `available` alone, in `safe` who departed is waited for.
import type { CoverTable } from "./cover-table.ts";
import type { VipId } from "./definition.ts";
import type { Member, View } from "./member.ts";

/** For so long another host may be given it, because the first one found the holder alive. */
const DOUBTED_MS = 30_000;

/** Another member that holds a vip, by the table in force. @param inside the session; `undefined` table: nobody can tell just now */
export function otherHolder(
  inside: { readonly member: Member; readonly table: CoverTable | undefined } | undefined,
  vip: VipId,
): Member | undefined {
  const entry = inside?.table?.entries.get(vip);
  if (inside === undefined || entry === undefined || entry.owner === inside.member) return undefined;
  return inside.table!.isHeld(entry) ? entry.owner : undefined;
}

export class Succession {
  /** Since when the holder is out of reach. */
  readonly #doubted = new Map<VipId, number>();

  /**
   * A view comes. @param table what counted before it
   * @returns whether hosts have come: the table is theirs too now, and nothing is doubted that was before
   */
  enter(view: View, table: CoverTable | undefined, nowMs: number): boolean {
    if (table === undefined || view.cause !== "network") return false;
    const hasNew = view.members.some((member) => !table.members.includes(member));
    if (hasNew) this.#doubted.clear();
    for (const { definition, owner, acked, number } of table.entries.values())
      if (owner !== undefined && acked === number && !view.members.includes(owner))
        this.#doubted.set(definition.id, nowMs);
    return hasNew;
  }

  /** Nobody answered on the wire. */
  settle(vip: VipId): void {
    this.#doubted.delete(vip);
  }

  /** Since when its former holder is out of reach, where that one may live. */
  doubtedSinceMs(vip: VipId, nowMs: number): number | undefined {
    const sinceMs = this.#doubted.get(vip);
    return sinceMs === undefined || nowMs - sinceMs >= DOUBTED_MS ? undefined : sinceMs;
  }
}
