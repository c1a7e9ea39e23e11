// Stories of hosts that are one ring: the network may part, and what a host has of the group service may die or stand still. For the suite, and for `scripts/bench cluster`.
import { systemClock } from "../../lib/run/clock.ts";
import type { Outcome, Rig } from "./rig.ts";
import { holdersAt } from "./timeline.ts";

/** What happens, and who has everything after it. A cluster is whole again at its end. */
export interface Story {
  readonly name: string;
  readonly isEveryday?: boolean;
  readonly play: (rig: Rig) => Promise<void>;
}

/** The first holder's kernel and the second's are read one after the other. */
const SAME_TIME_MS = 5;

const but = (all: readonly string[], ...names: readonly string[]) => all.filter((name) => !names.includes(name));

const THREE = ["a", "b", "c"];

/** The network of three hosts parts until each part has everything, and comes together. @returns what the repair did */
export async function partAndHeal(rig: Rig): Promise<Outcome> {
  await rig.act("partition a b client | c");
  await rig.ownership.until("cover in both parts", () =>
    rig.addresses.every((address) => {
      const holders = rig.ownership.holders(address);
      return holders.includes("c") && holders.length === 2;
    }),
  );
  return await rig.strike(
    "c",
    () => rig.act("heal"),
    () => rig.covered(),
    0,
  );
}

/** For three hosts in mode `available`, but for `partAndHeal`: whoever reaches the client covers. */
export const AVAILABLE: readonly Story[] = [
  {
    name: "a mole killed: its vips are taken over",
    async play(rig) {
      await rig.act("b mole killed");
      await rig.covered(but(THREE, "b"));
      await rig.act("b mole started");
    },
  },
  {
    name: "a second host goes while the first one's vips are being settled",
    async play(rig) {
      await rig.act("a cable pulled");
      await rig.ownership.until("the first take-over", () => rig.heldBy("a").length === 0);
      await rig.act("b corosync killed");
      await rig.covered(["c"]);
      await rig.cluster.story("b corosync started");
      await rig.act("a cable plugged");
    },
  },
  {
    isEveryday: true,
    name: "a corosync that stands still: its host gives up, and comes back by itself",
    async play(rig) {
      await rig.act("c corosync frozen");
      await rig.covered(but(THREE, "c"));
      await rig.act("c corosync thawed");
    },
  },
  {
    name: "all of a host stands still, but for its kernel",
    async play(rig) {
      await rig.act("b frozen");
      await rig.covered(but(THREE, "b"));
      await rig.act("b thawed");
    },
  },
];

/**
 * For mode `safe`, after which and in which no address may ever be on two hosts of the whole network, whoever reaches whom.
 * @param hosts all of the ring, three or five
 */
export function safeStories(hosts: readonly string[]): readonly Story[] {
  const [first, second, third, fourth, fifth] = hosts as readonly [string, string, string, string?, string?];
  const last = fifth ?? third;
  const smaller = fourth === undefined || fifth === undefined ? [third] : [fourth, fifth];
  const cascade: readonly Story[] =
    fifth === undefined
      ? []
      : [
          {
            name: "two cables, one after the other: the others cover",
            async play(rig) {
              await rig.act(`${first} cable pulled`);
              await rig.ownership.until("the first lets go", () => rig.heldBy(first).length === 0);
              await rig.act(`${third} cable pulled`);
              await rig.covered(but(hosts, first, third));
              await rig.act(`${first} cable plugged`);
              await rig.act(`${third} cable plugged`);
            },
          },
        ];
  return [
    {
      name: "a mole killed",
      async play(rig) {
        await rig.act(`${second} mole killed`);
        await rig.covered(but(hosts, second));
        await rig.act(`${second} mole started`);
      },
    },
    {
      isEveryday: true,
      name: "the network parts, and comes together",
      async play(rig) {
        const larger = but(hosts, ...smaller);
        await rig.act(`partition ${larger.join(" ")} client | ${smaller.join(" ")}`);
        await rig.covered(larger);
        await rig.act("heal");
      },
    },
    ...cascade,
    {
      isEveryday: true,
      name: "a corosync that stands still",
      async play(rig) {
        const victim = fourth ?? third;
        await rig.act(`${victim} corosync frozen`);
        await rig.covered(but(hosts, victim));
        await rig.act(`${victim} corosync thawed`);
      },
    },
    {
      name: "a corosync killed",
      async play(rig) {
        await rig.act(`${last} corosync killed`);
        await rig.covered(but(hosts, last));
        await rig.act(`${last} corosync started`);
      },
    },
    {
      name: "all of a host stands still, but for its kernel",
      async play(rig) {
        await rig.act(`${first} frozen`);
        await rig.covered(but(hosts, first));
        await rig.act(`${first} thawed`);
      },
    },
  ];
}

/** An address that two hosts of the whole network held, for how long, and who they were. */
export interface HeldTwice {
  readonly address: string;
  readonly ms: number;
  readonly by: string;
}

/** From `fromMs` (CLOCK_MONOTONIC) to now, whoever reached whom; those of less than `SAME_TIME_MS` are left out. */
export function heldTwice(rig: Rig, fromMs: number): readonly HeldTwice[] {
  const found: HeldTwice[] = [];
  const story = { holds: rig.ownership.changes, outages: [], reach: [], client: "" };
  const nowMs = systemClock.monotonicMs();
  for (const address of rig.addresses) {
    const changes = rig.ownership.changes.filter((change) => change.address === address && change.atMs >= fromMs);
    for (const [nth, { atMs }] of changes.entries()) {
      const holders = holdersAt(story, address, atMs);
      const ms = (changes[nth + 1]?.atMs ?? nowMs) - atMs;
      if (holders.length > 1 && ms > SAME_TIME_MS) found.push({ address, ms, by: holders.join() });
    }
  }
  return found;
}
