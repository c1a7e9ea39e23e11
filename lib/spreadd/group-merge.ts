// What becomes of the groups when hosts come together: everybody computes the same from the same snapshots.
//
// A group stays as it is where nobody in it was lost and nobody came: its members are on hosts that came together, and are as many as they were. Then its
// id stays too, and nobody is told anything, unless its members were told of a loss that was none after all. Of every other group there is a new view, with an id of the new ring.

import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import type { GroupId } from "../spread/membership.ts";
import { readName } from "../spread/name-field.ts";
import type { HostSnapshot } from "./group-snapshot.ts";

/** A group in the new ring. */
export interface MergedGroup {
  readonly field: Uint8Array;
  /** Its hosts, by their places, with the places of its members among their sessions: in the order of a view. */
  readonly parts: readonly { readonly host: number; readonly members: readonly number[] }[];
  /** The id that stays; `undefined` where there is a new view. */
  readonly id: GroupId | undefined;
}

/** @param sets by host: those with the same number came together. @returns the groups in the order of their names */
export function mergeGroups(snapshots: readonly HostSnapshot[], sets: readonly number[]): MergedGroup[] {
  const found = new Map<string, { host: number; place: number }[]>();
  for (const [host, { groups }] of snapshots.entries())
    for (const [place, { field }] of groups.entries()) {
      const name = readName(field, 0);
      const at = found.get(name);
      if (at === undefined) found.set(name, [{ host, place }]);
      else at.push({ host, place });
    }
  const names = [...found.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => {
    const tellers = found.get(name)!.map(({ host, place }) => ({ host, told: snapshots[host]!.groups[place]! }));
    const [first] = tellers;
    const count = tellers.reduce((sum, { told }) => sum + told.members.length, 0);
    const cameTogether = tellers.every(({ host, told }) => sets[host] === sets[first!.host] && !told.isTransitional);
    return {
      field: first!.told.field.slice(0, NAME_FIELD_BYTES),
      parts: tellers.map(({ host, told }) => ({ host, members: told.members })),
      id: cameTogether && count === first!.told.memberCount ? first!.told.id : undefined,
    };
  });
}
