// A clock that processes of one host share and that can be read for every message: the monotonic clock costs a system call, `performance.now` does not,
// and both run alike.
import type { MonotonicMs } from "../../base/brand.ts";
import { type Clock, systemClock } from "../../run/clock.ts";

const offsetMs = measureOffset();

/** Milliseconds of the host's monotonic clock. */
export const sharedMs = (): MonotonicMs => (performance.now() + offsetMs) as MonotonicMs;

/** The same in microseconds, modulo 2^32, as a body carries it. */
export const microsOf = (ms: number): number => (ms * 1_000) | 0;

/** For sessions: they ask for the time whenever bytes come. */
export const sharedClock: Clock = { wallMs: () => systemClock.wallMs(), monotonicMs: sharedMs };

/** Between two readings the process may have lost the processor: of some tries, the one that took the least time. */
function measureOffset(): number {
  let offset = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 32; tries++) {
    const before = performance.now();
    const middle = systemClock.monotonicMs();
    const after = performance.now();
    if (after - before >= least) continue;
    least = after - before;
    offset = middle - (before + after) / 2;
  }
  return offset;
}
