// Mistakes that people make in a configuration, and every word that they are told of it. Read as a newcomer: is it enough to mend the line?
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Fault } from "../../lib/base/fault.ts";
import { ConfigError } from "../../lib/config/config-error.ts";
import { configOf, mistakesIn, spreaddTable, syslogdTable } from "./fixture.ts";

describe("a mistake is told with its place, its key, what was found and what is expected", () => {
  for (const { name, files, told } of [
    {
      name: "an unknown table",
      files: "[spred]\nport = 1",
      told: ['f:1:2: spred: unknown table "spred"; did you mean [spreadd]?'],
    },
    {
      name: "an unknown table like none",
      files: "[zzz]",
      told: ['f:1:2: zzz: unknown table "zzz"; known are [spreadd], [syslogd]'],
    },
    {
      name: "an unknown key",
      files: "[spreadd]\nprot = 4803",
      told: ['f:2:1: spreadd.prot: unknown key "prot"; did you mean "port"?'],
    },
    {
      name: "an unknown key like none",
      files: "[syslogd]\nzzz = 1",
      told: ['f:2:1: syslogd.zzz: unknown key "zzz"; known here: rule, queue, source, sets'],
    },
    {
      name: "an unknown key that another table has",
      files: "[spreadd]\nrule = 1",
      told: ['f:2:1: spreadd.rule: unknown key "rule"; [syslogd] has one'],
    },
    {
      name: "a directive below a header",
      files: '[spreadd]\ninclude = ["x"]',
      told: [
        'f:2:1: spreadd.include: unknown key "include" here; include belongs at the top of the file, above the first [table]',
      ],
    },
    {
      name: "a key above all headers",
      files: "port = 5",
      told: [
        'f:1:1: port: unknown key "port" at the top of the file; keys belong below the header of a table such as [spreadd]',
      ],
    },
    {
      name: "a directive mistyped",
      files: 'overide = ["a"]',
      told: ['f:1:1: overide: unknown key "overide" at the top of the file; did you mean "override"?'],
    },
    {
      name: "two unknown keys and a wrong value at once",
      files: "[spreadd.limits]\nsesions = 1\nsessions_max = 0\ngruops_max = 1",
      told: [
        'f:2:1: spreadd.limits.sesions: unknown key "sesions"; known here: sessions_max, groups_max',
        "f:3:16: spreadd.limits.sessions_max: found 0, expected a whole number from 1 to 100000",
        'f:4:1: spreadd.limits.gruops_max: unknown key "gruops_max"; did you mean "groups_max"?',
      ],
    },
    {
      name: "a number in quotes",
      files: '[spreadd]\nport = "4803"',
      told: ['f:2:8: spreadd.port: found "4803", expected a whole number from 1 to 65535; did you mean 4803?'],
    },
    {
      name: "a number out of bounds",
      files: "[spreadd]\nport = 70000",
      told: ["f:2:8: spreadd.port: found 70000, expected a whole number from 1 to 65535"],
    },
    {
      name: "a fraction where a whole number belongs",
      files: "[spreadd]\nport = 4803.5",
      told: ["f:2:8: spreadd.port: found 4803.5, expected a whole number from 1 to 65535"],
    },
    {
      name: "a duration without a unit",
      files: "[spreadd]\nsession_timeout = 10",
      told: [
        'f:2:19: spreadd.session_timeout: found 10, expected a duration such as "500ms", "5s", "2m30s", "1h" or "7d"; did you mean "10s"?',
      ],
    },
    {
      name: "a duration in other words",
      files: '[spreadd]\nsession_timeout = "10 sec"',
      told: [
        'f:2:19: spreadd.session_timeout: found "10 sec", expected a duration such as "500ms", "5s", "2m30s", "1h" or "7d"; did you mean "10s"?',
      ],
    },
    {
      name: "a duration that is none",
      files: '[spreadd]\nsession_timeout = "soon"',
      told: [
        'f:2:19: spreadd.session_timeout: found "soon", expected a duration such as "500ms", "5s", "2m30s", "1h" or "7d"',
      ],
    },
    {
      name: "a size with a blank too many",
      files: '[spreadd]\nqueue = "4MB "',
      told: [
        'f:2:9: spreadd.queue: found "4MB ", expected a size such as "64KiB", "256MiB", "10MB" or "1GiB"; did you mean "4MB"?',
      ],
    },
    {
      name: "a size in other words",
      files: '[spreadd]\nqueue = "4k"',
      told: [
        'f:2:9: spreadd.queue: found "4k", expected a size such as "64KiB", "256MiB", "10MB" or "1GiB"; did you mean "4KiB"?',
      ],
    },
    {
      name: "a choice mistyped",
      files: '[spreadd]\nengine = "corosink"',
      told: ['f:2:10: spreadd.engine: found "corosink", expected one of "local", "corosync"; did you mean "corosync"?'],
    },
    {
      name: "a choice in capitals",
      files: '[spreadd]\nengine = "LOCAL"',
      told: ['f:2:10: spreadd.engine: found "LOCAL", expected one of "local", "corosync"; did you mean "local"?'],
    },
    {
      name: "a choice of another type",
      files: "[spreadd]\nengine = 5",
      told: ['f:2:10: spreadd.engine: found 5, expected one of "local", "corosync"'],
    },
    {
      name: "a yes for a true",
      files: '[spreadd]\ntcp = "yes"',
      told: ['f:2:7: spreadd.tcp: found "yes", expected true or false; did you mean true?'],
    },
    {
      name: "a 0 for a false",
      files: "[spreadd]\ntcp = 0",
      told: ["f:2:7: spreadd.tcp: found 0, expected true or false; did you mean false?"],
    },
    {
      name: "a value where a list belongs",
      files: '[spreadd]\nallow = "10.0.0.0/8"',
      told: [
        'f:2:9: spreadd.allow: found "10.0.0.0/8", expected a list, each a network such as "192.0.2.0/24" or "2001:db8::/32" (no bit set behind the prefix), or one address; did you mean ["10.0.0.0/8"]?',
      ],
    },
    {
      name: "a network with bits behind its prefix",
      files: '[spreadd]\nallow = ["127.0.0.0/8", "10.0.0.1/8"]',
      told: [
        'f:2:25: spreadd.allow[1]: found "10.0.0.1/8", expected a network such as "192.0.2.0/24" or "2001:db8::/32" (no bit set behind the prefix), or one address; did you mean "10.0.0.0/8"?',
      ],
    },
    {
      name: "a network that is none",
      files: '[spreadd]\nallow = ["nowhere"]',
      told: [
        'f:2:10: spreadd.allow[0]: found "nowhere", expected a network such as "192.0.2.0/24" or "2001:db8::/32" (no bit set behind the prefix), or one address',
      ],
    },
    {
      name: "an empty text",
      files: '[spreadd]\nname = ""',
      told: ['f:2:8: spreadd.name: found "", expected at least 1 character'],
    },
    {
      name: "a text too long",
      files: '[spreadd]\nname = "a-very-long-name-of-a-host"',
      told: ['f:2:8: spreadd.name: found "a-very-long-name-of-a-host", expected at most 19 characters'],
    },
    {
      name: "a number where text belongs",
      files: "[spreadd]\nname = 5",
      told: ['f:2:8: spreadd.name: found 5, expected text in quotes; did you mean "5"?'],
    },
    {
      name: "a list where text belongs",
      files: '[spreadd]\nname = ["x"]',
      told: ['f:2:8: spreadd.name: found ["x"], expected text in quotes; did you mean "x"?'],
    },
    {
      name: "a table where text belongs",
      files: "[spreadd.name]\na = 1",
      told: ["f:1:10: spreadd.name: found a table, expected text in quotes"],
    },
    {
      name: "a value where a table belongs",
      files: "spreadd = 5",
      told: ["f:1:11: spreadd: found 5, expected a table; it begins with [spreadd]"],
    },
    {
      name: "an array of tables where a table belongs",
      files: "[[spreadd]]\nport = 1",
      told: ["f:1:3: spreadd: found an array of tables, expected one table; did you mean [spreadd]?"],
    },
    {
      name: "an empty list where a table belongs",
      files: "spreadd = []",
      told: ["f:1:11: spreadd: found an empty array, expected a table"],
    },
    {
      name: "a table where an array of tables belongs",
      files: '[syslogd.rule]\nto = "file:/x"',
      told: ["f:1:10: syslogd.rule: found one table, expected an array of tables; did you mean [[syslogd.rule]]?"],
    },
    {
      name: "a text where an array of tables belongs",
      files: '[syslogd]\nrule = "*.* /var/log/all"',
      told: [
        'f:2:8: syslogd.rule: found "*.* /var/log/all", expected an array of tables; each begins with [[syslogd.rule]]',
      ],
    },
    {
      name: "a text in an array of tables",
      files: '[syslogd]\nrule = ["x"]',
      told: ['f:2:9: syslogd.rule[0]: found "x", expected a table'],
    },
    {
      name: "a key that is missing",
      files: '[[syslogd.rule]]\nselect = "mail.*"',
      told: [
        'f:1:11: syslogd.rule[0]: missing key "to": expected a sink such as "file:/var/log/mail" or "group:log.mail"',
      ],
    },
    {
      name: "a sink without its kind",
      files: '[[syslogd.rule]]\nto = "/var/log/x"',
      told: [
        'f:2:6: syslogd.rule[0].to: found "/var/log/x", expected a sink such as "file:/var/log/mail" or "group:log.mail"; did you mean "file:/var/log/x"?',
      ],
    },
    {
      name: "a selector, in its reader's words",
      files: '[[syslogd.rule]]\nto = "file:/x"\nselect = "mial.info"',
      told: ['f:3:10: syslogd.rule[0].select: unknown facility "mial" in "mial.info"; did you mean "mail"?'],
    },
    {
      name: "three mistakes in the second of two rules",
      files: '[[syslogd.rule]]\nto = "file:/x"\n[[syslogd.rule]]\nto = "flie:/x"\nstop = "on"\nfoo = 1',
      told: [
        'f:4:6: syslogd.rule[1].to: found "flie:/x", expected a sink such as "file:/var/log/mail" or "group:log.mail"',
        'f:5:8: syslogd.rule[1].stop: found "on", expected true or false; did you mean true?',
        'f:6:1: syslogd.rule[1].foo: unknown key "foo"; known here: select, to, stop',
      ],
    },
    {
      name: "a value that is neither of two forms",
      files: "[syslogd]\nqueue = true",
      told: ['f:2:9: syslogd.queue: found true, expected false, or a size such as "64KiB", "256MiB", "10MB" or "1GiB"'],
    },
    {
      name: "a source without its kind",
      files: "[[syslogd.source]]\nport = 5",
      told: ['f:1:11: syslogd.source[0]: missing key "kind": expected one of "udp", "unix"'],
    },
    {
      name: "a source's kind mistyped",
      files: '[[syslogd.source]]\nkind = "upd"',
      told: ['f:2:8: syslogd.source[0].kind: found "upd", expected one of "udp", "unix"; did you mean "udp"?'],
    },
    {
      name: "a key of the other kind of source",
      files: '[[syslogd.source]]\nkind = "unix"\nport = 5',
      told: [
        'f:1:11: syslogd.source[0]: missing key "path": expected text in quotes',
        'f:3:1: syslogd.source[0].port: unknown key "port"; known here: kind, path',
      ],
    },
    {
      name: "a wrong value in one kind of source",
      files: '[[syslogd.source]]\nkind = "udp"\nport = "5"',
      told: ['f:3:8: syslogd.source[0].port: found "5", expected a whole number from 1 to 65535; did you mean 5?'],
    },
    {
      name: "a value where a named list belongs",
      files: '[syslogd.sets]\nweb = "a"',
      told: ['f:2:7: syslogd.sets.web: found "a", expected a list, each text in quotes; did you mean ["a"]?'],
    },
    {
      name: "a number in a named list",
      files: '[syslogd.sets]\nweb = ["a", 5]',
      told: ['f:2:13: syslogd.sets.web[1]: found 5, expected text in quotes; did you mean "5"?'],
    },
    {
      name: "a meaning that contradicts itself",
      files: "[spreadd]\ntcp = false\nport = 5",
      told: ["f:3:8: spreadd.port: is set, and tcp = false switches TCP off"],
    },
    {
      name: "an include that is no list",
      files: 'include = "x"',
      told: [
        'f:1:11: include: found "x", expected a list of files to read after this one, relative to it: ["more/*.toml"]',
      ],
    },
    {
      name: "an override that is no path",
      files: 'override = ["a b"]',
      told: ['f:1:13: override: found "a b", expected a path such as "spreadd.port"'],
    },
    {
      name: "mistakes of syntax, keys and values together",
      files: '[spreadd]\nport = yes\nnam = "x"\n[[syslogd.rule]]\nto = 5s\n[syslogd.sets]\na = 1',
      told: [
        "f:2:8: spreadd.port: found `yes`; did you mean true?",
        'f:3:1: spreadd.nam: unknown key "nam"; did you mean "name"?',
        'f:5:6: syslogd.rule[0].to: found `5s` without quotes; did you mean "5s"?',
        "f:7:5: syslogd.sets.a: found 1, expected a list, each text in quotes",
      ],
    },
    {
      name: "a file with an open quote beside one with a wrong key",
      files: { "a.toml": '[spreadd]\nname = "x', "b.toml": "[spreadd]\nprot = 1\n[[syslogd.rule]]" },
      told: [
        "a.toml:2:8: spreadd.name: text is not closed: it begins here, and its closing quotes are missing",
        'b.toml:2:1: spreadd.prot: unknown key "prot"; did you mean "port"?',
      ],
    },
  ])
    test(name, () => expect(mistakesIn(files as string)).toEqual(told));
});

