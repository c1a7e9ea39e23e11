import { describe, expect, test } from "bun:test";
import { matchesName, tryIncludePattern } from "../../lib/config/include.ts";

describe("a pattern", () => {
  for (const { pattern, name, matches } of [
    { pattern: "*.toml", name: "a.toml", matches: true },
    { pattern: "*.toml", name: ".toml", matches: false },
    { pattern: "*.toml", name: ".a.toml", matches: false },
    { pattern: ".*", name: ".a.toml", matches: true },
    { pattern: "*.toml", name: "a.toml~", matches: false },
    { pattern: "*.toml", name: "a.tomla.toml", matches: true },
    { pattern: "a?c", name: "abc", matches: true },
    { pattern: "a?c", name: "ac", matches: false },
    { pattern: "a[b]", name: "a[b]", matches: true },
    { pattern: "a**b*", name: "a1b", matches: true },
    { pattern: "a", name: "A", matches: false },
    { pattern: "*a*a*a*a*a*a*b", name: "a".repeat(200), matches: false },
  ])
    test(`${pattern} ${matches ? "matches" : "does not match"} ${name.slice(0, 20)}`, () =>
      expect(matchesName(pattern, name)).toBe(matches));
  test("has its wildcards in the last part only", () => {
    expect(tryIncludePattern("more/*.toml")).toEqual({ directory: "more/", name: "*.toml", hasWildcard: true });
    expect(tryIncludePattern("a.toml")).toEqual({ directory: "", name: "a.toml", hasWildcard: false });
    expect(tryIncludePattern("*/a.toml")).toBeUndefined();
    expect(tryIncludePattern("more/")).toBeUndefined();
  });
});
