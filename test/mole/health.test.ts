import { describe, expect, test } from "bun:test";
import { type HealthState, illVips, newHealth, noteResult } from "../../lib/mole/health.ts";
import type { HealthTable } from "../../lib/mole/health-table.ts";

const check = (more: Partial<HealthTable> = {}): HealthTable => ({
  name: "x",
  interval: 1_000,
  timeout: 500,
  rise: 2,
  fall: 3,
  vips: undefined,
  ...more,
});

/** What "+-" results lead to: one letter each, W well, I ill. */
function after(results: string): string {
  let state: HealthState = newHealth(check(), 0);
  let said = "";
  for (const [at, result] of [...results].entries()) {
    state = noteResult(state, result === "+", "", at);
    said += state.isWell ? "W" : "I";
  }
  return said;
}

describe("a check turns ill after `fall` failures in a row, and well after `rise` successes", () => {
  for (const { name, results, said } of [
    { name: "two failures are no illness", results: "+--+--+", said: "WWWWWWW" },
    { name: "three are", results: "+---", said: "WWWI" },
    { name: "one success is no health", results: "+---+-+-", said: "WWWIIIII" },
    { name: "two are", results: "+---++", said: "WWWIIW" },
    { name: "the very first failure decides at once", results: "-", said: "I" },
    { name: "the very first success makes it as patient as ever", results: "+-", said: "WW" },
  ])
    test(name, () => expect(after(results)).toBe(said));
});

test("a vip is ill if any of its checks is, and a check without vips is every vip's", () => {
  const ill = (more: Partial<HealthTable>) => noteResult(newHealth(check(more), 0), false, "", 1);
  const well = (more: Partial<HealthTable>) => newHealth(check(more), 0);
  const vips = ["a", "b"];
  expect([...illVips([well({ vips: ["a"] }), ill({ vips: ["a"] })], vips)]).toEqual(["a"]);
  expect([...illVips([ill({})], vips)]).toEqual(["a", "b"]);
  expect([...illVips([well({})], vips)]).toEqual([]);
});
