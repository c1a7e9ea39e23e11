import { describe, expect, test } from "bun:test";
import { hostConfigOf, timesOf } from "../../lib/mole/settings.ts";
import { load, mistakesIn } from "./config.ts";

const here = { hostname: "a", machineId: "1" };
const vip = '[[mole.vip]]\nname = "web"\naddresses = ["192.0.2.10"]\n';

test("an empty table is a host that covers nothing, by times that fit each other", () => {
  const config = hostConfigOf(load(""), here);
  expect(config).toMatchObject({ host: "a", capacity: 1, mode: "available", definitions: [], hosts: [] });
  expect(config.times).toEqual({
    beatMs: 100,
    silenceMs: 1_000,
    leaseMs: 2_000,
    maturityMs: 3_500,
    holdDownMs: 5_000,
    calmMs: 2_000,
    clockBoundMs: 100,
  });
});

test("lease and maturity follow silence unless they are given", () => {
  expect(timesOf(load('[mole]\nsilence = "3500ms"\n'))).toMatchObject({ leaseMs: 4_000, maturityMs: 8_000 });
  expect(timesOf(load('[mole]\nsilence = "500ms"\nlease = "5s"\n'))).toMatchObject({
    leaseMs: 5_000,
    maturityMs: 6_000,
  });
});

test("two hosts of one machine, and two machines with one host name, are four", () => {
  const ids = ["a", "b"].flatMap((hostname) =>
    ["1", "2"].map((machineId) => hostConfigOf(load(""), { hostname, machineId }).machine),
  );
  expect(new Set(ids).size).toBe(4);
});

test("a vip's own word on all_failed goes before that of the table", () => {
  const text = `[mole]\nall_failed = "drop"\n${vip}[[mole.vip]]\nname = "mail"\naddresses = ["192.0.2.11"]\nall_failed = "keep"\n`;
  const { definitions } = hostConfigOf(load(text), here);
  expect(definitions.map(({ name, allFailed }) => [name, allFailed])).toEqual([
    ["web", "drop"],
    ["mail", "keep"],
  ]);
});

describe("what could not be kept is refused", () => {
  for (const { name, text, told } of [
    {
      name: "a silence of fewer than four beats",
      text: '[mole]\nbeat = "200ms"\nsilence = "500ms"\n',
      told: ["f:3:11: mole.silence: is 500ms; expected at least 4 beats (800ms)"],
    },
    {
      name: "a lease that ends before the silence is over",
      text: '[mole]\nsilence = "2s"\nlease = "2s"\n',
      told: ["f:3:9: mole.lease: is 2s; expected at least silence + 500ms in whole seconds (3s)"],
    },
    {
      name: "a lease the kernel can't count",
      text: '[mole]\nlease = "2500ms"\n',
      told: ["f:2:9: mole.lease: is 2s500ms; the kernel counts whole seconds"],
    },
    {
      name: "a maturity that ends before old leases do",
      text: '[mole]\nmaturity = "3s"\n',
      told: ["f:2:12: mole.maturity: is 3s; expected at least silence + lease + 500ms (3s500ms)"],
    },
    {
      name: "majorities of nobody knows how many",
      text: '[mole]\nmode = "safe"\n',
      told: ['f:2:8: mole.mode: is "safe", which counts majorities: name all hosts of the cluster in "hosts"'],
    },
    {
      name: "a host that is not of the cluster",
      text: `[mole]\nhosts = ["a", "b"]\ntiebreak = "c"\n${vip}prefer = ["d"]\n`,
      told: ['f:3:12: mole.tiebreak: "c" is not in "hosts"', 'f:7:11: mole.vip[0].prefer[0]: "d" is not in "hosts"'],
    },
    {
      name: "a health check of nothing",
      text: '[[mole.health]]\nname = "x"\n',
      told: ['f:1:8: mole.health[0]: checks nothing: give one of "command", "tcp", "http" and "process"'],
    },
    {
      name: "a health check of two things",
      text: '[[mole.health]]\nname = "x"\ntcp = "80"\nprocess = "nginx"\n',
      told: ["f:4:11: mole.health[0].process: has tcp and process: one entry checks one thing"],
    },
    {
      name: "a port in words",
      text: '[[mole.health]]\nname = "x"\ntcp = "port 80"\n',
      told: [
        'f:3:7: mole.health[0].tcp: found "port 80", expected where to connect: "127.0.0.1:80", "[::1]:80" or "80", a port of this host',
      ],
    },
    {
      name: "a health check for a vip that is none",
      text: `${vip}[[mole.health]]\nname = "x"\nvips = ["wbe"]\ntcp = "80"\n`,
      told: ['f:6:9: mole.health[0].vips[0]: no vip is called "wbe"'],
    },
    {
      name: "a network of sixteen million to be told one by one",
      text: '[mole]\nnotify = ["10.0.0.0/8"]\n',
      told: ["f:2:11: mole.notify[0]: 10.0.0.0/8 has too many addresses to tell each: expected at most a /20"],
    },
  ])
    test(name, () => expect(mistakesIn(text)).toEqual(told));
});
