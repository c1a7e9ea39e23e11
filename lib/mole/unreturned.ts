// Who went away under maintenance may hold without a lease, and for ever. The table names it (`kept`), also when maintenance is over; but where all who have the table lose it (their power, the
// one daemon of all) nobody can, and who begins anew in `safe` waits for the absent by the clock. So each host keeps on disk that there may be such a one, and says so to a table that
// knows nothing of the absent; then that waits for whoever it may be until all hosts are here, or an operator gives it up.
import type { CoverTable } from "./cover-table.ts";
import { ANYBODY } from "./member.ts";

/**
 * Whether somebody may be away without a lease.
 * @param before what was thought so far
 */
export function mayBeUnreturned(table: CoverTable, before: boolean): boolean {
  if (table.maintenance.on || table.unleased.size > 0) return true;
  for (const { why } of table.waited.values()) if (why === "kept") return true;
  return before && !table.isGivenUp && !namesAll(table);
}

/** Whether it names whoever may hold anything. */
export function namesAll(table: CoverTable): boolean {
  return table.covers && table.knowledge && !table.unknown.has(ANYBODY);
}

/** Whether it waits by the clock for whoever may hold anything, whom it can't name. */
export function waitsForAnybody(table: CoverTable): boolean {
  return table.waited.get(ANYBODY)?.why === "departed";
}
