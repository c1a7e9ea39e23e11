// When a command counts as done: shown on a real machine in a simulated cluster, event by event.
import { describe, expect, test } from "bun:test";
import { checkCommand, vipNameOf } from "../../lib/mole/command-check.ts";
import { Completion, type Outcome } from "../../lib/mole/completion.ts";
import { CoverTable } from "../../lib/mole/cover-table.ts";
import { define, meant } from "../../lib/mole/definition.ts";
import type { Command, MoleEvent } from "../../lib/mole/event.ts";
import { Machine } from "../../lib/mole/machine.ts";
import { Cluster, type ClusterOptions } from "../sim/cluster.ts";

/** Three settled hosts, and what A's operator is told of a command. */
function settled(options: Partial<ClusterOptions> = {}) {
  const cluster = new Cluster({ seed: 7, hosts: 3, vips: 3, mode: "available", evenClocks: true, ...options });
  const a = cluster.host("A");
  a.start();
  let waiting: Completion | undefined;
  let outcome: Outcome | undefined;
  a.machine!.handle = function (this: Machine, event: MoleEvent) {
    const actions = Machine.prototype.handle.call(this, event);
    outcome ??= waiting?.look(event, this);
    return actions;
  };
  for (const name of ["B", "C"]) cluster.host(name).start();
  cluster.settle(10_000);
  cluster.balance(10_000);
  const holds = (host: string) => cluster.hosts.find(({ name }) => name === host)!.kernel;
  return {
    cluster,
    a,
    /** Which of the hosts have v0's address. */
    holders: () => cluster.hosts.filter((host) => host.has("192.0.2.1")).map(({ name }) => name),
    holdsNothing: (host: string) => holds(host).definitionsHeld(cluster.nowMs).length === 0,
    give(command: Command) {
      outcome = undefined;
      waiting = new Completion(command);
      a.command(command);
    },
    /** Runs until there is an outcome, at most so long. */
    wait(mostMs: number): Outcome | undefined {
      for (let ms = 0; ms < mostMs && outcome === undefined; ms += 1) cluster.run(1);
      return outcome;
    },
    pending: () => waiting!.pending(a.machine!),
  };
}

describe("before the group is troubled", () => {
  const { a, holders } = settled();
  const check = (command: Command, change: (table: CoverTable) => void = () => {}) => {
    const session = a.machine!.session!;
    const table = CoverTable.from(session.table!.snapshot(), session.table!.rules);
    change(table);
    try {
      return checkCommand(command, table, ["gone"], () => []);
    } catch (error) {
      return error;
    }
  };
  const [owner] = holders();
  const other = ["A", "B", "C"].find((host) => host !== owner)!;
  const maintained = (table: CoverTable) => {
    table.maintenance = { counter: 1, on: true };
  };

  test("a vip or a host that nobody knows is a mistake, told with the nearest and all there are", () => {
    expect(check({ do: "move", vip: "v00", host: "A" })).toMatchObject({
      kind: "usage",
      message: 'no vip is called "v00"; did you mean v0?; there are v0, v1, v2',
    });
    for (const command of [
      { do: "drain", host: "gon", force: false },
      { do: "forget", host: "gon" },
      { do: "move", vip: "v0", host: "gon" },
    ] as const)
      expect(check(command)).toMatchObject({
        kind: "usage",
        message: 'no host is called "gon"; did you mean gone?; there are A, B, C, gone',
      });
    expect(check({ do: "forget", host: "gone" })).toBeUndefined();
    expect(check({ do: "move", vip: "v0", host: "gone" })).toMatchObject({
      done: false,
      text: expect.stringContaining("gone is away"),
    });
  });

  test("a move to where the vip is held is done, under maintenance too", () => {
    const move = { do: "move", vip: "v0", host: owner! } as const;
    for (const change of [undefined, maintained])
      expect(check(move, change)).toEqual({ done: true, text: `${owner} holds v0 already` });
  });

  test("a move to a host that may not have the vip is refused with the reason", () => {
    const move = { do: "move", vip: "v0", host: other } as const;
    const drained = (table: CoverTable) => {
      for (const host of table.hosts.values()) if (host.identity.host === other) host.drained = true;
    };
    const refused = (table: CoverTable) => {
      const id = [...table.entries.values()].find(({ definition }) => definition.name === "v0")!.definition.id;
      for (const host of table.hosts.values()) if (host.identity.host === other) host.refusing.add(id);
    };
    expect(check(move)).toBeUndefined();
    expect(check(move, drained)).toEqual({ done: false, text: `${other} can't have it: drained by an operator` });
    expect(check(move, refused)).toMatchObject({
      text: `${other} can't have it: could not take it; tries again later`,
    });
  });

  test("a drain or a resume that would change nothing says so", () => {
    const drained = (table: CoverTable) => {
      for (const host of table.hosts.values()) if (host.identity.host === owner) host.drained = true;
    };
    const rid = (table: CoverTable) => {
      drained(table);
      for (const entry of table.entries.values()) entry.set.clear();
    };
    const resume = { do: "resume", host: owner! } as const;
    const drain = { do: "drain", host: owner!, force: false } as const;
    expect(check(resume)).toEqual({ done: true, text: `${owner} is not drained: nothing to be done` });
    expect(check(resume, drained)).toBeUndefined();
    expect(check(drain, drained)).toBeUndefined(); // still letting go
    expect(check(drain, rid)).toEqual({ done: true, text: `${owner} is drained already, and holds nothing` });
  });

  test("a vip may be told by one of its addresses, in any spelling", () => {
    const { table } = a.machine!.session!;
    expect(["192.0.2.2", "192.0.2.2/24", "v1", "192.0.2.99", "v9"].map((text) => vipNameOf(table, text))).toEqual([
      ...["v1", "v1", "v1"],
      ...["192.0.2.99", "v9"],
    ]);
    expect(meant("2001:DB8:0::1/64")(define({ name: "x", addresses: ["2001:db8::1"] }))).toBe(true);
  });

  test("under maintenance what would move something is refused at once, and comes back later", () => {
    for (const command of [
      { do: "drain", host: "A", force: false },
      { do: "move", vip: "v0", host: other },
      { do: "balance" },
    ] as const) {
      expect(check(command)).toBeUndefined();
      expect(check(command, maintained)).toMatchObject({ kind: "temporary", code: "maintenance" });
    }
    expect(check({ do: "maintenance", on: false, force: false }, maintained)).toBeUndefined();
  });
});

