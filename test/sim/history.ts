// A random history: a cluster, faults drawn from a seed, then peace; safety checked all along, liveness at the end. A failing one is shrunk to the fewest faults
// that still fail, and told as a story.
import { type Random, seededRandom } from "../../lib/base/random.ts";
import type { Rules } from "../../lib/mole/rules.ts";
import { PART_BYTES } from "../../lib/mole/wire.ts";
import { Cluster, Violation } from "./cluster.ts";
import { Director } from "./director.ts";
import { FAULT_KINDS, type Fault, type FaultKind, type History, letter } from "./fault.ts";

/** How often each is drawn; what breaks groups most comes most. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 5,
  "kill hard": 4,
  crash: 5,
  freeze: 12,
  "freeze daemon": 12,
  "kill daemon": 4,
  part: 14,
  kick: 5,
  "slow driver": 5,
  "slow delivery": 4,
  "slow sending": 5,
  "can't acquire": 2,
  drain: 3,
  move: 4,
  health: 3,
  carrier: 3,
  reweigh: 2,
  rename: 2,
  undefine: 2,
  relist: 2,
  stranger: 5,
  stop: 2,
  balance: 1,
  maintenance: 0,
  "maintenance off": 0,
  forget: 0,
  islands: 0,
  "relist many": 0,
  retime: 0,
  "full disk": 0,
  "kill others": 0,
};

export interface HistoryOptions {
  readonly mode?: "available" | "safe";
  readonly rules?: Partial<Rules>;
  readonly maintenance?: boolean;
  /** All messages go through their bytes, in parts of so many. */
  readonly partBytes?: number;
  /** Times as many faults, over as much more time. */
  readonly length?: number;
}

/** What a seed means. */
export function drawHistory(seed: number, options: HistoryOptions = {}): History {
  const random = seededRandom(seed * 2_654_435_761);
  const length = options.length ?? 1;
  const mode = options.mode ?? (random() < 0.6 ? "available" : "safe");
  const hosts = pick(random, [2, 3, 3, 3, 4, 5]);
  const oneDaemon = random() < 0.1;
  const detectionMs = 200;
  const count = Math.ceil((1 + random() * 7) * length);
  const faults: Fault[] = [];
  let atMs = 0;
  for (let nth = 0; nth < count; nth++) {
    // Mostly in quick succession: one fault at a time is what every system survives.
    atMs += random() < 0.7 ? random() * 600 : random() * 3_000;
    faults.push({
      atMs: Math.round(atMs),
      kind: drawKind(random, options.maintenance ?? false),
      host: Math.floor(random() * hosts),
      forMs: Math.round(random() < 0.5 ? random() * 700 : random() * 5_000),
      with: Math.floor(random() * 1_000),
    });
  }
  const safeTimes = mode === "safe" ? { silenceMs: 700 } : {};
  return {
    seed,
    cluster: {
      seed,
      hosts,
      vips: 1 + Math.floor(random() * 5),
      mode,
      oneDaemon,
      probes: random() < 0.1,
      mixed: random() < 0.3,
      ...throughBytes(random()),
      ...(options.partBytes !== undefined && { partBytes: options.partBytes }),
      skipTables: random() < 0.6,
      detectionMs,
      times: safeTimes,
      ...(options.rules && { rules: options.rules }),
    },
    faults,
    left:
      random() < 0.75
        ? "nothing"
        : pick(random, [
            "frozen process",
            "frozen daemon",
            "stranger",
            "flapping stranger and frozen process",
            "parted",
          ]),
  };
}

/** The invariant that nothing throws. */
export const EXCEPTION = "no exception";

/** @returns what was violated, or `undefined` */
export function runHistory(history: History, trace?: (line: string) => void): Violation | undefined {
  try {
    playHistory(history, trace);
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}

/** @returns the cluster as it is at the end, at rest @throws {Violation} */
export function playHistory(history: History, trace?: (line: string) => void): Cluster {
  const cluster = new Cluster({ ...history.cluster, ...(trace && { trace }) });
  try {
    new Director(cluster, history, trace).play();
  } catch (error) {
    if (error instanceof Violation) throw error;
    // Shrunk and told as a story like any other: a run over a million seeds must not end without naming the one.
    const { stack, message } = error as Error;
    throw new Violation(EXCEPTION, stack ?? message, cluster.clockwork.nowMs);
  }
  return cluster;
}

/** The fewest of its faults that still violate the same invariant, by taking away ever smaller parts of them. */
export function shrink(history: History): History {
  const invariant = runHistory(history)?.invariant;
  let faults = history.faults;
  for (let part = Math.ceil(faults.length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let at = 0; at < faults.length; ) {
      const fewer = [...faults.slice(0, at), ...faults.slice(at + part)];
      if (runHistory({ ...history, faults: fewer })?.invariant === invariant) faults = fewer;
      else at += part;
    }
  }
  return { ...history, faults };
}

/** For a person: seed, cluster, faults, what was violated. */
export function tellStory(history: History): string {
  const violation = runHistory(history);
  const { hosts, vips, mode, oneDaemon } = history.cluster;
  const faults = history.faults.map(
    ({ atMs, kind, host, forMs, with: other, on }) =>
      `  ${atMs} ms${on === undefined ? "" : `, at the next ${on}`}: ${kind} ${letter(host)} for ${forMs} ms (${other})`,
  );
  const cluster = `${hosts} hosts, ${vips} vips, ${mode}${oneDaemon ? ", one daemon" : ""}`;
  return [
    `seed ${history.seed}: ${cluster}; left: ${history.left}`,
    ...faults,
    `  => ${violation?.message ?? "nothing"}`,
  ].join("\n");
}

function drawKind(random: Random, maintenance: boolean): FaultKind {
  const weights = { ...WEIGHTS, maintenance: maintenance ? 10 : 0 };
  let rest = random() * FAULT_KINDS.reduce((sum, kind) => sum + weights[kind], 0);
  for (const kind of FAULT_KINDS) {
    rest -= weights[kind];
    if (rest < 0) return kind;
  }
  return "part";
}

function pick<T>(random: Random, things: readonly T[]): T {
  return things[Math.floor(random() * things.length)]!;
}

/** A few histories have their messages go through their bytes, most of these in parts: a state is 1 to 5 kB here. */
function throughBytes(chance: number): { readonly partBytes?: number } {
  if (chance >= 0.03) return {};
  return { partBytes: chance < 0.01 ? PART_BYTES : 300 + Math.floor(chance * 20_000) };
}
