// When leases may be lifted for maintenance. A host without leases goes on holding, whatever becomes of it, so the others must know that there is maintenance: else they wait until its
// lease must have ended, and take over. In `safe` nobody takes over without more than half of the hosts; so leases stay on until so many have said that they know, and have it on disk:
// no majority to come is without one that tells the others. In `available` each part of a network covers all anyway.
import { isMajority } from "./assign.ts";
import type { CoverTable } from "./cover-table.ts";
import type { HostName } from "./member.ts";

/** From this version of the rules on a mole says that it knows of a maintenance; of one before nobody can tell, and it lifts its own leases at once. */
const SAYS_SO = 3;

/** Whether leases may be lifted for the maintenance that the table has. */
export function mayLift(table: CoverTable): boolean {
  if (!table.maintenance.on) return false;
  if (!table.isSafe() || !table.rules.liftsWhenKnown) return true;
  return isMajority(table.hostList, new Set(whoKnows(table)));
}

/** Hosts here that know of the maintenance that the table has. */
function* whoKnows(table: CoverTable): Generator<HostName> {
  const { counter } = table.maintenance;
  for (const { member, identity } of table.hosts.values()) {
    const isOlder = (table.speaks.get(member) ?? SAYS_SO) < SAYS_SO;
    if (isOlder || table.maintained.get(member) === counter) yield identity.host;
  }
}

/** For the operator, where leases are not lifted: who is waited for. */
export function leasesStayOn(table: CoverTable): string {
  const known = new Set(whoKnows(table));
  const silent = table.hostList.hosts.filter((host) => !known.has(host));
  return `leases stay on, and end with the group, until more than half of the hosts have said that they know of the maintenance: nothing yet from ${silent.join(", ")}`;
}
