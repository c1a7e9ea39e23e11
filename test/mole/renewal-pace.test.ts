import { describe, expect, test } from "bun:test";
import { RenewalPace } from "../../lib/mole/renewal-pace.ts";

/** Leased for 2 s at 0. */
const fresh = { leaseEndMs: 2_000, leaseMs: 2_000, renewedAtMs: 0 };
const FAR = 1_000;

describe("leases are lengthened", () => {
  for (const { claim, one = fresh, leaseMs = 2_000, notAfterMs = FAR, nowMs, due } of [
    { claim: "not with the next beat", nowMs: 100, due: false },
    { claim: "with the one after", nowMs: 200, due: true },
    { claim: "at once where the length is another", leaseMs: 3_000, nowMs: 1, due: true },
    { claim: "at once where there was none", one: { ...fresh, leaseMs: undefined }, nowMs: 1, due: true },
    { claim: "before they would end while renewals may come", notAfterMs: 1_651, nowMs: 1, due: true },
    { claim: "not for a reserve that is there", notAfterMs: 1_650, nowMs: 1, due: false },
  ])
    test(claim, () => expect(new RenewalPace().isDue([one], leaseMs, notAfterMs, nowMs)).toBe(due));

  test("never where there are none to be", () => {
    const endless = { leaseEndMs: Number.POSITIVE_INFINITY, leaseMs: undefined, renewedAtMs: 0 };
    expect(new RenewalPace().isDue([endless], undefined, Number.POSITIVE_INFINITY, 10_000)).toBe(false);
  });

  test("all of them when one is due", () => {
    const old = { ...fresh, renewedAtMs: -200 };
    expect(new RenewalPace().isDue([fresh, old], 2_000, FAR, 1)).toBe(true);
  });

  /** When a hundred are due that cost so much each. */
  const firstDueMs = (pace: RenewalPace) => {
    const hundred = Array.from({ length: 100 }, () => fresh);
    return Array.from({ length: 2_000 }, (_, ms) => ms).find((ms) => pace.isDue(hundred, 2_000, FAR, ms));
  };

  test("more rarely where they are dear: a quarter of a percent of a core, by the middle one of the last", () => {
    const pace = new RenewalPace();
    for (let times = 0; times < 4; times++) pace.note(100, 1, 100 * 0.02);
    expect(firstDueMs(pace)).toBe(800);
    pace.note(100, 1, 100 * 5); // once
    expect(firstDueMs(pace)).toBe(800);
  });

  test("sooner where the last ones did not begin together", () => {
    const pace = new RenewalPace();
    pace.note(100, 15, 0);
    expect(firstDueMs(pace)).toBe(75);
    pace.note(100, 14, 0);
    expect(firstDueMs(pace)).toBe(150);
  });
});
