// What an operator may write, and what is said of it.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Fault } from "../../lib/base/fault.ts";
import { formatListenAddress, parseListenAddress } from "../../lib/base/listen-address.ts";
import { reportOf } from "../../lib/sink/sink-report.ts";
import { formatDestination, parseDestination } from "../../lib/syslogd/destination.ts";
import { formatTarget } from "../../lib/syslogd/directed-rule.ts";
import { parseRuleLine } from "../../lib/syslogd/rule-line.ts";
import { chooseSockets, hearsJournal, ownsDevLog, type SocketFacts } from "../../lib/syslogd/socket-choice.ts";
import { rulesOf, syslogdTable } from "../../lib/syslogd/table.ts";

describe("a sink", () => {
  for (const text of [
    "file:/var/log/messages",
    "file:/var/log/%host%/%app%",
    "file:/100%%",
    "group:log.%facility%",
    "group:logs",
    "udp:loghost:514",
    "tcp:192.0.2.7:601",
    "tls:[2001:db8::1]:6514",
    "fifo:/dev/xconsole",
    "program:grep -v 'a: b' | mail root",
    "users:root,amy",
    "users:*",
    "console",
    "console:/dev/tty12",
  ])
    test(`may be ${text}`, () => expect(formatDestination(parseDestination(text))).toBe(text));

  test("has its path in one form", () => {
    expect(formatDestination(parseDestination("file:/var//log///x"))).toBe("file:/var/log/x");
  });

  test("has the port of its protocol where none is given", () => {
    for (const [text, as] of [
      ["udp:loghost", "udp:loghost:514"],
      ["tcp:loghost", "tcp:loghost:601"],
      ["tls:loghost", "tls:loghost:6514"],
      ["tcp:2001:db8::1", "tcp:[2001:db8::1]:601"],
    ])
      expect(formatDestination(parseDestination(text!))).toBe(as!);
  });

  for (const { text, said } of [
    { text: "tcp:", said: 'expected a host and a port, such as "tcp:loghost:601"' },
    { text: "udp:log host", said: "expected a host and a port" },
    { text: "tcp:loghost:0", said: "expected a host and a port" },
    { text: "tcp:loghost:65536", said: "expected a host and a port" },
    { text: "tpc:loghost:601", said: 'did you mean "tcp:loghost:601"?' },
    { text: "fifo:x", said: 'did you mean "fifo:/x"?' },
    { text: "program: ", said: "expected a command" },
    { text: "users:", said: "expected names of users" },
    { text: "users:a b", said: "expected names of users" },
    { text: "consol", said: 'did you mean "console"?' },
    { text: "wall", said: 'did you mean "users:*"?' },
    { text: "flie:/var/log/mail", said: 'did you mean "file:/var/log/mail"?' },
    { text: "/var/log/mail", said: 'did you mean "file:/var/log/mail"?' },
    { text: "file:var/log/mail", said: 'a file\'s path begins with /; did you mean "file:/var/log/mail"?' },
    { text: "file:/var/log/", said: "this is a directory" },
    { text: "file:", said: "a file's path begins with /" },
    { text: "group:", said: "a group has a name" },
    { text: "group:log.%facilty%", said: 'did you mean "%facility%"?' },
    { text: "", said: "expected a sink such as" },
    { text: "constructor:x", said: "unknown sink" },
  ])
    test(`may not be ${JSON.stringify(text)}`, () => {
      expect(() => parseDestination(text)).toThrow(Fault);
      expect(() => parseDestination(text)).toThrow(said);
    });
});

