import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { threadCpuMs } from "../../lib/run/clock.ts";
import {
  daemonsOf,
  namesToLookUp,
  parseSpreadConf,
  readSpreadConf,
  SpreadConfError,
} from "../../lib/spread/spread-conf.ts";
import { configurationHash, daemonId } from "../../lib/spread/spread-conf-hash.ts";
import { cases } from "../support/fuzz.ts";
import vectors from "../vectors/probe/conf-hash.json";
import { confText } from "./spread-conf-texts.ts";

const ONE = "Spread_Segment 192.0.2.255:4803 { a 192.0.2.1 }\n";

describe("the 5.0.1 daemon's log, configuration by configuration", () => {
  for (const { label, config, result, conf_hash, daemons, segments } of vectors.cases) {
    const { conf, errors } = readSpreadConf(config, { addresses: new Map() });
    test(`${label}: ${result}`, () => expect(errors.length === 0 ? "loaded" : "rejected").toBe(result));
    if (conf_hash !== null) test(`${label}: the hash`, () => expect(configurationHash(conf)).toBe(conf_hash));
    if (daemons.length === 0) continue;
    test(`${label}: daemons and segments`, () => {
      expect(daemonsOf(conf).map(({ name, address, id }) => ({ name, address: address?.text ?? "", id }))).toEqual(
        daemons,
      );
      const found = conf.segments.map((one) => ({
        address: one.addresses[0]!.text,
        port: one.port,
        daemons: one.daemons.length,
      }));
      expect(found).toEqual(segments);
    });
  }
});

test("daemon ids are those of the real daemon", () => {
  expect(["dmn1", "localhost", "da"].map(daemonId)).toEqual([3482217861, 482711334, 2264284728]);
});

test("a name of more than 19 bytes has the id of its first 19", () => {
  expect(daemonId("a-name-of-19-bytes-and-more")).toBe(daemonId("a-name-of-19-bytes-"));
});

