import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { columnsOf, glyphOf, UNSAFE, visibleText } from "../../lib/logcat/glyph.ts";
import { LineWriter, type Paper, PLAIN_PAPER } from "../../lib/logcat/line-writer.ts";
import { cases } from "../support/fuzz.ts";
import { hostile } from "./hostile.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (line: LineWriter) =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line.bytes.subarray(0, line.end));

function shown(source: Uint8Array, paper: Paper = PLAIN_PAPER): string {
  const line = new LineWriter(paper);
  line.begin();
  line.visible(source, 0, source.length);
  return textOf(line);
}

const paper = fc.record({
  columns: fc.integer({ min: 1, max: 120 }),
  wide: fc.constantFrom("wrap", "cut", "plain" as const),
  colour: fc.boolean(),
});

/** Everything but line feeds and our own colours. */
function withoutOurs(text: string): string {
  return text.replace(/\x1b\[[\d;]*m/g, "").replaceAll("\n", "");
}

describe("what could drive a terminal is made visible", () => {
  for (const { name, text, becomes } of [
    { name: "an escape sequence", text: "\x1b[31mred\x1b[0m", becomes: "\\x1b[31mred\\x1b[0m" },
    { name: "a title change", text: "\x1b]0;root\x07", becomes: "\\x1b]0;root\\x07" },
    {
      name: "line feed, carriage return, tab, NUL, DEL",
      text: "a\nb\rc\td\0e\x7f",
      becomes: "a\\nb\\rc\\td\\x00e\\x7f",
    },
    { name: "a C1 control", text: "a\u009b31m", becomes: "a\\u009b31m" },
    { name: "a bidirectional override", text: "a\u202egpj.exe", becomes: "a\\u202egpj.exe" },
    { name: "an isolate, a mark, a zero-width space", text: "\u2066\u200f\u200b", becomes: "\\u2066\\u200f\\u200b" },
    { name: "a byte order mark", text: "\ufeffx", becomes: "\\ufeffx" },
    { name: "a tag character", text: "\u{e0041}", becomes: "\\u{e0041}" },
    { name: "line and paragraph separators", text: "\u2028\u2029", becomes: "\\u2028\\u2029" },
    { name: "a noncharacter", text: "\uffff", becomes: "\\uffff" },
    {
      name: "a fifth mark on one letter",
      text: "a\u0300\u0301\u0302\u0303\u0304",
      becomes: "a\u0300\u0301\u0302\u0303\\u0304",
    },
  ])
    test(name, () => expect(shown(bytesOf(text))).toBe(becomes));

  for (const { name, bytes, becomes } of [
    { name: "a byte that is no UTF-8", bytes: [0x61, 0xff, 0x62], becomes: "a\\xffb" },
    { name: "a raw C1 byte", bytes: [0x9b, 0x33], becomes: "\\x9b3" },
    { name: "an overlong escape", bytes: [0xc0, 0x9b], becomes: "\\xc0\\x9b" },
    { name: "a surrogate", bytes: [0xed, 0xa0, 0x80], becomes: "\\xed\\xa0\\x80" },
    { name: "a character past the last", bytes: [0xf4, 0x90, 0x80, 0x80], becomes: "\\xf4\\x90\\x80\\x80" },
    { name: "a cut character", bytes: [0xe6, 0x97], becomes: "\\xe6\\x97" },
  ])
    test(name, () => expect(shown(new Uint8Array(bytes))).toBe(becomes));

  test("harmless text of any script stays as it is", () => {
    const text = "naïve Ελληνικά Привет עברית العربية हिन्दी 日本語 👩‍👩‍👧 🇩🇪 e\u0301 \\n C:\\temp";
    expect(shown(bytesOf(text))).toBe(text);
  });

  test("every character that Unicode calls a control, hidden or unassignable is unsafe, whatever its plane", () => {
    const allowed = new Set([
      0x200c, 0x200d, 0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6dd, 0x70f, 0x890, 0x891, 0x8e2, 0x110bd, 0x110cd,
    ]);
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      if (allowed.has(codePoint)) continue;
      const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(String.fromCodePoint(codePoint));
      if (hidden && glyphOf(codePoint) !== UNSAFE) throw new Error(`U+${codePoint.toString(16)} is let through`);
    }
  });
});

