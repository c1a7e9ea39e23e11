// Of which vips the holder announces itself again, since somebody else may have answered for them until now.
import { expect, test } from "bun:test";
import { CoverTable } from "../../lib/mole/cover-table.ts";
import type { View } from "../../lib/mole/member.ts";
import { ALL_RULES } from "../../lib/mole/rules.ts";
import { Unreleased } from "../../lib/mole/unreleased.ts";
import { Cluster } from "../sim/cluster.ts";

/** A settled table of three, and the view after it in which one of the holders is missing. */
function departure(cause: View["cause"]) {
  const cluster = new Cluster({ seed: 1, hosts: 3, vips: 3, mode: "available" });
  cluster.startAll();
  cluster.settle(8_000);
  const table = CoverTable.from(cluster.hosts[0]!.machine!.session!.table!.snapshot(), ALL_RULES);
  const [{ owner: gone = "" } = { owner: "" }] = table.entries.values();
  const members = table.members.filter((member) => member !== gone);
  const view: View = { id: "next", members, cause, together: members };
  const its = [...table.entries].filter(([, { set }]) => set.has(gone)).map(([vip]) => vip);
  const host = table.hosts.get(gone)!;
  return { table, gone, host, view, its, all: [...table.entries.keys()] };
}

test("what a departed session held, once its last word has come through after all", () => {
  const { table, gone, host, view, its } = departure("disconnect");
  const unreleased = new Unreleased();
  unreleased.take(table);
  unreleased.noteDepartures(table, view, false);
  table.hosts.delete(gone);
  expect([...unreleased.take(table)]).toEqual([]);
  unreleased.noteFarewell(view.members[0]!);
  expect([...unreleased.take(table)]).toEqual([]);
  unreleased.noteFarewell(gone);
  expect([...unreleased.take(table)]).toEqual(its);
  table.hosts.set(gone, host);
  expect([...unreleased.take(table)]).toEqual([]); // told once
});

test("and its holder by then announces itself, where that word comes after the view without its sender", () => {
  const lines: string[] = [];
  const cluster = new Cluster({ seed: 1, hosts: 2, vips: 1, mode: "available", trace: (line) => lines.push(line) });
  cluster.startAll();
  cluster.settle(8_000);
  const [holder] = cluster.holders("192.0.2.1");
  const other = cluster.hosts.find((host) => host !== holder)!;
  const from = holder!.session!.name;
  holder!.hasGuard = false;
  holder!.kill();
  cluster.run(1_000);
  expect(cluster.holders("192.0.2.1")).toEqual([holder!, other]); // the one by its lease
  lines.length = 0;
  other.tellLater({ on: "message", from, message: { kind: "farewell" } });
  cluster.run(100);
  expect(lines.filter((line) => line.endsWith(`${other.name} announce`))).toHaveLength(1);
});

for (const { cause, what } of [
  { cause: "disconnect", what: "what its session held" },
  { cause: "network", what: "anything: cut off, it may have taken it" },
] as const)
  test(`when a host is back that went by ${cause}: ${what}`, () => {
    const { table, gone, host, view, its, all } = departure(cause);
    const unreleased = new Unreleased();
    unreleased.take(table);
    unreleased.noteDepartures(table, view, false);
    table.hosts.delete(gone);
    expect([...unreleased.take(table)]).toEqual([]);
    table.hosts.set(gone, host);
    expect([...unreleased.take(table)].sort()).toEqual((cause === "network" ? all : its).sort());
    expect([...unreleased.take(table)]).toEqual([]);
  });

test("everything, when parts have met: what one of them has come to hold meanwhile, and let go again, the other can't know", () => {
  const cluster = new Cluster({ seed: 1, hosts: 2, vips: 1, mode: "available", trace: (line) => lines.push(line) });
  const lines: string[] = [];
  const [a, b] = cluster.hosts as [(typeof cluster.hosts)[0], (typeof cluster.hosts)[0]];
  const { definitions } = a.config;
  const define = (all: typeof definitions) => {
    for (const host of cluster.hosts) host.configure({ ...host.config, definitions: all });
  };
  define([]);
  cluster.startAll();
  cluster.run(6_000);
  cluster.service.part([0, 1]);
  cluster.run(1_000);
  define(definitions); // it is in no table that both know
  cluster.run(1_000);
  expect(cluster.holders("192.0.2.1")).toEqual([a, b]);
  b.command({ do: "drain", host: "B", force: true });
  cluster.run(1_000);
  expect(cluster.holders("192.0.2.1")).toEqual([a]);
  lines.length = 0;
  cluster.service.part([0, 0]);
  cluster.run(1_000);
  expect(lines.filter((line) => line.endsWith(" A announce"))).toHaveLength(1);
});
