// Waits against what they wait for: how long a host may hold after the last that others heard of it, at worst (the model, section 5).
import { expect, test } from "bun:test";
import { departedWaitMs, expelledWaitMs, LATE_END_MS, leastLeaseMs, leastMaturityMs } from "../../lib/mole/times.ts";

const CLOCK_BOUND_MS = 100;

for (const silenceMs of [500, 700, 1_000, 3_500]) {
  const leaseMs = leastLeaseMs(silenceMs);
  test(`silence ${silenceMs} ms: each wait is longer than who is waited for may hold`, () => {
    // It renews while its youngest beat that came back was sent less than silence ago; the last lease runs from there, and ends late.
    const heldMs = silenceMs + leaseMs + LATE_END_MS;
    expect(expelledWaitMs({ silenceMs, leaseMs })).toBeGreaterThan(heldMs);
    // Whose daemon froze with the token in its hand hears its own beats, once, up to silence after the others have gone on; and its clock may be slow.
    expect(departedWaitMs({ silenceMs, leaseMs }, CLOCK_BOUND_MS)).toBeGreaterThan(silenceMs + heldMs + CLOCK_BOUND_MS);
    expect(leastMaturityMs(silenceMs, leaseMs)).toBeGreaterThan(heldMs);
  });

  test(`silence ${silenceMs} ms: a lease outlives it by half a second, in whole seconds, and is two at least`, () => {
    expect(leaseMs % 1_000).toBe(0);
    expect(leaseMs).toBeGreaterThanOrEqual(Math.max(2_000, silenceMs + 500));
    expect(leaseMs).toBeLessThan(Math.max(2_001, silenceMs + 1_500));
  });
}
