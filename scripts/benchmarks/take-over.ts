// How soon addresses are taken over on a ring: a host that is gone, a mole that is killed, a network that parts and heals; and whether mode `safe` ever has an address on
// two hosts. Each is done several times, the waits before left to chance; the client asks 200 times a second, what hosts hold is read from their kernels.
import { formatDuration } from "../../lib/base/duration.ts";
import { detectionMs, moleTimes, type Profile, timesOf } from "../../lib/cluster/profile.ts";
import { systemClock } from "../../lib/run/clock.ts";
import type { RingTimes } from "../../test/cluster/corosync.ts";
import { KEEPALIVED, keepalived } from "../../test/failover/keepalived.ts";
import { moleOnRing } from "../../test/failover/moles.ts";
import { Rig, type System } from "../../test/failover/rig.ts";
import { type HeldTwice, heldTwice, safeStories } from "../../test/failover/ring-stories.ts";
import { runScenario, SCENARIOS } from "../../test/failover/scenarios.ts";
import type { Fate } from "../../test/failover/timeline.ts";

const WAIT_MOST_MS = 2_000;
const SETTLE_MS = 60_000;
const WATCH_MS = 8_000;
/** Once two parts know of each other, for so long both may go on holding an address. */
const MERGED_MS = 50;
/** A client that does not believe the first announcement believes the second, 1.1 s after it. */
const DARK_MS = 1_000;
const HOSTS = 3;
const VIPS = 6;

/** Rows of take-overs for the profiles, and keepalived beside them. */
export async function takeOvers(repetitions: number): Promise<void> {
  for (const profile of ["fast", "lan"] as const) await ofProfile(profile, repetitions);
  if (KEEPALIVED === null) console.log("host gone, keepalived: not installed (Debian: apt-get install keepalived)");
  else
    await withRig(keepalived(0.1), async (rig) => {
      tell("host gone, keepalived, advert_int 0.1", await gaps(rig, "gone", repetitions), undefined);
    });
}

async function ofProfile(profile: Profile, repetitions: number): Promise<void> {
  const times = timesOf(profile);
  const detection = detectionMs(times);
  const { silenceMs } = moleTimes(times, "available");
  const system = moleOnRing(`silence = "${formatDuration(silenceMs)}"`, ringOf(profile));
  await withRig(system, async (rig) => {
    tell(`host gone, ${profile} (detection ${detection} ms)`, await gaps(rig, "gone", repetitions), detection + 20);
    tell(`mole killed, ${profile}`, await gaps(rig, "kill", repetitions), 50);
    await partings(rig, profile, detection, repetitions);
  });
}

/**
 * Mode `safe` with the times that `cluster init` writes for `fast`, on rings of three and of five: a row a story, and whether an address was on two hosts of the whole network at
 * any moment, by their kernels.
 */
export async function neverTwice(repetitions: number): Promise<void> {
  for (const hosts of [3, 5]) {
    const { silenceMs, leaseMs } = moleTimes(timesOf("fast"), "safe");
    const durations = `silence = "${formatDuration(silenceMs)}"\nlease = "${formatDuration(leaseMs)}"`;
    const system = moleOnRing(`mode = "safe"\n${durations}`, ringOf("fast"));
    await withRig(system, async (rig) => await playSafe(rig, repetitions), { hosts, vips: 2 * hosts });
  }
}

async function playSafe(rig: Rig, repetitions: number): Promise<void> {
  const names = rig.cluster.hosts.map(({ name }) => name);
  for (const { name, play } of safeStories(names)) {
    const found: HeldTwice[] = [];
    for (let nth = 0; nth < repetitions; nth++) {
      await Bun.sleep(Math.random() * WAIT_MOST_MS);
      const fromMs = systemClock.monotonicMs();
      await play(rig);
      await rig.balanced(SETTLE_MS);
      found.push(...heldTwice(rig, fromMs));
    }
    const worst = found.toSorted((one, two) => two.ms - one.ms)[0];
    const figures =
      worst === undefined ? "0" : `${found.length}, ${worst.by} had ${worst.address} ${Math.round(worst.ms)} ms`;
    row(
      `safe, ${names.length} hosts: ${name}`,
      `held twice: ${figures}`,
      `goal 0, in ${repetitions}`,
      found.length === 0,
    );
  }
}

