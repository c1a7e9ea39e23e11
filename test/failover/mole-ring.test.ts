// mole on hosts that are one ring: a corosync and a spreadd on each, nothing that all depend on, so that the network may part, and what a host has of the group service may
// die or stand still. `available` on three hosts: whoever reaches the client covers, and where two parts meet each address is soon held once. `safe` on five: no address is ever
// on two hosts of the whole network, whoever reaches whom.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../lib/run/clock.ts";
import { hasCorosync } from "../cluster/requirements.ts";
import { moleOnRing } from "./moles.ts";
import { Rig } from "./rig.ts";
import { AVAILABLE, heldTwice, partAndHeal, type Story, safeStories } from "./ring-stories.ts";
import type { Fate } from "./timeline.ts";

const TEST_MS = 120_000;
/** FAILOVER=all: every story, two minutes; else those that only a ring has. */
const ALL = process.env["FAILOVER"] === "all";
const isWanted = ({ isEveryday }: Story) => ALL || isEveryday;

/** A rig that lasts as long as the tests of its `describe`. */
function ringOf(hosts: number, times: string): () => Rig {
  let rig: Rig | undefined;
  beforeAll(async () => {
    rig = await Rig.start(moleOnRing(times), { hosts, vips: hosts * 2, hasIpv6: false });
    await rig.balanced();
  }, TEST_MS);
  afterAll(async () => await rig?.[Symbol.asyncDispose]());
  return () => rig!;
}

describe.if(hasCorosync)("mole on a ring: available, three hosts", () => {
  const rig = ringOf(3, 'silence = "2500ms"');
  const worstMs = (fates: readonly Fate[]) => Math.round(Math.max(...fates.map(({ doubledMs }) => doubledMs)));

  test(
    "the network parts and comes together: both parts cover everything, then each address is held once",
    async () => {
      const healed = await partAndHeal(rig());
      expect(heldTwice(rig(), 0)).not.toEqual([]); // what `safe` never shows is seen by the same eyes
      const merged = await rig().fatesFromMerge(healed);
      const fromCableMs = worstMs([...healed.struck, ...healed.others]);
      process.stderr.write(
        `healed: doubled ${fromCableMs} ms from the cable, ${worstMs(merged!)} ms from the first merged view\n`,
      );
      expect(worstMs(merged!)).toBeLessThanOrEqual(fromCableMs);
      await rig().balanced();
    },
    TEST_MS,
  );

  for (const { name, play } of AVAILABLE.filter(isWanted))
    test(
      name,
      async () => {
        await play(rig());
        await rig().balanced();
      },
      TEST_MS,
    );
});

describe.if(hasCorosync)("mole on a ring: safe, five hosts", () => {
  const rig = ringOf(5, 'mode = "safe"\nsilence = "1s"\nlease = "2s"');

  for (const { name, play } of safeStories(["a", "b", "c", "d", "e"]).filter(isWanted))
    test(
      name,
      async () => {
        const fromMs = systemClock.monotonicMs();
        await play(rig());
        await rig().balanced();
        expect(heldTwice(rig(), fromMs)).toEqual([]);
      },
      TEST_MS,
    );
});
