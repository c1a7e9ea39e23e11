// The engine that spans hosts under random faults. `SIM_FROM=4711 SIM_SEEDS=1` runs one seed and tells its story; more seeds run longer.
import { expect, test } from "bun:test";
import { fuzzFactor } from "../support/fuzz.ts";
import { DEFAULT_SETTINGS } from "./recording-rim.ts";
import { direct, RingCluster } from "./ring-cluster.ts";
import { faultsOf } from "./ring-history.ts";

const from = Number(process.env["SIM_FROM"] ?? "1");
const seeds = Number(process.env["SIM_SEEDS"] ?? String(40 * fuzzFactor));
const CHUNK = 5;
const HOLDS = { ...DEFAULT_SETTINGS.outside, holds: true };

function runSeed(seed: number): RingCluster {
  const cluster = new RingCluster(seed, 2 + (seed % 4), seed % 3 === 0 ? { outside: HOLDS } : {});
  cluster.run(600);
  cluster.work(6_000, 4);
  direct(cluster, 4_000);
  cluster.run(12_000);
  return cluster;
}

for (let first = from; first < from + seeds; first += CHUNK) {
  const last = Math.min(first + CHUNK, from + seeds) - 1;
  test(`whatever breaks, sessions hear what they are promised (seeds ${first} to ${last})`, () => {
    for (let seed = first; seed <= last; seed++) {
      const cluster = runSeed(seed);
      const faults = [...faultsOf(cluster.histories, true), ...restlessness(cluster)];
      if (faults.length > 0)
        throw new Error(`seed ${seed}: ${faults.slice(0, 8).join("\n")}\n${cluster.story.slice(-120).join("\n")}`);
    }
  }, 60_000);
}

/** What is not as it has to be when all has healed. */
function restlessness(cluster: RingCluster): string[] {
  const faults: string[] = [];
  const groups = new Map<string, string>();
  for (const host of cluster.hosts) {
    const ring = host.daemon.currentRing;
    if (host.isDead) faults.push(`${host.name} is dead: ${host.failure?.message}`);
    else if (ring?.hosts.length !== cluster.size) faults.push(`${host.name} has a ring of ${ring?.hosts.length}`);
  }
  for (const { history } of cluster.sessions) {
    if (history.isOver) continue;
    const last = new Map<string, string>();
    for (const event of history.heard) {
      if (event.is === "view") last.set(event.view.group, `${JSON.stringify(event.view.id)} ${event.view.members}`);
      if (event.is === "left") last.delete(event.group);
      if (event.is === "transition") last.set(event.group, "a loss, and nobody says who is left");
    }
    for (const [group, view] of last) {
      if ((groups.get(group) ?? view) !== view)
        faults.push(`${history.name} ends with ${view}, others with ${groups.get(group)}`);
      groups.set(group, view);
    }
  }
  return faults;
}

test("a simulation is no simulation if nothing happens in it", () => {
  const cluster = runSeed(5);
  const views = cluster.histories.flatMap(({ heard }) =>
    heard.filter((event) => event.is === "view" && event.view.cause === "network"),
  );
  expect(views.length).toBeGreaterThan(50);
  expect(cluster.histories.reduce((count, { heard }) => count + heard.length, 0)).toBeGreaterThan(5_000);
});
