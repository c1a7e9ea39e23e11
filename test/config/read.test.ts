// One file: what its text gives, and what is said of a text that is no TOML. A message has to be enough to mend the line.
import { describe, expect, test } from "bun:test";
import { FILE_BYTES_MAX, readSource, readText } from "../../lib/config/read.ts";

const errorsIn = (text: string) => readText(text, "f").errors.map(({ message }) => message);

describe("a text that is no TOML is told what to do, at the place to do it", () => {
  const mistakes: readonly [text: string, message: string][] = [
    ["name = hello world # c", 'f:1:8: name: found `hello world` without quotes; did you mean "hello world"?'],
    ["[t]\ntime = 5s", 'f:2:8: t.time: found `5s` without quotes; did you mean "5s"?'],
    ["ip = 10.0.0.1", 'f:1:6: ip: found `10.0.0.1` without quotes; did you mean "10.0.0.1"?'],
    ["mode = 0640", 'f:1:8: mode: found `0640` without quotes; did you mean "0640"?'],
    ["b = yes", "f:1:5: b: found `yes`; did you mean true?"],
    ["b = False", "f:1:5: b: found `False`; did you mean false?"],
    ["b = null", "f:1:5: b: found `null`; leave the key out to leave it unset"],
    ["b = “x”", 'f:1:5: b: found `“x”`, expected straight quotes; did you mean "x"?'],
    ["b = [\n 1,\n foo,\n]", 'f:3:2: b: found `foo` without quotes; did you mean "foo"?'],
    ["b =", "f:1:4: b: value is missing: expected text in quotes, a number, true, false, an array or a table"],
    ["b", "f:1:1: found `b`, expected KEY = VALUE or [TABLE]"],
    ["b\t.\r\n", "f:1:4: found `b\\t.` alone, expected KEY = VALUE"],
    ["b\n", "f:1:2: found `b` alone, expected b = VALUE"],
    ["b: 1", 'f:1:2: found ":" behind the key b, expected "="'],
    ["b c = 1", 'f:1:3: found `c` behind the key `b`, expected "="'],
    ["b! = 1", 'f:1:2: found "!" in a key, expected letters, digits, _ and -; others need quotes around the key'],
    ["= 1", "f:1:1: a key is missing here: expected a name of letters, digits, _ or -"],
    ["a..b = 1", "f:1:3: a part of the key is missing beside a dot: expected a.b"],
    ["[t", 'f:1:2: header is not closed: expected "]"'],
    ["[[t]", 'f:1:5: header is not closed: expected "]]"'],
    [
      "[t u]",
      'f:1:4: found `u]` in a header, expected "]"; a name of other characters than letters, digits, _ and - needs quotes',
    ],
    ["[t] b = 1", "f:1:5: found `b` behind the header, expected the end of the line"],
    [
      "b = 5 s",
      'f:1:7: b: found `s` behind the value, expected the end of the line, and text needs quotes; did you mean "5 s"?',
    ],
    ["b = 5; // five", "f:1:5: b: found `;` behind the value; a comment begins with #"],
    ['b = "x\nc = 1', "f:1:7: b: text is not closed: expected its closing quote on the same line"],
    ["b = '''x\nc = 1", "f:1:5: b: text is not closed: it begins here, and its closing quotes are missing"],
    ["b = [1 2]", 'f:1:8: b: found `2]`, expected "," or the closing bracket'],
    [
      'b = "\\d"',
      "f:1:7: b: unknown escape `\\d` in text: a backslash is written \\\\, or put the text in single quotes",
    ],
    ["b = 99999999999999999999", "f:1:5: b: number `99999999999999999999` is too large: at most 9007199254740991"],
    [`b = ${"[".repeat(99)}`, "f:1:37: b: nested too deep: at most 32 levels"],
    [`a${".a".repeat(99)} = 1`, "f:1:1: a.a.a.a.a.a.a.a... is nested too deep: at most 32 levels"],
    ['b = "\u0007"', "f:1:6: b: text has the control character U+0007: write it as an escape, such as \\u0007"],
    ["b = 1979-05-27", 'f:1:5: b: found the date 1979-05-27, and no setting takes one; did you mean "1979-05-27"?'],
    ["b = -inf", "f:1:5: b: found -inf, expected a finite number"],
    ["constructor = 1", 'f:1:1: constructor: unknown key "constructor"'],
    ["[t]\n__proto__.x = 1", 'f:2:1: t.__proto__: unknown key "__proto__"'],
  ];
  for (const [text, message] of mistakes)
    test(JSON.stringify(text.slice(0, 40)), () => expect(errorsIn(text)).toEqual([message]));
});