describe("mistakes, each with its place and what to do", () => {
  const table: readonly (readonly [text: string, ...found: string[]])[] = [
    [`MaxSessionMesages = 5000\n${ONE}`, '1:1 unknown option "MaxSessionMesages"; did you mean "MaxSessionMessages"?'],
    [
      `maxsessionmessages = 5\n${ONE}`,
      '1:1 unknown option "maxsessionmessages"; did you mean "MaxSessionMessages" (case matters)?',
    ],
    [
      `MaxSessionMessages=5000\n${ONE}`,
      '1:1 "MaxSessionMessages=5000" is one word here: put blanks around "=", as in "MaxSessionMessages = 5000"',
    ],
    [
      `MaxSessionMessages =5000\n${ONE}`,
      '1:20 "=5000" is one word here: put blanks around "=", as in "MaxSessionMessages = 5000"',
    ],
    [
      `MaxSessionMessages 5000\n${ONE}`,
      '1:1 option MaxSessionMessages has no value: found the number 5000, expected "=" with blanks around it',
    ],
    [
      `MaxSessionMessages = 5s\n${ONE}`,
      '1:22 option MaxSessionMessages: found "5s", expected a whole number of at most 9 digits, without a unit',
    ],
    [`Window = 0\n${ONE}`, "1:10 option Window: found 0, expected at least 1"],
    [
      `DaemonUser = D\n${ONE}`,
      '1:14 option DaemonUser: found the reserved word "D", expected a text: put it in quotes, as in DaemonUser = "D"',
    ],
    [
      `DangerousMonitor = on\n${ONE}`,
      '1:20 option DangerousMonitor: found the reserved word "on", expected "true", "yes", "false" or "no"',
    ],
    [
      `EventPriority = WARN\n${ONE}`,
      '1:17 option EventPriority: found "WARN", expected one of pDEBUG, INFO, WARNING, ERROR, CRITICAL, FATAL; did you mean WARNING?',
    ],
    [
      `DebugFlags = { PRINT EXITS }\n${ONE}`,
      /^1:22 option DebugFlags: found "EXITS", expected one of .*did you mean EXIT\?$/.source,
    ],
    [
      `AccessControlPolicy = DENY\n${ONE}`,
      '1:1 option AccessControlPolicy: found "DENY", and the stock daemon has none but "PERMIT"',
    ],
    [
      "# nothing\n",
      '2:1 the file has no Spread_Segment: write one, such as "Spread_Segment 192.0.2.255:4803 { name 192.0.2.1 }"',
    ],
    [
      "Spread_Segment 192.0.2.255 { }\nSpread_Segment 192.0.2.255 { a 192.0.2.1 }",
      "1:1 this segment has no daemon and stands before the first one: give ActiveIPVersion before it, or remove it",
    ],
    [
      "Spread_Segment host:4803 { a 192.0.2.1 }",
      '1:16 the segment\'s address is "host:4803": expected an IP address, host names are not looked up here; with a port "192.0.2.255:4803" or "[ff02::1]:4803"',
    ],
    ["Spread_Segment 192.0.2.255:65536 { a 192.0.2.1 }", '1:16 port of "192.0.2.255:65536" is over 65535'],
    [
      "Spread_Segment 192.0.2.255 { auto 192.0.2.1 }",
      '1:30 the reserved word "auto" can\'t be a daemon\'s name: put it in quotes, as in "auto"',
    ],
    [
      "Spread_Segment 192.0.2.255 { 42 192.0.2.1 }",
      "1:30 the number 42 can't be a daemon's name: put it in quotes, as in \"42\"",
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1:4803 }",
      '1:32 daemon "a": its address takes no port, the segment\'s port is for all its daemons: write 192.0.2.1',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1\n",
      '1:1 the segment is not closed: found the end of the file, expected "}" before it',
    ],
    ["Spread_Segment 192.0.2.255 { a 192.0.2.1 }\n}", '2:1 found "}" without an open "{": one is too many'],
    [
      "Spread_Segment 192.0.2.255 { a 300.0.2.1 }",
      '1:32 "300.0.2.1" is no IPv4 address: a number is over 255; the daemon would look it up as a host name',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1; b 192.0.2.2 }",
      '1:32 the semicolon is part of the name "192.0.2.1;": put a blank before it',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 VirtualID=7 }",
      '1:42 "VirtualID=7" is one word here: put blanks around "=", as in "VirtualID = 7"',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 VirtualID = 0 }",
      '1:54 VirtualID: found the number 0, expected "=" and a number from 1 to 999999999, with blanks between',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 { C 192.0.2.1 } }",
      '1:42 the list of interfaces lacks the daemon\'s own address: add "D 192.0.2.1"',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 { DC 192.0.2.1 } }",
      '1:44 found "DC", expected D, C or M (each a word of its own) or an address',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 {} }",
      '1:42 the list of interfaces of "a" is empty: leave it out, or name the daemon\'s own address in it',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1\n a 192.0.2.2 }",
      '2:2 daemon "a" stands on line 1 already: every name may stand once',
    ],
    [
      "Spread_Segment 192.0.2.255 { node-in-the-first-rack-1 192.0.2.1\n node-in-the-first-rack-2 192.0.2.2 }",
      '2:2 daemon "node-in-the-first-r" (cut from "node-in-the-first-rack-2") stands on line 1 already: every name may stand once',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 VirtualID = 7\n b 192.0.2.2 VirtualID = 7 }",
      '2:2 daemon "b" has the id 7, as "a" on line 1: give another VirtualID',
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1\n b 192.0.2.1 }",
      '2:2 daemon "b" has the address 192.0.2.1 port 4803, as "a" on line 1',
    ],
    ["Spread_Segment 192.0.2.255 { a 0.0.0.0 }", '1:32 daemon "a" has the address 0.0.0.0, which names no host'],
    [
      "Spread_Segment 192.0.2.255 { a 224.0.0.9 }",
      '1:32 daemon "a" has the multicast address 224.0.0.9: write its host\'s own',
    ],
    [
      "Spread_Segment 0.0.0.0 { a 192.0.2.1 }",
      "1:1 the segment has the address 0.0.0.0, which names nothing: write its broadcast or multicast address",
    ],
    [
      "Spread_Segment 192.0.2.255 { a 192.0.2.1 b 2001:db8::1 }",
      '1:44 daemon "b" has the IPv6 address "2001:db8::1", but IPv4 is settled by daemon "a": all addresses of a file are of one family',
    ],
    [
      `${ONE}ActiveIPVersion = IPv6`,
      '2:1 ActiveIPVersion is IPv6, but IPv4 is settled by daemon "a": put it before the segments, or change it',
    ],
    [`ActiveIPVersion = ipv4\n${ONE}`, '1:1 option ActiveIPVersion: found "ipv4", expected IPv4 or IPv6'],
    [
      `LinkProtocol = { Hop }\n${ONE}`,
      "1:1 option LinkProtocol is of Spread 4, and Spread 5 refuses the whole file for it: remove it",
    ],
    [
      `AcceleratedRing = yes\nAcceleratedWindow = 30\n${ONE}`,
      "2:1 AcceleratedWindow is 30, more than PersonalWindow with 20: it must not be",
    ],
    [`RuntimeDir = ${"x".repeat(5000)}\n${ONE}`, "1:14 option RuntimeDir: the text is longer than 4096 bytes"],
  ];
  for (const [text, ...expected] of table) {
    test(expected[0]!, () => {
      const found = readSpreadConf(text).errors.map(({ line, column, message }) => `${line}:${column} ${message}`);
      expect(found.length).toBe(expected.length);
      for (const [index, wanted] of expected.entries()) {
        if (wanted.startsWith("^")) expect(found[index]).toMatch(new RegExp(wanted));
        else expect(found[index]).toBe(wanted);
      }
    });
  }
});