describe("a command is done when the addresses are where they belong", () => {
  test("a move, when the new host has it and the old one has not", () => {
    const { holders, give, wait } = settled();
    const to = ["A", "B", "C"].find((host) => host !== holders()[0])!;
    give({ do: "move", vip: "v0", host: to });
    expect(wait(0)).toBeUndefined();
    expect(wait(2_000)).toEqual({ done: true, text: `${to} holds v0` });
    expect(holders()).toEqual([to]);
  });

  test("a drain, when the host holds nothing and nothing is under way", () => {
    const { cluster, holdsNothing, give, wait } = settled();
    give({ do: "drain", host: "B", force: false });
    expect(wait(2_000)).toEqual({ done: true, text: "B holds nothing any more" });
    expect(holdsNothing("B")).toBe(true);
    expect(cluster.troubleOfRest()).toBeUndefined();
  });

  test("a balance, when no move would make it better", () => {
    const { cluster, give, wait } = settled();
    give({ do: "drain", host: "B", force: false });
    wait(2_000);
    give({ do: "resume", host: "B" });
    expect(wait(500)?.done).toBe(true);
    give({ do: "balance" });
    expect(wait(300)).toBeUndefined(); // it begins when all has been calm
    expect(wait(8_000)?.done).toBe(true);
    cluster.balance(0);
  });

  test("maintenance, when it is on; and off, when all are guarded again", () => {
    const { cluster, give, wait } = settled();
    give({ do: "maintenance", on: true, force: false });
    expect(wait(1_000)?.text).toContain("maintenance is on");
    give({ do: "maintenance", on: false, force: false });
    expect(wait(2_000)?.text).toBe("maintenance is off: everything is guarded again");
    cluster.run(5_000);
    expect(cluster.troubleOfRest()).toBeUndefined();
  });

  test("off, when a host that can't write down that it leases again can", () => {
    const { cluster, give, wait, pending } = settled();
    give({ do: "maintenance", on: true, force: false });
    expect(wait(1_000)?.done).toBe(true);
    cluster.run(100);
    const b = cluster.host("B");
    b.hasFullDisk = true;
    give({ do: "maintenance", on: false, force: false });
    expect(wait(2_000)).toBeUndefined();
    expect(pending()).toBe(
      "nothing yet of leases from B: where it does not hang, mole status there tells whether it can write to its disk",
    );
    b.hasFullDisk = false;
    expect(wait(2_000)?.text).toBe("maintenance is off: everything is guarded again");
  });

  test("maintenance in safe, when more than half of the hosts know of it", () => {
    const { cluster, give, wait, pending } = settled({ mode: "safe", times: { silenceMs: 700 } });
    for (const name of ["B", "C"]) cluster.host(name).freeze();
    give({ do: "maintenance", on: true, force: false });
    expect(wait(2_000)).toBeUndefined();
    expect(pending()).toBe(
      "leases stay on, and end with the group, until more than half of the hosts have said that they know of the maintenance: nothing yet from B, C",
    );
    cluster.host("B").thaw();
    expect(wait(2_000)?.text).toContain("maintenance is on");
    cluster.run(50); // to the disk
    expect(cluster.hosts.map(({ stored }) => stored.lifted)).toEqual([true, true, false]);
    cluster.host("C").thaw();
    cluster.run(500);
    expect(cluster.host("C").stored.lifted).toBe(true);
    give({ do: "maintenance", on: false, force: false });
    expect(wait(2_000)?.done).toBe(true);
    expect(cluster.hosts.map(({ stored }) => stored.lifted)).toEqual([false, false, false]);
    cluster.settle(8_000);
  });

  test("off, with a host that went away in it, names who keeps what", () => {
    const { cluster, give, wait } = settled();
    give({ do: "maintenance", on: true, force: false });
    wait(1_000);
    cluster.host("B").kill();
    cluster.run(500);
    give({ do: "maintenance", on: false, force: false });
    expect(wait(2_000)?.text).toContain("B went away in it and keeps its vips");
  });
});

