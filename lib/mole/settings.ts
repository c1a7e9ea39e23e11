// What `[mole]` and the host's own facts come to: the config of the machine, and of the host side.
import type { Definition } from "./definition.ts";
import { digestOf } from "./digest.ts";
import type { HostConfig } from "./event.ts";
import { defineVip } from "./placement.ts";
import type { MoleTable } from "./table.ts";
import { leastLeaseMs, leastMaturityMs, type Times } from "./times.ts";
import type { VipTable } from "./vip-table.ts";

/** What a host is by itself. */
export interface HostFacts {
  /** Its short host name. */
  readonly hostname: string;
  /** /etc/machine-id, or what stands in its place. */
  readonly machineId: string;
}

export function hostConfigOf(table: MoleTable, facts: HostFacts): HostConfig {
  const host = table.host ?? facts.hostname;
  return {
    host,
    // The id itself is a secret of the host (machine-id(5)). Several moles of one machine, for a test, differ by their names.
    machine: digestOf(`mole ${facts.machineId} ${host}`),
    capacity: table.capacity,
    mode: table.mode,
    times: timesOf(table),
    definitions: table.vip.map((vip) => definitionOf(vip, table.all_failed)),
    hosts: [...table.hosts].sort(),
    tiebreak: table.tiebreak,
  };
}

export function timesOf(table: MoleTable): Times {
  const leaseMs = table.lease ?? leastLeaseMs(table.silence);
  return {
    beatMs: table.beat,
    silenceMs: table.silence,
    leaseMs,
    maturityMs: table.maturity ?? leastMaturityMs(table.silence, leaseMs),
    holdDownMs: table.hold_down,
    calmMs: table.calm,
    clockBoundMs: table.clock_bound,
  };
}

function definitionOf(vip: VipTable, allFailed: "keep" | "drop"): Definition {
  return defineVip({ ...vip, allFailed: vip.all_failed ?? allFailed });
}