test("one reading shows the mistakes of options, segments and daemons together", () => {
  const text = `
TokenTimout = 500
DaemonUser=spread
Spread_Segment 192.0.2.255:4803 {
  auto 192.0.2.1
  b    192.0.2.2 VirtualID = x
  c    192.0.2.3 { X 192.0.2.3 }
}
EventPriority = LOUD
Spread_Segment 300.0.2.255 { d 192.0.2.4 }
`;
  expect(readSpreadConf(text).errors.map(({ line, code }) => `${line} ${code}`)).toEqual([
    "2 unknown-option",
    "3 glued-equals",
    "5 reserved",
    "6 virtual-id",
    "7 interface",
    "9 value",
    "10 segment-address",
  ]);
});

describe("what the daemon takes and an operator will be sorry for", () => {
  const warnings = (text: string, addresses?: Map<string, string[]>) =>
    readSpreadConf(text, addresses === undefined ? {} : { addresses }).warnings.map(
      ({ line, column, code }) => `${line}:${column} ${code}`,
    );
  test("a plain file has no warning", () => expect(warnings(ONE)).toEqual([]));
  test("a name that is cut", () =>
    expect(warnings("Spread_Segment 192.0.2.255 { a-name-of-19-bytes-and-more 192.0.2.1 }")).toEqual([
      "1:30 name-cut",
    ]));
  test("a name that no client can use", () =>
    expect(warnings('Spread_Segment 192.0.2.255 { "a b" 192.0.2.1 }')).toEqual(["1:30 name"]));
  test("a name that takes the address of the next line", () =>
    expect(warnings("Spread_Segment 192.0.2.255 { a\n 192.0.2.1 }")).toEqual(["2:2 lines"]));
  test("interfaces of which none is for clients", () =>
    expect(warnings("Spread_Segment 192.0.2.255 { a 192.0.2.1 { D 192.0.2.1 } }")).toEqual([
      "1:42 no-client-interface",
    ]));
  test("an option that is set twice", () =>
    expect(warnings(`Window = 100\nWindow = 200\n${ONE}`)).toEqual(["2:1 twice"]));
  test("a method that the stock daemon does not have", () =>
    expect(warnings(`AllowedAuthMethods = "NULL PWORD"\n${ONE}`)).toEqual(["1:1 auth-method"]));
  test("no method left", () => expect(warnings(`RequiredAuthMethods = "IP"\n${ONE}`)).toEqual(["1:1 auth-method"]));
  test("a name that the resolver puts on loopback", () =>
    expect(warnings("Spread_Segment 192.0.2.255 { a b 192.0.2.2 }", new Map([["a", ["127.0.1.1"]]]))).toEqual([
      "1:30 loopback",
    ]));
  test("characters that the daemon drops", () =>
    expect(warnings(`[x] = 1\n${ONE}`).slice(0, 2)).toEqual(["1:1 stray", "1:3 stray"]));
});

