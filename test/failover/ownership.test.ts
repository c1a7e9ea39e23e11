// The order in which hosts' kernels are heard.
import { describe, expect, test } from "bun:test";
import { startCluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import { canMakeHosts } from "../cluster/requirements.ts";
import { Ownership } from "./ownership.ts";

const ADDRESS = "10.7.0.101";

/** Waits for it without a turn of the event loop: nothing is read meanwhile. */
function ip(host: Host, does: "add" | "del"): void {
  const { pid } = host.namespace;
  const { exitCode } = Bun.spawnSync([
    "nsenter",
    "-t",
    `${pid}`,
    "-n",
    "ip",
    "addr",
    does,
    `${ADDRESS}/32`,
    "dev",
    "lo",
  ]);
  expect(exitCode).toBe(0);
}

describe.if(canMakeHosts)("what is read at once", () => {
  test("is in order: who let go before another took it is noted before", async () => {
    await using cluster = await startCluster({ hosts: 2 });
    const watched = cluster.hosts.map(({ name, namespace: { pid } }) => ({ name, pid }));
    using ownership = new Ownership(watched, new Set([ADDRESS]));
    const heldBy = (name: string) => () => ownership.holders(ADDRESS).join() === name;
    const [a, b] = cluster.hosts as [Host, Host];
    ip(a, "add");
    await ownership.until("a's", heldBy("a"));
    // Whichever socket is read first, one of the two ways it is the taker's.
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      ip(from, "del");
      ip(to, "add");
      await ownership.until(`${to.name}'s`, heldBy(to.name));
    }
    expect(ownership.changes.map(({ host, holds }) => `${holds ? "+" : "-"}${host}`)).toEqual([
      "+a",
      "-a",
      "+b",
      "-b",
      "+a",
    ]);
  });
});
