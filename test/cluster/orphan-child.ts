// A test's process that is killed in the midst of it: prints the processes of its cluster, and stays.
import { startCluster } from "./cluster.ts";

await using cluster = await startCluster({ hosts: 1, spreadd: "" });
const [host] = cluster.hosts;
process.stdout.write(`${JSON.stringify([host!.namespace.pid, ...host!.namespace.processes()])}\n`);
await new Promise(() => setInterval(() => {}, 1_000));
