// Who has been silent since before a maintenance began has not heard of it, and has not lifted its leases: they end, and nobody takes over what it held. The table does not know that, for
// it knows no time, and nobody is thrown out under maintenance; so what shows the table asks here. Pure.
import type { Chronicle } from "./chronicle.ts";
import type { CoverTable, Entry } from "./cover-table.ts";

export const WHY_LAPSED =
  "its host has been silent since before the maintenance, so its leases have ended; mole maintenance off lets others take it";

/** For how long nobody has had a vip that is held by the table. @returns `undefined`: its owner may have it, as far as is known here */
export function lapsedForMs(
  table: CoverTable,
  chronicle: Chronicle,
  { owner }: Entry,
  nowMs: number,
): number | undefined {
  const { maintenance } = chronicle;
  // Of a maintenance that it found this mole does not know what the others have heard.
  if (owner === undefined || !table.maintenance.on || maintenance === undefined || maintenance.isFound)
    return undefined;
  const past = chronicle.hosts.get(chronicle.nameOf(owner));
  if (past === undefined || past.seenMs >= maintenance.sinceMs) return undefined;
  const leaseMs = table.hosts.get(owner)?.facts.leaseMs ?? table.longest.leaseMs;
  const forMs = nowMs - past.seenMs - leaseMs;
  return forMs > 0 ? Math.round(forMs) : undefined;
}
