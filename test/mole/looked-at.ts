// A running machine that is looked at: a real one, in a simulated cluster.
import { styleFor } from "../../lib/cli/style.ts";
import { Chronicle } from "../../lib/mole/chronicle.ts";
import type { MoleEvent } from "../../lib/mole/event.ts";
import { Machine } from "../../lib/mole/machine.ts";
import type { StandsOn } from "../../lib/mole/standing.ts";
import { type Status, statusOf } from "../../lib/mole/status.ts";
import { Cluster } from "../sim/cluster.ts";

/** Three settled hosts; A is looked at. Its chronicle is kept as the runner keeps it. */
export function settled(mode: "available" | "safe" = "available") {
  const chronicle = new Chronicle();
  const handle = Machine.prototype.handle;
  const cluster = new Cluster({ seed: 5, hosts: 3, vips: 3, mode, evenClocks: true });
  const a = cluster.host("A");
  a.start();
  // A's machine is watched as the runner would.
  a.machine!.handle = function (this: Machine, event: MoleEvent) {
    const actions = handle.call(this, event);
    chronicle.note(event, this);
    return actions;
  };
  for (const name of ["B", "C"]) cluster.host(name).start();
  cluster.settle(10_000);
  cluster.balance(10_000);
  const status = (
    standsOn: StandsOn = nobody,
    unreadable = new Map<string, Error>(),
    seen = chronicle,
    isOn = (_: string) => true,
    failure: string | undefined = undefined,
  ): Status =>
    statusOf({
      standsOn,
      unreadable,
      isOn,
      failureOf: () => failure,
      machine: a.machine!,
      chronicle: seen,
      config: a.config,
      group: "mole",
      stored: a.stored,
      awayReason: "no daemon",
      warnings: [],
      alarms: [],
      nowMs: a.nowMs,
    });
  return { cluster, a, chronicle, status };
}

export const plain = styleFor(false);
export const nobody: StandsOn = () => [];
