// When the parts of a network that has healed first knew of each other: the first view that has both, in whichever mole it came first, by the moles' flight recorders. What two
// hosts hold before that is the group service's time, what they hold after it is mole's.
import * as v from "valibot";
import { bootMs, systemClock } from "../../lib/run/clock.ts";
import type { Host } from "../cluster/host.ts";

const dump = v.object({ recorded: v.array(v.object({ atMs: v.number(), what: v.string() })) });
const NETWORK_VIEW = /^< view \S+ by network: (.*); together: (.*)$/;

/** One line of a flight recorder. */
interface Line {
  readonly atMs: number;
  readonly what: string;
}

/** Of the lines of all hosts, when the first view came that brings members who did not come together. */
export function firstMerged(lines: readonly Line[], sinceMs: number): number | undefined {
  const merged = lines.filter(({ atMs, what }) => {
    const [, members = "", together = ""] = NETWORK_VIEW.exec(what) ?? [];
    return atMs >= sinceMs && members.split(" ").length > together.split(" ").length;
  });
  return merged.length === 0 ? undefined : Math.min(...merged.map(({ atMs }) => atMs));
}

/**
 * @param sinceMs CLOCK_MONOTONIC, as is what it gives
 * @returns `undefined`: no mole has had such a view since
 */
export async function firstMergedViewMs(hosts: readonly Host[], sinceMs: number): Promise<number | undefined> {
  const sleptMs = bootMs() - systemClock.monotonicMs(); // the recorder's clock went on while the machine slept
  const dumps = await Promise.all(hosts.map((host) => host.spreadbox(["mole", "dump"])));
  const lines = dumps.flatMap(({ stdout, status }) => (status === 0 ? v.parse(dump, JSON.parse(stdout)).recorded : []));
  const atMs = firstMerged(lines, sinceMs + sleptMs);
  return atMs === undefined ? undefined : atMs - sleptMs;
}
