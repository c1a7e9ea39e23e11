// The named stories of the model's section 7: maintenance. Leases are lifted then, so that no clock tells what a host that is away holds.
import { expect, test } from "bun:test";
import { define } from "../../lib/mole/definition.ts";
import type { Rules } from "../../lib/mole/rules.ts";
import { Cluster } from "./cluster.ts";
import type { SimHost } from "./host.ts";
import { A, at, B, C, D, expectCalm, playStories, SEEDS, type Story, threeHosts } from "./story.ts";

const STORIES: readonly Story[] = [
  {
    name: "maintenance with a crash in it: what the dead one held stays its own until it is back",
    hosts: 3,
    vips: 3,
    faults: [
      at(0, "maintenance", A, 6_000),
      at(500, "kill", B, 2_000),
      at(3_000, "kick", C),
      at(3_500, "freeze", A, 1_500),
    ],
    ends: (cluster) => expectCalm(cluster, 3),
  },
  {
    name: "maintenance ends without a host that is cut off, and then another is alone: what the first may keep does not keep the other, which has no majority, from letting go",
    hosts: 3,
    vips: 5,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [at(552, "maintenance", C, 1_216), at(1_343, "part", B, 1_306, 0b101)],
    left: "parted",
    without: "keptKeepsNobodyElse",
  },
  {
    name: "a host was cut off once, and is frozen when maintenance ends: that a wait of then has run out says nothing of the leases that it has not",
    hosts: 3,
    vips: 3,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [
      at(108, "part", B, 710, 126),
      at(3_604, "maintenance", A, 243),
      at(3_670, "freeze", C, 2_762),
      at(4_028, "reweigh", A, 394, 152),
    ],
  },
  {
    name: "the daemon of all dies under maintenance, and one does not come back: nobody knows what that one holds, and no clock ends it",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 }, oneDaemon: true },
    faults: [at(86, "maintenance", C, 430), at(300, "kill daemon", B, 3_007)],
    left: "frozen process",
  },
  {
    name: "one that is cut off hears the end of maintenance, and meets the others as one of them hangs: that one has no leases either",
    hosts: 3,
    vips: 5,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [at(5_494, "maintenance", C, 636), at(5_762, "part", A, 367, 0b100)],
    left: "flapping stranger and frozen process",
    seeds: 40,
    without: "unleasedByMerge",
  },
  {
    name: "one of two hosts loses its power under maintenance, is back, and the other stands still: it has no lease that could end, and nothing of its is taken when maintenance is over",
    hosts: 2,
    vips: 3,
    faults: [at(585, "maintenance", A, 2_807), at(1_885, "crash", A, 2_443)],
    left: "frozen process",
  },
  {
    name: "the network parts as the word for maintenance is delivered, to one side only: who is alone with it has leases still",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [at(100, "maintenance", A, 9_000), at(100, "part", B, 7_000, 0b001)],
    seeds: 40,
    without: "liftsWhenKnown",
  },
  {
    name: "who was cut off as it said the end of maintenance is back alone, and brings it: a host that hangs meanwhile has no lease that could end",
    hosts: 4,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [at(293, "maintenance", A, 663), at(718, "freeze daemon", A, 4_196), at(4_645, "freeze", D, 4_287)],
    seeds: 40,
  },
  {
    name: "of the two that know of a maintenance one can't write it down: dead, and back with the third, it knows of it no more, so the other has leases still",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [
      at(0, "full disk", B, 15_000),
      at(0, "part", A, 15_000, 0b100),
      at(500, "maintenance", A, 14_000),
      at(1_000, "part", A, 14_000, 0b001),
      at(1_000, "kill", B, 300),
    ],
    without: "saysWhatIsOnDisk",
  },
  {
    name: "a host can't write down that maintenance is over: killed, it takes what it finds for held without a lease, so it has not said that it leases",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [
      at(100, "maintenance", A, 900),
      at(700, "full disk", A, 15_000),
      at(1_800, "part", A, 15_000, 0b001),
      at(1_800, "kill hard", A, 100),
    ],
    without: "saysWhatIsOnDisk",
  },
  {
    name: "one is lost while an exchange goes on under maintenance: that it is found away at the end does not give it a lease",
    hosts: 5,
    vips: 5,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [
      at(0, "maintenance", A, 3_000),
      at(800, "part", A, 1_000, 0b1000),
      at(1_800, "freeze", B, 500),
      at(1_860, "part", A, 14_000, 0b0100),
    ],
  },
  {
    name: "maintenance ends without a host that hangs in it, and the daemon of all is restarted: who begins anew does not know what that one holds, and that no clock ends it",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 }, oneDaemon: true },
    faults: [at(100, "maintenance", A, 1_500), at(600, "freeze", C, 15_000), at(3_000, "kill daemon", A, 300)],
    without: "remembersTheUnreturned",
  },
  {
    name: "a third that was cut off has ended a maintenance of its own later: with one of the two that know, which was restarted, it does not know that the other holds without leases",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [
      at(0, "part", A, 16_000, 0b100),
      at(300, "maintenance", A, 15_000),
      at(400, "maintenance", C, 300),
      at(1_500, "part", A, 14_000, 0b001),
      at(1_500, "kill", B, 300),
    ],
    without: "remembersTheUnreturned",
  },
  {
    name: "maintenance ends without a host that is cut off in it, and the moles of the others are killed in one moment",
    hosts: 3,
    vips: 4,
    mode: "safe",
    cluster: { times: { silenceMs: 700 } },
    faults: [
      at(100, "maintenance", A, 1_500),
      at(600, "part", C, 15_000, 0b100),
      at(3_000, "kill", A, 300),
      at(3_000, "kill", B, 300),
    ],
    without: "remembersTheUnreturned",
  },
  {
    name: "maintenance ends as a host hangs, and the other begins anew: the session that hangs and that nobody knows may hold without a lease",
    hosts: 2,
    vips: 3,
    faults: [at(2_518, "stranger", A, 11), at(2_643, "maintenance", B, 3_926), at(5_853, "freeze daemon", B, 4_344)],
    left: "flapping stranger and frozen process",
    seeds: 40,
    without: "remembersTheUnreturned",
  },
  {
    name: "a host is frozen when maintenance ends: it has no lease that could end, and nobody takes what it holds",
    hosts: 3,
    vips: 3,
    faults: [at(0, "maintenance", A, 2_000), at(1_000, "freeze", C, 6_000)],
  },
];