describe("names without an address", () => {
  const text = "Spread_Segment 192.0.2.255 { a ; b ; 192.0.2.3 }";
  test("are told, so that they can be looked up", () => {
    const { conf, errors } = readSpreadConf(text);
    expect(errors).toEqual([]);
    expect(namesToLookUp(conf)).toEqual(["a", "b"]);
    expect(configurationHash(conf)).toBeUndefined();
  });
  test("get the first address of the right family", () => {
    const addresses = new Map([
      ["a", ["192.0.2.1"]],
      ["b", ["2001:db8::2", "192.0.2.2"]],
    ]);
    const conf = parseSpreadConf(text, "spread.conf", { addresses });
    expect(daemonsOf(conf).map((daemon) => daemon.address?.text)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    expect(configurationHash(conf)).toBe(
      configurationHash(parseSpreadConf("Spread_Segment 192.0.2.255 { a 192.0.2.1 b 192.0.2.2 192.0.2.3 }", "x")),
    );
  });
  test("that nobody knows are a mistake", () => {
    const { errors } = readSpreadConf(text, { addresses: new Map() });
    expect(errors.map((error) => error.code)).toEqual(["no-host", "no-host"]);
  });
});

test("parseSpreadConf throws one fault with all mistakes, each with file, line and column", () => {
  expect.assertions(2);
  try {
    parseSpreadConf("FooBar = 1\nBarFoo = 2\n", "/etc/spread.conf");
  } catch (error) {
    expect(error).toBeInstanceOf(SpreadConfError);
    expect((error as SpreadConfError).all.map((fault) => fault.message)).toEqual([
      '/etc/spread.conf:1:1: unknown option "FooBar"',
      '/etc/spread.conf:2:1: unknown option "BarFoo"',
    ]);
  }
});

describe("IPv6", () => {
  const read = (address: string) =>
    daemonsOf(readSpreadConf(`Spread_Segment [ff02::1]:4803 { a ${address} }`).conf)[0]!.address;
  for (const [written, canonical] of [
    ["::1", "0000:0000:0000:0000:0000:0000:0000:0001"],
    ["2001:DB8::8:0:1", "2001:0db8:0000:0000:0000:0008:0000:0001"],
    ["fe80::1%eth0", "fe80:0000:0000:0000:0000:0000:0000:0001"],
    ["1:2:3:4:5:6:7:8", "0001:0002:0003:0004:0005:0006:0007:0008"],
  ] as const)
    test(`${written} is hashed as ${canonical}`, () => expect(read(written)?.canonical).toBe(canonical));
  for (const word of ["::ffff:192.0.2.1", "1:2:3:4:5:6:7:8:9", "fe80::1%"])
    test(`${word} is no address to the daemon's reader`, () => expect(read(word)).toBeUndefined());
});

test("any text is read without an exception, and every note has a place in it", () => {
  fc.assert(
    fc.property(confText, (text) => {
      const lines = text.split("\n");
      const { conf, errors, warnings } = readSpreadConf(text);
      for (const { line, column, message } of [...errors, ...warnings]) {
        if (line < 1 || line > lines.length || column < 1 || column > lines[line - 1]!.length + 1) return false;
        if (message === "" || /[\x00-\x1f\x7f-\x9f\u202e]/.test(message)) return false;
      }
      const hash = configurationHash(conf);
      return hash === undefined || (Number.isInteger(hash) && hash >= 0 && hash <= 0xffffffff);
    }),
    cases(8_000),
  );
}, 600_000);

test("a file of a megabyte is read in one pass, and its mistakes are few", () => {
  const beganMs = threadCpuMs();
  for (const text of [
    "{".repeat(1e6),
    " \n".repeat(5e5),
    "#x\n".repeat(3e5),
    "a = b\n".repeat(1e5),
    '"'.repeat(1e6),
    "[".repeat(1e6),
  ])
    expect(readSpreadConf(text).errors.length).toBeLessThanOrEqual(100);
  expect(threadCpuMs() - beganMs).toBeLessThan(10_000); // of a processor: others may have it too
});
