// How far one ring carries clients outside of it: thousands of sessions by TLS on three daemons over corosync, a few of them sending, and one daemon dies.
// Figures, no contest: there is nobody to compare with. Bounded: it ends within some minutes.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startCluster } from "../../test/cluster/cluster.ts";
import type { Host } from "../../test/cluster/host.ts";
import { hasCorosync } from "../../test/cluster/requirements.ts";
import { projectRoot } from "../../test/support/binary.ts";
import { Certificates } from "../../test/support/certificates.ts";
import type { Child } from "../../test/support/child.ts";

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "2000" },
    processes: { type: "string", default: "4" },
    rack: { type: "string", default: "50" },
    every: { type: "string", default: "500" },
    spread: { type: "string", default: "2000" },
    only: { type: "string" },
  },
});
if (!hasCorosync) process.exit(69);
const count = Number(values.sessions);
const processes = Number(values.processes);
const LIMIT_MS = 120_000;

using made = new Certificates();
made.authority("ca");
made.certificate("server", "ca", { name: "spread.example.com" });
made.certificate("client", "ca", { name: "web.example.com" });

const CONFIG = `[spreadd]
engine = "corosync"
[spreadd.tls]
certificate = "/etc/spreadbox/server.crt"
key = "/etc/spreadbox/server.key"
authorities = "/etc/spreadbox/ca.crt"
[[spreadd.allow]]
from = ["unix", "tls:*.example.com"]
`;

await using cluster = await startCluster({ hosts: 3, clients: ["far"], corosync: { tokenMs: 300 } });
for (const host of [...cluster.hosts, ...cluster.clients])
  for (const file of ["ca.crt", "server.crt", "server.key", "client.crt", "client.key"])
    host.write(`/etc/spreadbox/${file}`, made.read(file), 0o600);
for (const host of cluster.hosts) await host.service("spreadd", CONFIG);

const before = cluster.hosts.map(memoryOf);
const cpuOfNone = cluster.hosts.map(cpuOf);
const begun = Date.now();
const clients = Array.from({ length: processes }, (_, at) => startClients(at));
await Promise.all(clients.map((client) => client.stdout.until('"all"', LIMIT_MS)));
row("connected and joined, all at once", "seconds", (Date.now() - begun) / 1_000);
const cpuOfJoins = cluster.hosts.map((host, at) => cpuOf(host) - cpuOfNone[at]!);
await Bun.sleep(2_000);
const after = cluster.hosts.map(memoryOf);
const sessions = await Promise.all(cluster.hosts.map(sessionsOf));
row("sessions a daemon", "a, b, c", sessions.join(", "));
row(
  "memory a session (with its place in a group)",
  "KiB",
  sessions.map((each, at) => ((after[at]! - before[at]!) / each).toFixed(0)).join(", "),
);

row(
  "processor time for one to connect and join",
  "ms",
  sessions.map((each, at) => ((cpuOfJoins[at]! * 1_000) / each).toFixed(1)).join(", "),
);

for (const client of clients) client.stdin.write("send\n");
for (const client of clients) client.stdin.flush();
await Bun.sleep(3_000);
mark();
const cpuBefore = cluster.hosts.map(cpuOf);
await Bun.sleep(10_000);
const cpu = cluster.hosts.map((host, at) => (cpuOf(host) - cpuBefore[at]!) / 10);
const calm = await report();
row("5 % sending", "messages delivered/s", calm.latencies.length / 10);
row(
  "their way, one client to the other",
  "ms, median / 99 % / most",
  [quantile(calm.latencies, 0.5), quantile(calm.latencies, 0.99), quantile(calm.latencies, 1)].join(" / "),
);
row("CPU of each spreadd meanwhile", "% of a processor", cpu.map((part) => (part * 100).toFixed(1)).join(", "));

