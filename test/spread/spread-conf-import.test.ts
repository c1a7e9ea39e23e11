import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import * as v from "valibot";
import { daemonsOf, parseSpreadConf, readSpreadConf } from "../../lib/spread/spread-conf.ts";
import { daemonOfHost, importServers } from "../../lib/spread/spread-conf-import.ts";
import { spreadTable } from "../../lib/spread/table.ts";
import { cases } from "../support/fuzz.ts";
import { daemonText } from "./spread-conf-texts.ts";

const ring = parseSpreadConf(
  "Spread_Segment 192.0.2.255 { alpha 192.0.2.1 beta 192.0.2.2 } Spread_Segment 192.0.3.255:5000 { gamma 192.0.3.1 }",
  "x",
);
const alone = parseSpreadConf("Spread_Segment 127.0.0.255:5803 { dmn1 127.0.0.1 }", "x");

describe("which daemon is this host's", () => {
  test("the only one", () => expect(daemonOfHost(alone, [])?.name).toBe("dmn1"));
  test("the one with an address of this host", () =>
    expect(daemonOfHost(ring, ["127.0.0.1", "192.0.2.2"])?.name).toBe("beta"));
  test("none, where no address is this host's", () => expect(daemonOfHost(ring, ["127.0.0.1"])).toBeUndefined());
  test("none by a loopback address, which every host has", () => {
    const loopback = parseSpreadConf("Spread_Segment 127.0.0.255 { a 127.0.0.1 b 192.0.2.2 }", "x");
    expect(daemonOfHost(loopback, ["127.0.0.1", "192.0.2.9"])).toBeUndefined();
  });
  test("none, where two are", () => expect(daemonOfHost(ring, ["192.0.2.1", "192.0.2.2"])).toBeUndefined());
});

describe("[spread]", () => {
  test("the host's own daemon at another port than usual", () =>
    expect(importServers(alone, daemonOfHost(alone, []))).toBe(
      '[spread]\nservers = ["unix:/run/spreadbox/spread.sock", "unix:/tmp/5803", "tcp:localhost:5803"]\n',
    ));
  test("at the usual one nothing need be said", () =>
    expect(importServers(ring, daemonsOf(ring)[0])).not.toContain("servers"));
  test("no daemon of this host: all of them", () =>
    expect(importServers(ring, undefined)).toBe(
      '[spread]\nservers = ["tcp:192.0.2.1:4803", "tcp:192.0.2.2:4803", "tcp:192.0.3.1:5000"]\n',
    ));
  test("is always taken by the table's own schema", () => {
    fc.assert(
      fc.property(daemonText, fc.boolean(), (text, own) => {
        const { conf, errors } = readSpreadConf(text);
        fc.pre(errors.length === 0);
        const { spread } = parse(importServers(conf, own ? daemonsOf(conf)[0] : undefined));
        v.parse(spreadTable.schema, spread);
      }),
      cases(200),
    );
  });
});