playStories(STORIES);

/** Vips that have no holder, or several, some time after a host lost its power under maintenance and is back. */
function unheldAfterPowerCut(seed: number, rules: Partial<Rules> = {}): readonly string[] {
  const cluster = threeHosts(seed, rules);
  const before = cluster.owners();
  cluster.host("A").command({ do: "maintenance", on: true, force: false });
  cluster.run(500);
  const host = cluster.host("B");
  host.crash();
  cluster.service.crash(host.daemon);
  cluster.run(2_000);
  expect(Object.values(cluster.owners())).toContain(""); // nobody takes them
  cluster.service.restart(host.daemon);
  host.start();
  cluster.run(2_500);
  const now = cluster.owners();
  cluster.host("A").command({ do: "maintenance", on: false, force: false });
  cluster.settle(8_000);
  return Object.keys(before).filter((vip) => now[vip] !== before[vip]);
}

test("a host that loses its power under maintenance puts on again what was its own when it is back", () => {
  for (const seed of SEEDS) expect(unheldAfterPowerCut(seed)).toEqual([]);
  expect(SEEDS.some((seed) => unheldAfterPowerCut(seed, { ownersPutBack: false }).length > 0)).toBe(true);
});

test("a mole that takes up what it finds tells the network, also where nobody knows it: somebody may have let it go while there was none here", () => {
  for (const seed of SEEDS) {
    const cluster = threeHosts(seed);
    cluster.host("A").command({ do: "maintenance", on: true, force: false });
    cluster.run(500);
    const before = cluster.owners();
    for (const host of cluster.hosts) host.kill();
    cluster.run(500);
    const backMs = cluster.clockwork.nowMs;
    for (const host of cluster.hosts) {
      host.start();
      cluster.run(1_500);
    }
    expect(cluster.owners()).toEqual(before);
    for (const [vip, owner] of Object.entries(before))
      expect(cluster.announcedMs.get(`${owner} ${vip}`)).toBeGreaterThan(backMs);
  }
});

