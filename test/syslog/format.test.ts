// The formats for people and scripts: classic lines and JSON; and what holds for every format.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Rfc3164Format, TraditionalFormat } from "../../lib/syslog/format-3164.ts";
import { OwnFormat, Rfc5424Format } from "../../lib/syslog/format-5424.ts";
import { JsonFormat } from "../../lib/syslog/format-json.ts";
import { LOCAL_RULES, OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { MARK_CUT, MARK_LATE, origin } from "../../lib/syslog/record.ts";
import { structuredData } from "../../lib/syslog/structured-data.ts";
import { parseTemplate, TemplateFormat } from "../../lib/syslog/template.ts";
import { FIELD_NAMES } from "../../lib/syslog/template-field.ts";
import { textWithEscapes } from "../../lib/syslog/utf8.ts";
import { tryZone } from "../../lib/syslog/zone.ts";
import { cases } from "../support/fuzz.ts";
import { anyMessage } from "./messages.ts";
import { recordOf } from "./sample.ts";
import { written } from "./written.ts";

describe("a classic line", () => {
  const line = new TraditionalFormat();
  for (const { name, message, is } of [
    {
      name: "is the message without its PRI",
      message: "<13>Nov 23 06:34:11 vm app[7]: text",
      is: "Nov 23 06:34:11 vm app[7]: text",
    },
    {
      name: "pads the day with a space",
      message: "<13>Nov  3 06:34:11 vm app: text",
      is: "Nov  3 06:34:11 vm app: text",
    },
    {
      name: "has the receipt and the sender where none are told",
      message: "<13>app: x",
      is: "Nov 23 12:00:00 sender.example app: x",
    },
    {
      name: "has no colon without a program",
      message: "<13>some text",
      is: "Nov 23 12:00:00 sender.example some text",
    },
    { name: "has no space behind a tag without text", message: "<13>app:", is: "Nov 23 12:00:00 sender.example app:" },
    { name: "stays one line", message: "<13>app: a\nb\x00c", is: "Nov 23 12:00:00 sender.example app: a#012b#000c" },
    {
      name: "is made of RFC 5424 too",
      message: "<13>1 2026-11-23T06:34:11.5Z h a 7 ID - x",
      is: "Nov 23 06:34:11 h a[7]: x",
    },
  ])
    test(name, () => expect(written(line, recordOf(message))).toBe(is));

  for (const message of ["Warning disk full", "plain", "app: text", "app[7]: text"]) {
    const local = { origin: origin("unix", "own"), rules: LOCAL_RULES };
    test(`keeps what a program of this host says as it came, also through a group: ${message}`, () => {
      const record = recordOf(message, local);
      expect(written(line, record)).toBe(`Nov 23 12:00:00 own ${message}`);
      const own = written(new OwnFormat(), record);
      expect(written(line, recordOf(own, { rules: OWN_RULES }))).toBe(`Nov 23 12:00:00 own ${message}`);
    });
  }

  test("is in the zone it was given", () => {
    const berlin = new TraditionalFormat(tryZone("Europe/Berlin")!);
    expect(written(berlin, recordOf("<13>1 2026-07-01T23:30:00Z h a - - - x"))).toBe("Jul  2 01:30:00 h a: x");
  });

  test("has PRI before it where it is for another daemon", () => {
    expect(written(new Rfc3164Format(), recordOf("<165>a: x"))).toBe("<165>Nov 23 12:00:00 sender.example a: x");
  });
});

describe("JSON", () => {
  test("has all that is known, in one order", () => {
    const record = recordOf('<165>1 2026-11-23T06:34:11.25+01:00 h a 7 ID [x y="1\\"2" z="\\]"][e] t"e\\xt\n\x1b', {
      pid: 311,
      uid: 0,
    });
    record.mark(MARK_CUT);
    record.mark(MARK_LATE);
    expect(written(new JsonFormat(), record)).toBe(
      String.raw`{"time":"2026-11-23T06:34:11.250+01:00","received":"2026-11-23T12:00:00Z","host":"h","app":"a","procid":"7","msgid":"ID","facility":"local4","severity":"notice","pri":165,"via":"udp","peer":"192.0.2.7","pid":311,"uid":0,"marks":["cut","late"],"sd":{"x":{"y":"1\"2","z":"]"},"e":{}},"msg":"t\"e\\xt\u000a\u001b"}`,
    );
  });

  test("leaves out what is absent", () => {
    const record = recordOf("text", { origin: origin("unix", "own"), rules: LOCAL_RULES });
    expect(JSON.parse(written(new JsonFormat(), record))).toEqual({
      received: "2026-11-23T12:00:00Z",
      host: "own",
      app: "text",
      facility: "user",
      severity: "notice",
      pri: 13,
      via: "unix",
      marks: ["no-pri"],
      msg: "",
    });
  });

  test("is JSON of any message, with the same fields", () => {
    const json = new JsonFormat();
    fc.assert(
      fc.property(anyMessage, (bytes) => {
        const record = recordOf(bytes);
        const { msg, app, sd } = JSON.parse(written(json, record));
        expect(msg).toBe(textWithEscapes(bytes, record.msgStart, record.msgEnd));
        expect(app ?? "").toBe(textWithEscapes(bytes, record.appStart, record.appEnd));
        const ids = Object.keys(structuredData(record) ?? {});
        if (!record.sdText().includes("\ufffd")) expect(Object.keys(sd ?? {})).toEqual(ids);
      }),
      cases(3000),
    );
  });
});

test("every format but our own keeps any message on one line, within the room it asked for", () => {
  const all = parseTemplate(FIELD_NAMES.map((name) => `%${name}%`).join(" "));
  const formats = [
    new TraditionalFormat(),
    new Rfc3164Format(),
    new Rfc5424Format(),
    new Rfc5424Format({ ownElement: true }),
    new JsonFormat(),
    new TemplateFormat(all),
    new TemplateFormat(parseTemplate("%sd.a.b%|%msg%")),
  ];
  fc.assert(
    fc.property(anyMessage, fc.constantFrom(...formats), (bytes, format) => {
      const text = written(format, recordOf(bytes));
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) throw new Error(JSON.stringify(text));
    }),
    cases(5000),
  );
});

test("a text of nothing but control characters has its room", () => {
  const record = recordOf(`<13>a: ${"\x01".repeat(2000)}`);
  for (const format of [
    new TraditionalFormat(),
    new Rfc5424Format(),
    new JsonFormat(),
    new TemplateFormat(parseTemplate("%msg%")),
  ])
    expect(written(format, record).length).toBeGreaterThanOrEqual(8000);
});

test("our own form stays within its room too", () => {
  const own = new OwnFormat();
  fc.assert(
    fc.property(anyMessage, (bytes) => void written(own, recordOf(bytes))),
    cases(1000),
  );
});
