import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fulfils, type Required, requiredOf } from "../../lib/archive/required.ts";
import { cases } from "../support/fuzz.ts";

const text = (required: Required): string => {
  switch (required.is) {
    case "anything":
      return "*";
    case "text":
      return JSON.stringify(required.text);
    case "all":
      return required.of.map(text).join(" and ");
    case "any":
      return `(${required.of.map(text).join(" or ")})`;
  }
};

describe("what a text must hold", () => {
  for (const [pattern, required] of [
    [/timeout/u, '"timeout"'],
    [/^user=1234 $/u, '"user=1234 "'],
    [/conn(ection)? (refused|reset) by peer/u, '"conn" and " " and ("refused" or "reset") and " by peer"'],
    [/a+bc/, '"a" and "abc"'],
    [/ab{3}c/, '"abbbc"'],
    [/ab{0,3}c/, '"a" and "c"'],
    [/(foo|bar)?baz/, '"baz"'],
    [/foo|b.*/, '("foo" or "b")'],
    [/foo|.*/, "*"],
    [/\bid=\d+\b/u, '"id="'],
    [/10\.0\.0\.1/, '"10.0.0.1"'],
    [/[x]y[a-z]z/, '"xy" and "z"'],
    [/(?=foo)bar(?!baz)/, '"bar"'],
    [/(?<name>abc)\k<name>d/u, '"abc" and "d"'],
    [/\x41\u0042\u{43}/u, '"ABC"'],
    [/Timeout/i, '"Timeout"'],
    [/task/iu, '"ta"'],
    [/größe/u, '"größe"'],
    [/größe/iu, '"gr" and "e"'],
    [/\d+/, "*"],
    [/a{,3}b/, '"a{,3}b"'],
  ] as const)
    test(`${pattern}`, () => expect(text(requiredOf(pattern))).toBe(required));
});

const literal = fc.stringMatching(/^[a-cK \-=.ſß1]{1,3}$/).map((one) => one.replace(/[.-]/g, "\\$&"));
const atom = fc.oneof(
  literal,
  fc.constantFrom(
    ".",
    "\\d",
    "\\w",
    "\\s",
    "[a-c]",
    "[^b]",
    "[b]",
    "[\\]a]",
    "\\b",
    "^",
    "$",
    "\\x61",
    "\\u0062",
    "\\0",
  ),
);
const { expression } = fc.letrec<{ expression: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { depthSize: "small" },
    atom,
    fc
      .tuple(fc.constantFrom("(", "(?:", "(?<n>", "(?=", "(?!", "(?<="), tie("expression"))
      .map(([open, inner]) => `${open}${inner})`),
  ),
  expression: fc
    .array(
      fc.oneof(
        fc
          .tuple(tie("piece"), fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0}", "+?"))
          .map(([piece, sign]) => `${piece}${sign}`),
        fc.constantFrom("|"),
      ),
      { maxLength: 5 },
    )
    .map((parts) => parts.join("")),
}));

test("no text that matches lacks what is required", () => {
  let matched = 0;
  fc.assert(
    fc.property(
      expression,
      fc.constantFrom("", "u", "i", "iu"),
      fc.array(fc.stringMatching(/^[a-cK kſßA\-=.1]{0,12}$/), { minLength: 20, maxLength: 20 }),
      (source, flags, texts) => {
        let pattern: RegExp;
        try {
          pattern = new RegExp(source, flags);
        } catch {
          return; // "(?<n>a)(?<n>b)", "^*": not all that is made is one
        }
        const required = requiredOf(pattern);
        for (const one of texts) {
          if (!pattern.test(one)) continue;
          matched += 1;
          expect({ pattern: `${pattern}`, one, holds: fulfils(required, one, pattern.ignoreCase) }).toEqual({
            pattern: `${pattern}`,
            one,
            holds: true,
          });
        }
      },
    ),
    cases(3_000),
  );
  expect(matched).toBeGreaterThan(1_000);
});
