import { expect, test } from "bun:test";
import type { MonotonicMs } from "../../lib/base/brand.ts";
import { TalkLimit } from "../../lib/spreadd/talk-limit.ts";

const at = (ms: number) => ms as MonotonicMs;

test("so many lines are said in a stretch, and the rest is counted before the next one", () => {
  const limit = new TalkLimit(2, 1_000, at(0));
  const said = [0, 1, 2, 3, 999].flatMap((ms) => limit.say(`line at ${ms}`, at(ms)));
  expect(said).toEqual(["line at 0", "line at 1"]);
  expect(limit.say("line at 1000", at(1_000))).toEqual([
    "3 more lines on clients that were refused or closed",
    "line at 1000",
  ]);
  expect(limit.rest()).toEqual([]);
});

test("nothing is lost at the end: each line was said or is counted", () => {
  const limit = new TalkLimit(5, 100, at(0));
  let told = 0;
  const count = (line: string) => (told += Number(/^(\d+) more/.exec(line)?.[1] ?? 1));
  for (let ms = 0; ms < 1_000; ms += 3) limit.say("line", at(ms)).forEach(count);
  limit.rest().forEach(count);
  expect(told).toBe(334);
});
