// Who joins alone while the others tell each other what they hold (exchange.ts).
import { expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import type { SimHost } from "./host.ts";
import { SEEDS } from "./story.ts";

test("who joins alone while an exchange goes on ends it with the others, though a stranger has joined too, and is not thrown out for what it could not know", () => {
  for (const seed of SEEDS) {
    const cluster = new Cluster({ seed, hosts: 5, vips: 6, mode: "available" });
    const [a, , c, d, e] = cluster.hosts as [SimHost, SimHost, SimHost, SimHost, SimHost];
    for (const host of cluster.hosts) if (host !== e) host.start();
    cluster.run(6_000);
    cluster.service.part([0, 0, 0, 1, 0]);
    cluster.run(1_000);
    c.freeze(); // it owes its state
    cluster.service.part([0, 0, 0, 0, 0]);
    const table = () => a.machine!.session!.table;
    for (let ms = 0; ms < 400 && table() !== undefined; ms += 1) cluster.run(1);
    expect(table()).toBeUndefined();
    const stranger = cluster.service.open("stranger", d.daemon, { deliver: () => {} });
    cluster.run(50);
    e.start();
    for (let ms = 0; ms < 1_500 && table() === undefined; ms += 1) cluster.run(1);
    expect(table()!.members).toContain(stranger.name);
    cluster.run(20);
    expect(e.machine!.session!.table?.hosts.size).toBe(4);
    cluster.run(2_000);
    expect(e.sessions).toBe(1);
    c.thaw();
    cluster.service.close(stranger, "leave");
    cluster.settle(8_000);
  }
});