test("whatever comes in, only line feeds and colours of ours control the terminal", () => {
  fc.assert(
    fc.property(hostile, paper, (source, paper) => {
      const line = new LineWriter(paper);
      line.begin();
      line.sgr("31");
      line.ascii("12:00 ");
      line.hang();
      line.visible(source, 0, source.length);
      line.sgr("0");
      line.finish();
      const text = textOf(line); // fatal: it is UTF-8, or this throws
      for (const character of withoutOurs(text)) expect(glyphOf(character.codePointAt(0)!)).not.toBe(UNSAFE);
      if (!paper.colour) expect(text).not.toContain("\x1b");
      if (paper.wide !== "wrap") expect(text.indexOf("\n")).toBe(text.length - 1);
    }),
    cases(3_000),
  );
});

test("no line is wider than the terminal, cut or wrapped", () => {
  fc.assert(
    fc.property(hostile, paper, (source, paper) => {
      fc.pre(paper.wide !== "plain");
      const line = new LineWriter(paper);
      line.begin();
      line.ascii("head: ");
      line.hang();
      line.visible(source, 0, source.length);
      for (const one of textOf(line)
        .replace(/\x1b\[[\d;]*m/g, "")
        .split("\n"))
        expect(columnsOf(one)).toBeLessThanOrEqual(Math.max(20, paper.columns));
    }),
    cases(3_000),
  );
});

test("wrapping loses nothing: without breaks and indents it is the text that a pipe gets", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("word", "日本", "é", "longer-word", "x".repeat(50), "\x1b", "\xff")),
      fc.integer({ min: 20, max: 60 }),
      (words, columns) => {
        const source = bytesOf(words.join(" "));
        const line = new LineWriter({ columns, wide: "wrap", colour: false });
        line.begin();
        line.hang();
        line.visible(source, 0, source.length);
        expect(textOf(line).replaceAll("\n", "")).toBe(shown(source));
      },
    ),
    cases(500),
  );
});

describe("wide text", () => {
  const write = (text: string, paper: Paper) => {
    const line = new LineWriter(paper);
    line.begin();
    line.ascii("web1: ");
    line.hang();
    line.text(text);
    return textOf(line);
  };
  test("wraps at a space, below where it began", () =>
    expect(write("the quick brown fox jumps", { columns: 20, wide: "wrap", colour: false })).toBe(
      "web1: the quick \n      brown fox \n      jumps",
    ));
  test("breaks a word that is longer than the line", () =>
    expect(write("x".repeat(30), { columns: 20, wide: "wrap", colour: false })).toBe(
      `web1: ${"x".repeat(14)}\n      ${"x".repeat(14)}\n      xx`,
    ));
  test("is cut with a mark in the last column", () =>
    expect(write("the quick brown fox jumps", { columns: 20, wide: "cut", colour: false })).toBe(
      "web1: the quick bro…",
    ));
  test("that just fits is not cut", () =>
    expect(write("x".repeat(14), { columns: 20, wide: "cut", colour: false })).toBe(`web1: ${"x".repeat(14)}`));
  test("of two columns a character is not cut in half", () =>
    expect(write(`${"x".repeat(12)}日本`, { columns: 20, wide: "cut", colour: false })).toBe(
      `web1: ${"x".repeat(12)}…`,
    ));
});

test("an escape stands in reverse where there are colours, and nowhere else", () => {
  expect(shown(bytesOf("a\tb"), { ...PLAIN_PAPER, colour: true })).toBe("a\x1b[7m\\t\x1b[27mb");
});

test("text for stderr is made visible as well", () =>
  expect(visibleText("#a\x1b[2J\n\u009b\u202e#é日")).toBe("#a\\x1b[2J\\n\\u009b\\u202e#é日"));

test("exact text keeps every byte but the line feed", () => {
  const line = new LineWriter();
  line.exact(new Uint8Array([0x61, 0x0a, 0xff, 0x1b]), 0, 4);
  expect([...line.bytes.subarray(0, line.end)]).toEqual([0x61, 0x5c, 0x6e, 0xff, 0x1b]);
});
