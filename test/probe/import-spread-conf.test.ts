import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import * as v from "valibot";
import { importSpreadConf } from "../../lib/probe/import-spread-conf.ts";
import { SpreadConfError } from "../../lib/spread/spread-conf.ts";
import { spreadTable } from "../../lib/spread/table.ts";
import { spreaddTable } from "../../lib/spreadd/table.ts";
import { daemonText } from "../spread/spread-conf-texts.ts";
import { cases } from "../support/fuzz.ts";

/** Both tables as their own schemas read them; fails where they refuse them. */
function tablesOf(toml: string) {
  const { spreadd, spread, ...rest } = parse(toml) as Record<string, unknown>;
  expect(Object.keys(rest)).toEqual([]);
  const daemon = v.parse(spreaddTable.schema, spreadd);
  expect(spreaddTable.check?.(daemon) ?? []).toEqual([]);
  return { spreadd: daemon, spread: v.parse(spreadTable.schema, spread) };
}

const lines = (text: string, options = {}) =>
  importSpreadConf(text, "spread.conf", options).toml.split("\n").slice(2, -1);

describe("what a spread.conf becomes", () => {
  test("one daemon on loopback", () => {
    const { toml, warnings } = importSpreadConf(
      "Spread_Segment 127.0.0.255:5803 { dmn1 127.0.0.1 }",
      "/etc/spread.conf",
    );
    expect(toml).toBe(`# From "/etc/spread.conf", a configuration of Spread 5.

[spreadd]
name = "dmn1"
port = 5803

[spread]
servers = ["unix:/run/spreadbox/spread.sock", "unix:/tmp/5803", "tcp:localhost:5803"]
`);
    expect(warnings).toEqual([
      "Spread listens on every address of the host here; spreadd listens on loopback until listen says more",
    ]);
  });
  const ring = `MaxSessionMessages = 5000 TokenTimeout = 1000 HurryTimeout = 400 AliveTimeout = 200 JoinTimeout = 200 RepTimeout = 500 SegTimeout = 400
    GatherTimeout = 1000 FormTimeout = 1000 LookupTimeout = 20000
    Spread_Segment 192.0.2.255 { alpha 192.0.2.1 { D 192.0.2.1 C 10.0.0.1 C 127.0.0.1 } beta 192.0.2.2 }`;
  test("one of two, by an address of this host: its client interfaces", () => {
    expect(lines(ring, { hostAddresses: ["127.0.0.1", "192.0.2.1"] })).toEqual([
      "[spreadd]",
      'name = "alpha"',
      "port = 4803",
      'listen = ["10.0.0.1", "127.0.0.1"]',
      "queue_messages_max = 5000 # MaxSessionMessages",
      "",
      "[spread]",
      "# this host's own daemon is found without being named",
    ]);
  });
  test("one of two, by name: its own address and loopback", () =>
    expect(lines(ring, { daemon: "beta" })).toContain('listen = ["127.0.0.1", "192.0.2.2"]'));
  test("neither of two: all of them as servers", () => {
    expect(lines(ring).at(-1)).toBe('servers = ["tcp:192.0.2.1:4803", "tcp:192.0.2.2:4803"]');
    expect(importSpreadConf(ring, "x").warnings).toEqual([
      "which of the file's 2 daemons this host is can't be told: set name, port and listen of [spreadd]",
      "the file has 2 daemons in one ring: a spreadd by itself serves its own host, and groups don't reach the others",
      "without counterpart, not taken over: TokenTimeout, HurryTimeout, AliveTimeout, JoinTimeout, RepTimeout, SegTimeout, GatherTimeout, FormTimeout, LookupTimeout",
    ]);
  });
  test("authentication", () => {
    const toml = lines(
      'AllowedAuthMethods = "IP NULL" RequiredAuthMethods = "IP" Spread_Segment 192.0.2.255 { a 192.0.2.1 }',
    );
    expect(toml).toContain('auth = ["IP", "NULL"]');
    expect(toml).toContain('auth_required = ["IP"]');
    expect(toml).toContain('access_ip = ["local"] # write here what spread.access_ip says');
  });
});

test("a file that the real daemon refuses is refused with its mistakes", () => {
  expect(() => importSpreadConf("Spread_Segment 192.0.2.255 { auto 192.0.2.1 }", "spread.conf")).toThrow(
    'spread.conf:1:30: the reserved word "auto"',
  );
});

test("what is imported is always taken by the tables' own schemas and checks", () => {
  fc.assert(
    fc.property(
      daemonText,
      fc.constantFrom(
        "AllowedAuthMethods = IP",
        'RequiredAuthMethods = "NULL IP"',
        'AllowedAuthMethods = "NULL PWORD X"',
        "",
      ),
      fc.boolean(),
      (text, option, named) => {
        try {
          tablesOf(importSpreadConf(`${option}\n${text}`, "spread.conf", named ? { daemon: "a" } : {}).toml);
        } catch (error) {
          if (!(error instanceof SpreadConfError)) throw error;
        }
      },
    ),
    cases(500),
  );
}, 600_000);
