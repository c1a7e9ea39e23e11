// Hosts whose ring has a network of its own, and whose clients are on another: where the ring's is cut, each part gives itself the other's vips, and those who had them serve on. What was
// taken behind a holder that lives is let go again; and clients find that one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { hasCorosync } from "../cluster/requirements.ts";
import { WAIT_MS } from "../support/child.ts";
import { moleOnRing } from "./moles.ts";
import { Ownership } from "./ownership.ts";

const TEST_MS = 120_000;
const VIPS = [101, 102, 103].map((last) => ({ name: `v${last}`, addresses: [`10.8.0.${last}`] }));
const ADDRESSES = VIPS.flatMap(({ addresses }) => addresses);

describe.if(hasCorosync)("mole on a ring, with its vips on another network", () => {
  let cluster: Cluster;
  let ownership: Ownership;

  const ip = async (host: string, line: string) => await cluster.at(host).output(["ip", ...line.split(" ")]);
  const macOf = async (host: string) => /ether (\S+)/.exec(await ip(host, "link show eth1"))![1]!;
  const isAlone = () => ADDRESSES.every((address) => ownership.holders(address).length === 1);
  const held = () => Object.fromEntries(ADDRESSES.map((address) => [address, ownership.holders(address).join()]));
  const isHeldAs = (before: Readonly<Record<string, string>>) => () =>
    ADDRESSES.every((address) => ownership.holders(address).join() === before[address]);

  async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const endMs = performance.now() + WAIT_MS;
    while (!(await holds())) {
      if (performance.now() > endMs) throw new Error(`waited for ${what}; held: ${JSON.stringify(held())}`);
      await Bun.sleep(50);
    }
  }

  beforeAll(async () => {
    const system = moleOnRing('silence = "1s"');
    cluster = await startCluster({ hosts: 3, clients: ["client"], ...system.ring });
    const { hosts } = cluster;
    ownership = new Ownership(
      hosts.map(({ name, namespace: { pid } }) => ({ name, pid })),
      new Set(ADDRESSES),
    );
    // The client's host is the switch of the other network.
    await ip("client", "link add eth1 type bridge");
    for (const { name, id, namespace } of hosts) {
      await ip("client", `link add to-${name} type veth peer name eth1 netns ${namespace.pid}`);
      await ip("client", `link set to-${name} master eth1 up`);
      await ip(name, `address add 10.8.0.${id}/24 dev eth1`);
      await ip(name, "link set eth1 up");
    }
    await ip("client", "address add 10.8.0.99/24 dev eth1");
    await ip("client", "link set eth1 up");
    await system.start(cluster, VIPS);
    await ownership.until("a vip on each", () => isAlone() && new Set(Object.values(held())).size === 3);
  }, TEST_MS);

  afterAll(async () => {
    ownership?.[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test(
    "the ring's network is cut: what was taken is let go, who had it keeps it, and clients find that one",
    async () => {
      const before = held();
      for (const address of ADDRESSES) await cluster.at("client").output(["ping", "-c", "1", "-W", "5", address]);
      await cluster.act("partition a b client | c");
      await ownership.until("both parts cover", () =>
        ADDRESSES.every((address) => ownership.holders(address).length === 2),
      );
      // Each of the others that could have it has found its holder.
      const left = "is left to a host that the group can't hear, and that answers for it";
      for (const [address, host] of Object.entries(before))
        for (const { name } of cluster.hosts.filter((one) => (one.name === "c") !== (host === "c")))
          await until(`${name} leaves ${address} alone`, async () =>
            (await cluster.at(name).spreadbox(["mole", "status"])).stdout.includes(`v${address.split(".")[3]} ${left}`),
          );
      await ownership.until("one of them alone", isHeldAs(before), WAIT_MS);
      const since = ownership.changes.length;
      for (const [address, host] of Object.entries(before)) {
        const mac = await macOf(host);
        await until(`the client's ${address}`, async () => (await ip("client", `neigh show ${address}`)).includes(mac));
      }
      expect(ownership.changes.slice(since)).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "a holder that is gone from the other network too has its vip taken, at once; and the group settles it all when the ring is whole",
    async () => {
      const [lost = ""] = Object.entries(held()).find(([, host]) => host === "c")!;
      const beganMs = performance.now();
      await ip("client", "link set to-c nomaster");
      await ownership.until("another holder", () => ownership.holders(lost).some((host) => host !== "c"));
      process.stderr.write(`taken after ${Math.round(performance.now() - beganMs)} ms\n`);
      await ip("client", "link set to-c master eth1");
      await cluster.act("heal");
      await ownership.until("a vip on each", () => isAlone() && new Set(Object.values(held())).size === 3);
    },
    TEST_MS,
  );

  test(
    "a host whose session is lost meanwhile begins anew with all: that the rightful holder answers is no doubt any more",
    async () => {
      const [left = ""] = Object.entries(held()).find(([, host]) => host === "c")!;
      const status = async (host: string) => (await cluster.at(host).spreadbox(["mole", "status"])).stdout;
      await cluster.act("partition a b client | c");
      const leaves = `v${left.split(".")[3]} is left to a host`;
      await until("a leaves it alone", async () => (await status("a")).includes(leaves));
      await cluster.act("a spreadd killed");
      await until("a's session is lost", async () => (await status("a")).includes("a: not in the group"));
      expect(await status("a")).toContain(leaves);
      await cluster.act("heal");
      await until("b and c meet", async () => /^b +here.*^c +here/ms.test(await status("b")));
      await cluster.act("a spreadd started");
      await until("no doubt", async () => {
        const shown = await status("a");
        return /^a +here.*^b +here.*^c +here/ms.test(shown) && !/is left to a host|no carrier/.test(shown);
      });
      await ownership.until("a vip on each", () => isAlone() && new Set(Object.values(held())).size === 3);
    },
    TEST_MS,
  );
});
