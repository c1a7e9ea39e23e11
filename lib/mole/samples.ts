// The counts, for metrics and `stats`.
import type { Sample } from "../base/counters.ts";
import type { HealthState } from "./health.ts";
import type { Status } from "./status.ts";

export interface Counted {
  readonly status: Status;
  readonly counts: Readonly<Record<string, number>>;
  readonly health: readonly HealthState[];
}

const HELP: Readonly<Record<string, string>> = {
  sessions: "sessions with the group service that began",
  sessionsLost: "sessions that were lost",
  views: "views of the group",
  sent: "messages sent to the group",
  received: "messages received from the group",
  unread: "messages that were none of a mole's, or not sealed by our key",
  acquired: "vips acquired",
  released: "vips released",
  failed: "vips that the system would not acquire",
  late: "renewals that came too late: removed at once",
  dropped: "acquisitions given up directly before the system call: the table had changed",
  stalls: "times this process was held up",
  hooksDropped: "hook calls that were not made: too many waited",
  hooksFailed: "hook calls that failed",
};

export function samplesOf({ status, counts, health }: Counted): readonly Sample[] {
  const gauge = (name: string, help: string, value: number, labels: Sample["labels"] = {}): Sample => ({
    name,
    kind: "gauge",
    help,
    labels,
    value,
  });
  const samples: Sample[] = [
    gauge("settled", "1 where this host is in the group and has its table", Number(status.is === "settled")),
    gauge("covers", "1 where this part of the network may cover", Number(status.covers)),
    gauge("maintenance", "1 under maintenance", Number(status.maintenance)),
    gauge("warnings", "what status warns of", status.warnings.length),
    ...status.hosts.map(({ host, is }) =>
      gauge("host_here", "1 for a host that is heard", Number(is === "here"), { host }),
    ),
    ...status.vips.map(({ vip, is }) =>
      gauge("vip_held", "1 where some host holds it", Number(is === "held"), { vip }),
    ),
    ...status.vips.map(({ vip, isHeldHere }) =>
      gauge("vip_held_here", "1 where this host holds it", Number(isHeldHere), { vip }),
    ),
    ...health.map(({ check, isWell }) =>
      gauge("health_well", "1 where the check is well", Number(isWell), { check: check.name }),
    ),
  ];
  for (const [name, value] of Object.entries(counts))
    samples.push({ name: snake(name), kind: "counter", help: HELP[name] ?? name, labels: {}, value });
  return samples.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
