import { expect, test } from "bun:test";
import { firstMerged } from "./merged-view.ts";

const line = (atMs: number, what: string) => ({ atMs, what });
const alone = line(1_000, "< view 1:2:3 by network: #m1#c; together: #m1#c");
const parted = line(1_010, "< view 1:2:4 by network: #m1#a #m1#b; together: #m1#a #m1#b");
const joined = line(1_500, "< view 1:2:4.1 by join: #m1#a #m1#b #m2#b; together: #m1#a #m1#b");
const merged = line(2_030, "< view 1:3:5 by network: #m1#a #m1#b #m1#c; together: #m1#a #m1#b");
const seenFirst = line(2_020, "< view 1:3:5 by network: #m1#a #m1#b #m1#c; together: #m1#c");

for (const { claim, lines, sinceMs, atMs } of [
  {
    claim: "the earliest that any host had",
    lines: [alone, parted, joined, merged, seenFirst],
    sinceMs: 0,
    atMs: 2_020,
  },
  { claim: "one of before does not count", lines: [seenFirst, merged], sinceMs: 2_025, atMs: 2_030 },
  { claim: "a part, or one who joins, is no merge", lines: [alone, parted, joined], sinceMs: 0, atMs: undefined },
])
  test(`first merged view: ${claim}`, () => expect(firstMerged(lines, sinceMs)).toBe(atMs));
