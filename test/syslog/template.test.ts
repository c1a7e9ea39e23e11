import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { seededRandom } from "../../lib/base/random.ts";
import { isGroupName } from "../../lib/spread/names.ts";
import { groupName } from "../../lib/syslog/group-name.ts";
import { expandGroup, expandPath, NameCache, NameTemplate } from "../../lib/syslog/name-template.ts";
import { origin } from "../../lib/syslog/record.ts";
import { parseTemplate, TemplateError, TemplateFormat, tryTemplate } from "../../lib/syslog/template.ts";
import { fixedZone } from "../../lib/syslog/zone.ts";
import { cases } from "../support/fuzz.ts";
import { anyMessage } from "./messages.ts";
import { recordOf } from "./sample.ts";
import { written } from "./written.ts";

const MESSAGE = String.raw`<165>1 2026-11-23T06:34:11.25+01:00 h a 7 ID [x@1.2 y="1\"2"][e z="w"] some text`;

describe("a template", () => {
  for (const { template, is } of [
    { template: "plain", is: "plain" },
    { template: "100%% of %msg%", is: "100% of some text" },
    { template: "%host% %app%[%procid%]: %msg%", is: "h a[7]: some text" },
    { template: "%facility%.%severity% %pri% %msgid%", is: "local4.notice 165 ID" },
    { template: "%timereported%|%timereceived%", is: "2026-11-23T06:34:11.250+01:00|2026-11-23T14:00:00+02:00" },
    { template: "%year%-%month%-%day% %hour%:%minute%", is: "2026-11-23 14:00" },
    { template: "%via% %peer% %pid% %uid%", is: "udp 192.0.2.7 311 0" },
    { template: "%sd%", is: String.raw`[x@1.2 y="1\"2"][e z="w"]` },
    { template: "%sd.x@1.2.y% %sd.e.z% %sd.e.none%|", is: '1"2 w |' },
    { template: "%raw%", is: MESSAGE },
    { template: "", is: "" },
  ])
    test(`${JSON.stringify(template)} gives ${JSON.stringify(is)}`, () => {
      const format = new TemplateFormat(parseTemplate(template), fixedZone(120));
      expect(written(format, recordOf(MESSAGE, { pid: 311, uid: 0 }))).toBe(is);
    });

  test("has the time of receipt and the sender where the message tells none", () => {
    const format = new TemplateFormat(parseTemplate("%timereported% %host% %procid%|%pid%|%uid%"));
    expect(written(format, recordOf("<13>app[9]: x"))).toBe("2026-11-23T12:00:00Z sender.example 9|9|");
  });

  test("tells whether all records give the same", () => {
    expect(parseTemplate("log.all").isConstant).toBe(true);
    expect(parseTemplate("log.%app%").isConstant).toBe(false);
  });

  for (const { text, offset, meant } of [
    { text: "log.%hots%", offset: 4, meant: "%host%" },
    { text: "50% of %msg%", offset: 2, meant: undefined },
    { text: "%msg", offset: 0, meant: undefined },
    { text: "%sd.x%", offset: 0, meant: undefined },
    { text: "%__proto__%", offset: 0, meant: undefined },
  ])
    test(`${JSON.stringify(text)} is none, which is told with its place`, () => {
      expect(tryTemplate(text)).toBeUndefined();
      try {
        parseTemplate(text);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(TemplateError);
        expect([(error as TemplateError).offset, (error as TemplateError).meant]).toEqual([offset, meant]);
      }
    });
});

describe("a path made of a message", () => {
  const path = (template: string, message: string) => expandPath(parseTemplate(template), recordOf(message));

  for (const { name, message, is } of [
    { name: "has a program's name as it is", message: "<13>app: x", is: "/log/sender.example/app.log" },
    {
      name: "keeps a slash from leading elsewhere",
      message: "<22>postfix/smtpd[7]: x",
      is: "/log/sender.example/postfix_smtpd.log",
    },
    { name: "keeps a host from leading upwards", message: "<13>1 - .. a - - - x", is: "/log/_./a.log" },
    {
      name: "keeps a host from leading anywhere",
      message: "<13>1 - ../../etc .x - - - x",
      is: "/log/_._.._etc/_x.log",
    },
    { name: "has a dash for what is absent", message: "<13>some text", is: "/log/sender.example/-.log" },
    { name: "keeps letters that are not ASCII", message: "<13>1 - mün a - - - x", is: "/log/mün/a.log" },
    {
      name: "cuts what is long, at a character",
      message: `<13>1 - ${"é".repeat(60)} a - - - x`,
      is: `/log/${"é".repeat(50)}/a.log`,
    },
  ])
    test(name, () => expect(path("/log/%host%/%app%.log", message)).toBe(is));

  test("has as many parts as its template, and none that leads elsewhere, whatever is sent", () => {
    const template = parseTemplate("/log/%host%/%app%/%msgid%/%msg%/%peer%/%sd.a.b%.log");
    fc.assert(
      fc.property(anyMessage, fc.string(), (bytes, peer) => {
        const parts = expandPath(template, recordOf(bytes, { origin: origin("udp", peer, peer) })).split("/");
        expect(parts.length).toBe(8);
        for (const part of parts.slice(1))
          if (/^\.|^$|[\x00-\x1f\x7f]/.test(part)) throw new Error(JSON.stringify(parts));
      }),
      cases(2000),
    );
  });
});

