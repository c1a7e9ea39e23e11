// One look at the cluster from this host: what its corosync and its spreadd know. Either may be missing.
import { Fault } from "../../lib/base/fault.ts";
import { askCorosync } from "../../lib/cluster/io/corosync-map.ts";
import type { ClusterStatus } from "../../lib/cluster/status-report.ts";
import { spreaddStatus } from "../spreadd/status.ts";

export async function look(controlPath: string, stop?: AbortSignal): Promise<ClusterStatus> {
  const faults: string[] = [];
  const [ring, spreadd] = await Promise.all([
    askCorosync().catch((error) => noted(error, faults)),
    spreaddStatus(controlPath, stop).catch((error) => noted(error, faults)),
  ]);
  return { ring, spreadd, faults };
}

function noted(error: unknown, faults: string[]): undefined {
  if (!(error instanceof Fault)) throw error;
  faults.push(error.message);
}
