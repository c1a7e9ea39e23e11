import { expect, test } from "bun:test";
import { parse as parseToml } from "smol-toml";
import * as v from "valibot";
import { settingsOf } from "../../lib/spread/io/settings.ts";
import { sessionOptionsOf, spreadTable } from "../../lib/spread/table.ts";

const read = (table: unknown) => v.safeParse(spreadTable.schema, table);
const defaults = v.parse(spreadTable.schema, {});

test("an empty table is what a session does by itself", () => {
  const { clock: _clock, random: _random, ...fromTable } = settingsOf(sessionOptionsOf(defaults));
  const { clock: _same, random: _too, ...byItself } = settingsOf({});
  expect(fromTable).toEqual(byItself);
});

test("every key has a description, and the starter changes nothing", () => {
  for (const [key, entry] of Object.entries(spreadTable.schema.entries))
    expect([key, v.getDescription(entry as v.GenericSchema) ?? ""]).toEqual([key, expect.stringMatching(/\.$/)]);
  expect(v.parse(spreadTable.schema, parseToml(spreadTable.starter))).toEqual(defaults);
  const uncommented = spreadTable.starter.replaceAll(/^#(?=[\w[])/gm, "").replaceAll("[spread.tls]", "[tls]");
  const tls = {
    certificate: "/etc/spreadbox/client.pem",
    key: "/etc/spreadbox/client.key",
    authorities: "/etc/spreadbox/ca.pem",
  };
  expect(v.parse(spreadTable.schema, parseToml(uncommented))).toEqual({ ...defaults, order: "nearest", tls });
});

test("a daemon by TLS wants to know who we are", () => {
  const servers = ["unix:/run/x", "tls:db1"];
  const table = v.parse(spreadTable.schema, { servers });
  expect(spreadTable.check!(table)).toMatchObject([{ path: ["servers", 1], code: "no-tls" }]);
  const tls = { certificate: "/c", key: "/k", authorities: "/a", server_name: "spread.example.com" };
  const complete = v.parse(spreadTable.schema, { servers, tls, rejoin_spread: "10s", order: "nearest" });
  expect(spreadTable.check!(complete)).toEqual([]);
  expect(settingsOf(sessionOptionsOf(complete))).toMatchObject({
    order: "nearest",
    rejoinSpreadMs: 10_000,
    tls: { certificate: "/c", key: "/k", authorities: "/a", serverName: "spread.example.com" },
  });
});

test("what an operator writes is what a session is told", () => {
  const table = v.parse(spreadTable.schema, {
    servers: ["4803@db1", "unix:/run/x"],
    name: "host1",
    silence: "2s",
    retry_first: "10ms",
    retry_most: "1s",
    unsent: "drop",
    unsent_size: "64KiB",
  });
  expect(settingsOf(sessionOptionsOf(table))).toMatchObject({
    servers: [
      { by: "tcp", host: "db1", port: 4803 },
      { by: "unix", path: "/run/x" },
    ],
    name: "host1",
    silenceMs: 2_000,
    backOff: { firstMs: 10, mostMs: 1_000 },
    unsent: "drop",
    unsentBytes: 65_536,
  });
});

for (const [what, table] of [
  ["an unknown key", { server: "4803" }],
  ["a server that is none", { servers: ["db1"] }],
  ["no server at all", { servers: [] }],
  ["a name that is none", { name: "a b" }],
  ["a duration without unit", { silence: "5" }],
  ["a policy that is none", { unsent: "spool" }],
] as const)
  test(`${what} is refused`, () => {
    expect(read(table).success).toBe(false);
  });

test("a first wait longer than the longest is told at its key", () => {
  expect(spreadTable.check!(defaults)).toEqual([]);
  const complaints = spreadTable.check!({ ...defaults, retry_first: 10_000 });
  expect(complaints).toMatchObject([{ path: ["retry_first"], code: "above-most" }]);
});
