// RFC 5424 beyond the samples: limits, and where a fault is found.
import { expect, test } from "bun:test";
import { MARK_MALFORMED } from "../../lib/syslog/record.ts";
import { structuredData } from "../../lib/syslog/structured-data.ts";
import { recordOf, saidBy } from "./sample.ts";

const HEAD = "<34>1 2003-10-11T22:14:15.003Z host app 7 ID ";

for (const { name, message, is } of [
  { name: "all fields", message: `${HEAD}[a b="c"] text`, is: { pri: 34, app: "app", procid: "7", sd: '[a b="c"]' } },
  { name: "a text of one space", message: `${HEAD}-  `, is: { sd: "", msg: " " } },
  { name: "spaces before the bracket closes", message: `${HEAD}[a b="c" ] x`, is: { sd: '[a b="c" ]', msg: "x" } },
  { name: "a line feed in a value", message: `${HEAD}[a b="c\nd"] x`, is: { sd: '[a b="c\nd"]', msg: "x" } },
  { name: "a host that is not ASCII", message: "<34>1 - mün app - - - x", is: { host: "mün", app: "app" } },
  { name: "a byte order mark alone", message: `${HEAD}- \ufeff`, is: { msg: "" } },
  { name: "a byte order mark inside the text", message: `${HEAD}- a\ufeffb`, is: { msg: "a\ufeffb" } },
  { name: "a byte order mark behind another", message: `${HEAD}- \ufeff\ufeffb`, is: { msg: "\ufeffb" } },
  { name: "nine digits of a second", message: "<1>1 2003-08-24T05:14:15.000000003Z h a - - - x", is: { msg: "x" } },
])
  test(`${name} is read as such`, () => expect(saidBy(recordOf(message))).toMatchObject({ form: "5424", ...is }));

for (const { name, message, at } of [
  { name: "a time that is none", message: "<34>1 2003-13-11T22:14:15Z h a - - - x", at: 6 },
  { name: "an empty host", message: "<34>1 -  a - - - x", at: 8 },
  { name: "a control character in the program", message: "<34>1 - h a\tb - - - x", at: 11 },
  { name: "the end where a field is due", message: "<34>1 - h a -", at: 13 },
  { name: "no structured data", message: "<34>1 - h a - - text", at: 16 },
  { name: "text at once behind the structured data", message: "<34>1 - h a - - -text", at: 17 },
  { name: "a space before an element's id", message: "<34>1 - h a - - [ a]", at: 17 },
  { name: "an element that does not end", message: '<34>1 - h a - - [a b="c"', at: 24 },
  { name: "a value without quotes", message: "<34>1 - h a - - [a b=c] x", at: 21 },
  { name: "a quote that is not protected", message: '<34>1 - h a - - [a b="c"d"] x', at: 24 },
  { name: "a bracket that is not protected", message: '<34>1 - h a - - [a b="]c"] x', at: 22 },
  { name: "a host longer than any", message: `<34>1 - ${"h".repeat(256)} a - - - x`, at: 8 },
  { name: "an id longer than any", message: `<34>1 - h a - - [${"i".repeat(256)}] x`, at: 273 },
  { name: "a version that nobody has defined", message: "<34>2 - h a - - - x", at: 4 },
])
  test(`${name} is a fault at offset ${at}, and the message is text`, () => {
    const record = recordOf(message);
    expect(record.isMarked(MARK_MALFORMED)).toBe(true);
    expect(record.faultAt).toBe(at);
    expect(saidBy(record)).toEqual({
      form: "text",
      pri: 34,
      time: "",
      zone: 0,
      host: "",
      app: "",
      procid: "",
      msgid: "",
      sd: "",
      msg: message.slice(4),
    });
  });

test("a backslash that protects nothing stands for itself", () => {
  const record = recordOf(String.raw`<34>1 - h a - - [id a="\n\\\"\]\x"] x`);
  expect(structuredData(record)).toEqual({ id: { a: String.raw`\n\"]\x` } });
});

test("a bracket within an element begins a name, and no other element", () => {
  for (const [written, elements] of [
    ['[a b="c" [d="e"]', { a: { b: "c", "[d": "e" } }],
    ['[a [b="c" [="d"][e]', { a: { "[b": "c", "[": "d" }, e: {} }],
    ["[[a]", { "[a": {} }],
    ['[a  [b="c" ][[ d="e"]', { a: { "[b": "c" }, "[": { d: "e" } }],
  ] as const)
    expect(structuredData(recordOf(`<34>1 - h a - - ${written} x`))).toEqual(elements);
});

test("names such as those of an object's own parts are names like others", () => {
  const record = recordOf('<34>1 - h a - - [__proto__ constructor="x" __proto__="y"] x');
  const elements = structuredData(record)!;
  expect(Object.keys(elements)).toEqual(["__proto__"]);
  expect(Object.values(elements).flatMap(Object.entries)).toEqual([
    ["constructor", "x"],
    ["__proto__", "y"],
  ]);
});
