// `cluster status` and `cluster watch` on three hosts, as an operator reads them.
import { describe, expect, test } from "bun:test";
import { Changes } from "../../lib/cluster/changes.ts";
import { parseMap, ringFacts } from "../../lib/cluster/ring-facts.ts";
import { type ClusterStatus, concernsOf } from "../../lib/cluster/status-report.ts";
import { connect } from "../../lib/spread/index.ts";
import { binary } from "../support/binary.ts";
import { startCluster } from "./cluster.ts";
import { hasCorosync } from "./requirements.ts";

const MAIN = `nodelist.local_node_pos (u32) = 0
nodelist.node.0.name (str) = a
nodelist.node.0.nodeid (u32) = 1
nodelist.node.0.ring0_addr (str) = 10.0.0.1
nodelist.node.1.name (str) = b
nodelist.node.1.nodeid (u32) = 2
nodelist.node.1.ring0_addr (str) = 10.0.0.2
runtime.config.totem.consensus (u32) = 360
runtime.config.totem.token (u32) = 300
runtime.members.1.status (str) = joined
runtime.members.2.status (str) = joined
`;
const STATS = `stats.knet.node2.link0.connected (u8) = 1
stats.knet.node2.link0.latency_ave (u32) = 75
stats.knet.node2.link0.latency_samples (u32) = 3
stats.knet.node2.link0.mtu (u32) = 1397
stats.knet.node2.link0.down_count (u32) = 1
`;
const facts = (main = MAIN, stats = STATS) => ringFacts(parseMap(main), parseMap(stats));
const status = (main?: string, stats?: string) => ({ ring: facts(main, stats), spreadd: undefined, faults: [] });

test("corosync's maps are read as a ring with its links", () => {
  const { nodes, tokenMs, consensusMs } = facts();
  expect([tokenMs, consensusMs]).toEqual([300, 360]);
  expect(nodes.map(({ name, isOwn, isMember }) => [name, isOwn, isMember])).toEqual([
    ["a", true, true],
    ["b", false, true],
  ]);
  expect(nodes[1]!.links).toEqual([{ link: 0, isUp: true, latencyUs: 75, mtu: 1397, downCount: 1 }]);
});

test("a change is told with how long it had been as it was, if that was seen to begin", () => {
  const changes = new Changes();
  expect(changes.look(status(), 0)).toEqual([]);
  const gone = status(MAIN.replace("members.2.status (str) = joined", "members.2.status (str) = left"));
  expect(changes.look(gone, 1_000)).toEqual([{ what: "b: corosync", was: "in", is: "out", afterMs: undefined }]);
  expect(changes.look(gone, 2_000)).toEqual([]);
  expect(changes.look(status(), 3_500)).toEqual([{ what: "b: corosync", was: "out", is: "in", afterMs: 2_500 }]);
  expect(concernsOf(gone)).toEqual(["b is not in the ring"]);
});

test("a spreadd is known by its node, whatever its name is", () => {
  const ring = { hosts: ["other", "b"], nodes: [1, 7], own: "other", time: 1, isOutside: false };
  const spreadd = { name: "other", version: "1", engine: "corosync", ring } as unknown as ClusterStatus["spreadd"];
  const found = { ...status(), spreadd };
  expect(concernsOf(found)).toEqual(["no spreadd of b is in the ring, though its corosync is"]); // its namesake is on node 7
});

describe.if(hasCorosync)("on three hosts", () => {
  test("status draws who is there, and what is wrong; watch tells it as it comes", async () => {
    const spreadd = '[spreadd]\nengine = "corosync"\n';
    await using cluster = await startCluster({ hosts: 3, corosync: { tokenMs: 150, retransmits: 2 }, spreadd });
    const { a, b } = cluster.host;
    await using session = await connect({ ...b!.session, name: "s" });
    await session.join("log.mail");
    for await (const event of session) if (event.kind === "view") break;
    const well = await a!.spreadbox(["cluster", "status"]);
    expect(well.stdout).toMatch(/^ {2}a \(here\) +10\.7\.0\.1 +in +- +in +0$/m);
    expect(well.stdout).toMatch(/^ {2}b +10\.7\.0\.2 +in .* in +1$/m);
    expect(well.stdout).toMatch(/^ {2}log\.mail +1 {2}b 1$/m);
    expect([well.status, well.stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "all is well"]);
    await using watch = a!.start([binary(), "cluster", "watch", "--json"]);
    await using shown = a!.start([binary(), "cluster", "watch"]);
    await shown.stdout.until("all is well");
    await cluster.act("c gone");
    await watch.stdout.until(/"what":"c: spreadd","was":"in","is":"out"/);
    await watch.stdout.until(/"what":"c: corosync","was":"in","is":"out"/);
    const bad = await a!.spreadbox(["cluster", "status"]);
    expect([bad.status, bad.stdout]).toEqual([69, expect.stringContaining("\n! c is not in the ring\n")]);
    await cluster.act("c back");
    await shown.stdout.until(/c: spreadd in, was out for \d/);
    await cluster.act("a spreadd killed");
    await shown.stdout.until("spreadd here silent");
    const json = JSON.parse((await a!.spreadbox(["cluster", "status", "--json"])).stdout);
    expect(json.concerns).toEqual([expect.stringContaining("is spreadd running?")]);
  });
});
