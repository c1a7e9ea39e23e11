// mole on five hosts with one daemon for all, and over the real Spread's on every host: what must never be, through each scenario of the bench. FAILOVER=all runs it; it takes
// minutes.
import { afterEach, describe, expect, test } from "bun:test";
import { canMakeHosts } from "../cluster/requirements.ts";
import { hasRealSpread } from "../support/real-spread.ts";
import { moleOnHub, moleOnRealSpread } from "./moles.ts";
import { Rig, type System } from "./rig.ts";
import { runScenario, SCENARIOS } from "./scenarios.ts";

const isWanted = process.env["FAILOVER"] === "all";
const TEST_MS = 600_000;
const MOST_MS = 60_000;
const SAME_TIME_MS = 5;
const DARK_MS = 3_000;
/** A frozen daemon's host is doubled until it knows; hosts of two parts until the merge is settled (the model, section 8). */
const MAY_DOUBLE = ["daemon frozen", "partition", "daemon killed"];

for (const { system, hosts, has } of [
  { system: moleOnHub('silence = "2500ms"'), hosts: 5, has: true },
  { system: moleOnRealSpread('silence = "2500ms"'), hosts: 3, has: hasRealSpread },
] satisfies { system: System; hosts: number; has: boolean }[]) {
  describe.if(isWanted && canMakeHosts && has)(`${hosts} hosts, ${system.name}`, () => {
    const rows: string[] = [];
    afterEach(() => void process.stderr.write(`${rows.splice(0).join("\n")}\n`));
    const wanted = SCENARIOS.filter(({ needsDaemon }) => !needsDaemon || system.daemon !== undefined);
    test(
      `no address is doubled, and none is dark, through ${wanted.map(({ name }) => name).join(", ")}`,
      async () => {
        await using rig = await Rig.start(system, { hosts, vips: 2 * hosts, hasIpv6: false });
        await rig.balanced();
        for (const [nth, scenario] of wanted.entries()) {
          const victim = rig.cluster.hosts[nth % hosts]!.name;
          const { fault, mended, merged } = await runScenario(rig, scenario, victim, MOST_MS);
          for (const [what, outcome] of [
            ["", fault],
            [" mended", mended],
          ] as const) {
            const all = [...outcome.struck, ...outcome.others];
            const worst = (of: "gapMs" | "doubledMs" | "darkMs") =>
              Math.round(Math.max(...all.map((fate) => fate[of])));
            rows.push(
              `${scenario.name}${what}: gap ${worst("gapMs")}, doubled ${worst("doubledMs")}, dark ${worst("darkMs")}`,
            );
            expect({ [rows.at(-1)!]: worst("darkMs") <= DARK_MS }).toEqual({ [rows.at(-1)!]: true });
            const mayDouble = MAY_DOUBLE.includes(scenario.name);
            expect({ [rows.at(-1)!]: mayDouble || worst("doubledMs") <= SAME_TIME_MS }).toEqual({
              [rows.at(-1)!]: true,
            });
          }
          if (merged !== undefined) {
            const doubledMs = Math.round(Math.max(...merged.map((fate) => fate.doubledMs)));
            rows.push(`${scenario.name} mended, from the first merged view: doubled ${doubledMs}`);
          }
          await rig.balanced();
        }
      },
      TEST_MS,
    );
  });
}
if (!isWanted) process.stderr.write("SKIP: mole on five hosts, and over the real Spread (FAILOVER=all runs them)\n");
