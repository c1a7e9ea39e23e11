// mole on hosts that are one ring: a corosync and a spreadd on each, nothing that all depend on, so that the network may part, and what a host has of the group service may
// die or stand still. `available` on three hosts: whoever reaches the client covers, and where two parts meet each address is soon held once. `safe` on five: no address is ever
// on two hosts of the whole network, whoever reaches whom.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../lib/run/clock.ts";
import { hasCorosync } from "../cluster/requirements.ts";
import { moleOnRing } from "./moles.ts";
import { Rig } from "./rig.ts";
import { holdersAt } from "./timeline.ts";

const TEST_MS = 120_000;
/** FAILOVER=all: every scenario, two minutes; else those that only a ring has. */
const ALL = process.env["FAILOVER"] === "all";
/** The first holder's kernel and the second's are read one after the other. */
const SAME_TIME_MS = 5;

/** The address, and for how long two hosts of the whole network held it, ms; those of less than `SAME_TIME_MS` are left out. */
function heldTwice(rig: Rig, fromMs: number): { readonly address: string; readonly ms: number; readonly by: string }[] {
  const found: { address: string; ms: number; by: string }[] = [];
  const story = { holds: rig.ownership.changes, outages: [], reach: [], client: "" };
  for (const address of rig.addresses) {
    const changes = rig.ownership.changes.filter((change) => change.address === address && change.atMs >= fromMs);
    for (const [nth, { atMs }] of changes.entries()) {
      const holders = holdersAt(story, address, atMs);
      const ms = (changes[nth + 1]?.atMs ?? Number.POSITIVE_INFINITY) - atMs;
      if (holders.length > 1 && ms > SAME_TIME_MS) found.push({ address, ms, by: holders.join() });
    }
  }
  return found;
}

const but = (all: readonly string[], ...names: readonly string[]) => all.filter((name) => !names.includes(name));

/** A story: what happens, and who has everything after it. A cluster is whole again at its end. */
interface Scenario {
  readonly name: string;
  readonly isEveryday?: boolean;
  readonly play: (rig: Rig) => Promise<void>;
}

const THREE = ["a", "b", "c"];

const onThree: readonly Scenario[] = [
  {
    name: "a mole killed: its vips are taken over",
    async play(rig) {
      await rig.act("b mole killed");
      await rig.covered(but(THREE, "b"));
      await rig.act("b mole started");
    },
  },
  {
    isEveryday: true,
    name: "the network parts and comes together: both parts cover everything, then each address is held once",
    async play(rig) {
      await rig.act("partition a b client | c");
      await rig.ownership.until("cover in both parts", () =>
        rig.addresses.every((address) => {
          const holders = rig.ownership.holders(address);
          return holders.includes("c") && holders.length === 2;
        }),
      );
      // What `safe` never shows is seen by the same eyes.
      expect(heldTwice(rig, 0)).not.toEqual([]);
      await rig.act("heal");
      await rig.covered();
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

const FIVE = ["a", "b", "c", "d", "e"];

const onFive: readonly Scenario[] = [
  {
    name: "a mole killed",
    async play(rig) {
      await rig.act("b mole killed");
      await rig.covered(but(FIVE, "b"));
      await rig.act("b mole started");
    },
  },
  {
    isEveryday: true,
    name: "the network parts: the larger part covers, the smaller one lets go",
    async play(rig) {
      await rig.act("partition a b c client | d e");
      await rig.covered(["a", "b", "c"]);
      await rig.act("heal");
    },
  },
  {
    name: "two cables, one after the other: the three that are left cover",
    async play(rig) {
      await rig.act("a cable pulled");
      await rig.ownership.until("a lets go", () => rig.heldBy("a").length === 0);
      await rig.act("c cable pulled");
      await rig.covered(["b", "d", "e"]);
      await rig.act("a cable plugged");
      await rig.act("c cable plugged");
    },
  },
  {
    isEveryday: true,
    name: "a corosync that stands still",
    async play(rig) {
      await rig.act("d corosync frozen");
      await rig.covered(but(FIVE, "d"));
      await rig.act("d corosync thawed");
    },
  },
  {
    name: "a corosync killed",
    async play(rig) {
      await rig.act("e corosync killed");
      await rig.covered(but(FIVE, "e"));
      await rig.act("e corosync started");
    },
  },
  {
    name: "all of a host stands still, but for its kernel",
    async play(rig) {
      await rig.act("a frozen");
      await rig.covered(but(FIVE, "a"));
      await rig.act("a thawed");
    },
  },
];

for (const { title, hosts, times, scenarios, isSafe } of [
  { title: "available, three hosts", hosts: 3, times: 'silence = "2500ms"', scenarios: onThree, isSafe: false },
  {
    title: "safe, five hosts",
    hosts: 5,
    times: 'mode = "safe"\nsilence = "1s"\nlease = "2s"',
    scenarios: onFive,
    isSafe: true,
  },
])
  describe.if(hasCorosync)(`mole on a ring: ${title}`, () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await Rig.start(moleOnRing(times), { hosts, vips: hosts * 2, hasIpv6: false });
      await rig.balanced();
    }, TEST_MS);
    afterAll(async () => await rig?.[Symbol.asyncDispose]());

    for (const { name, play } of scenarios.filter(({ isEveryday }) => ALL || isEveryday))
      test(
        name,
        async () => {
          const fromMs = systemClock.monotonicMs();
          await play(rig);
          await rig.balanced();
          if (isSafe) expect(heldTwice(rig, fromMs)).toEqual([]);
        },
        TEST_MS,
      );
  });
