import { describe, expect, test } from "bun:test";
import { Arrival } from "../../lib/logcat/arrival.ts";
import {
  type Choice,
  Chooser,
  EVERYTHING,
  parseFacilities,
  parseRegex,
  parseSeverities,
} from "../../lib/logcat/choice.ts";
import { parseFieldTest } from "../../lib/logcat/field.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { NOON_US, utf8 } from "./messages.ts";

const MESSAGE =
  '<19>1 2026-11-23T12:03:04Z db1.example.com postgres/main 4711 CONN [req@1 status="500" path="/api/user"][x@1 path="other"] connection LOST';

function takes(choice: Partial<Choice>, message = MESSAGE): boolean {
  const record = new RecordView();
  record.origin = origin("group", "relay");
  record.receivedUs = NOON_US;
  const bytes = utf8(message);
  parseMessage(record, bytes, 0, bytes.length, OWN_RULES);
  const arrival = new Arrival();
  arrival.group = "log.db";
  arrival.sender = "#sb#relay";
  return new Chooser({ ...EVERYTHING, ...choice }).takes(record, arrival);
}

const fields = (...tests: string[]) => ({ fields: tests.map(parseFieldTest) });
const timeUs = Date.UTC(2026, 10, 23, 12, 3, 4) * 1_000;

describe("a record is taken by what is asked of it", () => {
  for (const { asks, choice, taken } of [
    { asks: "nothing", choice: {}, taken: true },
    { asks: "its host", choice: { hosts: ["db1.example.com"] }, taken: true },
    { asks: "its host, by wildcard", choice: { hosts: ["web*", "db?.*"] }, taken: true },
    { asks: "another host", choice: { hosts: ["db1"] }, taken: false },
    { asks: "its program", choice: { apps: ["postgres/*"] }, taken: true },
    {
      asks: "a program whose name has a dot where this has another letter",
      choice: { apps: ["postgres.main"] },
      taken: false,
    },
    { asks: "its facility", choice: { facilities: parseFacilities("auth,mail") }, taken: true },
    { asks: "another facility", choice: { facilities: parseFacilities("auth") }, taken: false },
    { asks: "its severity and above", choice: { severities: parseSeverities("err") }, taken: true },
    { asks: "a lower severity and above", choice: { severities: parseSeverities("info") }, taken: true },
    { asks: "a higher severity", choice: { severities: parseSeverities("crit") }, taken: false },
    { asks: "exactly its severity", choice: { severities: parseSeverities("=error") }, taken: true },
    { asks: "exactly another", choice: { severities: parseSeverities("=warning") }, taken: false },
    { asks: "a text that it has", choice: { grep: [parseRegex("^connection")] }, taken: true },
    { asks: "one of two texts", choice: { grep: [parseRegex("nothing"), parseRegex("LOST$")] }, taken: true },
    { asks: "a text in other letters", choice: { grep: [parseRegex("lost")] }, taken: false },
    { asks: "a text in any letters", choice: { grep: [parseRegex("lost", true)] }, taken: true },
    { asks: "not a text that it has", choice: { not: [parseRegex("LOST")] }, taken: false },
    {
      asks: "a text of its program, which is not its message",
      choice: { grep: [parseRegex("postgres")] },
      taken: false,
    },
    { asks: "a time that it is not before", choice: { sinceUs: timeUs }, taken: true },
    { asks: "a later time", choice: { sinceUs: timeUs + 1 }, taken: false },
    { asks: "a time that it is before", choice: { beforeUs: timeUs + 1 }, taken: true },
    { asks: "its own time, which it is not before", choice: { beforeUs: timeUs }, taken: false },
    { asks: "a field of its structured data", choice: fields("status=500"), taken: true },
    { asks: "a field by element and name", choice: fields("x@1.path=other"), taken: true },
    { asks: "a field with a wildcard", choice: fields("path=/api/*"), taken: true },
    { asks: "a field to be otherwise, and it is", choice: fields("status!=200"), taken: true },
    { asks: "a field to be otherwise, and it is absent", choice: fields("nosuch!=1"), taken: true },
    { asks: "a field to be there", choice: fields("status"), taken: true },
    { asks: "a field to be there that is not", choice: fields("nosuch"), taken: false },
    { asks: "all of two fields", choice: fields("status=500", "procid=4712"), taken: false },
    {
      asks: "its own fields",
      choice: fields(
        "host=db1*",
        "app=postgres*",
        "pid=4711",
        "msgid=CONN",
        "facility=mail",
        "severity=err",
        "group=log.db",
        "sender=#sb#*",
      ),
      taken: true,
    },
  ])
    test(asks, () => expect(takes(choice)).toBe(taken));

  for (const { asks, test: field, taken } of [
    { asks: "a key", test: "level=warn", taken: true },
    { asks: "a key of an object in it", test: "http.status=500", taken: true },
    { asks: "a key that has a dot itself", test: "http.path=/x", taken: true },
    { asks: "a key that is an object", test: "http=*", taken: false },
    { asks: "null", test: "user=null", taken: true },
    { asks: "what every object inherits", test: "constructor", taken: false },
  ])
    test(`JSON in the message has fields: ${asks}`, () =>
      expect(
        takes(
          fields(field),
          '<13>1 - h a - - - @cee: {"level":"warn","http":{"status":500},"http.path":"/x","user":null}',
        ),
      ).toBe(taken));

  test("a message that only begins like JSON has no fields", () =>
    expect(takes(fields("a"), '<13>1 - h a - - - {"a":')).toBe(false));

  test("a notice about a host is of interest if its records can be", () => {
    const chooser = new Chooser({ ...EVERYTHING, hosts: ["web*"] });
    expect([chooser.takesHost("web1"), chooser.takesHost("db1")]).toEqual([true, false]);
  });
});

describe("what can't be read is refused with what was meant", () => {
  for (const [read, message] of [
    [() => parseSeverities("wraning"), 'unknown severity "wraning": did you mean "warning"?'],
    [() => parseFacilities("mail,dameon"), 'unknown facility "dameon": did you mean "daemon"?'],
    [() => parseFieldTest("=x"), 'cannot read field "=x": expected a field such as'],
    [() => parseRegex("a(b"), 'cannot read regular expression "a(b": missing )'],
  ] as const)
    test(message, () => expect(read).toThrow(message));

  test("an escape too many is none of our business", () => expect(parseRegex("a\\-b").test("a-b")).toBe(true));
});
