// An address that somebody outside of the group has already: another machine, or the host itself by its own configuration. Whoever comes to own such a vip, by
// whatever way, asks the wire first; only behind a holder that really held it, and has gone, nobody is asked.
import { describe, expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import type { SimHost } from "./host.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const ADDRESS = "192.0.2.1";

class Story {
  readonly cluster: Cluster;
  /** Asked of the wire, and ordered of drivers, host by host. */
  readonly probes: string[] = [];
  readonly tries: { readonly host: string; readonly atMs: number }[] = [];
  isTaken = true;

  constructor(seed: number) {
    this.cluster = new Cluster({
      seed,
      hosts: 3,
      vips: 1,
      mode: "available",
      trace: (line) => {
        const [atMs, host = "", what] = line.split(" ");
        if (what === "probe") this.probes.push(host);
        if (what === "acquire") this.tries.push({ host, atMs: Number(atMs) });
      },
    });
    for (const host of this.cluster.hosts) host.isOnWire = () => this.isTaken;
    this.cluster.startAll();
  }

  /** The host that should take it. */
  get owner(): SimHost {
    for (const { machine } of this.cluster.hosts) {
      const table = machine?.session?.table;
      const owner = [...(table?.entries.values() ?? [])][0]?.owner;
      if (owner !== undefined) return this.cluster.host(table!.hosts.get(owner)!.identity.host);
    }
    throw new Error("it has no owner");
  }

  other(): SimHost {
    const { owner } = this;
    return this.cluster.hosts.find((host) => host !== owner && host.isUp)!;
  }

  expectUntaken(): void {
    expect(this.cluster.puts).toEqual([]);
    expect(this.cluster.hosts.every((host) => host.sessions <= 1)).toBe(true);
  }
}

describe("what a stranger answers for is not taken", () => {
  for (const { name, strike } of [
    { name: "at a cold start", strike: () => {} },
    { name: "when the owner that never held it is killed", strike: ({ owner }: Story) => owner.kill() },
    {
      name: "when the owner that never held it crashes",
      strike: ({ owner, cluster }: Story) => {
        owner.crash();
        cluster.service.crash(owner.daemon);
      },
    },
    {
      name: "when an operator moves it",
      strike: (story: Story) => story.cluster.hosts[0]!.command({ do: "move", vip: "v0", host: story.other().name }),
    },
    {
      name: "when the owner is drained",
      strike: ({ owner, cluster }: Story) => cluster.hosts[0]!.command({ do: "drain", host: owner.name, force: false }),
    },
  ])
    test(name, () => {
      for (const seed of SEEDS) {
        const story = new Story(seed);
        const { cluster } = story;
        cluster.run(6_000);
        const before = story.owner;
        strike(story);
        cluster.run(4_000);
        story.expectUntaken();
        if (name !== "at a cold start") expect(story.owner).not.toBe(before);
        const told = cluster.reports.filter(
          ({ host, report }) => host === story.owner.name && report.about === "answered",
        );
        expect(told.length).toBeGreaterThanOrEqual(3); // asked again each second
        story.isTaken = false;
        cluster.settle(3_000);
      }
    });
});

test("an address that the host itself has: refused there at the pace of a refusal, and no other takes it while the host answers", () => {
  for (const seed of SEEDS) {
    const story = new Story(seed);
    const { cluster } = story;
    story.isTaken = false;
    cluster.run(1_000);
    // Whoever would be the first finds it on its own device, which no probe of its own hears; the others do.
    const first = cluster.hosts[0]!;
    const definitions = first.config.definitions.map((one) => ({ ...one, prefer: [first.name] }));
    for (const host of cluster.hosts) {
      host.configure({ ...host.config, definitions });
      host.isOnWire = () => story.isTaken && host !== first;
    }
    story.isTaken = true;
    first.failsToAcquire = true;
    cluster.run(40_000);
    story.expectUntaken();
    const tries = story.tries.filter(({ host }) => host === first.name);
    expect(tries.length).toBeGreaterThanOrEqual(1);
    expect(tries.length).toBeLessThanOrEqual(4); // after 5, 15 and 35 s
    expect(story.tries.every(({ host }) => host === first.name)).toBe(true);
    expect(cluster.reports.filter(({ report }) => report.about === "outside")).toEqual([]);
    story.isTaken = false;
    first.failsToAcquire = false;
    cluster.settle(3_000);
  }
});

test("an address that the next host has itself is asked for also behind a holder that held it and died: the last one does not take what that host answers for", () => {
  for (const seed of SEEDS) {
    const story = new Story(seed);
    const { cluster } = story;
    story.isTaken = false;
    const [first, second, third] = cluster.hosts as [SimHost, SimHost, SimHost];
    const definitions = first.config.definitions.map((one) => ({ ...one, prefer: [first.name, second.name] }));
    for (const host of cluster.hosts) {
      host.configure({ ...host.config, definitions });
      host.isOnWire = () => story.isTaken && host !== second;
    }
    cluster.settle(8_000);
    cluster.run(2_000);
    expect(cluster.holders(ADDRESS)).toEqual([first]);
    story.isTaken = true;
    second.failsToAcquire = true;
    first.kill();
    cluster.run(4_000);
    expect(story.tries.filter(({ host }) => host === second.name)).toHaveLength(1);
    expect(story.owner).toBe(third);
    expect(cluster.holders(ADDRESS)).toEqual([]);
    story.isTaken = false;
    cluster.settle(3_000);
  }
});

test("behind a holder that held it and died nobody is asked", () => {
  for (const seed of SEEDS) {
    const story = new Story(seed);
    story.isTaken = false;
    story.cluster.settle(8_000);
    story.cluster.run(1_000);
    const { owner } = story;
    expect(owner.has(ADDRESS)).toBe(true);
    story.probes.length = 0;
    story.isTaken = true;
    owner.kill();
    story.cluster.run(200);
    expect(story.cluster.holders(ADDRESS)).toEqual([story.owner]);
    expect(story.probes).toEqual([]);
  }
});

test("what was taken behind a holder that is gone, and lost by the new one, is asked for before that takes it again", () => {
  for (const seed of SEEDS) {
    const story = new Story(seed);
    const { cluster } = story;
    story.isTaken = false;
    cluster.settle(8_000);
    const first = story.owner;
    first.crash();
    cluster.service.crash(first.daemon);
    cluster.settle(3_000);
    const next = story.owner;
    expect(story.probes).not.toContain(next.name); // nobody is asked behind a holder
    // Its renewal comes too late, and somebody has the address by then.
    story.isTaken = true;
    const [vip] = next.machine!.holds.keys();
    next.kernel.remove(vip!);
    next.tellLater({ on: "driven", vip: vip!, did: "late" });
    const { length: puts } = cluster.puts;
    cluster.run(2_000);
    expect(story.probes).toContain(next.name);
    expect(cluster.puts.length).toBe(puts);
    story.isTaken = false;
    cluster.settle(3_000);
  }
});