describe("an address to listen on", () => {
  for (const { text, as } of [
    { text: "0.0.0.0:5514", as: "0.0.0.0:5514" },
    { text: "192.0.2.7", as: "192.0.2.7:514" },
    { text: "[::1]:5514", as: "[::1]:5514" },
    { text: "::1", as: "[::1]:514" },
    { text: "[2001:db8::1]", as: "[2001:db8::1]:514" },
    { text: "*:5514", as: "[::]:5514" },
    { text: ":514", as: "[::]:514" },
  ])
    test(`may be ${text}`, () => expect(formatListenAddress(parseListenAddress(text))).toBe(as));

  for (const text of ["", "host:514", "1.2.3.4.5", "1.2.3.4:65536", "1.2.3.4:x", "[1.2.3.4", "fe80::1:99999"])
    test(`may not be ${JSON.stringify(text)}`, () => expect(() => parseListenAddress(text)).toThrow(Fault));
});

describe("a rule on the command line", () => {
  test("is a selector, an arrow and a sink", () => {
    const { rule, to } = parseRuleLine("*.info;mail.none->file:/x");
    expect([rule.selector.text, formatTarget(to)]).toEqual(["*.info;mail.none", "file:/x"]);
  });

  for (const { text, said } of [
    { text: "mail.*", said: "expected a rule such as" },
    { text: "mial.* -> file:/x", said: 'did you mean "mail"?' },
    { text: "mail.* -> flie:/x", said: 'did you mean "file:/x"?' },
    { text: "mail.none -> file:/x", said: 'this rule can never match: selector "mail.none" chooses nothing' },
  ])
    test(`is refused as ${JSON.stringify(text)}`, () => {
      expect(() => parseRuleLine(text)).toThrow(said);
      expect(() => parseRuleLine(text)).toThrow(expect.objectContaining({ kind: "usage" }));
    });
});

describe("the socket", () => {
  const found: SocketFacts = { asked: [], passed: [], devLogLink: undefined, takeDevLog: false };
  const journald = "/run/systemd/journal/dev-log";
  for (const { name, facts, chosen } of [
    { name: "is /dev/log on a host without journald", facts: {}, chosen: [{ path: "/dev/log", replacesLink: false }] },
    {
      name: "is where journald forwards to, on a host with it",
      facts: { devLogLink: journald },
      chosen: [{ path: "/run/systemd/journal/syslog", replacesLink: false }],
    },
    {
      name: "is the one that systemd passes, before any of these",
      facts: { devLogLink: journald, passed: [{ fd: 3, path: "/dev/log" }] },
      chosen: [{ take: 3, path: "/dev/log" }],
    },
    {
      name: "is the one that is asked for, before all others",
      facts: { asked: ["/a", "/b"], passed: [{ fd: 3, path: "/dev/log" }] },
      chosen: [
        { path: "/a", replacesLink: false },
        { path: "/b", replacesLink: false },
      ],
    },
    {
      name: "replaces journald's link only when it is told to",
      facts: { devLogLink: journald, takeDevLog: true },
      chosen: [{ path: "/dev/log", replacesLink: true }],
    },
    {
      name: "replaces no link at a path that was asked for",
      facts: { asked: ["/dev/log"], devLogLink: journald },
      chosen: [{ path: "/dev/log", replacesLink: false }],
    },
  ])
    test(name, () => expect(chooseSockets({ ...found, ...facts })).toEqual(chosen));

  test("is not made where /dev/log is a link to somewhere else", () => {
    expect(() => chooseSockets({ ...found, devLogLink: "/other" })).toThrow(
      /link to \/other; --take-devlog replaces it/,
    );
  });

  test("tells whether the kernel's messages come by it, and whether stderr does", () => {
    const own = chooseSockets(found);
    const forwarded = chooseSockets({ ...found, devLogLink: journald });
    const passed = { take: 3, path: "/dev/log" };
    const passedOn = { take: 4, path: "/run/systemd/journal/syslog" };
    for (const { choices, kernel, stderr } of [
      { choices: own, kernel: false, stderr: false },
      { choices: forwarded, kernel: true, stderr: true },
      { choices: [passed], kernel: false, stderr: false },
      { choices: [passedOn], kernel: true, stderr: true },
      { choices: [passed, passedOn], kernel: true, stderr: true },
    ]) {
      expect(ownsDevLog(choices)).toBe(!kernel);
      expect(hearsJournal(choices)).toBe(stderr);
    }
  });
});

