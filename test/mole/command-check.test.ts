// What stands in the way of an operator's command.
import { expect, test } from "bun:test";
import { checkCommand, leftOf, strangerInTheWay } from "../../lib/mole/command-check.ts";
import { simulate } from "../../lib/mole/simulate.ts";
import type { StandsOn } from "../../lib/mole/standing.ts";
import { nobody, settled } from "./looked-at.ts";

test("what a holder has twice is a warning, and nothing is moved away from it without a word", () => {
  const { a, status } = settled();
  const { owner, addresses } = status().vips.find(({ vip }) => vip === "v0")!;
  const [address = ""] = addresses;
  const onOwner: StandsOn = (asked) =>
    asked.includes(address) ? [{ host: owner!, address, prefixBits: 24, device: "eth0" }] : [];
  const told = `${owner} has ${address}/24 by itself: it is on its eth0, not put there by mole; remove it there, or from the config`;
  expect(status(onOwner).alarms).toEqual([]);
  if (owner !== "A") expect(status(onOwner).warnings).toEqual([`vip v0: ${told}`]);
  const { table, member } = a.machine!.session!;
  const to = ["A", "B", "C"].find((host) => host !== owner)!;
  const move = { do: "move", vip: "v0", host: to } as const;
  expect(checkCommand(move, table!, [], onOwner)).toEqual({ done: false, text: `it would be doubled: ${told}` });
  expect(checkCommand(move, table!, [], nobody)).toBeUndefined();
  expect(checkCommand({ ...move, vip: "v1" }, table!, [], onOwner)?.text ?? "").not.toContain("doubled");
  const supposed = simulate(table!, member, { suppose: "moved", vip: "v0", host: to }, onOwner);
  expect(supposed).toMatchObject({ notes: [`v0 would not go there: it would be doubled: ${told}`] });
  const drain = { do: "drain", host: owner!, force: false } as const;
  expect(leftOf(drain, table, onOwner)).toBe(`; but it answers for v0 all the same: ${told}`);
  expect(leftOf({ ...drain, host: to }, table, onOwner)).toBe("");
});

test("more who answer for a vip than may hold it are in the way of a move, and named where that is known", () => {
  const { a } = settled();
  const { table } = a.machine!.session!;
  const entry = [...table!.entries.values()].find(({ definition }) => definition.name === "v0")!;
  const [address = ""] = entry.definition.addresses;
  const hostOf = (member: string) => table!.hosts.get(member)?.identity.host ?? "?";
  const owner = entry.owner!;
  const other = [...table!.hosts.keys()].find((member) => member !== owner)!;
  const answers = (...macs: readonly string[]) => macs.map((mac) => ({ address, mac }));
  const inTheWay = (me: string, macs: readonly string[], standsOn = nobody) =>
    strangerInTheWay(entry, me, answers(...macs), hostOf, standsOn);
  // The holder does not hear itself; who else asks hears it.
  expect(inTheWay(owner, [])).toBeUndefined();
  expect(inTheWay(other, ["02:01"])).toBeUndefined();
  expect(inTheWay(owner, ["02:02"])).toBe(
    `02:02 answers for ${address}, which only ${hostOf(owner)} may hold: somebody outside of the group has it too; ` +
      "end that first, or move --force: it is doubled there too, or its new host does not take it",
  );
  expect(inTheWay(other, ["02:02", "02:01"])).toStartWith(`02:01 and 02:02 answer for ${address}, which only`);
  const onC: StandsOn = () => [{ host: "C", address, prefixBits: 24, device: "eth0" }];
  expect(inTheWay(other, ["02:02", "02:01"], onC)).toContain(`: C has ${address}/24 by itself`);
  entry.set.clear();
  expect(inTheWay(other, ["02:02"])).toStartWith(`02:02 answers for ${address}, which nobody may hold`);
  entry.set.set("*", 1);
  expect(inTheWay(other, ["02:01", "02:02"])).toBeUndefined();
});