describe("what is written twice is told with both places", () => {
  const mistakes: readonly [text: string, message: string][] = [
    ["a = 1\na = 2", "f:2:1: a: is written twice: first at f:1:1; remove one"],
    ["[t]\na = 1\n[u]\n[t]", "f:4:2: t: table is written twice: first at f:1:2; put the keys of both together"],
    ["[t]\na = { b = { c = 1, c = 2 } }", "f:2:20: t.a.b.c: is written twice: first at f:2:13; remove one"],
    ["[[t]]\na = 1\n[[t]]\na = 1\na = 2", "f:5:1: t[1].a: is written twice: first at f:4:1; remove one"],
    ["a = 1\na.b = 2", "f:2:1: a.b: a is complete already, at f:1:1: nothing can be added to it here"],
    ["a = { b = 1 }\na.c = 2", "f:2:1: a.c: a is complete already, at f:1:1: nothing can be added to it here"],
    ["[[t]]\n[t]", "f:2:2: t: found [t], and f:1:3 has [[t]]: choose one of the forms for both"],
    ["[t]\n[[t]]", "f:2:3: t: found [[t]], and f:1:2 has [t]: choose one of the forms for both"],
  ];
  for (const [text, message] of mistakes) test(JSON.stringify(text), () => expect(errorsIn(text)).toEqual([message]));
});

describe("one run tells more than the first mistake", () => {
  test("of lines, and what is right beside them is read", () => {
    const { errors, table } = readText("[t]\na = yes\nb = 1\nc = 5s\n[u]\nd = 2", "f");
    expect(errors.map(({ line }) => line)).toEqual([2, 4]);
    expect(JSON.stringify(table)).toBe('{"t":{"b":1},"u":{"d":2}}');
  });
  test("until what is open swallows the rest", () => {
    const { errors, table } = readText('a = yes\nb = """\n[t]\nc = no', "f");
    expect([errors.map(({ line }) => line), Object.keys(table)]).toEqual([[1, 2], []]);
  });
  test("and the keys below a header that is there twice are taken for no other table's", () => {
    const { errors, table } = readText("[t]\na = 1\n[t]\na = 2\n[u]\nb = no", "f");
    expect(errors.map(({ line }) => line)).toEqual([3, 6]);
    expect(JSON.stringify(table)).toBe('{"t":{"a":1},"u":{}}');
  });
  test("but no more than twenty of one file's text", () =>
    expect(errorsIn("a = yes\n".repeat(1_000))).toHaveLength(20));
});

describe("bytes", () => {
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  test("with a byte order mark are read without it", () =>
    expect(readSource(bytesOf("\ufeffa = 1"), "f").table["a"]).toBe(1));
  test("that are no UTF-8 are told with their place", () => {
    const bytes = Uint8Array.of(...bytesOf('a = 1\nb = "\ufffdé'), 0xe9, 0x22);
    expect(readSource(bytes, "f").errors.map(({ message }) => message)).toEqual([
      "f:2:8: found a byte that is no UTF-8; save the file as UTF-8",
    ]);
  });
  test("of more than the bound are not looked at", () => {
    const [error] = readSource(new Uint8Array(FILE_BYTES_MAX + 1), "f").errors;
    expect(error?.message).toBe("f:1:1: file is too large: more than 4 MiB");
  });
  test("of more values than the bound are refused", () => {
    const [error] = readText(`a = [${"1,".repeat(200_000)}]`, "f").errors;
    expect(error?.code).toBe("too-many");
  });
});

test("nothing in a message can drive a terminal, or look like something else", () => {
  for (const text of ['"\\u001b[2J" = x', 'a = "\\u009b2J" b', "a = \u202ex", "a = \u001b]0;x", '"\\u200b"\n']) {
    const told = errorsIn(text).join("\n");
    expect(told).not.toBe("");
    expect(told).not.toMatch(/[\0-\t\v-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]/);
  }
});
