// The classic syslog.conf: what is made of each of its forms, and what is said of those that have no equivalent.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { buildConfig } from "../../lib/config/config.ts";
import { readSource } from "../../lib/config/read.ts";
import { describeRule } from "../../lib/syslogd/directed-rule.ts";
import { type ConfHost, readSyslogConf } from "../../lib/syslogd/syslog-conf.ts";
import { readAction } from "../../lib/syslogd/syslog-conf-action.ts";
import { importSyslogConf } from "../../lib/syslogd/syslog-conf-import.ts";
import { rulesOf, syslogdTable } from "../../lib/syslogd/table.ts";
import { cases } from "../support/fuzz.ts";

const NAME = "here.example.com";
const HERE: ConfHost = { name: NAME, isDirectory: (path) => path === "/etc" };
const keysIn = (text: string) => readSyslogConf(text, HERE).rules.map(({ line, keys }) => ({ line, ...keys }));
const notesIn = (text: string) => readSyslogConf(text, HERE).notes.map(({ line, message }) => `${line}: ${message}`);

describe("an action", () => {
  for (const [action, keys] of [
    ["/var/log/messages", { to: "file:/var/log/messages" }],
    ["-/var/log/mail.log", { to: "file:/var/log/mail.log" }],
    ["/var/log/100%", { to: "file:/var/log/100%%" }],
    ["|/dev/xconsole", { to: "fifo:/dev/xconsole" }],
    ["|exec /usr/bin/filter -x", { to: "program:exec /usr/bin/filter -x" }],
    ['|"/usr/bin/filter; true"', { to: "program:/usr/bin/filter; true" }],
    ["@loghost", { to: "udp:loghost:514", format: "rfc3164" }],
    ["@192.0.2.7:5514", { to: "udp:192.0.2.7:5514", format: "rfc3164" }],
    ["@[2001:db8::1]:5514", { to: "udp:[2001:db8::1]:5514", format: "rfc3164" }],
    ["@@loghost", { to: "tcp:loghost:514", format: "rfc3164" }],
    ["@tls://loghost", { to: "tls:loghost:6514", format: "rfc3164" }],
    ["@loghost ;RFC5424", { to: "udp:loghost:514", format: "rfc5424" }],
    ["/var/log/x;RSYSLOG_TraditionalFileFormat", { to: "file:/var/log/x" }],
    ["root,operator", { to: "users:root,operator" }],
    ["*", { to: "users:*" }],
    [":omusrmsg:*", { to: "users:*" }],
    ["/dev/console", { to: "console" }],
    ["/dev/tty12", { to: "console:/dev/tty12" }],
    ["@spread:log.%facility%", { to: "group:log.%facility%" }],
    ["/var/log/all#1  # all of it; really", { to: "file:/var/log/all#1" }],
    ["@loghost # there", { to: "udp:loghost:514", format: "rfc3164" }],
    ["root # who else", { to: "users:root" }],
    ["|grep '# x' >/y", { to: "program:grep '# x' >/y" }],
    ['|"/usr/bin/filter; true" # all', { to: "program:/usr/bin/filter; true" }],
    ["~ # gone", { stop: true }],
    ["~", { stop: true }],
    ["stop", { stop: true }],
  ] as const)
    test(`${action} is ${JSON.stringify(keys)}`, () => expect(readAction(action)).toEqual({ keys, notes: [] }));

  test("with an option that we don't have is taken without it, and that is told", () => {
    expect(readAction("/var/log/x ;iface=eth0")).toEqual({
      keys: { to: "file:/var/log/x" },
      notes: ['option "iface=eth0" of file:/var/log/x has no equivalent here'],
    });
  });

  test("with sysklogd's rotation has that of the sink", () => {
    const told = { keys: { to: "file:/var/log/x" }, notes: [] };
    expect(readAction("/var/log/x ;rotate=1M:5")).toEqual({
      ...told,
      sink: { of: "file:/var/log/x", rotate_size: "1MiB", rotate_keep: 5 },
    });
    expect(readAction("/var/log/x;rotate=5000")).toEqual({
      ...told,
      sink: { of: "file:/var/log/x", rotate_size: "5000B" },
    });
    const { toml, notes } = importSyslogConf("*.*\t/var/log/x\t;rotate=1M:5,RFC5424\n", HERE);
    expect(notes).toEqual([]);
    const table = buildConfig([readSource(new TextEncoder().encode(toml), "f")], [syslogdTable]).table(syslogdTable);
    expect(table.sink[0]).toMatchObject({ of: "file:/var/log/x", rotate_size: 1_048_576, rotate_keep: 5 });
  });
});

