// `mole` beside keepalived (Debian package), in one run: the same faults, a client that asks every address 200 times a second, and what became of each.
import { parseArgs } from "node:util";
import { detectionMs, moleTimes, timesOf } from "../../lib/cluster/profile.ts";
import { canMakeHosts, hasCorosync } from "../../test/cluster/requirements.ts";
import { KEEPALIVED, keepalived } from "../../test/failover/keepalived.ts";
import { moleOnHub, moleOnRealSpread, moleOnRing } from "../../test/failover/moles.ts";
import { Rig, type System } from "../../test/failover/rig.ts";
import { type Run, runScenario, SCENARIOS } from "../../test/failover/scenarios.ts";
import type { Fate } from "../../test/failover/timeline.ts";
import { hasRealSpread } from "../../test/support/real-spread.ts";

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "3" },
    only: { type: "string" },
    systems: { type: "string" },
    hosts: { type: "string", default: "3" },
    vips: { type: "string", default: "6" },
  },
});

interface Contender {
  readonly key: string;
  readonly system: System;
  /** What the group service needs to notice a dead host, and `silence`; of mole alone. */
  readonly detectionMs?: number;
  readonly silenceMs?: number;
}

const FAST = timesOf("fast");
const { silenceMs: SILENCE_MS } = moleTimes(FAST, "available");
const RING = { tokenMs: 100, retransmits: 2 };
/** corosync's own consensus, where nothing is said of it. */
const CONSENSUS_MS = 1.2 * RING.tokenMs;

if (!canMakeHosts) process.exit(69);
const contenders: Contender[] = [
  { key: "hub", system: moleOnHub('silence = "1250ms"'), detectionMs: 1_000, silenceMs: 1_250 },
];
if (hasCorosync)
  contenders.push(
    {
      key: "corosync",
      system: moleOnRing('silence = "500ms"', RING),
      detectionMs: detectionMs({ tokenMs: RING.tokenMs, consensusMs: CONSENSUS_MS }),
      silenceMs: 500,
    },
    {
      key: "knet",
      system: {
        ...moleOnRing(`silence = "${SILENCE_MS}ms"`, { ...FAST, transport: "knet" }),
        name: "mole, knet as `cluster init --profile fast`",
      },
      detectionMs: detectionMs(FAST),
      silenceMs: SILENCE_MS,
    },
  );
if (hasRealSpread)
  contenders.push({ key: "spread", system: moleOnRealSpread('silence = "1s"'), detectionMs: 600, silenceMs: 1_000 });
if (KEEPALIVED === null)
  console.error("bench: keepalived is missing (Debian: apt-get install keepalived): mole is measured alone");
else contenders.push({ key: "keepalived", system: keepalived(1) }, { key: "keepalived-0.1", system: keepalived(0.1) });

/** Before each fault and each repair: what comes in step with a timer would be measured in step with it. */
const WAIT_MOST_MS = 3_000;
const SETTLE_MS = 60_000;
/** Two hosts' kernels are read one after the other, and the client asks every 5 ms. */
const EXACT_MS = 5;
/** Once two parts know of each other, for so long both may go on holding an address. */
const MERGED_MS = 50;
/** For how long a take-over is waited for. */
const WATCH_MS = 8_000;

const chosen = contenders.filter(({ key }) => values.systems === undefined || values.systems.split(",").includes(key));
const scenarios = SCENARIOS.filter(({ name }) => values.only === undefined || values.only.split(",").includes(name));
const runs = new Map<string, Run[]>();

for (let repetition = 0; repetition < Number(values.repetitions); repetition++)
  for (const contender of chosen) await once(contender, repetition);
for (const contender of chosen) report(contender);

async function once({ key, system }: Contender, repetition: number): Promise<void> {
  const hosts = Number(values.hosts);
  await using rig = await Rig.start(system, { hosts, vips: Number(values.vips), hasIpv6: false });
  await rig.balanced(SETTLE_MS);
  for (const [nth, scenario] of scenarios.entries()) {
    if (scenario.needsDaemon && scenario.name !== "partition" && system.daemon === undefined) continue;
    const victim = rig.cluster.hosts[(repetition + nth) % hosts]!.name;
    await Bun.sleep(Math.random() * WAIT_MOST_MS);
    const run = await runScenario(rig, scenario, victim, WATCH_MS, () => Bun.sleep(Math.random() * WAIT_MOST_MS));
    const before = runs.get(`${key} ${scenario.name}`) ?? [];
    runs.set(`${key} ${scenario.name}`, [...before, run]);
    console.error(
      `${system.name}, ${scenario.name}: ${cell(run.fault.struck)}; mended: ${cell(everybody(run), false)}${fromMerge(run.merged)}`,
    );
    try {
      await rig.balanced(SETTLE_MS);
    } catch {
      console.error(
        `${system.name}: no balance within ${SETTLE_MS / 1_000} s after ${scenario.name}: the rest of this round is left out`,
      );
      return;
    }
  }
}

function everybody({ mended }: Run): readonly Fate[] {
  return [...mended.struck, ...mended.others];
}

