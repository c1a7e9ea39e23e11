// Rules with all that they can ask, in the configuration and on the command line, and what is said of those that can't be meant.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Fault } from "../../lib/base/fault.ts";
import { buildConfig } from "../../lib/config/config.ts";
import { readSource } from "../../lib/config/read.ts";
import { matches } from "../../lib/syslog/rule.ts";
import { describeRule } from "../../lib/syslogd/directed-rule.ts";
import { checkRules } from "../../lib/syslogd/rule-check.ts";
import { parseRuleLine } from "../../lib/syslogd/rule-line.ts";
import { directedRule, type RawRule, ruleSchema } from "../../lib/syslogd/rule-table.ts";
import { syslogdTable } from "../../lib/syslogd/table.ts";
import { recordOf } from "../syslog/sample.ts";
import { logger, Running } from "./running.ts";

const ruleOf = (raw: RawRule) => directedRule(v.parse(ruleSchema, raw));

describe("a rule takes", () => {
  for (const { name, keys, taken, left } of [
    {
      name: "only the programs that it names",
      keys: { program: "sshd,cron*" },
      taken: ["<38>h1 sshd[1]: x", "<38>h1 crond: x"],
      left: ["<38>h1 sshd2: x", "<38>h1 x: sshd"],
    },
    {
      name: "all programs but those behind a !",
      keys: { program: "!sshd, cron" },
      taken: ["<38>Nov 23 12:00:00 h1 su: x"],
      left: ["<38>Nov 23 12:00:00 h1 sshd: x", "<38>Nov 23 12:00:00 h1 cron[3]: x"],
    },
    {
      name: "only the hosts that it names, in any case",
      keys: { host: "Web*" },
      taken: ["<38>Nov 23 12:00:00 web1 su: x", "<38>Nov 23 12:00:00 WEB2 su: x"],
      left: ["<38>Nov 23 12:00:00 db1 su: x"],
    },
    {
      name: "only texts in which its expression is found",
      keys: { match: "Failed (password|publickey)" },
      taken: ["<38>sshd: Failed password for root"],
      left: ["<38>sshd: failed password for root"],
    },
    {
      name: "only what all of its property filters hold for",
      keys: { property: [':msg, contains, "a"', ':procid, !isequal, "7"'] },
      taken: ["<38>Nov 23 12:00:00 h su[8]: a"],
      left: ["<38>Nov 23 12:00:00 h su[7]: a", "<38>Nov 23 12:00:00 h su[8]: b"],
    },
  ] as const)
    test(name, () => {
      const { rule } = ruleOf({
        select: "*.*",
        to: "file:/x",
        ...keys,
        property: [...("property" in keys ? keys.property : [])],
      });
      const takes = (text: string) => matches(rule, recordOf(text.replace(/^<38>h1 /, "<38>Nov 23 12:00:00 h1 ")));
      expect(taken.filter((text) => !takes(text))).toEqual([]);
      expect(left.filter(takes)).toEqual([]);
    });
});

