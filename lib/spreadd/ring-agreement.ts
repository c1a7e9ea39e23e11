// What the hosts of a ring agree on once each has told its state: everybody computes the same from the same states, so nothing more need be said.
//
// Of two daemons with one name, or with no version in common, the one that was started later is refused: it hears why and ends; the others go on without
// it.
//
// A message may have been delivered to some in their old view, and not to its sender, where the ring below parted and came together again before all of them
// were told. Then the sender gives it to its own sessions before the new view, nobody gives it to anybody again, and each of them counts as having come by itself.
//
// The time of the ring is later than that of any ring that any of them has been in: so no two rings of a host give the same group ids.
import { Fault } from "../base/fault.ts";
import { compareSeats, isSame, type MemberState, type Seat } from "./ring-message.ts";

/** A host with its state. */
export interface Attendant {
  readonly seat: Seat;
  readonly state: MemberState;
}

export interface Agreement {
  /** Who is in the ring, in the order of its hosts. */
  readonly hosts: readonly Attendant[];
  readonly refused: readonly { readonly seat: Seat; readonly fault: Fault }[];
  /** By host: those with the same number have been delivered the same. */
  readonly sets: readonly number[];
  /** By host: the last batch of it that anybody here was delivered, by the number of what was in it. */
  readonly heard: readonly number[];
  readonly time: number;
}

export function agree(attendants: readonly Attendant[]): Agreement {
  const hosts: Attendant[] = [];
  const refused: { seat: Seat; fault: Fault }[] = [];
  for (const attendant of [...attendants].sort(byAge)) {
    const fault = objection(attendant, hosts);
    if (fault === undefined) hosts.push(attendant);
    else refused.push({ seat: attendant.seat, fault });
  }
  hosts.sort((a, b) => compareSeats(a.seat, b.seat));
  const numbers = new Map<string, number>();
  const heard = hosts.map(({ seat }) => Math.max(...hosts.map(({ state }) => heardOf(state, seat))));
  const sets = hosts.map(({ seat, state }, place) => {
    // who gives its own sessions what others have had already was not delivered the same as anybody
    const key = heard[place]! > heardOf(state, seat) ? `${place}` : state.key.join();
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { hosts, refused, sets, heard, time: timeOf(hosts.map(({ state }) => state)) };
}

function heardOf({ heard }: MemberState, seat: Seat): number {
  return heard.find((each) => isSame(each.seat, seat))?.content ?? 0;
}

/** The time of a ring of these, or the least that it can be of a ring with others too. */
export function timeOf(states: readonly MemberState[]): number {
  return Math.max(0, ...states.map(({ now, lastTime }) => Math.max(now, lastTime + 1)));
}

/** Why a host can't be in a ring with these others, who are older. */
function objection({ state }: Attendant, others: readonly Attendant[]): Fault | undefined {
  const twin = others.find((other) => other.state.name === state.name);
  if (twin !== undefined)
    return new Fault(
      "config",
      "name-taken",
      `cannot serve: node ${twin.seat.node} has a daemon with the name ${state.name} already; give this one another ([spreadd] name)`,
    );
  const stranger = others.find((other) => versionOf(other.state, state) === undefined);
  if (stranger === undefined) return undefined;
  const { name, versionMin, versionMax } = stranger.state;
  return new Fault(
    "config",
    "version",
    `cannot serve: this daemon speaks versions ${state.versionMin} to ${state.versionMax} with other daemons, ${name} on node ` +
      `${stranger.seat.node} speaks ${versionMin} to ${versionMax}; install the same release on both`,
  );
}

/** The newest version that both speak. */
function versionOf(a: MemberState, b: MemberState): number | undefined {
  const version = Math.min(a.versionMax, b.versionMax);
  return version >= Math.max(a.versionMin, b.versionMin) ? version : undefined;
}

function byAge(a: Attendant, b: Attendant): number {
  return a.state.startedMs - b.state.startedMs || compareSeats(a.seat, b.seat);
}
