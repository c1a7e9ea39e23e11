import { expect, test } from "bun:test";
import { Refusals } from "../../lib/syslogd/refusals.ts";

test("the first refusal is told at once, those of the next minute together, and none twice", () => {
  const refusals = new Refusals();
  expect(refusals.add("a is not allowed", 0)).toBe("a is not allowed");
  expect(refusals.add("b is not allowed", 1_000)).toBeUndefined();
  expect(refusals.add("c is not allowed", 59_999)).toBeUndefined();
  expect(refusals.pending(59_999)).toBeUndefined();
  expect(refusals.pending(60_000)).toBe("c is not allowed; 2 in all since this was last told");
  expect(refusals.pending(600_000)).toBeUndefined();
  expect(refusals.add("d is not allowed", 600_000)).toBe("d is not allowed");
  expect(refusals.count).toBe(4);
});
