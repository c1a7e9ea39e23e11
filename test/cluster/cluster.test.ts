// The harness itself: that its hosts are apart, that its faults do what they are called, and that nothing is left of it.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../lib/spread/index.ts";
import { Child, WAIT_MS } from "../support/child.ts";
import { hasRealSpread } from "../support/real-spread.ts";
import { parseAct } from "./act.ts";
import { startCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { stateOf } from "./namespace.ts";
import { canMakeHosts, hasCorosync } from "./requirements.ts";

const reaches = async (from: Host, to: string) =>
  (await from.exec(["bash", "-c", `exec 3<>/dev/tcp/${to}/4803`])).status === 0;

describe.if(canMakeHosts)("hosts in namespaces", () => {
  test("have their own files, names and network", async () => {
    await using cluster = await startCluster({ hosts: 2 });
    const { a, b } = cluster.host;
    a!.write("/etc/spreadbox/spreadbox.toml", "# a's\n");
    expect(await a!.output(["cat", "/etc/spreadbox/spreadbox.toml"])).toBe("# a's\n");
    expect((await b!.exec(["cat", "/etc/spreadbox/spreadbox.toml"])).status).toBe(1);
    expect(await b!.output(["hostname"])).toBe("b\n");
    expect(await b!.output(["getent", "hosts", "a"])).toStartWith("10.7.0.1 ");
  });

  test("reach each other as the story says", async () => {
    await using cluster = await startCluster({ hosts: 3, spreadd: '[spreadd]\nlisten = ["0.0.0.0"]\n' });
    const { a, b, c } = cluster.host;
    expect(await Promise.all([reaches(a!, "c"), reaches(b!, "a"), reaches(c!, "b")])).toEqual([true, true, true]);
    await cluster.act("partition a b | c");
    const isCut = (host: typeof a, to: string) =>
      host!.exec(["timeout", "0.5", "bash", "-c", `exec 3<>/dev/tcp/${to}/4803`]);
    expect(await Promise.all([reaches(a!, "b"), isCut(c, "a").then(({ status }) => status)])).toEqual([true, 124]);
    await cluster.story("heal", "b cable pulled");
    expect(await Promise.all([reaches(a!, "c"), isCut(b, "a").then(({ status }) => status)])).toEqual([true, 124]);
    await cluster.act("b cable plugged");
    expect(await reaches(a!, "b")).toBe(true);
  });

  test("lose what runs on them, and get it back", async () => {
    await using cluster = await startCluster({ hosts: 1, spreadd: "" });
    const { a } = cluster.host;
    await using session = await connect({ ...a!.session, name: "s" });
    const events = session[Symbol.asyncIterator]();
    await cluster.act("a gone");
    expect((await events.next()).value).toMatchObject({ kind: "lost" });
    expect(a!.namespace.processes()).toEqual([]);
    await cluster.act("a back");
    let kind = "";
    while (kind !== "back") kind = (await events.next()).value!.kind;
    expect(String(session.privateGroup)).toBe("#s#a");
  });

  test("are frozen with all they run", async () => {
    await using cluster = await startCluster({ hosts: 1, spreadd: "" });
    const { a } = cluster.host;
    await cluster.act("a frozen");
    const { pid } = a!.child("spreadd");
    expect(await stateOf(pid)).toBe("T");
    await cluster.act("a thawed");
    expect(await stateOf(pid)).not.toBe("T");
  });

  test("are gone when the process of their test is killed", async () => {
    await using child = new Child([process.execPath, join(import.meta.dir, "orphan-child.ts")]);
    const said = await child.stdout.until("\n");
    const pids: number[] = JSON.parse(said);
    expect(pids.length).toBeGreaterThan(1);
    child.signal("SIGKILL");
    for (
      const deadline = performance.now() + WAIT_MS;
      pids.some((pid) => existsSync(`/proc/${pid}`));
      await Bun.sleep(10)
    )
      if (performance.now() > deadline)
        throw new Error(`left behind: ${pids.filter((pid) => existsSync(`/proc/${pid}`))}`);
  });

  test.if(hasRealSpread)("form a ring of real daemons", async () => {
    await using cluster = await startCluster({ hosts: 2 });
    for (const host of cluster.hosts) await host.realSpread(cluster.hosts);
    const [a, b] = await Promise.all(
      cluster.hosts.map((host) => connect({ servers: `unix:${host.path("/tmp/4803")}`, name: "s" })),
    );
    await using first = a!;
    await using second = b!;
    await first.join("g");
    await second.join("g");
    for await (const event of first) if (event.kind === "view" && event.members.length === 2) break;
    expect(String(second.privateGroup)).toBe("#s#b");
  });
});

describe.if(hasCorosync)("corosync on each host", () => {
  test("forms one ring, parts with the network, and comes together again", async () => {
    await using cluster = await startCluster({ hosts: 3, corosync: { tokenMs: 150, retransmits: 2 } });
    await cluster.act("partition a b | c");
    await Promise.all([cluster.ring(["a", "b"]), cluster.ring(["c"])]);
    await cluster.act("heal");
    await cluster.ring();
    await cluster.act("b corosync killed");
    await cluster.ring(["a", "c"]);
    await cluster.act("b corosync started");
    await cluster.ring();
    await cluster.act("c frozen");
    await cluster.ring(["a", "b"]);
    await cluster.act("c thawed");
    await cluster.ring();
  });
});

test("a line that does nothing is refused", () => {
  for (const line of ["", "c", "c spreadd", "c spreadd eaten", "partition a b", "heal c", "c cable"])
    expect(() => parseAct(line)).toThrow("nothing does");
  expect(parseAct("partition a b | c")).toEqual({ does: "partition", parts: [["a", "b"], ["c"]] });
  expect(parseAct("c cable pulled")).toEqual({ does: "host", host: "c", how: "cable pulled" });
});
