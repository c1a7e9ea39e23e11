// How often leases are lengthened. Pure: the driver tells it what each renewal took.
//
// Not with every call, ten times a second, but in every second one: the younger a lease is when the process stops, the longer the address still answers while the others
// wait. Where that would cost more than RENEWAL_SHARE of a core, more rarely; but always before a lease could end, as it is, before renewals have to end (`notAfterMs`) and
// a reserve after that.
//
// IPv6 is dearer than IPv4, 10 to 20 us an address among a hundred instead of 2 to 6: the kernel (6.18) answers each request that names a device by joining all of the device's multicast
// groups anew (ipv6_find_idev, ipv6_mc_up), one for each IPv6 address, and looks through all IPv6 addresses for the next to end. Nothing in a request keeps it from that. It also
// makes it report its groups to the network, some three packets a second.

/** What has to be left of a lease when renewals have to end: a few beats, that one may be late. */
const LEASE_RESERVE_MS = 350;
/** Beats are a tenth of a second apart, give or take. */
const RENEW_EVERY_MS = 150;
/** Of one core's time, inside of the call; a fifth of that again goes to what it sets off in the kernel's own threads. */
const RENEWAL_SHARE = 0.0025;
/**
 * The kernel looks for ended leases at most once a second, and takes what ends within 20 ms of another with it. So leases that begin further apart, because the write was held
 * up, could end a second late: they are brought into step after half of the time. Not at once: on a machine that is so busy that each write is held up, that would be with every
 * call.
 */
const IN_STEP_MS = 15;
/** The middle one of the last renewals tells what one costs. */
const COSTS_KEPT = 8;

/** What is leased, as it stands. Times by CLOCK_BOOTTIME. */
export interface Leased {
  /** Infinite where there is no lease. */
  readonly leaseEndMs: number;
  readonly leaseMs: number | undefined;
  readonly renewedAtMs: number;
}

export class RenewalPace {
  /** Of one vip, by the last renewals: processor time, so that it says the same on a busy machine. */
  readonly #costsMs: number[] = [];
  #isInStep = true;

  /** Whether these are to be renewed now, all of them: then they end together. A lease that is put on, lifted or of another length than before is always due. */
  isDue(all: readonly Leased[], leaseMs: number | undefined, notAfterMs: number, nowMs: number): boolean {
    const usualMs = Math.max(RENEW_EVERY_MS, (all.length * medianOf(this.#costsMs)) / RENEWAL_SHARE);
    const everyMs = this.#isInStep ? usualMs : usualMs / 2;
    return all.some((one) => {
      if (one.leaseMs !== leaseMs) return true;
      if (leaseMs === undefined) return false;
      return one.leaseEndMs < notAfterMs + LEASE_RESERVE_MS || one.renewedAtMs + everyMs <= nowMs;
    });
  }

  /** So many were renewed. @param tookMs by the wall @param usedMs of a processor */
  note(count: number, tookMs: number, usedMs: number): void {
    this.#isInStep = tookMs < IN_STEP_MS;
    this.#costsMs.push(usedMs / count);
    if (this.#costsMs.length > COSTS_KEPT) this.#costsMs.shift();
  }
}

/** 0 of none. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