describe("a file's rules", () => {
  for (const { name, text, rules } of [
    {
      name: "go on behind a backslash, indented or not",
      text: "# Debian's\n*.=info;*.=notice;\\\n\tauth,authpriv.none;\\\n\tmail.none\t\t-/var/log/messages\nmail.* \\\n /m",
      rules: [
        { line: 2, select: "*.=info;*.=notice;auth,authpriv.none;mail.none", to: "file:/var/log/messages" },
        { line: 5, select: "mail.*", to: "file:/m" },
      ],
    },
    {
      name: "in a block of programs are theirs",
      text: "!ppp,sshd\n*.*\t/a\n!-cron\n*.* /b\n!*\n*.* /c\n",
      rules: [
        { line: 2, program: "ppp,sshd", select: "*.*", to: "file:/a" },
        { line: 4, program: "!cron", select: "*.*", to: "file:/b" },
        { line: 6, select: "*.*", to: "file:/c" },
      ],
    },
    {
      name: "in a block of hosts are theirs, and of programs at the same time",
      text: "+web1,web2\n#!sshd\n*.* /a\n-gw\n*.* /b\n+*\n*.* /c",
      rules: [
        { line: 3, host: "web1,web2", program: "sshd", select: "*.*", to: "file:/a" },
        { line: 5, host: "!gw", program: "sshd", select: "*.*", to: "file:/b" },
        { line: 7, program: "sshd", select: "*.*", to: "file:/c" },
      ],
    },
    {
      name: "in a block of this host are for its own name",
      text: "+other\n*.* /a\n+@\n*.* /b\n-@\n*.* /c\n+other, @\n*.* /d",
      rules: [
        { line: 2, host: "other", select: "*.*", to: "file:/a" },
        { line: 4, host: NAME, select: "*.*", to: "file:/b" },
        { line: 6, host: `!${NAME}`, select: "*.*", to: "file:/c" },
        { line: 8, host: `other,${NAME}`, select: "*.*", to: "file:/d" },
      ],
    },
    {
      name: "in blocks that older daemons take for comments are theirs, with a comment behind or not",
      text: "#!ppp,sshd # the link\n*.* /a\n#+web-1.example.com\n*.* /b\n#-@\n*.* /c\n#!*\n#+*\n#!!cron\n*.* /d",
      rules: [
        { line: 2, program: "ppp,sshd", select: "*.*", to: "file:/a" },
        { line: 4, program: "ppp,sshd", host: "web-1.example.com", select: "*.*", to: "file:/b" },
        { line: 6, program: "ppp,sshd", host: `!${NAME}`, select: "*.*", to: "file:/c" },
        { line: 10, program: "cron", select: "*.*", to: "file:/d" },
        { line: 10, program: "cron", select: "*.*", stop: true },
      ],
    },
    {
      name: "are not changed by comments, whatever box they stand in",
      text: "#+----------------+\n#| mail |\n#+----------------+\n#-----\n#!see below\n#!/bin/sh\n#+ web1\n#-/x\n#+=== a ===+\n#!!!!\n#-- x\nmail.* /y",
      rules: [{ line: 12, select: "mail.*", to: "file:/y" }],
    },
    {
      name: "in a final block are followed by one that stops what they took",
      text: "!!sshd\nauth.info /a\n!*\n*.* /b",
      rules: [
        { line: 2, program: "sshd", select: "auth.info", to: "file:/a" },
        { line: 2, program: "sshd", select: "auth.info", stop: true },
        { line: 4, select: "*.*", to: "file:/b" },
      ],
    },
    {
      name: "may ask for a property, by itself or as a block",
      text: ':msg, contains, "oops" /a # as it is\n& stop\n:app, isempty # nobody\n*.err /b\n:* # all\n*.err /c',
      rules: [
        { line: 1, select: "*.*", property: [':msg, contains, "oops"'], to: "file:/a" },
        { line: 2, select: "*.*", property: [':msg, contains, "oops"'], stop: true },
        { line: 4, select: "*.err", property: [":app, isempty"], to: "file:/b" },
        { line: 6, select: "*.err", to: "file:/c" },
      ],
    },
  ])
    test(name, () => {
      expect(notesIn(text)).toEqual([]);
      expect(keysIn(text) as unknown[]).toEqual(rules);
    });

  for (const { written, select, says } of [
    { written: "*.>=notice", select: "*.>=notice", says: "every facility: notice and more urgent" },
    { written: "mail.<=err", select: "mail.<=err", says: "mail: err, warning, notice, info, debug" },
    { written: "mail.info,news.err", select: "mail.info;news.err", says: "news: err and more urgent" },
    { written: "mail.info;;,news.err;", select: "mail.info;news.err;", says: "news: err and more urgent" },
    { written: "16,128.err", select: "mail,local0.err", says: "mail, local0: err and more urgent" },
    { written: "mail.3;0.4", select: "mail.3;kern.4", says: "kern: warning and more urgent" },
  ])
    test(`may be chosen by ${written}`, () => {
      const [rule] = readSyslogConf(`${written} /x\n`, HERE).rules;
      expect(rule!.keys.select).toBe(select);
      expect(rule!.rule.rule.selector.describe()).toContain(says);
    });

  for (const { name, text, told } of [
    {
      name: "a facility that is numbered in another way than in PRI",
      text: "3.*  /x\nmail.* /y",
      told: '1: left out: cannot read selector: 3 is no facility, expected a multiple of 8 below 192, as in <syslog.h>; did you mean "daemon", which is 24 here?',
    },
    {
      name: "a comment where the action should be",
      text: "mail.info # to nobody\nmail.* /y",
      told: '1: left out: found "mail.info # to nobody", expected a selector and an action',
    },
    {
      name: "a selector that can't be read",
      text: "\nmial.*  /x\nmail.* /y",
      told: '2: left out: cannot read selector: "mial" at offset 0, expected a facility or "*"; did you mean "mail"?',
    },
    {
      name: "a directive of rsyslog's",
      text: "$ModLoad imuxsock\nmail.* /y",
      told: '1: left out: "$ModLoad": it has no equivalent here',
    },
    {
      name: "a statement of rsyslog's",
      text: 'module(load="imuxsock")\nmail.* /y',
      told: '1: left out: "module(load=\\"imuxsock\\")": it has no equivalent here',
    },
    {
      name: "an include",
      text: "include /etc/syslog.d/*.conf\nmail.* /y",
      told: '1: left out: "include": import the files that it names, each by itself',
    },
    {
      name: "a setting of sysklogd's",
      text: "secure_mode 1\nmail.* /y",
      told: '1: left out: "secure_mode": it has no equivalent here',
    },
    {
      name: "a line without an action",
      text: "mail.info\nmail.* /y",
      told: '1: left out: found "mail.info", expected a selector and an action',
    },
    {
      name: "an & behind nothing",
      text: "& stop\nmail.* /y",
      told: '1: left out: "&" stands behind no rule that could be read',
    },
    {
      name: "a rule that chooses nothing",
      text: "mail.none /x\nmail.* /y",
      told: "1: left out: mail.none chooses nothing",
    },
    {
      name: "a file that is a directory",
      text: "*.* /etc\nmail.* /y",
      told: "1: left out: /etc is a directory",
    },
    {
      name: "a line across the page that is no comment",
      text: "+---------+\nmail.* /y",
      told: '1: left out: found "+---------+", expected names of hosts',
    },
  ])
    test(`are kept beside ${name}, which is told`, () => {
      expect(notesIn(text)).toEqual([told]);
      expect(keysIn(text).at(-1)!.to).toBe("file:/y");
    });
});

