// Floods over a ring of three hosts: one writer on the first, a reader on each of the others. The same namespaces carry the real daemon and ours over
// corosync in turn; neither runs while the other is measured.
import { readFileSync } from "node:fs";
import { writeCorosyncConf } from "../../lib/cluster/corosync-conf.ts";
import { parseNodes } from "../../lib/cluster/nodes.ts";
import { AUTHKEY_BYTES, AUTHKEY_PATH, COROSYNC_CONF_PATH } from "../../lib/cluster/plan.ts";
import type { Cluster } from "../../test/cluster/cluster.ts";
import type { Host } from "../../test/cluster/host.ts";
import { projectRoot } from "../../test/support/binary.ts";
import type { Child } from "../../test/support/child.ts";
import { spreadPrefix } from "./c-tools.ts";
import type { Figures } from "./pairs.ts";

const BYTES = 200;
/** A flood of some seconds; a limit only ends a wait. */
const LIMIT_MS = 120_000;

/** What carries the messages. */
export interface RingSystem {
  readonly services: readonly string[];
  start(cluster: Cluster): Promise<void>;
}

export const REAL: RingSystem = {
  services: ["spread"],
  async start({ hosts }) {
    await Promise.all(hosts.map((host) => host.realSpread(hosts, "MaxSessionMessages = 50000\n")));
  },
};

/**
 * corosync as `cluster init` sets it up, encrypted (udpu without encryption costs 40 % more processor: its packets are those of the network, knet's 64 KiB),
 * but for its priority: at real time three of them leave two processors to nobody else. The reader's bound is raised as the real daemon's is.
 */
export const OURS: RingSystem = {
  services: ["spreadd", "corosync"],
  async start(cluster) {
    const nodes = parseNodes(cluster.hosts.map(({ name, address }) => `${name}=${address}`).join());
    const conf = writeCorosyncConf({ cluster: "bench", nodes, profile: "wan", mode: "available" }).replace(
      "to_stderr: no",
      "to_stderr: yes",
    );
    const key = crypto.getRandomValues(new Uint8Array(AUTHKEY_BYTES));
    for (const host of cluster.hosts) {
      host.write(AUTHKEY_PATH, key, 0o400);
      host.write(COROSYNC_CONF_PATH, `${conf}system {\n\tsched_rr: no\n\tpriority: 0\n}\n`);
      await host.corosync();
    }
    await cluster.ring();
    const config = '[spreadd]\nengine = "corosync"\nqueue_bytes_max = "64MiB"\n';
    await Promise.all(cluster.hosts.map((host) => host.service("spreadd", config)));
  },
};

/** A reader that got no processor for a while is thrown out, by either: such a run says nothing of speed, so it is run again. */
export async function wholeFlood(
  cluster: Cluster,
  system: RingSystem,
  by: "c" | "ours",
  messages: number,
): Promise<Figures> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const figures = await flood(cluster, system, by, messages);
    if (figures["rate"] !== 0) return figures;
    console.error(`(a reader on ${system.services[0]} was thrown out: run again)`);
  }
  throw new Error("a reader was thrown out five times in a row");
}

/** Starts a system, has it carry a flood, and ends it. Rate from the writer's start to the last reader's end; 0 where a reader did not get all. */
async function flood(cluster: Cluster, system: RingSystem, by: "c" | "ours", messages: number): Promise<Figures> {
  await system.start(cluster);
  try {
    const [first, ...others] = cluster.hosts;
    const clients = by === "c" ? C_TOOLS : OUR_CLIENTS;
    const readers = await Promise.all(others.map((host) => clients.read(host, messages)));
    const cpuBefore = system.services.map((service) => cpuOf(cluster.hosts, [service]));
    const begun = performance.now();
    await using writer = clients.write(first!, messages);
    const statuses = await Promise.all(readers.map((reader) => reader.exited));
    const seconds = (performance.now() - begun) / 1_000;
    const cpus = system.services.map((service, at) => cpuOf(cluster.hosts, [service]) - cpuBefore[at]!);
    const perMessage = (seconds: number) => (seconds * 1e6) / messages;
    await writer.exited;
    const isWhole =
      statuses.every((status) => status === 0) && readers.every((reader) => clients.isWhole(reader, messages));
    const [daemon = 0, engine = 0] = cpus.map(perMessage);
    return { rate: isWhole ? messages / seconds : 0, daemonsCpuUs: daemon + engine, withoutCorosyncUs: daemon };
  } finally {
    for (const host of cluster.hosts) for (const service of system.services) await host.kill(service);
    for (const host of cluster.hosts) await host.output(["sh", "-c", "rm -rf /tmp/4803 /dev/shm/qb-*"]);
  }
}

interface Clients {
  read(host: Host, messages: number): Promise<Child>;
  write(host: Host, messages: number): Child;
  isWhole(reader: Child, messages: number): boolean;
}

const C_TOOLS: Clients = {
  async read(host, messages) {
    const command = ["stdbuf", "-oL", `${spreadPrefix}/bin/spflooder`, "-u", `r${host.id}`, "-ro"];
    const reader = host.start([...command, "-m", String(messages), "-b", String(BYTES), "-s", "4803"]);
    await reader.stdout.until("Only receiving", LIMIT_MS);
    await Bun.sleep(500); // it tells of nothing between that line and its join
    return reader;
  },
  write: (host, messages) =>
    host.start([
      `${spreadPrefix}/bin/spflooder`,
      "-u",
      "writer",
      "-wo",
      "-m",
      String(messages),
      "-b",
      String(BYTES),
      "-s",
      "4803",
    ]),
  isWhole: (reader, messages) => reader.stdout.text.includes(`completed multicast of ${messages} messages`),
};

const SCRIPT = `${projectRoot}/scripts/benchmarks/flood-client.ts`;

const OUR_CLIENTS: Clients = {
  async read(host, messages) {
    const reader = host.start([process.execPath, SCRIPT, "reader", String(messages)]);
    await reader.stdout.until("ready", LIMIT_MS);
    return reader;
  },
  write: (host, messages) => host.start([process.execPath, SCRIPT, "writer", String(messages), String(BYTES)]),
  isWhole: (reader) => reader.stdout.text.includes("done"),
};

/** Seconds of processor that these services of all hosts have had. */
export function cpuOf(hosts: readonly Host[], services: readonly string[]): number {
  let ticks = 0;
  for (const host of hosts)
    for (const service of services) {
      const fields = readFileSync(`/proc/${host.child(service).pid}/stat`, "utf8")
        .split(") ")[1]!
        .split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    }
  return ticks / 100;
}
