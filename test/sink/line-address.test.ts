import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LineAddress, parseGroupPattern } from "../../lib/sink/line-address.ts";
import { isGroupName } from "../../lib/spread/names.ts";
import { cases } from "../support/fuzz.ts";

/** Group and text of each line. */
function addressed(pattern: string, lines: readonly string[], wordsMax = 100): [string, string][] {
  const address = new LineAddress<string>(parseGroupPattern(pattern), wordsMax, (name) => name);
  return lines.map((line) => {
    const bytes = new TextEncoder().encode(`..${line}..`);
    const end = bytes.length - 2;
    const group = address.find(bytes, 2, end);
    return [group, new TextDecoder().decode(bytes.subarray(address.textStart, end))];
  });
}

for (const { name, pattern, line, group, text } of [
  { name: "a plain name takes all of the line", pattern: "log.cron", line: "a b c", group: "log.cron", text: "a b c" },
  {
    name: "the first word becomes part of the name",
    pattern: "www.%{vhost}",
    line: "a.example GET /",
    group: "www.a.example",
    text: "GET /",
  },
  { name: "in the midst of it", pattern: "www.%{v}.log", line: "a b", group: "www.a.log", text: "b" },
  { name: "all of it", pattern: "%{v}", line: "a b", group: "a", text: "b" },
  {
    name: "a tab ends a word too, and only one separator goes",
    pattern: "w.%{v}",
    line: "a\t  b",
    group: "w.a",
    text: "  b",
  },
  { name: "no word is a minus", pattern: "w.%{v}", line: " b", group: "w.-", text: "b" },
  { name: "a word alone leaves no text", pattern: "w.%{v}", line: "a", group: "w.a", text: "" },
  { name: "what Spread refuses is mapped", pattern: "w.%{v}", line: "a#b\x01\xe4 c", group: "w.a_b__", text: "c" },
])
  test(name, () => expect(addressed(pattern, [line])).toEqual([[group, text]]));

for (const pattern of ["", "a b", "www.%{a}.%{b}", "a#%{v}", `${"x".repeat(513)}%{v}`])
  test(`${JSON.stringify(pattern)} is no group`, () => expect(() => parseGroupPattern(pattern)).toThrow());

test("words that are long and alike to their end have groups of their own", () => {
  const words = ["a", "b"].map((tail) => `${"long-host.".repeat(24)}${tail}`);
  const [one, other] = addressed("www.%{v}", words);
  expect(one![0]).not.toBe(other![0]);
});

describe("whatever the word is", () => {
  test("the name is one that Spread takes, and the same each time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (word) => {
        const [first, second] = addressed("www.%{v}", [`${word} x`, `${word} x`]).map(([group]) => group);
        expect(isGroupName(first!)).toBe(true);
        expect(second).toBe(first!);
      }),
      cases(300),
    );
  });
});

test("words beyond the bound share one group, and those before it keep theirs", () => {
  const lines = ["a 1", "b 2", "c 3", "d 4", "a 5"];
  expect(addressed("w.%{v}", lines, 2).map(([group]) => group)).toEqual(["w.a", "w.b", "w.~other", "w.~other", "w.a"]);
});
