import { describe, expect, test } from "bun:test";
import { mergeSources } from "../../lib/config/merge.ts";
import { readText } from "../../lib/config/read.ts";

function merged(...texts: string[]) {
  const sources = texts.map((text, at) => readText(text, `${at + 1}.toml`));
  const before = JSON.stringify(sources.map(({ table }) => table));
  const { table, spots, errors } = mergeSources(sources);
  expect(JSON.stringify(sources.map((source) => source.table))).toBe(before); // files are left as they are
  return { table, spots, errors: errors.map(({ message }) => message) };
}

describe("files become one", () => {
  const right: readonly [name: string, texts: string[], result: unknown][] = [
    [
      "tables merge, at every depth",
      ["[t]\na = 1\n[t.u]\nb = 1", "[t]\nc = 2\n[t.u]\nd = 2\n[v]"],
      { t: { a: 1, u: { b: 1, d: 2 }, c: 2 }, v: {} },
    ],
    [
      "arrays of tables append",
      ["[[t]]\na = 1\n[[t]]\na = 2", "[[t]]\na = 3", "t = [{ a = 4 }]"],
      { t: [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }] },
    ],
    ["an empty list is added to", ["t = []", "[[t]]\na = 1"], { t: [{ a: 1 }] }],
    ["an override replaces a value", ["a.b = 1", 'override = ["a.b"]\na.b = 2'], { a: { b: 2 } }],
    ["an override replaces a list", ["a = [1]", 'override = ["a"]\na = [2]'], { a: [2] }],
    ["an override replaces a whole table", ["[t]\na = 1", 'override = ["t"]\n[t]\nb = 2'], { t: { b: 2 } }],
    ["an override replaces an array of tables", ["[[t]]\na = 1", 'override = ["t"]\n[[t]]\na = 2'], { t: [{ a: 2 }] }],
    ["an override of another kind is meant", ["t = 1", 'override = ["t"]\n[[t]]\na = 2'], { t: [{ a: 2 }] }],
    ["an override may quote", ['a."b.c" = 1', 'override = [\'a."b.c"\']\na."b.c" = 2'], { a: { "b.c": 2 } }],
    ["a third file may override the second", ["a = 1", 'override = ["a"]\na = 2', 'override = ["a"]\na = 3'], { a: 3 }],
  ];
  for (const [name, texts, result] of right)
    test(name, () => {
      const { table, errors } = merged(...texts);
      expect(errors).toEqual([]);
      expect(JSON.parse(JSON.stringify(table))).toEqual(result);
    });
});

describe("two files that disagree are told, with both places", () => {
  const wrong: readonly [name: string, texts: string[], errors: string[]][] = [
    [
      "a value",
      ["[t]\na = 1", "[t]\n\n a = 1"],
      [
        '2.toml:3:2: t.a: is set in two files: here and at 1.toml:2:1; remove one, or put override = ["t.a"] at the top of 2.toml',
      ],
    ],
    [
      "a list of values",
      ["a = [1]", "a = [2]"],
      [
        '2.toml:1:1: a: is set in two files: here and at 1.toml:1:1; remove one, or put override = ["a"] at the top of 2.toml',
      ],
    ],
    [
      "three files",
      ["a = 1", "a = 2", "a = 3"],
      [
        '2.toml:1:1: a: is set in two files: here and at 1.toml:1:1; remove one, or put override = ["a"] at the top of 2.toml',
        '3.toml:1:1: a: is set in two files: here and at 1.toml:1:1; remove one, or put override = ["a"] at the top of 3.toml',
      ],
    ],
    [
      "two empty lists",
      ["t = []", "t = []"],
      [
        '2.toml:1:1: t: is set in two files: here and at 1.toml:1:1; remove one, or put override = ["t"] at the top of 2.toml',
      ],
    ],
    [
      "a table and a value",
      ["[t]", "t = 1"],
      ["2.toml:1:1: t: is a value here and a table at 1.toml:1:2: both must be of one kind"],
    ],
    [
      "a table and an array of tables",
      ["[[t]]", "[t]"],
      ["2.toml:1:2: t: is a table here and an array of tables at 1.toml:1:3: both must be of one kind"],
    ],
    [
      "an override that its own file does not set",
      ["a = 1", 'override = ["a"]'],
      ["2.toml:1:13: override: a overrides nothing: this file does not set it"],
    ],
    [
      "an override that no earlier file sets",
      ['override = ["a"]\na = 1', "a = 2"],
      [
        "1.toml:1:13: override: a overrides nothing: no earlier file sets it",
        '2.toml:1:1: a: is set in two files: here and at 1.toml:2:1; remove one, or put override = ["a"] at the top of 2.toml',
      ],
    ],
  ];
  for (const [name, texts, errors] of wrong) test(name, () => expect(merged(...texts).errors).toEqual(errors));
});

test("every value of the whole remembers its file and line", () => {
  const { spots } = merged("[t]\na = 1\n[[u]]\nb = 1", 'override = ["t.a"]\n[t]\na = 2\nc = 3\n[[u]]\nb = 2');
  const place = (...path: (string | number)[]) => `${spots.at(path)?.value.file}:${spots.at(path)?.value.line}`;
  expect([place("t"), place("t", "a"), place("t", "c"), place("u", 0, "b"), place("u", 1), place("u", 1, "b")]).toEqual(
    ["1.toml:1", "2.toml:3", "2.toml:4", "1.toml:4", "2.toml:5", "2.toml:6"],
  );
});
