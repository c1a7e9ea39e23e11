// Until when a longer `silence` or `lease` than anybody has now is remembered. Whoever was told it waits by it, for a host that is cut off, or frozen as others restart, may hold
// by it still and can't tell. So it is forgotten only when nobody is left of whom that can be true: every host on the list, and every one that was taken off it, is here, has told
// shorter times, and nobody is waited for; and when all that has been so without a break for as long as the longest wait.
//
// Each host does so by its own clock, and need not agree with others: the bounds set its own waits alone. Where an exchange brings them back, it forgets them again.
import { formatDuration } from "../base/duration.ts";
import type { CoverTable } from "./cover-table.ts";
import { type Bounds, departedWaitMs } from "./times.ts";

export class Remembered {
  private sinceMs: number | undefined;

  /** @returns the bounds to go on with, once the longer ones may be forgotten */
  look(table: CoverTable, clockBoundMs: number, nowMs: number): Bounds | undefined {
    const told = toldBounds(table);
    if (!isLonger(table.longest, told) || !isEverybodyHere(table)) {
      this.sinceMs = undefined;
      return undefined;
    }
    this.sinceMs ??= nowMs;
    if (nowMs - this.sinceMs < departedWaitMs(table.longest, clockBoundMs)) return undefined;
    this.sinceMs = undefined;
    return told;
  }

  /** An exchange: what it brings is looked at anew. */
  reset(): void {
    this.sinceMs = undefined;
  }
}

/** Which of the remembered times are longer than any host here has, as in the config: "lease = 5m"; "" if none is. */
export function describeRemembered(table: CoverTable): string {
  const { longest } = table;
  const told = toldBounds(table);
  return [
    ...(longest.silenceMs > told.silenceMs ? [`silence = ${formatDuration(longest.silenceMs)}`] : []),
    ...(longest.leaseMs > told.leaseMs ? [`lease = ${formatDuration(longest.leaseMs)}`] : []),
  ].join(" and ");
}

function toldBounds(table: CoverTable): Bounds {
  const all = [...table.hosts.values()];
  return {
    silenceMs: Math.max(0, ...all.map(({ facts }) => facts.silenceMs)),
    leaseMs: Math.max(0, ...all.map(({ facts }) => facts.leaseMs)),
  };
}

function isLonger(one: Bounds, other: Bounds): boolean {
  return one.silenceMs > other.silenceMs || one.leaseMs > other.leaseMs;
}

function isEverybodyHere(table: CoverTable): boolean {
  if (!table.rules.remembersTheAbsent) return true;
  return table.waited.size === 0 && table.unknown.size === 0 && table.expelled.size === 0 && isComplete(table);
}

/** Every host on the list, and every one that was taken off it, is here and has told what it holds, and under which lease; nobody else is. */
export function isComplete(table: CoverTable): boolean {
  const { hosts, former } = table.hostList;
  if (hosts.length === 0 || table.maintenance.on || table.unleased.size > 0) return false;
  if (!table.members.every((member) => table.hosts.get(member)?.informed)) return false;
  const here = new Set([...table.hosts.values()].map(({ identity }) => identity.host));
  return [...hosts, ...former].every((host) => here.has(host));
}