const DEBIAN = `#  /etc/syslog.conf	Configuration file for inetutils-syslogd.
auth,authpriv.*			/var/log/auth.log
*.*;auth,authpriv.none		-/var/log/syslog
kern.*				-/var/log/kern.log
mail.err			/var/log/mail.err
*.=debug;\\
	auth,authpriv.none;\\
	news.none;mail.none	-/var/log/debug
mail.err			/var/log/mail.err
:msg, !regex, "a\\"b\\\\d"	/var/log/re
mail.*				@spread:log.%host%
`;

describe("a line that is left out is a mistake", () => {
  for (const { text, isMistake } of [
    { text: "user.inffo /x", isMistake: true },
    { text: "mail.info", isMistake: true },
    { text: "mail.info /etc", isMistake: true },
    { text: "\u0000\u0001garbage", isMistake: true },
    { text: 'module(load="imuxsock"', isMistake: true },
    { text: "$ModLoad imuxsock", isMistake: false },
    { text: "mail.* ?dynamic", isMistake: false },
    { text: "mail.none /x", isMistake: false },
    { text: 'input(type="imudp"\n  port="514"\n)', isMistake: false },
    { text: "if $msg contains '}' then {\n  kern.* /x # }\n}", isMistake: false },
  ])
    test(`${isMistake ? "where nobody could mean it" : "not where others know it"}: ${JSON.stringify(text)}`, () => {
      const { rules, notes } = readSyslogConf(`${text}\nmail.err /y\n`, HERE);
      expect(notes.some((note) => note.isMistake)).toBe(isMistake);
      expect(notes.length).toBeGreaterThan(0);
      if (!isMistake) expect(rules.map(({ keys }) => keys.to)).toEqual(["file:/y"]);
    });
});

