// What `cluster watch` says of a state that has ended.
import { expect, test } from "bun:test";
import { formerly } from "../../lib/cluster/changes.ts";

for (const [was, afterMs, told] of [
  ["serves", 2_480, ", was serving for 2.5s"],
  ["answers", 75_400, ", was answering for 1m15s"],
  ["out", 40, ", was out for 40ms"],
  ["up", undefined, ""],
] as const)
  test(`"${was}" for ${afterMs} ms is told as "${told}"`, () => {
    expect(formerly({ what: "spreadd here", was, is: "silent", afterMs })).toBe(told);
  });