test("under maintenance an owner that is back does not put on what somebody on the wire has", () => {
  for (const seed of SEEDS) {
    const cluster = threeHosts(seed);
    const vip = Object.entries(cluster.owners()).find(([, owner]) => owner === "B")![0];
    cluster.host("A").command({ do: "maintenance", on: true, force: false });
    cluster.run(500);
    const host = cluster.host("B");
    host.crash();
    host.isOnWire = () => true;
    cluster.run(1_000);
    host.start();
    cluster.run(2_500);
    expect(cluster.owners()[vip]).toBe("");
    expect(cluster.reports.some(({ report }) => report.about === "answered" && report.vip === vip)).toBe(true);
  }
});

/** Vips that have no holder some time after a host went away before its leases were lifted, and is back. */
function unheldAfter(seed: number, goes: (cluster: Cluster) => void): readonly string[] {
  const cluster = new Cluster({ seed, hosts: 3, vips: 5, mode: "safe", times: { silenceMs: 700 } });
  cluster.startAll();
  cluster.settle(8_000);
  const host = cluster.host("B");
  const others = [cluster.host("A"), cluster.host("C")];
  for (const other of others) other.freeze(); // they say nothing of it
  host.command({ do: "maintenance", on: true, force: false });
  cluster.run(200);
  expect(host.stored).toMatchObject({ maintenance: { on: true }, lifted: false });
  goes(cluster);
  for (const other of others) other.thaw();
  cluster.run(1_000);
  host.thaw();
  host.start();
  cluster.run(4_000);
  const now = cluster.owners();
  cluster.host("A").command({ do: "maintenance", on: false, force: false });
  cluster.settle(8_000);
  return Object.keys(now).filter((vip) => now[vip] === "");
}

test("a host that goes away under maintenance before its leases are lifted lets go, and takes up what was its own when it is back", () => {
  for (const seed of SEEDS) {
    expect(unheldAfter(seed, (cluster) => cluster.host("B").kill())).toEqual([]);
    expect(unheldAfter(seed, (cluster) => cluster.host("B").freeze())).toEqual([]); // its own beats stay away
    const stop = (cluster: Cluster) => {
      const host = cluster.host("B");
      host.command({ do: "stop" });
      cluster.run(10); // nothing moves away: it does not wait for that
      expect(host.machine!.standing).toBe("stopped");
      host.kill();
    };
    expect(unheldAfter(seed, stop)).toEqual([]);
  }
});

/** Vips on several hosts some time after parts, one of them under maintenance, have met again. */
function doubledAfterMerge(seed: number, rules: Partial<Rules> = {}): readonly string[] {
  const cluster = threeHosts(seed, rules);
  cluster.service.part([0, 1, 0]);
  cluster.run(2_000);
  expect(Object.values(cluster.owners()).every((owner) => owner.length === 3)).toBe(true);
  cluster.host("A").command({ do: "maintenance", on: true, force: false });
  cluster.run(500);
  const before = cluster.owners();
  cluster.service.part([0, 0, 0]);
  cluster.run(4_000);
  const now = cluster.owners();
  // Each is left with one of those who had it.
  for (const [vip, owners] of Object.entries(now))
    for (const one of owners.split("+")) expect(before[vip]).toContain(one);
  expect(cluster.host("B").stored.maintenance.on).toBe(true);
  const doubled = Object.keys(now).filter((vip) => now[vip]!.length !== 1);
  cluster.host("A").command({ do: "maintenance", on: false, force: false });
  cluster.settle(8_000);
  return doubled;
}

test("parts that meet under maintenance: of two holders one lets go, and the other announces itself", () => {
  for (const seed of SEEDS) expect(doubledAfterMerge(seed)).toEqual([]);
  expect(SEEDS.some((seed) => doubledAfterMerge(seed, { losersYield: false }).length > 0)).toBe(true);
});