describe("what is right is read", () => {
  test("and every table has its defaults where no file names it", () => {
    const config = configOf({});
    expect(config.files).toEqual([]);
    expect(config.table(spreaddTable)).toEqual(v.parse(spreaddTable.schema, {}));
  });
  test("in the schemas' own terms", () => {
    const config = configOf({
      f: '[spreadd]\nsession_timeout = "1m"\nallow = ["10.0.0.0/8"]\n[syslogd]\nqueue = false',
    });
    const { session_timeout, allow } = config.table(spreaddTable);
    expect([session_timeout, allow[0]?.prefixBits, config.table(syslogdTable).queue]).toEqual([60_000, 8, false]);
  });
  test("from several files", () => {
    const rule = (to: string) => `[[syslogd.rule]]\nto = "file:/${to}"\n`;
    const config = configOf({ a: rule("1") + rule("2"), b: rule("3") });
    expect(config.table(syslogdTable).rule.map(({ to }) => to)).toEqual(["file:/1", "file:/2", "file:/3"]);
  });
});

describe("an error", () => {
  const thrown = (text: string): Fault => {
    try {
      configOf({ "dir/f.toml": text });
    } catch (failure) {
      if (failure instanceof Fault) return failure;
    }
    throw new Error("nothing was refused");
  };
  test("has its facts for programs", () => {
    const [error] = thrown("[spreadd]\n prot = 1").all;
    expect(error).toBeInstanceOf(ConfigError);
    expect({ ...error }).toMatchObject({
      kind: "config",
      code: "unknown-key",
      file: "dir/f.toml",
      line: 2,
      column: 2,
      path: "spreadd.prot",
    });
  });
  test("is one of all, from top to bottom, and each is told once", () => {
    const { all, message } = thrown('[syslogd]\nb = 1\n[spreadd]\nport = "x"\na = 1');
    expect(message).toBe("the configuration has 3 mistakes");
    expect(all.map((one) => one instanceof ConfigError && one.line)).toEqual([2, 4, 5]);
  });
  test("after a hundred is counted only", () => {
    const { all } = thrown(`[spreadd]\n${Array.from({ length: 150 }, (_, at) => `k${at} = 1\n`).join("")}`);
    expect([all.length, all.at(-1)?.message]).toEqual([101, "and 50 more: mend these first"]);
  });
});
