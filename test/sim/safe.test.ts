// Mode safe, where knowledge of who may hold what has to outlive those who had it, and where a part that can't know lets go.
import { expect, test } from "bun:test";
import type { Rules } from "../../lib/mole/rules.ts";
import { Cluster } from "./cluster.ts";
import { SEEDS } from "./story.ts";

const ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

/** At rest for a second. Each put is judged by the cluster: nothing may ever be on two hosts. */
function rested(seed: number, hosts: number, options: { rules?: Partial<Rules>; oneDaemon?: boolean } = {}): Cluster {
  const cluster = new Cluster({
    seed,
    hosts,
    vips: ADDRESSES.length,
    mode: "safe",
    times: { silenceMs: 700 },
    ...options,
  });
  cluster.startAll();
  cluster.settle(10_000);
  cluster.run(1_000);
  return cluster;
}

const held = (cluster: Cluster, name: string) => ADDRESSES.filter((address) => cluster.host(name).has(address));

test("the longest lease is known from disk where all who knew it have lost their table: what a frozen host holds by it is waited for", () => {
  for (const seed of SEEDS) {
    const cluster = rested(seed, 3);
    const b = cluster.host("B");
    b.configure({ ...b.config, times: { ...b.config.times, leaseMs: 12_000 } });
    cluster.run(1_000);
    expect(held(cluster, "B")).not.toEqual([]);
    b.freeze();
    const others = [cluster.host("A"), cluster.host("C")];
    for (const host of others) host.kill();
    cluster.run(200);
    for (const host of others) host.start();
    cluster.run(11_500);
    expect(held(cluster, "B")).not.toEqual([]);
    cluster.run(4_000);
    b.thaw();
    cluster.settle(20_000);
  }
});

test("who was taken off the list of hosts, and stands still before it has let go, is waited for by those who have lost their table", () => {
  for (const seed of SEEDS) {
    const cluster = rested(seed, 4, { oneDaemon: true });
    const d = cluster.hosts.find((host) => held(cluster, host.name).length > 0)!;
    const rest = cluster.hosts.filter((host) => host !== d);
    const hosts = rest.map(({ name }) => name);
    d.driverMs = 400;
    for (const host of cluster.hosts) host.configure({ ...host.config, hosts });
    for (let ms = 0; ms < 1_000 && rest[0]!.stored.hostList.former.length === 0; ms += 1) cluster.run(1);
    cluster.run(10);
    d.freeze();
    expect(rest[0]!.stored.hostList).toMatchObject({ hosts, former: [d.name] });
    expect(held(cluster, d.name)).not.toEqual([]);
    cluster.service.crash(d.daemon);
    cluster.service.restart(d.daemon);
    cluster.run(1_500);
    expect(held(cluster, d.name)).not.toEqual([]);
    cluster.run(10_000);
    for (const address of ADDRESSES) expect(cluster.holders(address)).toHaveLength(1);
  }
});

test("where an exchange does not end everything is let go in time for those who may have stopped waiting", () => {
  for (const seed of SEEDS) {
    // Nobody is thrown out, so the one that tells nothing is waited for without an end.
    const cluster = rested(seed, 3, { rules: { silentAreExpelled: false } });
    cluster.service.part([0, 0, 1]);
    cluster.run(8_000);
    cluster.host("C").freeze();
    cluster.service.part([0, 0, 0]);
    cluster.run(700);
    const count = () => held(cluster, "A").length + held(cluster, "B").length;
    expect(count()).toBe(ADDRESSES.length);
    cluster.run(700);
    expect(count()).toBe(0);
  }
});

test("who goes over into a smaller part lets go at once, though somebody there tells nothing", () => {
  for (const seed of SEEDS) {
    const cluster = rested(seed, 5);
    cluster.service.part([0, 1, 0, 0, 0]);
    cluster.run(8_000);
    const a = cluster.hosts.find((host) => host.name !== "B" && held(cluster, host.name).length > 0)!;
    cluster.host("B").freeze();
    cluster.service.part(cluster.hosts.map((host) => Number(host === a || host.name === "B")));
    for (let ms = 0; a.machine!.session!.view!.members.length > 2; ms += 1) {
      expect(ms).toBeLessThan(1_000);
      cluster.run(1);
    }
    expect(a.machine!.session!.exchange).toBeDefined();
    cluster.run(30);
    expect(held(cluster, a.name)).toEqual([]);
  }
});

test("a name whose wait has run out leaves the sets when the new holder says so: a move is done though the host is away still", () => {
  for (const seed of SEEDS) {
    const cluster = rested(seed, 3);
    const c = cluster.host("C");
    expect(held(cluster, "C")).not.toEqual([]);
    c.crash();
    cluster.service.crash(c.daemon);
    cluster.run(8_000);
    for (const name of ["A", "B"]) {
      const { entries } = cluster.host(name).machine!.session!.table!;
      for (const { owner, set } of entries.values()) expect([...set.keys()]).toEqual([owner!]);
    }
  }
});

test("who was thrown out is waited for by nobody in the exchange that follows, not even by those who have not heard of it", () => {
  for (const seed of SEEDS) {
    const cluster = rested(seed, 4);
    const a = cluster.host("A");
    cluster.service.part([0, 0, 0, 1]);
    cluster.run(1_000);
    cluster.host("C").freeze();
    const table = () => a.machine!.session!.table;
    /** @returns after how long it is so, at most 3 s */
    const until = (is: () => boolean) => {
      const fromMs = cluster.nowMs;
      while (!is() && cluster.nowMs - fromMs < 3_000) cluster.run(1);
      return cluster.nowMs - fromMs;
    };
    until(() => table()!.expelled.size > 0);
    cluster.service.part([0, 0, 0, 0]);
    until(() => table() === undefined);
    expect(until(() => table() !== undefined)).toBeLessThan(350); // half of silence
    for (const name of ["A", "B", "D"]) expect(cluster.host(name).machine!.session!.table!.hosts.size).toBe(3);
    cluster.host("C").thaw();
    cluster.settle(15_000);
  }
});
