// What a daemon says of itself to an operator: its ring, its sessions, who is in which group. As of one moment, and bounded, whatever clients do.
import type { DaemonCounters } from "./daemon-counters.ts";
import type { Ring } from "./engine.ts";
import type { Group } from "./group.ts";

/** Groups that are told by name; of more only the number. */
const GROUPS_TOLD = 300;
/** Members of a group that are told by name. */
const MEMBERS_TOLD = 20;

export interface RingCensus {
  /** The daemons, by their names. */
  readonly hosts: readonly string[];
  /** corosync's numbers of the nodes that these run on, in the same order; empty without corosync. */
  readonly nodes: readonly number[];
  /** This daemon's name. */
  readonly own: string;
  /** Unix seconds. */
  readonly time: number;
  /** The other hosts cannot be reached: it waits to be let in again. */
  readonly isOutside: boolean;
}

export interface GroupCensus {
  readonly name: string;
  readonly memberCount: number;
  /** The first of them, in the group's order. */
  readonly members: readonly string[];
  /** How many of which daemon. */
  readonly byDaemon: Readonly<Record<string, number>>;
}

export interface Census {
  readonly ring: RingCensus | undefined;
  readonly isServing: boolean;
  /** Of this host. */
  readonly sessionCount: number;
  readonly groupCount: number;
  /** By name, the first of them. */
  readonly groups: readonly GroupCensus[];
  readonly counters: DaemonCounters;
}

/** A daemon, as far as it is counted here. */
export interface Counted {
  readonly currentRing: Ring | undefined;
  readonly isServing: boolean;
  readonly sessionCount: number;
  readonly groupCount: number;
  readonly groups: Iterable<Group>;
  readonly counters: DaemonCounters;
}

export function censusOf(daemon: Counted): Census {
  const { isServing, sessionCount, groupCount, counters } = daemon;
  const named = [...daemon.groups].map((group) => ({ name: textOf(group.field), group }));
  named.sort((a, b) => (a.name < b.name ? -1 : 1));
  const groups = named.slice(0, GROUPS_TOLD).map(({ name, group }) => groupCensus(name, group));
  return {
    ring: ringCensus(daemon.currentRing),
    isServing,
    sessionCount,
    groupCount,
    groups,
    counters: { ...counters },
  };
}

export function ringCensus(ring: Ring | undefined): RingCensus | undefined {
  if (ring === undefined) return undefined;
  const hosts = ring.hosts.map(({ name }) => String(name));
  const nodes = ring.hosts.flatMap(({ node }) => node ?? []);
  return { hosts, nodes, own: hosts[ring.own]!, time: ring.time, isOutside: ring.isOutside === true };
}

function groupCensus(name: string, { members }: Group): GroupCensus {
  const byDaemon: Record<string, number> = {};
  for (const member of members) {
    const daemon = member.name.slice(member.name.lastIndexOf("#") + 1);
    byDaemon[daemon] = (byDaemon[daemon] ?? 0) + 1;
  }
  return {
    name,
    memberCount: members.length,
    members: members.slice(0, MEMBERS_TOLD).map((one) => one.name),
    byDaemon,
  };
}

/** A group's name as clients gave it: bytes up to the first NUL, one character each. */
function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return String.fromCharCode(...field.subarray(0, end < 0 ? field.length : end));
}
