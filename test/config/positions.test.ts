import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import type { Place } from "../../lib/config/config-error.ts";
import { readKey } from "../../lib/config/key-path.ts";
import { findEarlier, findStatement, locate, type Spot } from "../../lib/config/positions.ts";
import { cases } from "../support/fuzz.ts";
import { tomlDocument } from "./toml-document.ts";

/** "3:8 3:1": where the value at a path begins, and where its key does. */
function placesOf(text: string, path: readonly (string | number)[]): string {
  const spot = locate(text, "f").at(path);
  return spot === undefined ? "nowhere" : `${spot.value.line}:${spot.value.column} ${spot.key.line}:${spot.key.column}`;
}

describe("a value is found where it begins, and its key where it is written", () => {
  const documents: readonly [text: string, path: readonly (string | number)[], places: string][] = [
    ["a = 1", ["a"], "1:5 1:1"],
    ["\n\n  a   =   1", ["a"], "3:11 3:3"],
    ["# a = 1\r\nb = 2 # b = 3\r\nc = 3\r\n", ["c"], "3:5 3:1"],
    ["[t]\na = 1", ["t"], "1:2 1:2"],
    ["[ t . u ]\na = 1", ["t", "u"], "1:7 1:7"],
    ["[t]\na = 1", ["t", "a"], "2:5 2:1"],
    ["a.b.c = 1", ["a", "b"], "1:3 1:3"],
    ["a.b.c = 1", ["a", "b", "c"], "1:9 1:5"],
    ['"a b".\'c"d\' = 1', ["a b", 'c"d'], "1:15 1:7"],
    ['"\\u0061\\x62\\"\\t" = 1', ['ab"\t'], "1:20 1:1"],
    ["[[t]]\na = 1\n[[t]]\na = 2", ["t"], "1:3 1:3"],
    ["[[t]]\na = 1\n[[t]]\na = 2", ["t", 1], "3:3 3:3"],
    ["[[t]]\na = 1\n[[t]]\na = 2", ["t", 1, "a"], "4:5 4:1"],
    ["[[t]]\n[t.u]\na = 1\n[[t]]\n[t.u]\na = 2", ["t", 1, "u", "a"], "6:5 6:1"],
    ["[[t]]\n[[t.u]]\n[[t.u]]\na = 1", ["t", 0, "u", 1, "a"], "4:5 4:1"],
    ["[t.u]\na = 1\n[t]\nb = 2", ["t"], "3:2 3:2"],
    ["a = [1, [2, 3], 4]", ["a", 1, 1], "1:13 1:13"],
    ["a = [\n  1, # one, two ]\n  2,\n]\nb = 1", ["a", 1], "3:3 3:3"],
    ["a = [\n  1, # one, two ]\n  2,\n]\nb = 1", ["b"], "5:5 5:1"],
    ["a = { b = 1, c.d = [ { e = 2 } ] }", ["a", "c", "d", 0, "e"], "1:28 1:24"],
    ["a = []\nb = {}\nc = 1", ["c"], "3:5 3:1"],
    ['a = "x # \\" ] = \\\\"\nb = 1', ["b"], "2:5 2:1"],
    ["a = 'x\\'\nb = 1", ["b"], "2:5 2:1"],
    ['a = """\nx = 1\n\\""" "" \n"""\nb = 1', ["b"], "5:5 5:1"],
    ['a = ["""x""""", 2]\nb = 1', ["a", 1], "1:17 1:17"],
    ["a = '''\n[t]\n''''\nb = 1", ["b"], "4:5 4:1"],
    ["a = 1979-05-27 07:32:00 # no\nb = [1979-05-27, 2]", ["b", 1], "2:18 2:18"],
    ["\ufeffa = 1", ["a"], "1:6 1:2"],
    ["a = 1", ["b"], "nowhere"],
  ];
  for (const [text, path, places] of documents)
    test(`${JSON.stringify(text)}: ${path.join(" ")}`, () => {
      expect(() => parse(text)).not.toThrow();
      expect(placesOf(text, path)).toBe(places);
    });
});

