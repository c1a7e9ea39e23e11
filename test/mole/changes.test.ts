// What a reload says of itself.
import { expect, test } from "bun:test";
import * as v from "valibot";
import { type Configured, changesOf, fixedKeysChanged } from "../../lib/mole/changes.ts";
import { hostConfigOf } from "../../lib/mole/settings.ts";
import { moleTable } from "../../lib/mole/table.ts";

function configured(mole: Readonly<Record<string, unknown>>, servers: unknown = ["unix:/run/s"]): Configured {
  const table = v.parse(moleTable.schema, mole);
  return { table, config: hostConfigOf(table, { hostname: "a", machineId: "m" }), spread: { servers }, mac: undefined };
}

const vip = (name: string, last: number, more: object = {}) => ({ name, addresses: [`192.0.2.${last}`], ...more });

test("a reload names the vips and the settings that changed", () => {
  const before = configured({ hosts: ["a", "b"], vip: [vip("web", 1), vip("db", 2), vip("mail", 3)] });
  const after = configured({
    hosts: ["a", "b", "c"],
    tiebreak: "c",
    health: [{ name: "x", process: "y" }],
    vip: [vip("web", 1), vip("db", 2, { weight: 2 }), vip("www", 4)],
  });
  expect(changesOf(before, after)).toBe(
    "read the configuration anew: new: www; changed: db; gone: mail; settings: health, hosts, tiebreak",
  );
  expect(changesOf(after, after)).toBe("read the configuration anew: no vip changes");
});

test("what counts only after a restart is named as that, and not as changed", () => {
  const before = configured({});
  const after = configured({ metrics: "127.0.0.1:9999" }, ["unix:/run/t"]);
  expect(changesOf(before, after)).toBe("read the configuration anew: no vip changes");
  expect(fixedKeysChanged(before, after)).toEqual(["metrics", "spread.servers"]);
});