mark();
await cluster.act("a spreadd killed");
const died = Date.now();
const gone = sessions[0]!;
let all = { backs: [] as number[], lost: 0, latencies: [] as number[], inGroup: 0 };
while (all.backs.length < gone && Date.now() - died < LIMIT_MS) {
  await Bun.sleep(500);
  const more = await report();
  all = { ...more, backs: [...all.backs, ...more.backs], latencies: [...all.latencies, ...more.latencies] };
}
row("a daemon dies: sessions that lost it, that are back", "", `${all.lost}, ${all.backs.length}`);
row(
  "back in their groups",
  "ms, first / median / all",
  [quantile(all.backs, 0), quantile(all.backs, 0.5), quantile(all.backs, 1)].join(" / "),
);
const perTenth = new Map<number, number>();
for (const ms of all.backs) perTenth.set(Math.floor(ms / 100), (perTenth.get(Math.floor(ms / 100)) ?? 0) + 1);
row("most that came back within 100 ms", `of ${gone}`, Math.max(...perTenth.values()));
row(
  "messages meanwhile, all sessions",
  "ms, median / 99 % / most",
  [quantile(all.latencies, 0.5), quantile(all.latencies, 0.99), quantile(all.latencies, 1)].join(" / "),
);
row("sessions on the other two", "b, c", (await Promise.all(cluster.hosts.slice(1).map(sessionsOf))).join(", "));

function startClients(at: number): Child {
  const each = Math.floor(count / processes);
  const orders = {
    servers: cluster.hosts.map(({ address }) => `tls:${address}:4804`),
    tls: {
      certificate: "/etc/spreadbox/client.crt",
      key: "/etc/spreadbox/client.key",
      authorities: "/etc/spreadbox/ca.crt",
      serverName: "spread.example.com",
    },
    first: at * each,
    count: each,
    rackSize: Number(values.rack),
    senders: 0.05,
    everyMs: Number(values.every),
    rejoinSpreadMs: Number(values.spread),
  };
  const script = `${projectRoot}/scripts/benchmarks/far-clients.ts`;
  return cluster.at("far").start([process.execPath, script, JSON.stringify(orders)], { stdin: "open" });
}

function mark(): void {
  for (const client of clients) {
    client.stdin.write("mark\n");
    client.stdin.flush();
  }
}

/** What all have seen since the last report. */
async function report() {
  const lines = await Promise.all(
    clients.map(async (client) => {
      const reports = (text: string) => text.split("\n").filter((line) => line.startsWith('{"backs"'));
      const had = reports(client.stdout.text).length;
      client.stdin.write("report\n");
      client.stdin.flush();
      const text = await client.stdout.until((said) => said.endsWith("\n") && reports(said).length > had, LIMIT_MS);
      return JSON.parse(reports(text).at(-1)!) as {
        backs: number[];
        lost: number;
        latencies: number[];
        inGroup: number;
      };
    }),
  );
  return {
    backs: lines.flatMap(({ backs }) => backs),
    lost: lines.reduce((sum, { lost }) => sum + lost, 0),
    latencies: lines.flatMap(({ latencies }) => latencies),
    inGroup: lines.reduce((sum, { inGroup }) => sum + inGroup, 0),
  };
}

async function sessionsOf(host: Host): Promise<number> {
  const { stdout } = await host.spreadbox(["spreadd", "status", "--json"]);
  return JSON.parse(stdout).sessionCount;
}

/** KiB of memory that is its own. */
function memoryOf(host: Host): number {
  const text = readFileSync(`/proc/${host.child("spreadd").pid}/smaps_rollup`, "utf8");
  return Number(/^Private_Dirty: +(\d+)/m.exec(text)![1]);
}

/** Seconds of processor so far. */
function cpuOf(host: Host): number {
  const fields = readFileSync(`/proc/${host.child("spreadd").pid}/stat`, "utf8")
    .split(") ")[1]!
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function row(what: string, unit: string, value: string | number): void {
  console.log(
    `${what.padEnd(52)} ${unit.padEnd(28)} ${typeof value === "number" ? Number(value.toFixed(2)).toLocaleString("en") : value}`,
  );
}