describe("a group name", () => {
  test("that Spread takes is left as it is", () => {
    for (const name of ["log.mail.postfix/smtpd", "a", "$~", "x".repeat(31)])
      expect(groupName(name)).toBe(name as never);
  });

  test("has what Spread refuses mapped", () => expect(groupName('a b#c"dé\x7f') as string).toBe("a_b_c_d__"));

  test("that is too long is cut and has a tail, the same on every host", () => {
    expect(groupName("log.local7.a-program-with-a-long-name") as string).toBe("log.local7.a-program~1oklsu64mm");
  });

  test("is legal, whatever it is made of, and always the same", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80, unit: "binary" }), (text) => {
        const name = groupName(text);
        if (!isGroupName(name) || groupName(text) !== name) throw new Error(name);
      }),
      cases(3000),
    );
  });

  test("of a long text is not that of another: 200,000 of them", () => {
    const names = new Set<string>();
    for (let index = 0; index < 200_000; index++)
      names.add(groupName(`log.virtual-host.customer-number-${index}.example`));
    expect(names.size).toBe(200_000);
  });

  test("made of any message is legal", () => {
    const template = parseTemplate("log.%facility%.%app%.%host%");
    fc.assert(
      fc.property(anyMessage, (bytes) => expect(isGroupName(expandGroup(template, recordOf(bytes)))).toBe(true)),
      cases(1000),
    );
  });
});

describe("a cache of names", () => {
  const template = new NameTemplate(parseTemplate("log.%facility%.%app%"), "group");

  test("makes a thing once for each name", () => {
    const made: string[] = [];
    const cache = new NameCache(template, 100, (name) => made.push(name));
    const values = ["<13>a: x", "<13>b: x", "<13>a: y", "<22>a: x", "<13>a: x"].map((message) =>
      cache.get(recordOf(message)),
    );
    expect(values).toEqual([1, 2, 1, 3, 1]);
    expect(made).toEqual(["log.user.a", "log.user.b", "log.mail.a"]);
  });

  test("never keeps more than its bound, and begins anew instead", () => {
    let made = 0;
    const cache = new NameCache(template, 10, () => ++made);
    for (let index = 0; index < 1000; index++) cache.get(recordOf(`<13>app${index}: x`));
    expect(made).toBe(1000);
    expect(cache.get(recordOf("<13>app999: x"))).toBe(1000);
    expect(cache.get(recordOf("<13>app1: x"))).toBe(1001);
  });

  test("keeps nothing where nothing was made, and asks again", () => {
    let made = 0;
    const cache = new NameCache(template, 10, (name) => (name.endsWith(".app3") ? ++made : undefined));
    for (let index = 0; index < 50; index++) cache.get(recordOf(`<13>app${index}: x`));
    expect(cache.get(recordOf("<13>app4: x"))).toBeUndefined();
    expect(cache.get(recordOf("<13>app3: x"))).toBe(1); // the others took no room of its own
  });

  test("tells names apart whose hashes are alike: 200,000 of them", () => {
    const cache = new NameCache(template, 300_000, (name) => name);
    const random = seededRandom(7);
    const record = recordOf("<13>aaaaaaaa: x"); // its letters are changed where they lie
    for (let index = 0; index < 200_000; index++) {
      for (let at = record.appStart; at < record.appEnd; at++) record.bytes[at] = 0x61 + Math.floor(random() * 26);
      const found = cache.get(record);
      if (found !== `log.user.${record.appText()}`) throw new Error(`${found} for ${record.appText()}`);
    }
  });

  test("gives each message what belongs to its name", () => {
    const cache = new NameCache(template, 50, (name) => name);
    fc.assert(
      fc.property(anyMessage, (bytes) => {
        const record = recordOf(bytes);
        expect(cache.get(record)).toBe(template.expand(record));
      }),
      cases(1000),
    );
  });
});
