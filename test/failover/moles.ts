// mole as the system that covers, over the group services that it can have.
import { randomBytes } from "node:crypto";
import type { Cluster } from "../cluster/cluster.ts";
import type { RingTimes } from "../cluster/corosync.ts";
import { firstMergedViewMs } from "./merged-view.ts";
import type { RigVip, System } from "./rig.ts";

/** The daemon of `moleOnHub`, as its clients find it. */
export const HUB = "4803@hub";

/**
 * One spreadd for all, on a machine of its own, reached by TCP. It notices a host that is gone within its session_timeout for mole's group, a second.
 * @param times lines of `[mole]`
 */
export function moleOnHub(times: string): System {
  return {
    name: "mole, one spreadd",
    clients: ["hub"],
    unit: "mole",
    daemon: undefined,
    firstMergedViewMs,
    async start(cluster, vips) {
      await cluster.at("hub").service("spreadd", '[spreadd]\nlisten = ["0.0.0.0"]\n');
      await startMoles(cluster, vips, HUB, times);
    },
  };
}

/**
 * A spreadd on each host, over corosync: there is nothing that all depend on.
 * @param times lines of `[mole]`; corosync takes 323 ms to see that a host is gone, by a token of 150 ms
 */
export function moleOnRing(times: string, ringTimes: RingTimes = { tokenMs: 150, retransmits: 2 }): System {
  const ring = '[spreadd]\nengine = "corosync"\nsilence = "1s"\n';
  return {
    name: "mole, spreadd over corosync",
    clients: [],
    unit: "mole",
    daemon: "corosync",
    firstMergedViewMs,
    ring: { corosync: ringTimes, spreadd: ring },
    start: (cluster, vips) => startMoles(cluster, vips, "unix:/run/spreadbox/spread.sock", `${times}\n${ring}`),
  };
}

/** A real Spread daemon on every host, with its default timeouts cut to a fifth: it notices a host that is gone within 0.6 s. */
export function moleOnRealSpread(times: string): System {
  const timeouts = {
    Token: 250,
    Hurry: 100,
    Alive: 50,
    Join: 50,
    Rep: 125,
    Seg: 100,
    Gather: 250,
    Form: 250,
    Lookup: 5_000,
  };
  const lines = Object.entries(timeouts).map(([name, ms]) => `${name}Timeout = ${ms}\n`);
  return {
    name: "mole, Spread",
    clients: [],
    unit: "mole",
    daemon: "spread",
    firstMergedViewMs,
    async start(cluster, vips) {
      await Promise.all(cluster.hosts.map((host) => host.realSpread(cluster.hosts, lines.join(""))));
      await startMoles(cluster, vips, "unix:/tmp/4803", times);
    },
  };
}

/** Starts a mole on every host, all with the same config but for their name. */
export async function startMoles(
  cluster: Cluster,
  vips: readonly RigVip[],
  server: string,
  more: string,
): Promise<void> {
  const key = randomBytes(32);
  for (const host of cluster.hosts) {
    host.write("/etc/machine-id", `${host.id.toString(16).padStart(32, "0")}\n`);
    host.write("/etc/spreadbox/mole.key", key, 0o600);
    await host.service("mole", moleConfig(cluster, vips, server, more));
  }
}

export function moleConfig(cluster: Cluster, vips: readonly RigVip[], server: string, more: string): string {
  const list = (texts: readonly string[]) => JSON.stringify(texts);
  return `
[spread]
servers = ${list([server])}
[mole]
hosts = ${list(cluster.hosts.map(({ name }) => name))}
key_file = "/etc/spreadbox/mole.key"
hold_down = "500ms"
calm = "300ms"
${more}
${vips.map(({ name, addresses }) => `[[mole.vip]]\nname = "${name}"\naddresses = ${list(addresses)}\n`).join("")}`;
}
