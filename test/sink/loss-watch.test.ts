// When a loss during an outage is told: the first, then once an hour.
import { expect, test } from "bun:test";
import { LossWatch } from "../../lib/sink/loss-watch.ts";

test("the first loss of an outage is told, the next after an hour, and the first of another outage at once", () => {
  const watch = new LossWatch();
  expect([0, 1, 3_599_999, 3_600_000, 3_600_001].map((nowMs) => watch.isDue(nowMs))).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
  watch.reset();
  expect([3_600_002, 3_600_003].map((nowMs) => watch.isDue(nowMs))).toEqual([true, false]);
});