describe("what a sink has to report", () => {
  for (const { name, event, severity, text } of [
    {
      name: "begins with why",
      event: { on: "failing", reason: "ENOSPC: no space left" },
      severity: "err",
      text: "file:/x: ENOSPC: no space left; 2 records wait, and will be tried again",
    },
    {
      name: "goes on with why records are lost, while it lasts",
      event: { on: "losing", reason: "its queue in memory is full", outageMs: 61_234 },
      severity: "err",
      text: "file:/x: fails since 1m1s, and records are lost now: its queue in memory is full; how many is told when it works again",
    },
    {
      name: "ends with how long it was",
      event: { on: "working", outageMs: 61_000, lost: 0 },
      severity: "notice",
      text: "file:/x: works again after 1m1s, nothing lost",
    },
    {
      name: "and with what was lost",
      event: { on: "working", outageMs: 1_500, lost: 1 },
      severity: "warning",
      text: "file:/x: works again after 1s500ms, 1 record lost",
    },
    {
      name: "and with what may be lost",
      event: { on: "working", outageMs: 1_500, lost: 0, uncertain: 648 },
      severity: "warning",
      text: "file:/x: works again after 1s500ms; 648 records may be lost",
    },
    {
      name: "tells of a loss without an outage",
      event: { on: "overflowed", lost: 7 },
      severity: "warning",
      text: "file:/x: was too slow for a while, 7 records lost",
    },
    {
      name: "tells of a loss for want of open files",
      event: { on: "crowded", openFilesMax: 128, lost: 7 },
      severity: "warning",
      text: "file:/x: records for many more files than the 128 that may be open came faster than these took them, and filled the queue, 7 records lost",
    },
  ] as const)
    test(name, () => expect(reportOf("file:/x", event, 2)).toEqual({ severity, text }));
});

test("what fails while nothing waits says nothing of records", () => {
  const event = { on: "failing", reason: "the program ended with status 0" } as const;
  expect(reportOf("program:x", event, 0).text).toBe("program:x: the program ended with status 0");
});

describe("the table [syslogd]", () => {
  const read = (table: unknown) => v.parse(syslogdTable.schema, table);
  const complaints = (table: unknown) =>
    syslogdTable.check!(read(table)).map(({ path, code }) => `${path.join(".")} ${code}`);

  test("says what happens where there is none", () => {
    const rules = rulesOf(read({}));
    expect(rules.map(({ rule, to }) => `${rule.selector.text} -> ${formatTarget(to)}`)).toEqual([
      "*.info;auth,authpriv.none -> file:/var/log/messages",
      "auth,authpriv.* -> file:/var/log/auth.log",
    ]);
  });

  for (const { name, table, told } of [
    {
      name: "a rule that chooses nothing",
      table: { rule: [{ select: "mail.none", to: "file:/x" }] },
      told: ["rule.0.select never-matches"],
    },
    {
      name: "two rules that do the same, however they are written",
      table: {
        rule: [
          { select: "mail.info", to: "file:/x" },
          { select: "*.none;MAIL.6", to: "file://x" },
        ],
      },
      told: ["rule.1 twice"],
    },
    { name: "a socket that is listed twice", table: { socket: ["/a", "/b", "/a"] }, told: ["socket.2 twice"] },
    {
      name: "nothing of rules that differ",
      table: {
        rule: [
          { select: "mail.*", to: "file:/x" },
          { select: "mail.*", to: "file:/y" },
          { select: "mail.err", to: "file:/x" },
        ],
      },
      told: [],
    },
  ])
    test(`complains of ${name}`, () => expect(complaints(table)).toEqual(told));
});