function fromMerge(merged: readonly Fate[] | undefined): string {
  return merged === undefined ? "" : `; from the first merged view: doubled ${three(merged, "doubledMs")}`;
}

function report({ key, system, detectionMs, silenceMs }: Contender): void {
  console.log(
    `\n${system.name}${detectionMs === undefined ? "" : ` (detection ${detectionMs} ms, silence ${silenceMs} ms)`}`,
  );
  for (const { name } of scenarios) {
    const done = runs.get(`${key} ${name}`) ?? [];
    if (done.length === 0) continue;
    const struck = done.flatMap(({ fault }) => fault.struck);
    const mended = done.flatMap(everybody);
    const merged = done.every((run) => run.merged !== undefined) ? done.flatMap((run) => run.merged!) : undefined;
    console.log(`  ${name.padEnd(14)} ${cell(struck)}`);
    console.log(`  ${"  mended".padEnd(14)} ${cell(mended, false)}${fromMerge(merged)}`);
    if (detectionMs === undefined || silenceMs === undefined) continue;
    for (const [goal, isReached] of goalsOf(name, { struck, mended, merged }, detectionMs, silenceMs))
      console.log(`  ${"".padEnd(14)} ${isReached ? "reached" : "MISSED "} ${goal}`);
  }
}

type Goal = readonly [text: string, isReached: boolean];

interface Fates {
  readonly struck: readonly Fate[];
  readonly mended: readonly Fate[];
  /** From the first view with hosts of both parts; `undefined` where it did not come each time. */
  readonly merged: readonly Fate[] | undefined;
}

function goalsOf(
  name: string,
  { struck, mended, merged }: Fates,
  detectionMs: number,
  silenceMs: number,
): readonly Goal[] {
  const gap = of(struck, "gapMs");
  const doubled = of(struck, "doubledMs").most;
  const doubledAfter = of(mended, "doubledMs").most;
  const never: Goal = ["nothing doubled", doubled <= EXACT_MS];
  const dark: Goal = [
    "never dark for a second",
    Math.max(of(struck, "darkMs").most, of(mended, "darkMs").most) < 1_000,
  ];
  const backDoubled: Goal = ["nothing doubled when mended", doubledAfter <= EXACT_MS];
  const backGap: Goal = ["gap when mended under 20 ms (median of the worst of each)", of(mended, "gapMs").median < 20];
  switch (name) {
    case "kill":
      return [
        ["gap under 50 ms (median)", gap.median < 50],
        never,
        ["taken over within 30 ms (median)", of(struck, "takenAfterMs").median <= 30],
        dark,
        backDoubled,
      ];
    case "stop":
      return [["gap under 20 ms (median)", gap.median < 20], never, dark, backDoubled, backGap];
    case "freeze":
      return [[`gap under ${silenceMs + 800} ms`, gap.most < silenceMs + 800], never, dark, backDoubled];
    case "hung-gone":
    case "gone":
    case "link":
      return [
        [`gap under ${detectionMs + 20} ms (median)`, gap.median < detectionMs + 20],
        never,
        dark,
        backDoubled,
        backGap,
      ];
    case "daemon frozen":
      return [[`doubled at most ${silenceMs - detectionMs} ms`, doubled <= silenceMs - detectionMs], dark];
    case "partition":
      return [
        [
          `doubled under ${MERGED_MS} ms from the first merged view (from the cable as told above)`,
          // Where hosts come back by joining there is no such view, and nothing to be doubled.
          merged === undefined ? doubledAfter <= EXACT_MS : of(merged, "doubledMs").most < MERGED_MS,
        ],
        dark,
      ];
    default:
      return [dark];
  }
}

interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

function of(fates: readonly Fate[], what: "gapMs" | "doubledMs" | "darkMs" | "takenAfterMs"): Spread {
  const sorted = fates.map((fate) => fate[what] ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  if (sorted.length === 0) return { least: 0, median: 0, most: 0 };
  return { least: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, most: sorted.at(-1)! };
}

/** Least, median and most. */
function three(fates: readonly Fate[], what: "gapMs" | "doubledMs" | "takenAfterMs"): string {
  const { least, median, most } = of(fates, what);
  return [least, median, most].map((ms) => (Number.isFinite(ms) ? String(Math.round(ms)) : "never")).join("/");
}

function cell(fates: readonly Fate[], hasTakers = true): string {
  const stays = fates.filter(({ staysDoubled }) => staysDoubled).length;
  const out = fates.filter(({ staysOut }) => staysOut).length;
  const taken =
    hasTakers && fates.some(({ takenAfterMs }) => takenAfterMs !== undefined)
      ? `; taken ${three(fates, "takenAfterMs")}`
      : "";
  return `gap ${three(fates, "gapMs")}${out > 0 ? ` (${out} stay out)` : ""}; doubled ${three(fates, "doubledMs")}${stays > 0 ? ` (${stays} stay so)` : ""}; dark ${Math.round(of(fates, "darkMs").most)}${taken}`;
}
