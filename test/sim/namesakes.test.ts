// Two moles under one host name: an operator's mistake, or an image that was copied with its machine id. The one that was there works on; the other ends, and says why.
import { describe, expect, test } from "bun:test";
import { awayMs } from "../../lib/mole/times.ts";
import { Cluster } from "./cluster.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** A, and B under its name; C under its own. */
function cluster(seed: number, machine: string, bIsAheadBy: number): Cluster {
  const all = new Cluster({ seed, hosts: 3, vips: 3, mode: "available", skipTables: true });
  const [a, b] = all.hosts as [(typeof all.hosts)[0], (typeof all.hosts)[0]];
  b.config = { ...b.config, host: a.name, machine };
  a.incarnationsAhead = 1_000;
  b.incarnationsAhead = 1_000 + bIsAheadBy;
  return all;
}

for (const { what, machine } of [
  { what: "another machine", machine: "m-B" },
  { what: "a machine with the same id", machine: "m-A" },
])
  describe(`${what} that has the name of a host`, () => {
    for (const { clock, ahead } of [
      { clock: "ahead", ahead: 500 },
      { clock: "behind", ahead: -500 },
    ])
      test(`comes later, its clock ${clock}: it ends, names who has the name, and the other notices nothing`, () => {
        for (const seed of SEEDS) {
          const all = cluster(seed, machine, ahead);
          const [a, b, c] = all.hosts;
          a!.start();
          c!.start();
          all.run(8_000);
          const puts = all.puts.length;
          b!.start();
          all.run(8_000);
          expect(b!.machine!.standing).toBe("stopped");
          const member = a!.machine!.session!.member;
          const isSameMachine = machine === "m-A";
          expect(all.reports.map(({ report }) => report)).toContainEqual({
            about: "name taken",
            by: member,
            machine: "m-A",
            isSameMachine,
          });
          expect(all.reports.filter(({ report }) => report.about === "name taken")).toHaveLength(1);
          expect([a!.sessions, c!.sessions, all.puts.length]).toEqual([1, 1, puts]);
          expect(b!.sessions).toBeLessThanOrEqual(8);
        }
      });

    test("comes at the same time: one of the two is left, and covers", () => {
      for (const seed of SEEDS) {
        const all = cluster(seed, machine, 500);
        all.startAll();
        all.run(12_000);
        const [a, b] = all.hosts;
        expect([a!.machine!.standing, b!.machine!.standing].sort()).toEqual(["inside", "stopped"]);
        expect(a!.sessions + b!.sessions).toBeLessThanOrEqual(10);
        for (const { addresses } of a!.config.definitions) expect(all.holders(addresses[0]!)).toHaveLength(1);
      }
    });

    test("is met when two parts of the network meet: one of the two is left", () => {
      for (const seed of SEEDS) {
        const all = cluster(seed, machine, 500);
        all.service.part([0, 1, 1]);
        all.startAll();
        all.run(8_000);
        all.service.part([0, 0, 0]);
        all.run(12_000);
        const [a, b] = all.hosts;
        expect([a!.machine!.standing, b!.machine!.standing].sort()).toEqual(["inside", "stopped"]);
        for (const { addresses } of a!.config.definitions) expect(all.holders(addresses[0]!)).toHaveLength(1);
      }
    });
  });

test("a mole that is killed and comes back at once is let in, though its former session may still be heard", () => {
  for (const seed of SEEDS) {
    const all = new Cluster({ seed, hosts: 3, vips: 3, mode: "available" });
    all.startAll();
    all.settle(8_000);
    for (const hasGuard of [true, false]) {
      const [a] = all.hosts;
      a!.hasGuard = hasGuard;
      a!.kill();
      a!.start();
      all.settle(4_000);
      expect(a!.machine!.standing).toBe("inside");
    }
  }
});

test("a host that is thrown out again and again comes back ever later, and at once when it has been in for a while", () => {
  const all = new Cluster({ seed: 1, hosts: 3, vips: 3, mode: "available" });
  all.startAll();
  all.settle(8_000);
  const [a] = all.hosts;
  const sessions = a!.sessions;
  for (let ms = 0; ms < 20_000; ms += 10) {
    if (a!.session !== undefined) a!.kick();
    all.run(10);
  }
  // 100 ms, doubled each time, is 6.3 s for the sixth and 12.7 s for the seventh.
  expect([7, 8, 9]).toContain(a!.sessions - sessions);
  expect(awayMs(20)).toBe(10_000);
  all.settle(15_000);
  all.run(4_000);
  a!.kick();
  all.run(60);
  expect(a!.session).toBeDefined();
});
