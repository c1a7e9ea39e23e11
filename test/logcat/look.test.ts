import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Arrival } from "../../lib/logcat/arrival.ts";
import { ClockFace, type TimeLook } from "../../lib/logcat/clock-face.ts";
import { glyphOf, UNSAFE } from "../../lib/logcat/glyph.ts";
import { LineWriter, type Paper, PLAIN_PAPER } from "../../lib/logcat/line-writer.ts";
import { type LookOptions, lookOf } from "../../lib/logcat/look-of.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { fixedZone, UTC } from "../../lib/syslog/zone.ts";
import { cases } from "../support/fuzz.ts";
import { hostile } from "./hostile.ts";
import { NOON_US, ownRecord, utf8 } from "./messages.ts";

const TERMINAL: Paper = { columns: 80, wide: "wrap", colour: true };

/** Shows records as `options` say, one arrival for all. */
function show(
  records: readonly (string | Uint8Array)[],
  options: Partial<LookOptions> = {},
  paper: Paper = PLAIN_PAPER,
): string {
  const look = lookOf({
    format: "short",
    time: "none",
    zone: UTC,
    startUs: NOON_US,
    forTerminal: paper !== PLAIN_PAPER,
    highlight: [],
    ...options,
  });
  const line = new LineWriter(paper);
  const record = new RecordView();
  record.origin = origin("group", "web1");
  const arrival = new Arrival();
  arrival.group = "log.mail";
  arrival.sender = "#sb-1#web1";
  arrival.number = 12;
  for (const one of records) {
    const bytes = typeof one === "string" ? utf8(one) : one;
    record.receivedUs = NOON_US;
    parseMessage(record, bytes, 0, bytes.length, OWN_RULES);
    look.record(line, record, arrival);
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(line.bytes.subarray(0, line.end));
}

const MESSAGE = '<19>1 2026-11-23T12:03:04.5Z db1 postgres 4711 CONN [x@1 k="v"] connection lost';

describe("in a pipe a record is plain words", () => {
  for (const { format, is } of [
    { format: "short", is: "db1 mail.err postgres[4711]: connection lost\n" },
    { format: "full", is: 'log.mail db1 mail.err postgres[4711] CONN [x@1 k="v"]: connection lost {#12}\n' },
    { format: "raw", is: "connection lost\n" },
    { format: "rfc5424", is: '<19>1 2026-11-23T12:03:04.500Z db1 postgres 4711 CONN [x@1 k="v"] connection lost\n' },
    { format: "traditional", is: "Nov 23 12:03:04 db1 postgres[4711]: connection lost\n" },
    { format: "%host%: %msg%", is: "db1: connection lost\n" },
  ])
    test(format, () => expect(show([MESSAGE], { format })).toBe(is));

  test("what a record does not have is a dash", () =>
    expect(show(["<13>1 - - - - - - text"])).toBe("web1 user.notice -: text\n"));
  test("marks are told by the full look", () =>
    expect(show([ownRecord("no PRI")], { format: "full" })).toEndWith("{#12, no-pri}\n"));
});

describe("on a terminal", () => {
  const plain: Paper = { ...TERMINAL, colour: false };
  test("words stand in columns, which grow as they must", () =>
    expect(
      show(
        ["<19>1 - db1 app - - - one", "<13>1 - database2 longer 1 - - two", "<19>1 - db1 app - - - three"],
        {},
        plain,
      ),
    ).toBe(
      [
        "db1 mail.err app: one",
        "database2 user.notice longer[1]: two",
        "db1       mail.err    app:       three",
        "",
      ].join("\n"),
    ));

  test("a long message goes on below where it began", () =>
    expect(show([`<19>1 - db1 app - - - ${"word ".repeat(16)}end`], {}, plain).split("\n")[1]).toMatch(
      /^ {18}word .*end$/,
    ));

  test("severity and host have colours, and each line ends without one", () => {
    const [first, second] = show([MESSAGE, "<22>1 - db1 a - - - fine"], {}, TERMINAL).split("\n");
    expect(first).toContain("\x1b[31mconnection lost\x1b[0m");
    expect(second).toEndWith("fine\x1b[0m");
    const host = /\x1b\[([\d;]+)mdb1/;
    expect(host.exec(first!)![1]).toBe(host.exec(second!)![1]!);
  });

  test("what is asked for is marked", () =>
    expect(show([MESSAGE], { highlight: [/o[ns]/, /nn/] }, TERMINAL)).toContain(
      "c\x1b[7monn\x1b[27mecti\x1b[7mon\x1b[27m l\x1b[7mos\x1b[27mt",
    ));

  test("what is not UTF-8 is shown, and marked nowhere", () =>
    expect(
      show([new Uint8Array([...utf8("<13>1 - h a - - - lost "), 0xff])], { highlight: [/lost/] }, TERMINAL),
    ).toContain("lost \x1b[7m\\xff\x1b[27m"));

  test("JSON escapes what could drive it, and is the same JSON", () => {
    const text = "a\u009b31m\u202e b \u{e0041} é 日";
    const options = { format: "json" } as const;
    const shown = show([`<13>1 - h a - - - ${text}`], options, { ...TERMINAL, wide: "plain" });
    expect(JSON.parse(shown)).toEqual(JSON.parse(show([`<13>1 - h a - - - ${text}`], options)));
    expect(shown).toContain("a\\u009b31m\\u202e b \\udb40\\udc41 é 日");
  });

  for (const format of [
    "short",
    "full",
    "json",
    "raw",
    "rfc5424",
    "traditional",
    "%group% %host% %app% %sd% %raw% %msg%",
  ]) {
    test(`no record can drive it: ${format}`, () => {
      const header = fc.constantFrom(
        "",
        "<13>",
        '<13>1 2026-11-23T12:03:04Z h a p m [x@1 k="',
        "<13>1 - h a - - - ",
        "<13>Nov 23 12:03:04 h a[1]: ",
      );
      fc.assert(
        fc.property(header, hostile, hostile, (header, before, behind) => {
          const bytes = new Uint8Array(
            Buffer.concat([before.subarray(0, header === "" ? 8 : 0), utf8(header), behind]),
          );
          const text = show(
            [bytes],
            { format, highlight: [/text/, /x+/] },
            { columns: 60, wide: "wrap", colour: true },
          );
          expect(text).toEndWith("\n");
          for (const character of text.replace(/\x1b\[[\d;]*m/g, "").replaceAll("\n", ""))
            if (glyphOf(character.codePointAt(0)!) === UNSAFE)
              throw new Error(`U+${character.codePointAt(0)!.toString(16)} in ${JSON.stringify(text)}`);
        }),
        cases(600),
      );
    });
  }
});

describe("the time is shown", () => {
  for (const { look, zoneMinutes = 0, is } of [
    { look: "iso", is: "2026-11-23T12:03:04.123456Z" },
    { look: "iso", zoneMinutes: 330, is: "2026-11-23T17:33:04.123456+05:30" },
    { look: "iso", zoneMinutes: -780, is: "2026-11-22T23:03:04.123456-13:00" },
    { look: "local", zoneMinutes: 60, is: "Nov 23 13:03:04.123" },
    { look: "utc", zoneMinutes: 60, is: "Nov 23 12:03:04.123Z" },
    { look: "relative", is: "+01:02:03.500" },
    { look: "none", is: "" },
  ] as const)
    test(`${look}, ${zoneMinutes} minutes east`, () => expect(faceText(look, fixedZone(zoneMinutes))).toBe(is));

  test("a time before the start is negative", () => {
    const line = new LineWriter();
    new ClockFace("relative", UTC, NOON_US).write(line, NOON_US - 1_500_000);
    expect(new TextDecoder().decode(line.bytes.subarray(0, line.end))).toBe("-00:00:01.500");
  });

  test("any time has some text, and the same each time", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9e15, max: 9e15 }), { minLength: 1, maxLength: 5 }), (times) => {
        const face = new ClockFace("iso", UTC, 0);
        for (const timeUs of times) {
          const line = new LineWriter();
          face.write(line, timeUs);
          const text = new TextDecoder().decode(line.bytes.subarray(0, line.end));
          if (timeUs >= 0) expect(Math.floor(timeUs / 1_000)).toBe(Date.parse(text));
        }
      }),
      cases(500),
    );
  });
});

function faceText(look: TimeLook, zone: (utcMs: number) => number): string {
  const line = new LineWriter();
  new ClockFace(look, zone, NOON_US - 3_723_500_000).write(line, NOON_US);
  return new TextDecoder().decode(line.bytes.subarray(0, line.end));
}

test("an unknown format is refused with the nearest", () =>
  expect(() => show([], { format: "shrot" })).toThrow(
    'unknown format "shrot": expected one of short, full, json, raw',
  ));
test("an unknown field of a template is refused with the nearest", () =>
  expect(() => show([], { format: "%group% %hots%" })).toThrow('did you mean "%host%"?'));