test("what is not written has the place of what is written around it", () => {
  const { spot, depth } = locate("[t]\na = { b = 1 }", "f").nearest(["t", "a", "x", "y"]);
  expect([depth, spot.value.line, spot.value.column]).toEqual([2, 2, 5]);
});

describe("what a key writes a second time is found", () => {
  const documents: readonly [text: string, second: string, path: string, place: string][] = [
    ["a = 1\nb = 2\na = 3", "a = 3", "a", "1:1"],
    ["[t]\na = 1\na.b = 2", "a.b", "a", "2:1"],
    ["[t]\n[u]\n[t]", "t]", "t", "1:2"],
    ["a = { b = 1, c = { d = 1 }, b = 2 }", "b = 2", "b", "1:7"],
    ["[[t]]\na = 1\n[[t]]\na = 1\na = 2", "a = 2", "a", "4:1"],
  ];
  for (const [text, second, path, place] of documents)
    test(JSON.stringify(text), () => {
      const earlier = findEarlier(text, "f", text.lastIndexOf(second));
      expect(earlier?.path.join(".")).toBe(path);
      expect(`${earlier?.spot.key.line}:${earlier?.spot.key.column}`).toBe(place);
    });
});

test("a statement is found by any offset in it, with its table", () => {
  const text = "a = 1\n[t.u]\nb = [\n  2,\n]\nc = 3";
  expect(findStatement(text, text.indexOf("2,"))).toEqual({ offset: text.indexOf("b ="), table: ["t", "u"] });
  expect(findStatement(text, text.length)).toEqual({ offset: text.indexOf("c ="), table: ["t", "u"] });
});

/** Every value has a spot and no spot is without a value; at each place stands what is said to be there. */
function checkAgrees(value: unknown, spot: Spot, lines: readonly string[]): void {
  const textAt = ({ line, column }: Place) => lines[line - 1]!.slice(column - 1);
  const written = textAt(spot.value);
  if (typeof value === "string") expect(written).toMatch(/^["']/);
  if (typeof value === "boolean") expect(written).toStartWith(String(value));
  if (typeof value === "number") expect(written).toMatch(/^[-+]?(\d|inf|nan)/);
  if (value instanceof Date) expect(written).toMatch(/^\d\d/);
  if (typeof value !== "object" || value === null || value instanceof Date) return;
  if (Array.isArray(value) && !spot.grows) expect(written).toStartWith("[");
  const parts: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  expect(new Set(spot.children.keys())).toEqual(new Set(parts));
  for (const part of parts) {
    const child = spot.children.get(part)!;
    if (typeof part === "string") {
      const { parts: keys } = readKey(textAt(child.key), 0);
      expect(keys[0]?.name).toBe(part);
    }
    checkAgrees((value as Record<string | number, unknown>)[part], child, lines);
  }
}

test("in any document that is right the spots are those of its values, and keys stand where they are said to", () => {
  fc.assert(
    fc.property(tomlDocument, (text) => {
      checkAgrees(parse(text), locate(text, "f"), text.split("\n"));
    }),
    cases(1_000),
  );
});

test("a value that begins with the wrong bracket ends the walk", () => {
  expect(locate("=[}", "f").children.size).toBe(1); // it went round and round there once
});

test("on any text at all the walk ends", () => {
  const shreds = fc.array(
    fc.constantFrom(
      "[",
      "[[",
      "]",
      "{",
      "}",
      "=",
      ".",
      ",",
      '"',
      "'",
      '"""',
      "'''",
      "\\",
      "#",
      "\n",
      " ",
      "a",
      "1",
      "\ud800",
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(shreds, fc.nat(80), (parts, offset) => {
      const text = parts.join("");
      locate(text, "f");
      findEarlier(text, "f", offset);
      const { offset: start } = findStatement(text, offset);
      expect(start).toBeLessThanOrEqual(Math.max(offset, 0));
    }),
    cases(3_000),
  );
});
