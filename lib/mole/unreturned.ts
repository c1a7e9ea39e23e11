// Who went away under maintenance may hold without a lease, and for ever. The table names it (`kept`), also when maintenance is over; but where all who have the table lose it (their
// power, the one daemon of all) nobody can, and who begins anew waits by the clock: in `safe` for the absent, in both modes for a session that is there and hangs. So each host keeps on
// disk that there may be such a one, and says so to a table that can't name it; then that waits until all hosts are here, or an operator gives it up.
import type { CoverTable } from "./cover-table.ts";
import { ANYBODY, type Member } from "./member.ts";

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
  return table.covers && table.knowledge && !table.unknown.has(ANYBODY) && unnamed(table).length === 0;
}

/** For whom it waits by the clock who may hold anything, and whose host it can't name: who is absent, or has been thrown out without a word. */
export function unnamed(table: CoverTable): readonly Member[] {
  return [...table.waited.values()]
    .filter(({ name, why, identity }) => why !== "kept" && identity === undefined && table.unknown.has(name))
    .map(({ name }) => name);
}
