import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import * as v from "valibot";
import { spreaddTable } from "../../lib/spreadd/table.ts";

test("the table's starter is right when all of it is uncommented", () => {
  const text = spreaddTable.starter.replace(/^# ((?:\w+ = |\[{1,2}).*)$/gm, "$1");
  const table = v.parse(spreaddTable.schema, parse(`[spreadd]\n${text}`)["spreadd"]);
  expect(spreaddTable.check!(table)).toEqual([]);
  expect(table.allow).toHaveLength(2);
});

for (const { name, table, code } of [
  { name: "no method", table: { auth: [] }, code: "nobody" },
  { name: "IP for nobody", table: { auth: ["IP"] }, code: "nobody" },
  { name: "addresses that are never asked for", table: { access_ip: ["local"] }, code: "never-used" },
  { name: "PWORD without a file", table: { auth: ["PWORD"] }, code: "contradicts" },
  { name: "a file without PWORD", table: { password_file: "/x" }, code: "contradicts" },
  { name: "one address twice", table: { listen: ["::1", "0:0:0:0:0:0:0:1"] }, code: "twice" },
  { name: "the socket under /tmp twice", table: { socket: "/tmp/4803" }, code: "twice" },
  { name: "a total below one queue", table: { queue_total_max: "1MiB" }, code: "contradicts" },
])
  test(`a table with ${name} is complained about`, () =>
    expect(spreaddTable.check!(v.parse(spreaddTable.schema, table)).map((complaint) => complaint.code)).toEqual([
      code,
    ]));
