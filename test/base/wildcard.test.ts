import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hasWildcard, matchesWildcard, wildcard } from "../../lib/base/wildcard.ts";
import { cases } from "../support/fuzz.ts";

describe("a wildcard stands for", () => {
  for (const { pattern, name, is } of [
    { pattern: "log.*", name: "log.mail", is: true },
    { pattern: "log.*", name: "log.", is: true },
    { pattern: "log.*", name: "xlog.mail", is: false },
    { pattern: "log.*", name: "logxmail", is: false },
    { pattern: "*", name: "", is: true },
    { pattern: "l?g", name: "log", is: true },
    { pattern: "l?g", name: "lg", is: false },
    { pattern: "*.b.*.d", name: "a.b.b.c.d", is: true },
    { pattern: "*ab", name: "aab", is: true },
    { pattern: "[a]$", name: "[a]$", is: true },
    { pattern: "[a]", name: "a", is: false },
  ])
    test(`${pattern}: ${name}${is ? "" : ", no"}`, () => {
      expect(matchesWildcard(pattern, name)).toBe(is);
      expect(wildcard(pattern).test(name)).toBe(is);
    });
});

test("both ways to ask agree", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "?"), maxLength: 12 });
  fc.assert(
    fc.property(text, text, (pattern, name) => matchesWildcard(pattern, name) === wildcard(pattern).test(name)),
    cases(2_000),
  );
});

test("a pattern of stars costs no more than its length times the name's", () => {
  let steps = 0;
  const name = new Proxy(["a".repeat(512)], {
    get: (target, key) => {
      if (typeof key === "string" && /^\d+$/.test(key)) steps += 1;
      return Reflect.get(Object(target[0]), key);
    },
  });
  expect(matchesWildcard(`${"*a".repeat(120)}b`, name as unknown as string)).toBe(false);
  expect(steps).toBeLessThan(241 * 512);
});

test("a name without a star or a question mark is none", () => {
  expect([hasWildcard("log.mail"), hasWildcard("log.*"), hasWildcard("l?g")]).toEqual([false, true, true]);
});
