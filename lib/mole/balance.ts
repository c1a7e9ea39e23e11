// Gradual balance: one `move` at a time, decided by one member, when everything has been calm for a while (the model, section 4).
import { type Burden, balanceMove, type Place } from "./allocate.ts";
import { candidates } from "./assign.ts";
import type { CoverTable, Entry, HostRecord } from "./cover-table.ts";
import type { Member } from "./member.ts";

/**
 * The next move, `undefined` if there is none or something is still under way. Only members that are ready are given what a live holder has.
 * @param isReady for who wants to know what comes when they are
 */
export function nextMove(
  table: CoverTable,
  isReady = (host: HostRecord): boolean => host.facts.ready,
): { readonly entry: Entry; readonly to: Member } | undefined {
  const entries = [...table.entries.values()].filter((entry) => table.isInForce(entry));
  for (const { owner, acked, number, set } of entries)
    if (owner !== undefined && (acked !== number || set.size !== 1)) return undefined;
  const hosts = [...table.hosts.values()].filter(({ member }) => table.isLive(member));
  const places: Place[] = hosts.map(({ identity, facts }) => ({ host: identity.host, capacity: facts.capacity }));
  const burdens = entries.map(
    ({ definition: { id, weight, prefer }, owner }): Burden => ({
      id,
      weight,
      prefer,
      owner: hosts.findIndex(({ member }) => member === owner),
    }),
  );
  // Where health has failed on all hosts they are all candidates, so that the holder keeps it: to move it among them would only break what still works.
  const isWell = (entry: Entry) => (host: HostRecord) => host.facts.unfit[entry.definition.name] !== "health";
  const able = entries.map((entry) => new Set(entry.pinned ? [] : candidates(table, entry).filter(isWell(entry))));
  const move = balanceMove(burdens, places, (vip, place) => {
    const host = hosts[place]!;
    return (
      isReady(host) && able[vip]!.has(host) && !host.refusing.has(burdens[vip]!.id) && !table.beats.isQuiet(host.member)
    );
  });
  return move && { entry: entries[move.vip]!, to: hosts[move.place]!.member };
}