/** Whether all is held again when somebody who has told nothing came and went under maintenance, and nobody can know what it held. */
function isWholeAfterStranger(seed: number, rules: Partial<Rules> = {}): boolean {
  const cluster = threeHosts(seed, rules);
  const { service } = cluster;
  cluster.host("A").command({ do: "maintenance", on: true, force: false });
  cluster.run(500);
  cluster.host("B").kill();
  service.part([0, 1, 0]);
  cluster.run(1_000);
  const stranger = service.open("stranger", cluster.host("B").daemon, { deliver: () => {} });
  cluster.run(500);
  service.part([0, 0, 0]);
  cluster.run(2_000);
  cluster.host("B").start();
  cluster.run(2_000);
  // A vip that nobody owns: there is no holder to say that a wait has run out.
  const extra = define({ name: "extra", addresses: ["192.0.2.200"] });
  for (const host of cluster.hosts)
    host.configure({ ...host.config, definitions: [...host.config.definitions, extra] });
  cluster.run(500);
  service.close(stranger, "leave");
  cluster.run(500);
  const waited = () => [...cluster.host("A").machine!.session!.table!.waited.values()];
  expect(waited()).toMatchObject([{ name: "stranger", why: "kept", identity: undefined }]);
  cluster.host("A").command({ do: "maintenance", on: false, force: false });
  cluster.run(3_000);
  return waited().length === 0 && cluster.troubleOfRest() === undefined;
}

test("who never told whose session it was, and went under maintenance, is given up when all hosts are here", () => {
  for (const seed of SEEDS) expect(isWholeAfterStranger(seed)).toBe(true);
  expect(SEEDS.some((seed) => !isWholeAfterStranger(seed, { strangersAreGivenUp: false }))).toBe(true);
});

test("who may be away without a lease is waited for by all that begin anew, until an operator gives it up: once", () => {
  const killAll = (cluster: Cluster) => {
    for (const name of ["A", "B"]) cluster.host(name).kill();
    cluster.run(500);
    for (const name of ["A", "B"]) cluster.host(name).start();
  };
  for (const seed of SEEDS) {
    const cluster = new Cluster({ seed, hosts: 3, vips: 5, mode: "safe", times: { silenceMs: 700 } });
    const [a, , c] = cluster.hosts as [SimHost, SimHost, SimHost];
    cluster.startAll();
    cluster.settle(8_000);
    a.command({ do: "maintenance", on: true, force: false });
    cluster.run(500);
    c.crash();
    cluster.service.crash(c.daemon);
    cluster.run(500);
    a.command({ do: "maintenance", on: false, force: false });
    cluster.run(500);
    killAll(cluster);
    cluster.run(10_000);
    expect(Object.values(cluster.owners()).every((owner) => owner === "")).toBe(true);
    a.command({ do: "maintenance", on: false, force: true });
    cluster.settle(8_000);
    expect(cluster.hosts.map(({ stored }) => stored.unreturned)).toEqual([false, false, true]);
    killAll(cluster);
    cluster.settle(12_000);
    cluster.service.restart(c.daemon);
    c.start();
    cluster.settle(8_000);
    expect(c.stored.unreturned).toBe(false);
  }
});

test("a host that is back with the word for maintenance does not lose it to the table that it is told before its own word is heard", () => {
  for (const seed of SEEDS) {
    const cluster = new Cluster({ seed, hosts: 4, vips: 4, mode: "safe", times: { silenceMs: 700 } });
    for (const name of ["A", "B", "C"]) cluster.host(name).start();
    cluster.run(6_000);
    const c = cluster.host("C");
    const d = cluster.host("D");
    c.kill();
    cluster.run(500);
    d.stored = { ...c.stored, maintenance: { counter: 5, on: true }, lifted: true, unreturned: true };
    d.daemon.sendDelayMs = 300;
    d.start();
    cluster.run(30);
    c.start(); // the table is told to both
    const told = () => d.machine?.session?.table;
    while (told() === undefined) cluster.run(1);
    expect(told()).toMatchObject({ maintenance: { on: false } });
    // The ring changes before what it says is heard: it says it again.
    cluster.service.part([1, 0, 0, 0]);
    cluster.run(300);
    d.daemon.sendDelayMs = 0;
    cluster.service.part([0, 0, 0, 0]);
    cluster.run(3_000);
    for (const { stored } of cluster.hosts) expect(stored.maintenance).toEqual({ counter: 5, on: true });
  }
});
