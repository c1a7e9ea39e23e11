// spreadd over corosync on three hosts, beside the real daemon on the same three namespaces in the same run; what it costs idle; what memberships cost; how soon
// addresses are taken over; that mode `safe` never has one on two hosts; and false alarms of the `fast` profile while both processors are busy with a build.
// --only NAME: "C spflooder", "our clients", "idle", "memberships", "take-over", "safe", "alarms".
import { parseArgs } from "node:util";
import { timesOf } from "../../lib/cluster/profile.ts";
import { startCluster } from "../../test/cluster/cluster.ts";
import { hasCorosync } from "../../test/cluster/requirements.ts";
import { projectRoot } from "../../test/support/binary.ts";
import { start } from "../../test/support/child.ts";
import { hasRealSpread } from "./c-tools.ts";
import { type Contest, hold } from "./pairs.ts";
import { cpuOf, OURS, REAL, wholeFlood } from "./ring-flood.ts";
import { memberships } from "./ring-memberships.ts";
import { neverTwice, takeOvers } from "./take-over.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "5" },
    only: { type: "string" },
    messages: { type: "string", default: "200000" },
    repetitions: { type: "string", default: "6" },
    minutes: { type: "string", default: "10" },
  },
});
if (!hasCorosync) process.exit(69);
const messages = Number(values.messages);
const isWanted = (name: string) => values.only === undefined || name.includes(values.only);

const goal = (ratio: number): Contest["goals"] => ({ rate: { ratio, better: "more" } });
const told = ["daemonsCpuUs", "withoutCorosyncUs"];

if (hasRealSpread) {
  await using cluster = await startCluster({ hosts: 3 });
  const theirs = () => wholeFlood(cluster, REAL, "c", messages);
  const contests: readonly Contest[] = [
    {
      name: "3 hosts, 200 B, C spflooder",
      ours: () => wholeFlood(cluster, OURS, "c", messages),
      theirs,
      goals: goal(1),
      told,
    },
    {
      name: "3 hosts, 200 B, our clients",
      ours: () => wholeFlood(cluster, OURS, "ours", messages),
      theirs,
      goals: goal(1.5),
      told,
    },
  ];
  for (const contest of contests) if (isWanted(contest.name)) await hold(contest, Number(values.pairs));
}

if (isWanted("idle")) {
  await using cluster = await startCluster({ hosts: 3 });
  await OURS.start(cluster);
  await Bun.sleep(3_000);
  const before = [cpuOf(cluster.hosts, ["spreadd"]), cpuOf(cluster.hosts, ["corosync"])] as const;
  await Bun.sleep(20_000);
  const per = (seconds: number) => `${((seconds / 20 / 3) * 100).toFixed(2)} %`;
  console.log(
    `idle, a host: spreadd ${per(cpuOf(cluster.hosts, ["spreadd"]) - before[0])} of a processor, corosync ${per(cpuOf(cluster.hosts, ["corosync"]) - before[1])}`,
  );
}

if (isWanted("memberships")) await memberships(Number(values.repetitions));

if (isWanted("take-over")) await takeOvers(Number(values.repetitions));
if (isWanted("safe")) await neverTwice(Number(values.repetitions));

for (const tokenMs of [100, 150, 200, 300]) {
  if (!isWanted("alarms")) break;
  if (await alarms(tokenMs)) break;
}

/** Counts changes of a ring that nothing happened to, under two builds at a time. @returns whether there was none */
async function alarms(tokenMs: number): Promise<boolean> {
  const { retransmits } = timesOf(tokenMs < 150 ? "fast" : "lan");
  await using cluster = await startCluster({ hosts: 3, corosync: { tokenMs, retransmits } });
  const changes = () =>
    cluster.hosts
      .map((host) => host.said("corosync").split("A new membership").length - 1)
      .reduce((a, b) => Math.max(a, b));
  const atFirst = changes();
  const end = performance.now() + Number(values.minutes) * 60_000;
  const build = async () => {
    while (performance.now() < end) {
      await using child = start(
        [`${projectRoot}/node_modules/.bin/tsc`, "-p", projectRoot, "--noEmit", "--skipLibCheck"],
        { cwd: projectRoot },
      );
      await child.result();
    }
  };
  await Promise.all([build(), build()]);
  const count = changes() - atFirst;
  console.log(`false alarms, token ${tokenMs} ms, ${values.minutes} min of two builds on two processors: ${count}`);
  return count === 0;
}
