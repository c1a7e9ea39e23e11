// Named stories of the model: each a history that breaks a simpler rule. Every one is run over a handful of seeds (delays, clocks and orders differ), safety is
// checked at each step, and at the end everything must be at rest. Where a story names the rule it is for, the same story without the rule must go wrong.
import { expect, test } from "bun:test";
import type { Rules } from "../../lib/mole/rules.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import type { Fault, FaultKind, History, Left } from "./fault.ts";
import { playHistory, runHistory, tellStory } from "./history.ts";

export const A = 0;
export const B = 1;
export const C = 2;
export const D = 3;
export const SEEDS = Array.from({ length: 8 }, (_, at) => at + 1);

export interface Story {
  readonly name: string;
  readonly hosts: number;
  readonly vips?: number;
  readonly mode?: "available" | "safe";
  readonly cluster?: Partial<ClusterOptions>;
  readonly faults: readonly Fault[];
  readonly left?: Left;
  /** What else must be so at the end. */
  readonly ends?: (cluster: Cluster) => void;
  /** The rule without which it goes wrong, in at least one of `seeds` (8 if not said). */
  readonly without?: keyof Rules;
  /** Where no rule is named: over how many it is run, as it takes some luck. */
  readonly seeds?: number;
}

/** `at` ms after the faults begin, for so long. */
export function at(atMs: number, kind: FaultKind, host: number, forMs = 0, other = 0): Fault {
  return { atMs, kind, host, forMs, with: other };
}

/** Each story is a test; with its rule broken, another. */
export function playStories(stories: readonly Story[]): void {
  for (const story of stories) playStory(story);
}

function playStory(story: Story): void {
  test(story.name, () => {
    const seeds = story.without === undefined ? seedsOf(story) : SEEDS;
    for (const seed of seeds) {
      const history = historyOf(story, seed);
      const violation = runHistory(history);
      if (violation !== undefined) throw new Error(tellStory(history), { cause: violation });
      if (story.ends !== undefined) story.ends(playHistory(history));
    }
  });
  const { without } = story;
  if (without !== undefined) {
    test(`without the rule "${without}" that goes wrong`, () => {
      expect(
        seedsOf(story).some((seed) => runHistory(historyOf(story, seed, { [without]: false })) !== undefined),
      ).toBe(true);
    });
  }
}

function seedsOf({ seeds = SEEDS.length }: Story): number[] {
  return Array.from({ length: seeds }, (_, nth) => nth + 1);
}

function historyOf({ hosts, vips, mode, cluster, faults, left }: Story, seed: number, rules?: Partial<Rules>): History {
  const times = mode === "safe" ? { silenceMs: 700 } : {};
  const options: ClusterOptions = { seed, hosts, vips: vips ?? 4, mode: mode ?? "available", times, ...cluster };
  return { seed, cluster: { ...options, ...(rules && { rules }) }, faults, left: left ?? "nothing" };
}

/** Each vip was put on once, and nobody was thrown out or left. */
export function expectCalm(cluster: Cluster, vips: number): void {
  expect(cluster.puts.length).toBe(vips);
  expect(cluster.sent["expel"] ?? 0).toBe(0);
  expect(namesOutside(cluster.reports)).toEqual([]);
}

/** Hosts that said that they are outside of the group. */
export function namesOutside(reports: Cluster["reports"]): string[] {
  return reports.filter(({ report }) => report.about === "outside").map(({ host }) => host);
}

/** At rest for a second. */
export function threeHosts(seed: number, rules: Partial<Rules> = {}): Cluster {
  const cluster = new Cluster({ seed, hosts: 3, vips: 5, mode: "available", rules });
  cluster.startAll();
  cluster.settle(8_000);
  cluster.run(1_000);
  return cluster;
}