describe("what can't be done is told, and what takes too long goes on", () => {
  test("a drain that is overtaken by another's, of the last host that can hold a vip", () => {
    const { cluster, give, wait } = settled();
    cluster.host("C").kill();
    cluster.settle(5_000);
    cluster.host("B").command({ do: "drain", host: "A", force: false });
    give({ do: "drain", host: "B", force: false }); // both were fine when they were given
    const outcome = wait(2_000);
    expect(outcome?.done).toBe(cluster.host("B").machine!.session!.table!.hosts.get("B.1")!.drained);
    if (!outcome!.done) expect(outcome!.text).toContain("the last that can hold some vip");
  });

  test("a session that ends in the middle of it", () => {
    const { a, give, wait } = settled();
    give({ do: "drain", host: "B", force: false });
    a.kick();
    expect(wait(100)).toMatchObject({ done: false, text: expect.stringContaining("the session ended") });
  });

  test("a host that does not answer: it is told what is under way", () => {
    const { cluster, give, wait, pending } = settled();
    const held = [0, 1, 2].findIndex((at) => cluster.host("B").has(`192.0.2.${at + 1}`));
    cluster.host("B").freeze();
    give({ do: "move", vip: `v${held}`, host: "C" });
    expect(wait(100)).toBeUndefined();
    expect(pending()).toBe(`under way: v${held}`);
  });

  test("a move to a host that finds somebody else on the address: it would be asked for ever", () => {
    const { cluster, a, holders, give, wait } = settled();
    const to = ["B", "C"].find((host) => host !== holders()[0])!;
    cluster.host(to).freeze();
    give({ do: "move", vip: "v0", host: to });
    expect(wait(100)).toBeUndefined();
    const { entries } = a.machine!.session!.table!;
    const entry = [...entries.values()].find(({ definition }) => definition.name === "v0")!;
    entry.excused = entry.number; // as that host would have told
    expect(wait(100)).toMatchObject({
      done: false,
      text: expect.stringContaining("somebody else answers for its address"),
    });
  });
});

test("maintenance that a part of the hosts can't hear is told with their names", () => {
  const { cluster, give, wait } = settled();
  give({ do: "maintenance", on: true, force: false });
  expect(wait(1_000)).toMatchObject({ done: true, text: expect.not.stringContaining("NOT HEARD") });
  give({ do: "maintenance", on: false, force: false });
  wait(3_000);
  cluster.service.part([0, 1, 0]);
  cluster.run(3_000);
  give({ do: "maintenance", on: true, force: false });
  expect(wait(1_000)).toMatchObject({
    done: true,
    text: expect.stringContaining("NOT HEARD BY B: if that is running"),
  });
});

test("maintenance that a host which hangs has not heard is told with its name, and with what nobody takes", () => {
  const { cluster, give, wait } = settled();
  cluster.host("B").freeze();
  give({ do: "maintenance", on: true, force: false });
  expect(wait(2_000)?.text).toContain(
    ". SILENT: B: who hangs has not heard it, and what it holds ends with its leases",
  );
  const { entries, hosts } = cluster.host("A").machine!.session!.table!;
  const its = [...entries.values()].filter(({ owner: one }) => hosts.get(one!)?.identity.host === "B");
  expect(its.length).toBeGreaterThan(0);
  const names = its.map(({ definition }) => definition.name).join(", ");
  expect(wait(0)?.text).toContain(`. NOBODY TAKES ${names} before it is off`);
});

test("off, where a host that nobody can name may hold what it likes, says so in words", () => {
  const { cluster, give, wait } = settled();
  cluster.host("C").kill(); // else it is ended by itself, as all are here
  cluster.run(3_000);
  give({ do: "maintenance", on: true, force: false });
  wait(1_000);
  for (const { machine } of cluster.hosts) machine?.session?.table?.suspectAnybody();
  give({ do: "maintenance", on: false, force: false });
  expect(wait(2_000)?.text).toBe(
    "maintenance is off; a host that nobody can name may hold vips since the maintenance, so nobody takes what is not held until all of mole.hosts are here without maintenance, or until mole maintenance off --force (right only where no host runs but those here)",
  );
});

test("balance waits for hosts that are held down, where something will go to them, and says so", () => {
  const { cluster, give, wait, pending } = settled();
  const b = cluster.host("B");
  b.crash();
  cluster.service.crash(b.daemon);
  cluster.run(5_000);
  cluster.service.restart(b.daemon);
  b.start();
  cluster.run(1_500);
  give({ do: "balance" });
  expect(wait(300)).toBeUndefined();
  expect(pending()).toContain("it waits for B, held down");
  expect(wait(120_000)).toMatchObject({ done: true, text: "no single move would make it better" });
});
