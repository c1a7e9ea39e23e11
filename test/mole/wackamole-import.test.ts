import { describe, expect, test } from "bun:test";
import { formatNetwork } from "../../lib/base/ip-address.ts";
import { buildConfig } from "../../lib/config/config.ts";
import { readText } from "../../lib/config/read.ts";
import { moleTable } from "../../lib/mole/table.ts";
import { importWackamole } from "../../lib/mole/wackamole-import.ts";
import { spreadTable } from "../../lib/spread/table.ts";

/** Every directive once, as the sample of a real one has them. */
const EVERYTHING = `# a comment
Spread = 4803@node1
SpreadRetryInterval = 5s
Group = wack1
Control = /var/run/wack.it
Mature = 7s
Arp-Cache = 90s
Balance {
  AcquisitionsPerRound = all
  interval = 4s
}
LogFacility = daemon
ModuleDir = /usr/lib/wackamole
RunDynamic mod:func on up
RunDynamic Perl::Mod::func post-down
PerlUseLib /usr/lib/perl
PerlUse Perl::Mod
prefer { eth0:10.0.0.10/32 }
VirtualInterfaces {
  { eth0:10.0.0.10/32 }
  eth0:10.0.0.11/32n24
  { eth0:10.0.0.12/32 eth1:10.1.0.12/24 }
}
Notify {
  eth0:10.0.0.1/32
  eth0:10.0.0.0/24 throttle 16 ping
  eth1:10.0.0.0/8
  arp-cache
}
Bogus = 1
`;

const tablesOf = (toml: string) => buildConfig([readText(toml, "f")], [moleTable, spreadTable]);

test("every directive is carried over, or named in a note with its line", () => {
  const { toml, notes } = importWackamole(EVERYTHING, "node1");
  const mole = tablesOf(toml).table(moleTable);
  expect(mole).toMatchObject({ group: "wack1", maturity: 7_000, calm: 4_000, notify_rate: 16 });
  expect(mole.notify.map(formatNetwork)).toEqual(["10.0.0.1", "10.0.0.0/24"]);
  expect(
    mole.vip.map(({ name, addresses, device, prefer }) => [name, addresses.map(formatNetwork), device, prefer]),
  ).toEqual([
    ["vip-10.0.0.10", ["10.0.0.10"], "eth0", ["node1"]],
    ["vip-10.0.0.11", ["10.0.0.11"], "eth0", []],
    ["vip-10.0.0.12", ["10.0.0.12", "10.1.0.12/24"], undefined, []],
  ]);
  expect(toml).toContain('addresses = ["10.0.0.12 dev eth0", "10.1.0.12/24 dev eth1"]');
  expect(toml).toContain('servers = ["tcp:node1:4803"]');
  const told = (line: number) => notes.filter((note) => note.line === line).map(({ message }) => message);
  for (const [line, word] of [
    [3, "SpreadRetryInterval"],
    [5, "Control"],
    [7, "Arp-Cache"],
    [8, "AcquisitionsPerRound = all"],
    [12, "LogFacility"],
    [13, "ModuleDir"],
    [14, '[[mole.hook]] on = ["acquire"]'],
    [15, 'on = ["release"]'],
    [16, "PerlUseLib"],
    [17, "PerlUse"],
    [18, "Prefer"],
    [22, "promote_secondaries"],
    [26, "ping"],
    [27, "too many addresses"],
    [28, "arp-cache"],
    [30, "Bogus"],
  ] as const)
    expect(told(line).join("; ")).toContain(word);
});

describe("what is left out stands in the TOML too, and is a mistake where Wackamole could not read it", () => {
  const file = (more: string) => `Group = g\n${more}\nVIFs {\n eth0:10.0.0.1/32\n}\n`;
  for (const { name, text, line, told, isMistake, vips = 1 } of [
    {
      name: "an alias's device",
      text: "VIFs { fxp0:0:10.0.0.176/32 }",
      line: 2,
      told: "no alias such as eth0:0",
      isMistake: true,
    },
    {
      name: "an address without a prefix and a device",
      text: "VIFs { { 10.0.0.175 } }",
      line: 2,
      told: "wants a prefix",
      isMistake: true,
    },
    {
      name: "an address without a device",
      text: "VIFs { 10.0.0.175/32 }",
      line: 2,
      told: "names no device",
      isMistake: false,
      vips: 2,
    },
    {
      name: "a block that nobody knows",
      text: "On Up {\n x_func\n { y }\n}",
      line: 2,
      told: '"On Up {" is no directive',
      isMistake: true,
    },
    {
      name: "a word that nobody knows",
      text: "Bogus = 1 2",
      line: 2,
      told: '"Bogus = 1 2" is no directive',
      isMistake: true,
    },
    { name: "a hook", text: "RunDynamic a:b on up", line: 2, told: "write a program", isMistake: false },
  ])
    test(name, () => {
      const { toml, notes } = importWackamole(file(text), "node1");
      expect(notes).toEqual([{ line, message: expect.stringContaining(told), isMistake }]);
      expect(toml).toContain(`# line ${line}${isMistake ? ", MISSING" : ""}: ${notes[0]!.message}\n`);
      expect(tablesOf(toml).table(moleTable).vip).toHaveLength(vips);
    });
});