describe("a rule on the command line means what it means in the configuration", () => {
  for (const { line, keys } of [
    { line: "*.info;mail.none -> file:/x", keys: { select: "*.info;mail.none", to: "file:/x" } },
    { line: "auth, authpriv.=info->group:a", keys: { select: "auth, authpriv.=info", to: "group:a" } },
    {
      line: 'auth.* program=sshd,login host=!gw match="a -> \\"b\\"" stop -> file:/x',
      keys: { select: "auth.*", program: "sshd,login", host: "!gw", match: 'a -> "b"', stop: true, to: "file:/x" },
    },
    {
      line: '*.* property=":msg, contains, \\"a b\\"" property=":app,isempty" -> file:/x',
      keys: { select: "*.*", property: [':msg, contains, "a b"', ":app,isempty"], to: "file:/x" },
    },
    { line: "*.debug stop ->", keys: { select: "*.debug", stop: true } },
    { line: "*.* format=json -> file:/x", keys: { select: "*.*", format: "json", to: "file:/x" } },
    {
      line: '*.* template="%host% %msg%" -> file:/x',
      keys: { select: "*.*", template: "%host% %msg%", to: "file:/x" },
    },
  ] as readonly { line: string; keys: RawRule }[])
    test(line, () => expect(describeRule(parseRuleLine(line))).toBe(describeRule(ruleOf(keys))));

  for (const { line, said } of [
    { line: "*.* progam=sshd -> file:/x", said: 'found "progam=sshd"' },
    { line: "*.* progam=sshd -> file:/x", said: 'did you mean "program=..."?' },
    { line: "*.* stop=yes -> file:/x", said: 'did you mean "stop"?' },
    { line: "*.* program=sshd cron -> file:/x", said: 'found "cron"' },
    { line: '*.* match="a -> file:/x', said: "expected a rule such as" },
    { line: "*.* match=( -> file:/x", said: 'match: found "(", expected a regular expression' },
    { line: "*.* program=a,,b -> file:/x", said: 'cannot read names "a,,b"' },
    { line: "*.* program=!a,!b -> file:/x", said: 'one "!" before the first name excludes them all' },
    { line: "*.* format=jsn -> file:/x", said: 'format: found "jsn", expected one of "traditional"' },
    { line: '*.* property=":mgs, isempty" -> file:/x', said: 'did you mean "msg"?' },
    { line: "*.* ->", said: "expected a sink such as" },
    { line: "*.* format=json -> group:x", said: "a group, where records have a form of their own" },
    { line: "*.* host=!* -> file:/x", said: "this rule can never match: host excludes every name" },
  ])
    test(`${line} is refused, with ${said}`, () => {
      expect(() => parseRuleLine(line)).toThrow(Fault);
      expect(() => parseRuleLine(line)).toThrow(said);
    });
});

