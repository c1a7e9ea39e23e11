// The clocks. Time is an argument everywhere else.

import type { MonotonicMs } from "../base/brand.ts";
import { address, libc } from "../linux/libc.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_THREAD_CPUTIME_ID = 3;
const CLOCK_BOOTTIME = 7;

export interface Clock {
  /** Milliseconds since 1970, UTC, as far as the host knows; it may jump. */
  wallMs(): number;
  /** Milliseconds since the host was started, without those it slept: the same in every process, only ever forward. */
  monotonicMs(): MonotonicMs;
}

const time = new BigInt64Array(2);

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  // performance.now() counts from the process's start, of no use between processes
  monotonicMs: () => readMs(CLOCK_MONOTONIC),
};

/** As `monotonicMs`, but it goes on while the host sleeps (CLOCK_BOOTTIME): what leases and silences are judged by. */
export const bootMs = (): MonotonicMs => readMs(CLOCK_BOOTTIME);

/** What this thread has had of a processor so far, the kernel's work in its system calls included (CLOCK_THREAD_CPUTIME_ID). */
export const threadCpuMs = (): number => readMs(CLOCK_THREAD_CPUTIME_ID);

function readMs(clock: number): MonotonicMs {
  libc().clock_gettime(clock, address(time));
  return (Number(time[0]) * 1_000 + Number(time[1]) / 1e6) as MonotonicMs;
}
