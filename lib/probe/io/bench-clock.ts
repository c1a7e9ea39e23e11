// A clock that processes of one host share and that can be read for every message: the monotonic clock costs a system call, `performance.now` does not,
// and both run alike.
import type { MonotonicMs } from "../../base/brand.ts";
import { type Clock, systemClock } from "../../run/clock.ts";

const offsetMs = systemClock.monotonicMs() - performance.now();

/** Milliseconds of the host's monotonic clock. */
export const sharedMs = (): MonotonicMs => (performance.now() + offsetMs) as MonotonicMs;

/** The same in microseconds, modulo 2^32, as a body carries it. */
export const microsOf = (ms: number): number => (ms * 1_000) | 0;

/** For sessions: they ask for the time whenever bytes come. */
export const sharedClock: Clock = { wallMs: () => systemClock.wallMs(), monotonicMs: sharedMs };