async function withRig(
  system: System,
  use: (rig: Rig) => Promise<void>,
  size = { hosts: HOSTS, vips: VIPS },
): Promise<void> {
  await using rig = await Rig.start(system, { ...size, hasIpv6: false });
  await rig.balanced(SETTLE_MS);
  try {
    await use(rig);
  } catch (error) {
    console.log(
      `${system.name}: not settled again, the rest is left out: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function ringOf(profile: Profile): RingTimes {
  const { tokenMs, retransmits } = timesOf(profile);
  return { tokenMs, retransmits, transport: "knet" };
}

/** What the client saw of the addresses that the struck host held, for each time. */
async function gaps(rig: Rig, name: string, repetitions: number): Promise<readonly Fate[]> {
  const scenario = SCENARIOS.find((one) => one.name === name)!;
  const fates: Fate[] = [];
  for (let nth = 0; nth < repetitions; nth++) {
    await Bun.sleep(Math.random() * WAIT_MOST_MS);
    const run = await runScenario(rig, scenario, victimOf(rig, nth), WATCH_MS);
    fates.push(...run.fault.struck);
    await rig.covered(undefined, SETTLE_MS);
  }
  return fates;
}

/** The hosts in turn; another where that one holds nothing (keepalived gives nothing back to a host that returns). */
function victimOf(rig: Rig, nth: number): string {
  const names = rig.cluster.hosts.map(({ name }) => name);
  const inTurn = [...names.slice(nth % HOSTS), ...names.slice(0, nth % HOSTS)];
  return inTurn.find((name) => rig.heldBy(name).length > 0)!;
}

/** One host against the others: until each address is held in both parts, and how long it is held twice once there is one network. */
async function partings(rig: Rig, profile: Profile, detection: number, repetitions: number): Promise<void> {
  const covered: number[] = [];
  const doubled: number[] = [];
  const doubledMerged: number[] = [];
  const dark: number[] = [];
  for (let nth = 0; nth < repetitions; nth++) {
    await Bun.sleep(Math.random() * WAIT_MOST_MS);
    const alone = rig.cluster.hosts[nth % HOSTS]!.name;
    const rest = [...rig.cluster.hosts, ...rig.cluster.clients]
      .map(({ name }) => name)
      .filter((name) => name !== alone);
    const begun = performance.now();
    await rig.act(`partition ${rest.join(" ")} | ${alone}`);
    const isBoth = (address: string) => {
      const holders = rig.ownership.holders(address);
      return holders.includes(alone) && holders.some((host) => rest.includes(host));
    };
    await rig.ownership.until("cover in both parts", () => rig.addresses.every(isBoth), WATCH_MS);
    covered.push(performance.now() - begun);
    await Bun.sleep(2_000);
    const healed = await rig.strike(
      alone,
      () => rig.act("heal"),
      () => rig.covered(undefined, SETTLE_MS),
      2_000,
    );
    const all = [...healed.struck, ...healed.others];
    doubled.push(Math.max(...all.map(({ doubledMs }) => doubledMs)));
    dark.push(Math.max(...all.map(({ darkMs }) => darkMs)));
    const merged = await rig.fatesFromMerge(healed);
    doubledMerged.push(Math.max(...(merged ?? all).map(({ doubledMs }) => doubledMs)));
    await rig.balanced(SETTLE_MS);
  }
  row(
    `network parts, ${profile}: every vip held in both parts`,
    three(covered),
    `goal <= ${detection + 50} ms`,
    median(covered) <= detection + 50,
  );
  row(
    "and heals: held twice, from the first merged view",
    three(doubledMerged),
    `goal < ${MERGED_MS} ms`,
    Math.max(...doubledMerged) < MERGED_MS,
  );
  row("and heals: held twice, from the cable", three(doubled), "", undefined);
  row("and heals: dark", three(dark), `goal < ${DARK_MS} ms`, Math.max(...dark) < DARK_MS);
}

function tell(name: string, fates: readonly Fate[], goalMs: number | undefined): void {
  const gapsMs = fates.map(({ gapMs }) => gapMs);
  const doubled = Math.round(Math.max(...fates.map(({ doubledMs }) => doubledMs)));
  const goal = goalMs === undefined ? "" : `goal <= ${goalMs} ms`;
  row(
    name,
    three(gapsMs),
    `${goal}; doubled at most ${doubled} ms`,
    goalMs === undefined ? undefined : median(gapsMs) <= goalMs,
  );
}

function row(name: string, figures: string, goal: string, isReached: boolean | undefined): void {
  const judged = isReached === undefined ? "" : isReached ? "reached" : "NOT reached";
  console.log(`${name.padEnd(66)} ${figures.padEnd(26)} ${goal} ${judged}`.trimEnd());
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[values.length >> 1]!;
const three = (values: readonly number[]) =>
  `${[sorted(values)[0]!, median(values), sorted(values).at(-1)!].map(Math.round).join(" / ")} ms`;
