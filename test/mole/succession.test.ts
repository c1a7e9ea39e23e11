// What was taken behind a holder that is out of reach, and not asked for.
import { expect, test } from "bun:test";
import type { View } from "../../lib/mole/member.ts";
import { otherHolder, Succession } from "../../lib/mole/succession.ts";
import { Cluster } from "../sim/cluster.ts";

/** Three settled hosts, and what A makes of a view: of some of them, and of newcomers. */
function settled() {
  const cluster = new Cluster({ seed: 7, hosts: 3, vips: 3, mode: "available", evenClocks: true });
  for (const { name } of cluster.hosts) cluster.host(name).start();
  cluster.settle(10_000);
  cluster.balance(10_000);
  const table = cluster.host("A").machine!.session!.table!;
  const memberOf = (host: string) => [...table.hosts.values()].find(({ identity }) => identity.host === host)?.member;
  const view = (cause: View["cause"], ...hosts: readonly string[]): View => {
    const members = hosts.map((host) => memberOf(host) ?? host);
    return { id: "next", members, cause, together: members };
  };
  const succession = new Succession();
  const doubted = (nowMs: number) =>
    [...table.entries.values()]
      .filter(({ definition }) => succession.doubtedSinceMs(definition.id, nowMs) !== undefined)
      .map(({ owner }) => table.hosts.get(owner!)!.identity.host);
  const vipOf = (host: string) =>
    [...table.entries.values()].find(({ owner }) => owner === memberOf(host))!.definition.id;
  return { table, view, succession, doubted, vipOf, memberOf };
}

test("the vips of who is out of reach are doubted, for some time, until nobody answers for them", () => {
  const { table, view, succession, doubted, vipOf } = settled();
  expect(succession.enter(view("network", "A"), table, 1_000)).toBe(false);
  expect(doubted(1_000)).toEqual(expect.arrayContaining(["B", "C"]));
  expect(doubted(1_000)).toHaveLength(2);
  expect(succession.doubtedSinceMs(vipOf("C"), 5_000)).toBe(1_000);
  succession.settle(vipOf("B"));
  expect(doubted(30_999)).toEqual(["C"]);
  expect(doubted(31_000)).toEqual([]);
});

for (const cause of ["leave", "disconnect"] as const)
  test(`a ${cause} is no network that was cut`, () => {
    const { table, view, succession, doubted } = settled();
    expect(succession.enter(view(cause, "A"), table, 1_000)).toBe(false);
    expect(doubted(1_000)).toEqual([]);
  });

test("with somebody who comes the group decides, but for who goes in the same moment", () => {
  const { table, view, succession, doubted } = settled();
  succession.enter(view("network", "A"), table, 1_000);
  expect(succession.enter(view("network", "A", "B", "#new#c"), table, 2_000)).toBe(true);
  expect(doubted(2_000)).toEqual(["C"]);
  expect(succession.enter(view("network", "A"), undefined, 3_000)).toBe(false);
});

test("who else holds a vip is known by a table in force alone", () => {
  const { table, vipOf, memberOf } = settled();
  const member = memberOf("A")!;
  expect(otherHolder({ member, table }, vipOf("B"))).toBe(memberOf("B")!);
  expect(otherHolder({ member, table }, vipOf("A"))).toBeUndefined();
  expect(otherHolder({ member, table: undefined }, vipOf("B"))).toBeUndefined();
  table.expelled.add(memberOf("B")!);
  expect(otherHolder({ member, table }, vipOf("B"))).toBeUndefined();
});