test("Prefer names addresses in blocks, and without a device", () => {
  const prefer =
    "Prefer {\n { eth0:10.0.0.1/32 }\n 10.0.0.2/32\n}\nVIFs { eth0:10.0.0.1/32 eth0:10.0.0.2/32 eth0:10.0.0.3/32 }\n";
  const { toml, notes } = importWackamole(`Group = g\n${prefer}`, "node1");
  expect(
    tablesOf(toml)
      .table(moleTable)
      .vip.map((vip) => vip.prefer),
  ).toEqual([["node1"], ["node1"], []]);
  expect(notes.map(({ message }) => message)).toEqual([expect.stringContaining("Prefer is said of this host")]);
});

describe("what a file may have wrong is told, and the rest is read", () => {
  for (const { name, text, line, told, vips } of [
    { name: "an address twice", text: "VIFs { eth0:10.0.0.1/32 eth0:10.0.0.1/32 }", line: 1, told: "twice", vips: 1 },
    {
      name: "an address that is none",
      text: "VIPs {\n eth0:10.0.0/32\n eth0:10.0.0.2/32 }",
      line: 2,
      told: "no address",
      vips: 1,
    },
    { name: "a block without braces", text: "VirtualInterfaces eth0:10.0.0.1/32", line: 1, told: "missing", vips: 0 },
    {
      name: "a time that is none",
      text: "Mature = soon\nVIFs { eth0:10.0.0.1/32 }",
      line: 1,
      told: "no time",
      vips: 1,
    },
    { name: "an hour, which means a second", text: "Mature = 9h", line: 1, told: 'takes "h" for seconds', vips: 0 },
    { name: "a maturity that is too short", text: "Mature = 1s", line: 1, told: "shorter than old leases", vips: 0 },
    { name: "no group", text: "VIFs { eth0:10.0.0.1/32 }", line: 1, told: "no Group", vips: 1 },
    {
      name: "a block that has no end",
      text: "Group = g\nVIFs {\n { eth0:10.0.0.1/32",
      line: 3,
      told: 'the block that begins here has no "}"',
      vips: 1,
    },
    { name: "an unknown block that has no end", text: "On Up {\n x", line: 1, told: 'has no "}"', vips: 0 },
    {
      name: "a number that is no address",
      text: "VIFs {\n eth0:300.0.0.1/32\n eth0:10.0.0.1/33 eth0:127.0.0.1/32 eth0:10.0.0.3/32 }",
      line: 2,
      told: "is no address",
      vips: 1,
    },
    { name: "a time of ages", text: "Mature = 99999999999999999s", line: 1, told: "no time", vips: 0 },
    {
      name: "a rate that is none, and one that is too high",
      text: "Notify { eth0:10.0.0.1/32 throttle all\n eth0:10.0.0.2/32 throttle 5000000 }",
      line: 1,
      told: "is no number",
      vips: 0,
    },
  ])
    test(name, () => {
      const { toml, notes } = importWackamole(text, "node1");
      expect(
        notes
          .filter((note) => note.line === line)
          .map(({ message }) => message)
          .join("; "),
      ).toContain(told);
      expect(tablesOf(toml).table(moleTable).vip).toHaveLength(vips);
    });
});

test("words are read whatever their case", () => {
  const { toml } = importWackamole("GROUP = g\nvirtualINTERFACES { { eth0:10.0.0.1/32 } }\npReFeR nOnE\n", "h");
  expect(tablesOf(toml).table(moleTable)).toMatchObject({ group: "g", vip: [{ name: "vip-10.0.0.1", prefer: [] }] });
});
