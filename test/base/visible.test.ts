import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import { visible } from "../../lib/base/visible.ts";
import { cases } from "../support/fuzz.ts";

for (const [text, shown] of [
  ["plain text, ü and 漢", "plain text, ü and 漢"],
  ["two\nlines\r", "two\\nlines\\r"],
  ["\x1b]0;pwned\x07\x1b[31m", "\\x1b]0;pwned\\x07\\x1b[31m"],
  ["\x9b2J", "\\x9b2J"],
  ["a\u202eb", "a\\u202eb"],
] as const) {
  test(`${JSON.stringify(text)} is shown as ${shown}`, () => expect(visible(text)).toBe(shown));
}

test("whatever a fault tells of, its message is one line that drives no terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(new Fault("protocol", "x", `found ${text}`).message).not.toMatch(
        /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/,
      );
    }),
    cases(2_000),
  );
});
