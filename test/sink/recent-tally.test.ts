import { expect, test } from "bun:test";
import fc from "fast-check";
import { RecentTally } from "../../lib/sink/recent-tally.ts";
import { cases } from "../support/fuzz.ts";

test("it knows what was added within the window, and forgets what it told", () => {
  const tally = new RecentTally(1_000);
  tally.add(10_000, 5);
  tally.add(10_500, 7);
  expect(tally.take(10_800)).toBe(12);
  expect(tally.take(10_800)).toBe(0);
  tally.add(11_000, 1);
  expect(tally.take(20_000)).toBe(0);
});

test("it never forgets what is younger than seven eighths of the window, nor keeps what is older than it", () => {
  const adds = fc.array(fc.tuple(fc.nat(400), fc.nat(9)), { maxLength: 40 });
  fc.assert(
    fc.property(adds, fc.nat(2_000), (all, later) => {
      const tally = new RecentTally(800);
      const log: { atMs: number; records: number }[] = [];
      let nowMs = 0;
      for (const [passedMs, records] of all) {
        nowMs += passedMs;
        tally.add(nowMs, records);
        log.push({ atMs: nowMs, records });
      }
      nowMs += later;
      const since = (ms: number) => log.reduce((sum, { atMs, records }) => sum + (atMs > nowMs - ms ? records : 0), 0);
      const found = tally.take(nowMs);
      expect(found).toBeGreaterThanOrEqual(since(700));
      expect(found).toBeLessThanOrEqual(since(800));
    }),
    cases(300),
  );
});
