// How long things take, and how long others must wait for them (the model, section 5). All in milliseconds.
//
// The leases of a host end at most silence + lease + LATE_END_MS after the *sending* of the last of its beats that came back to it: only so long
// may it renew, so long lives the last renewal, so late may the kernel be. Whoever waits longer than that from a moment at which the beat had been
// delivered may take the host's addresses. In `safe` a departed host may be one whose daemon froze with the token in its hand: it wakes up to
// `silence` later and delivers a last burst in the old view, beats among it, and may renew for another `silence`.

/** The kernel ends a lease up to this late (measured on Linux 6.18). */
export const LATE_END_MS = 200;
/** What every wait is longer than it need be, for scheduling and for clocks that run at different rates. */
export const MARGIN_MS = 500;

export interface Times {
  /** Between two beats. */
  readonly beatMs: number;
  /** How long a host may be silent, and how old the youngest beat that came back to oneself may be. */
  readonly silenceMs: number;
  /** The kernel's lifetime of a held address. Whole seconds. */
  readonly leaseMs: number;
  /** After a cold start nothing is taken for so long, that all may come first. */
  readonly maturityMs: number;
  /** A host that comes back gets nothing from a live holder for so long; doubled each time it flaps. */
  readonly holdDownMs: number;
  /** The group has to be calm for so long before it balances, and between two moves. */
  readonly calmMs: number;
  /** By how much clocks may drift apart over one wait (`safe` only). */
  readonly clockBoundMs: number;
}

export const DEFAULT_TIMES: Times = {
  beatMs: 100,
  silenceMs: 500,
  leaseMs: 2_000,
  maturityMs: 3_000,
  holdDownMs: 5_000,
  calmMs: 2_000,
  clockBoundMs: 100,
};

/** The shortest lease that goes with a silence: longer than it by the margin, whole seconds, at least 2. */
export function leastLeaseMs(silenceMs: number): number {
  return Math.max(2_000, Math.ceil((silenceMs + MARGIN_MS) / 1_000) * 1_000);
}

/** The shortest maturity: by then all that was held before has ended. */
export function leastMaturityMs(silenceMs: number, leaseMs: number): number {
  return silenceMs + leaseMs + MARGIN_MS;
}

/** The two times that all must know of each other: the longest that any member has told are used. */
export interface Bounds {
  readonly silenceMs: number;
  readonly leaseMs: number;
}

/** How long an expelled host may hold, from the delivery of its last beat. */
export function expelledWaitMs({ silenceMs, leaseMs }: Bounds): number {
  return silenceMs + leaseMs + MARGIN_MS;
}

/** How long a departed host may hold in `safe`, from the delivery of the view without it. */
export function departedWaitMs({ silenceMs, leaseMs }: Bounds, clockBoundMs: number): number {
  return 2 * silenceMs + leaseMs + MARGIN_MS + clockBoundMs;
}

/** A session that ends sooner was none that worked: the host comes back the later, the more of them there were in a row. */
export const SHORT_LIFE_MS = 3_000;

/** How long a host stays away after so many short sessions in a row. */
export function awayMs(shortLives: number): number {
  return shortLives === 0 ? 0 : Math.min(10_000, 100 * 2 ** (shortLives - 1));
}

/** After the n-th failure in a row to acquire a vip its host leaves it alone for so long. */
export function refusalMs(failures: number): number {
  return Math.min(300_000, 5_000 * 2 ** (failures - 1));
}
