import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { NameList } from "../../lib/syslog/name-list.ts";
import { PropertyError, parsePropertyTest } from "../../lib/syslog/property.ts";
import { matches, type Rule, rule, whyNever } from "../../lib/syslog/rule.ts";
import { selectorSchema, templateSchema, zoneSchema } from "../../lib/syslog/schema.ts";
import { EVERYTHING, parseSelector } from "../../lib/syslog/selector.ts";
import { recordOf } from "./sample.ts";

const MESSAGE = '<38>1 2026-11-23T06:34:11Z Web1.Example sshd 7 LOGIN [o ip="192.0.2.1"] Failed password for root';
const programs = (...names: string[]) => new NameList(names, false, false);
const noPrograms = (...names: string[]) => new NameList(names, true, false);
const hosts = (...names: string[]) => new NameList(names, false, true);
const property = (text: string) => [parsePropertyTest(text)];

describe("a rule", () => {
  for (const { name, more, takes, selector = "*.*" } of [
    { name: "of everything", more: {}, takes: true },
    { name: "of its facility", selector: "auth.info", more: {}, takes: true },
    { name: "of another facility", selector: "mail.*", more: {}, takes: false },
    { name: "of its program", more: { program: programs("cron", "sshd") }, takes: true },
    { name: "of other programs", more: { program: programs("cron", "ssh", "sshd2", "SSHD") }, takes: false },
    { name: "of programs like it", more: { program: programs("s*d") }, takes: true },
    { name: "of all but its program", more: { program: noPrograms("sshd") }, takes: false },
    { name: "of all but another program", more: { program: noPrograms("cron") }, takes: true },
    { name: "of its host, in any case", more: { host: hosts("WEB1.example") }, takes: true },
    { name: "of hosts like it", more: { host: hosts("web?.*") }, takes: true },
    { name: "of hosts unlike it", more: { host: hosts("web??.*", "*.org") }, takes: false },
    { name: "of a text like its", more: { match: /^Failed \w+/ }, takes: true },
    { name: "of another text", more: { match: /Accepted/ }, takes: false },
    { name: "of a property it has", more: { properties: property(':msg, contains, "password"') }, takes: true },
    { name: "of a property it has not", more: { properties: property(':msg, !contains, "password"') }, takes: false },
    {
      name: "of all of it at once",
      more: { program: programs("sshd"), host: hosts("web1.*"), match: /root/ },
      takes: true,
    },
    {
      name: "of nearly all of it",
      more: { program: programs("sshd"), host: hosts("web2.*"), match: /root/ },
      takes: false,
    },
  ] as { name: string; more: Partial<Rule>; takes: boolean; selector?: string }[])
    test(`${name} ${takes ? "takes" : "leaves"} a record`, () =>
      expect(matches(rule(parseSelector(selector), more), recordOf(MESSAGE))).toBe(takes));

  test("of a host takes what comes from that host and names none", () => {
    expect(matches(rule(EVERYTHING, { host: hosts("sender.*") }), recordOf("<13>a: x"))).toBe(true);
  });

  test("tells why it can take nothing", () => {
    expect(whyNever(rule(parseSelector("mail.none")))).toBe('selector "mail.none" chooses nothing');
    expect(whyNever(rule(EVERYTHING, { program: noPrograms("*") }))).toBe("program excludes every name");
    expect(whyNever(rule(EVERYTHING, { host: hosts() }))).toBe("host names none");
    expect(whyNever(rule(EVERYTHING, { program: programs("a") }))).toBe("");
  });
});

describe("a property filter", () => {
  for (const { filter, holds } of [
    { filter: ':msg, contains, "password"', holds: true },
    { filter: ':msg,contains,"Password"', holds: false },
    { filter: ':msg, icase_contains, "PASSWORD"', holds: true },
    { filter: ':msg, startswith, "Failed"', holds: true },
    { filter: ':msg, endswith, "root"', holds: true },
    { filter: ':msg, isequal, "Failed"', holds: false },
    { filter: 'msg, regex, "Failed .* for (root|admin)$"', holds: true },
    { filter: ':msg, ereregex, "[0-9]+"', holds: false },
    { filter: String.raw`:msg, regex, "\\w+ \\w+"`, holds: true },
    { filter: ':hostname, isequal, "Web1.Example"', holds: true },
    { filter: ':programname, !isequal, "sshd"', holds: false },
    { filter: ':syslogfacility-text, isequal, "auth"', holds: true },
    { filter: ":procid, isempty", holds: false },
    { filter: ":sd.o.none, isempty", holds: true },
    { filter: ':sd.o.ip, isequal, "192.0.2.1"', holds: true },
    { filter: ':fromhost, isequal, "192.0.2.7"', holds: true },
  ])
    test(`${filter} ${holds ? "holds" : "does not hold"}`, () =>
      expect(parsePropertyTest(filter).holds(recordOf(MESSAGE))).toBe(holds));

  for (const { filter, says } of [
    { filter: ':mgs, contains, "x"', says: 'did you mean "msg"?' },
    { filter: ':msg, contain, "x"', says: 'did you mean "contains"?' },
    { filter: ":msg, contains", says: "a value in quotes" },
    { filter: ':msg, regex, "("', says: "a regular expression" },
    { filter: "msg contains x", says: "expected :PROPERTY" },
  ])
    test(`${filter} is none`, () => {
      expect(() => parsePropertyTest(filter)).toThrow(PropertyError);
      expect(() => parsePropertyTest(filter)).toThrow(says);
    });
});

test("a pattern of many stars takes no time that grows without bound", () => {
  const list = new NameList(["*a*a*a*a*a*a*a*a*a*b"], false, false);
  const record = recordOf(`<13>1 - h ${"a".repeat(48)} - - - x`);
  expect(list.admits(record.bytes, record.appStart, record.appEnd)).toBe(false);
});

describe("in a config", () => {
  const complaint = (schema: v.GenericSchema, input: unknown) => v.safeParse(schema, input).issues?.[0]?.message;

  test("a wrong selector is told with its place and what was meant", () => {
    expect(complaint(selectorSchema(), "kern.*;mial.info")).toBe(
      'cannot read selector: "mial" at offset 7, expected a facility or "*"; did you mean "mail"?',
    );
    expect(complaint(selectorSchema(), 5)).toStartWith("a selector such as");
    expect(v.parse(selectorSchema(), "mail.*").describe()).toBe("mail: all");
  });

  test("a wrong template and a wrong zone are told too", () => {
    expect(complaint(templateSchema(), "log.%ap%")).toEndWith('did you mean "%app%"?');
    expect(complaint(zoneSchema(), "Europe/Berlín")).toStartWith("a time zone such as");
    expect(v.parse(zoneSchema(), "UTC")(0)).toBe(0);
  });
});
