// When leases may be lifted for maintenance, by the table.
import { expect, test } from "bun:test";
import { CoverTable } from "../../lib/mole/cover-table.ts";
import { carryOver } from "../../lib/mole/departure.ts";
import { leasesStayOn, mayLift } from "../../lib/mole/lifting.ts";
import { Cluster } from "../sim/cluster.ts";

/** Of three hosts, under maintenance that nobody has said anything of. */
function maintained(mode: "available" | "safe") {
  const cluster = new Cluster({ seed: 3, hosts: 3, vips: 2, mode, times: { silenceMs: 700 } });
  cluster.startAll();
  cluster.settle(8_000);
  const { table } = cluster.host("A").machine!.session!;
  const copy = CoverTable.from(table!.snapshot(), table!.rules);
  copy.maintenance = { counter: 5, on: true };
  const [a, b, c] = ["A", "B", "C"].map((host) => cluster.host(host).machine!.session!.member) as [
    string,
    string,
    string,
  ];
  return { table: copy, a, b, c };
}

test("in available at once, in safe when more than half of the hosts know", () => {
  expect(mayLift(maintained("available").table)).toBe(true);
  const { table, a, b } = maintained("safe");
  table.maintained.set(a, 5);
  expect(mayLift(table)).toBe(false);
  expect(leasesStayOn(table)).toEndWith("nothing yet from B, C");
  table.maintained.set(b, 5);
  expect(mayLift(table)).toBe(true);
});

test("what was said of another maintenance is not said of this one, and without maintenance nothing is lifted", () => {
  const { table, a, b, c } = maintained("safe");
  for (const member of [a, b, c]) table.maintained.set(member, 4);
  expect(mayLift(table)).toBe(false);
  table.maintenance = { counter: 4, on: true };
  expect(mayLift(table)).toBe(true);
  table.maintenance = { counter: 4, on: false };
  expect(mayLift(table)).toBe(false);
});

test("a mole of the version before never says so, and is not waited for", () => {
  const { table, a, b } = maintained("safe");
  table.maintained.set(a, 5);
  table.speaks.set(b, 2);
  expect(mayLift(table)).toBe(true);
});

test("which version a mole speaks is forgotten with its session", () => {
  const { table, a, b, c } = maintained("safe");
  table.speaks.set(b, 2).set(c, 3);
  carryOver(table, { id: "next", cause: "leave", members: [a, b], together: [a, b] });
  expect([...table.speaks]).toEqual([[b, 2]]);
});
