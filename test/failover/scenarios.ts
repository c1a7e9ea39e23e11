// The faults by name, for tests and bench: what strikes, what is waited for, and how it is mended.
import { standsStill } from "../cluster/namespace.ts";
import type { Outcome, Rig } from "./rig.ts";
import type { Fate } from "./timeline.ts";

export interface Scenario {
  readonly name: string;
  /** Only where each host has a group daemon of its own. */
  readonly needsDaemon: boolean;
  /** Before the fault, which is about another host. */
  before?(rig: Rig, victim: string): Promise<void>;
  fault(rig: Rig, victim: string): Promise<void>;
  /** How long it lasts at least. */
  readonly lastsMs: number;
  mend(rig: Rig, victim: string): Promise<void>;
}

/** How long one stands still before the other is gone: others have seen it. */
const HUNG_MS = 1_000;

type UnitFault = "killed" | "stopped" | "frozen" | "thawed";
const SIGNALS = { killed: "SIGKILL", stopped: "SIGTERM", frozen: "SIGSTOP", thawed: "SIGCONT" } as const;

/** A fault of what covers. */
async function unit(rig: Rig, host: string, how: UnitFault): Promise<void> {
  const { system } = rig;
  if (system.signal !== undefined) await system.signal(rig.host(host), SIGNALS[how]);
  else await rig.act(`${host} ${system.unit} ${how}`);
}

const again = (rig: Rig, host: string) => rig.act(`${host} ${rig.system.unit} started`);
const daemon = (rig: Rig, host: string, how: string) => rig.act(`${host} ${rig.system.daemon} ${how}`);
/** Some host that is not the victim. */
const another = (rig: Rig, victim: string) =>
  rig.cluster.hosts.map(({ name }) => name).find((name) => name !== victim)!;

export const SCENARIOS: readonly Scenario[] = [
  { name: "kill", needsDaemon: false, lastsMs: 0, fault: (rig, host) => unit(rig, host, "killed"), mend: again },
  { name: "stop", needsDaemon: false, lastsMs: 0, fault: (rig, host) => unit(rig, host, "stopped"), mend: again },
  {
    name: "freeze",
    needsDaemon: false,
    lastsMs: 10_000,
    fault: (rig, host) => unit(rig, host, "frozen"),
    mend: (rig, host) => unit(rig, host, "thawed"),
  },
  {
    name: "link",
    needsDaemon: false,
    lastsMs: 0,
    fault: (rig, host) => rig.act(`${host} cable pulled`),
    mend: (rig, host) => rig.act(`${host} cable plugged`),
  },
  {
    name: "gone",
    needsDaemon: false,
    lastsMs: 0,
    fault: (rig, host) => rig.act(`${host} gone`),
    async mend(rig, host) {
      await rig.loseAddresses(host);
      await rig.act(`${host} back`);
    },
  },
  {
    name: "hung-gone",
    needsDaemon: false,
    lastsMs: 0,
    async before(rig, victim) {
      await unit(rig, another(rig, victim), "frozen");
      await Bun.sleep(HUNG_MS);
    },
    fault: (rig, host) => rig.act(`${host} gone`),
    async mend(rig, host) {
      await rig.loseAddresses(host);
      await unit(rig, another(rig, host), "thawed");
      await rig.act(`${host} back`);
    },
  },
  {
    name: "partition",
    needsDaemon: true,
    lastsMs: 3_000,
    async fault(rig, victim) {
      const rest = [...rig.cluster.hosts, ...rig.cluster.clients]
        .map(({ name }) => name)
        .filter((name) => name !== victim);
      await rig.act(`partition ${rest.join(" ")} | ${victim}`);
    },
    mend: (rig) => rig.act("heal"),
  },
  {
    name: "daemon killed",
    needsDaemon: true,
    lastsMs: 0,
    fault: (rig, host) => daemon(rig, host, "killed"),
    mend: (rig, host) => daemon(rig, host, "started"),
  },
  {
    name: "daemon frozen",
    needsDaemon: true,
    lastsMs: 6_000,
    fault: (rig, host) => daemon(rig, host, "frozen"),
    mend: (rig, host) => daemon(rig, host, "thawed"),
  },
];

export interface Run {
  readonly scenario: string;
  readonly fault: Outcome;
  readonly mended: Outcome;
  /** Of the repair, from the first view with hosts of both parts; `undefined` where it brought no parts together. */
  readonly merged: readonly Fate[] | undefined;
}

/**
 * A fault and its repair, each watched until the addresses are where they should be, or for `mostMs`; and a moment longer.
 * @param between waited for before the repair
 */
export async function runScenario(
  rig: Rig,
  scenario: Scenario,
  victim: string,
  mostMs: number,
  between: () => Promise<void> = async () => {},
): Promise<Run> {
  const isTaken = (struck: readonly string[]) => () =>
    struck.every((address) => rig.ownership.holders(address).some((host) => host !== victim));
  await scenario.before?.(rig, victim);
  const struck = rig.heldBy(victim);
  const fault = await rig.strike(
    victim,
    () => scenario.fault(rig, victim),
    async () => {
      const beganMs = performance.now();
      await rig.ownership.until("take-over", isTaken(struck), mostMs).catch(() => {});
      await Bun.sleep(Math.max(0, scenario.lastsMs - (performance.now() - beganMs)));
    },
    1_500,
  );
  await between();
  const mended = await rig.strike(
    victim,
    () => scenario.mend(rig, victim),
    () => rig.balanced(mostMs).catch(() => {}),
    1_500,
  );
  return { scenario: scenario.name, fault, mended, merged: await rig.fatesFromMerge(mended) };
}

/** For units of several processes. */
export async function signalAll(pids: readonly number[], signal: NodeJS.Signals): Promise<void> {
  for (const pid of pids) process.kill(pid, signal);
  if (signal === "SIGSTOP") await Promise.all(pids.map(standsStill));
}