test("imported, the host's own name is a name, which is told", () => {
  const { toml, notes } = importSyslogConf("+@\n*.* /x\n", HERE);
  expect(toml).toContain(`host = "${NAME}"`);
  expect(notes).toEqual([
    {
      line: 1,
      message: `"@" is this host's own name: "${NAME}" stands there now, which another host has to change`,
      isMistake: false,
    },
  ]);
});

test("imported, rules of one sink have one form, which is told, and the TOML is good", () => {
  const { toml, notes } = importSyslogConf("mail.*\t/x\nkern.*\t/x;RFC5424\nuser.*\t/y\n", HERE);
  expect(notes).toEqual([
    {
      line: 1,
      message: "goes to file:/x as rfc5424 too, as line 2 says: a sink has one form here",
      isMistake: false,
    },
  ]);
  const config = buildConfig([readSource(new TextEncoder().encode(toml), "f")], [syslogdTable]);
  expect(rulesOf(config.table(syslogdTable)).map(({ format }) => format?.by)).toEqual([
    "rfc5424",
    "rfc5424",
    undefined,
  ]);
});

test("imported means the same: the TOML is read as the very rules", () => {
  const { toml, notes } = importSyslogConf(DEBIAN, HERE);
  expect(notes.map(({ line, message }) => `${line}: ${message}`)).toEqual([
    "9: left out: this rule does what rule 4 does: mail.err to file:/var/log/mail.err; a record goes to a sink once",
  ]);
  const config = buildConfig([readSource(new TextEncoder().encode(toml), "f")], [syslogdTable]);
  const direct = readSyslogConf(DEBIAN, HERE).rules.filter(({ line }) => line !== 9);
  expect(rulesOf(config.table(syslogdTable)).map(describeRule)).toEqual(direct.map(({ rule }) => describeRule(rule)));
  expect(direct.length).toBe(7);
});

test("whatever the text, it is read or told, and nothing is thrown", () => {
  const word = fc.constantFrom(
    "mail.*",
    "*.info",
    "!",
    "-",
    "+",
    "@",
    "@@h",
    "&",
    ":",
    "/x",
    "|",
    '"',
    "\\\n",
    "\n",
    " ",
    "\t",
    ";",
    "#",
    "~",
    ":msg,",
    "*",
    "!!a\n",
    "++h\n",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 24 }), (words) => {
      const { rules, notes } = readSyslogConf(words.join(""), HERE);
      for (const { line } of [...rules, ...notes]) expect(line).toBeGreaterThan(0);
      expect(typeof importSyslogConf(words.join(""), HERE).toml).toBe("string");
    }),
    cases(1_000),
  );
});
