// What is supposed on a copy of the table.
import { describe, expect, test } from "bun:test";
import { simulate } from "../../lib/mole/simulate.ts";
import { simulatedView } from "../../lib/mole/simulate-view.ts";
import { nobody, plain, settled } from "./looked-at.ts";

describe("what is supposed on a copy is what happens to the cluster", () => {
  for (const { name, gone } of [
    { name: "one host dies", gone: ["B"] },
    { name: "two die at once", gone: ["B", "C"] },
  ])
    test(name, () => {
      const { cluster, a, status } = settled();
      const table = a.machine!.session!.table!;
      const before = table.fingerprint();
      const supposed = simulate(table, a.machine!.session!.member, { suppose: "gone", hosts: gone }, nobody);
      expect(table.fingerprint()).toBe(before);
      for (const host of gone) cluster.host(host).kill();
      cluster.settle(5_000);
      if (typeof supposed === "string") throw new Error(supposed);
      // Two that die one after the other may lead elsewhere than both at once: who holds, not where, is the same then.
      if (gone.length === 1)
        expect(supposed.vips.map(({ vip, after }) => [vip, after])).toEqual(
          status().vips.map(({ vip, owner }) => [vip, owner]),
        );
      for (const { after } of supposed.vips) expect(gone).not.toContain(after!);
    });

  test("and what can't be supposed is said", () => {
    const { a } = settled();
    const { table, member } = a.machine!.session!;
    expect(simulate(table!, member, { suppose: "gone", hosts: ["A", "B", "C"] }, nobody)).toBe(
      "then nobody would be left",
    );
    expect(simulate(table!, member, { suppose: "gone", hosts: ["X"] }, nobody)).toBe(
      "no such host here: X; here are A, B, C",
    );
    expect(simulate(table!, member, { suppose: "moved", vip: "v9", host: "A" }, nobody)).toBe('no vip is called "v9"');
    const drained = simulate(table!, member, { suppose: "drained", host: "B", force: false }, nobody);
    expect(typeof drained === "string" ? drained : simulatedView(drained, plain)).toContain("1 of 3 vips would move");
  });
});