describe("of rules that can't be meant is told", () => {
  for (const { name, rules, told } of [
    {
      name: "the one behind a stop that takes all before it",
      rules: ["*.* stop -> file:/a", "mail.* -> file:/b"],
      told: ["1 unreachable: this rule is never reached: rule 1 stops all that it would take"],
    },
    {
      name: "the one of which several stops leave nothing",
      rules: ["mail.err stop -> file:/a", "mail.* stop -> file:/b", "mail.* program=x -> file:/c"],
      told: ["2 unreachable: this rule is never reached: rules 1, 2 stop all that it would take"],
    },
    {
      name: "the one that asks for what an earlier one stops, and for more",
      rules: ["*.* program=sshd stop -> file:/a", "auth.* program=sshd match=x -> file:/b"],
      told: ["1 unreachable: this rule is never reached: rule 1 stops all that it would take"],
    },
    {
      name: "nothing where the stop asks for something else",
      rules: ["*.* program=sshd stop -> file:/a", "auth.* -> file:/b", "*.* program=cron -> file:/c"],
      told: [],
    },
    { name: "nothing where the stop leaves some", rules: ["*.err stop -> file:/a", "*.* -> file:/b"], told: [] },
    {
      name: "the same twice, in whatever order its conditions are",
      rules: [
        '*.* property=":msg,isempty" property=":app,isempty" -> file:/a',
        '*.* property=":app,isempty" property=":msg,isempty" -> file:/a',
      ],
      told: ["1 twice: this rule does what rule 1 does: *.* to file:/a; a record goes to a sink once"],
    },
    {
      name: "two forms for one sink",
      rules: ["mail.* format=json -> file:/a", "auth.* -> file:/a", "kern.* format=rfc5424 -> file:/a"],
      told: [
        "1 two-formats: file:/a has one form: rule 1 says json, this one none, which is traditional; say the same in both",
        "2 two-formats: file:/a has one form: rule 1 says json, this one rfc5424; say the same in both",
      ],
    },
    {
      name: "a form for one sink that its first rule does not say",
      rules: ["mail.* -> tcp:a:1", "auth.* format=rfc5424 -> tcp:a:1", "kern.* format=json -> tcp:a:1"],
      told: [
        "2 two-formats: tcp:a:1 has one form: rule 1 says none, which is rfc5424, this one json; say the same in both",
      ],
    },
    {
      name: "two ways to keep one group's records",
      rules: ["mail.* acks=2 -> group:a", "auth.* acks=1 -> group:a", "kern.* -> group:a", "kern.* acks=3 -> group:b"],
      told: [
        "1 two-acks: group:a has one queue: rule 1 says acks = 2, this one 1",
        "2 two-acks: group:a has one queue: rule 1 says acks = 2, this one none",
      ],
    },
  ])
    test(name, () => {
      const found = checkRules(rules.map(parseRuleLine));
      expect(found.map(({ index, code, message }) => `${index} ${code}: ${message}`)).toEqual(told);
    });

  test("where it stands in the file", () => {
    const text = `[[syslogd.rule]]
select = "*.*"
stop = true

[[syslogd.rule]]
select = "mail.*"
to = "file:/x"

[[syslogd.rule]]
select = "mail.*"
to = "group:x"
template = "%msg%"
`;
    expect(complaintsOf(text)).toEqual([
      "f:5:11: syslogd.rule[1]: this rule is never reached: rule 1 stops all that it would take",
      "f:9:11: syslogd.rule[2]: this rule is never reached: rule 1 stops all that it would take",
      "f:12:12: syslogd.rule[2].template: a format is of no use: these records go to a group, where records have a form of their own",
    ]);
  });

  const acked = '[[syslogd.rule]]\nselect = "*.*"\nto = "group:x"\nacks = 1\n';
  for (const { name, text, told } of [
    {
      name: "no acknowledgements of files",
      text: acked.replace("group:x", "file:/x"),
      told: /:4:8: .*"acks" is for groups/,
    },
    {
      name: "no acknowledgements without a spool",
      text: `syslogd.spool_directory = ""\n${acked}`,
      told: /"acks" needs a spool/,
    },
    {
      name: "none where groups do not spool",
      text: `${acked}[[syslogd.sink]]\nof = "group:*"\nspool = "0"\n`,
      told: /"spool" of 0/,
    },
    {
      name: "none of text",
      text: `${acked}[[syslogd.sink]]\nof = "group:x"\npayload = "text"\n`,
      told: /numbered records/,
    },
    { name: "more hosts than are listened to", text: acked.replace("= 1", "= 9"), told: /how many hosts, from 1 to 8/ },
  ])
    test(name, () => expect(complaintsOf(text).join("\n")).toMatch(told));

  test("nothing of acknowledgements that can be kept", () => expect(complaintsOf(acked)).toEqual([]));
});

function complaintsOf(toml: string): readonly string[] {
  try {
    buildConfig([readSource(new TextEncoder().encode(toml), "f")], [syslogdTable]);
    return [];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.all!.map(({ message }) => message);
  }
}

test("a path by template makes a file for each host and program, and none elsewhere", async () => {
  await using syslogd = new Running(["user.* -> file:%d/by/%app%-%severity%.log"]);
  logger(syslogd.socket, "-t", "one", "-p", "user.err", "first");
  logger(syslogd.socket, "-t", "../two", "-p", "user.info", "second");
  await syslogd.line("by/one-err.log", /: first$/);
  await syslogd.line("by/_._two-info.log", /: second$/);
});

test("records are routed by program, stopped, and written in the form that the rule says", async () => {
  await using syslogd = new Running([
    "*.* program=secret stop ->",
    '*.* program=app template="%severity% %app%[%procid%] %msg%" stop -> file:%d/app',
    "*.* format=json -> file:%d/rest",
  ]);
  for (const [tag, text] of [
    ["secret", "hidden"],
    ["app", "one"],
    ["other", "two"],
  ] as const)
    logger(syslogd.socket, "-t", tag, "--id=7", "-p", "user.err", text);
  await syslogd.line("app", "err app[7] one");
  const line = await syslogd.line("rest", /"msg":"two"/);
  expect(JSON.parse(line)).toMatchObject({ app: "other", severity: "err", msg: "two" });
  expect(syslogd.lines("app").length).toBe(1);
  expect(syslogd.lines("rest").filter((one) => /hidden|"one"/.test(one))).toEqual([]);
});
