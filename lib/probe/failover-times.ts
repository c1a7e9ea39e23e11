// What the nine timeouts of a spread.conf mean for those who depend on the group.
//
// A host that is gone is noticed when the token stays away (Token; on an idle ring the token was last seen up to Hurry ago); then each
// daemon asks who is alive in its segment (Seg), the first of them gathers the others (Gather), and a new ring is formed, which
// takes milliseconds. Measured with the LAN defaults: 2.53 to 2.88 s where this says 2.5 to 3 s; with all timeouts a fifth 0.51 to 0.62 s
// where it says 0.5 to 0.6 s. A first ring costs Seg + Gather: 1.75 s, measured 1.75 s. Two rings that could be one find each other when a
// leader looks around (Lookup), and gather then: measured 16 to 30 s where this says up to 31.3 s.
import type { Timeouts } from "../spread/spread-conf-options.ts";

/** Milliseconds from the cause until every client has its new views. */
export interface FailoverTimes {
  readonly lostHostLeastMs: number;
  readonly lostHostMostMs: number;
  readonly firstRingMs: number;
  readonly mergeMostMs: number;
}

export function failoverTimes(timeouts: Timeouts): FailoverTimes {
  const lostHostMostMs = timeouts.Token + timeouts.Seg + timeouts.Gather;
  return {
    lostHostLeastMs: lostHostMostMs - Math.min(timeouts.Hurry, timeouts.Token),
    lostHostMostMs,
    firstRingMs: timeouts.Seg + timeouts.Gather,
    mergeMostMs: timeouts.Lookup + timeouts.Gather,
  };
}

/** Timeouts that work against each other, each as one line. */
export function timeoutConflicts(timeouts: Timeouts): readonly { readonly option: string; readonly message: string }[] {
  const { Token, Hurry, Alive, Join, Rep, Seg, Gather } = timeouts;
  const conflicts: { option: string; message: string }[] = [];
  const must = (holds: boolean, option: string, message: string) => {
    if (!holds) conflicts.push({ option: `${option}Timeout`, message });
  };
  must(
    2 * Hurry <= Token,
    "Hurry",
    `HurryTimeout is ${Hurry} ms of ${Token} ms TokenTimeout: on an idle ring one lost token packet breaks the ring; at most half of it is safe`,
  );
  must(
    2 * Alive <= Seg,
    "Alive",
    `AliveTimeout is ${Alive} ms of ${Seg} ms SegTimeout: a daemon is heard once or not at all before the segment is counted; at most half of it is safe`,
  );
  must(
    2 * Join <= Rep,
    "Join",
    `JoinTimeout is ${Join} ms of ${Rep} ms RepTimeout: one lost packet makes a daemon leave its representative; at most half of it is safe`,
  );
  must(
    2 * Join <= Gather,
    "Join",
    `JoinTimeout is ${Join} ms of ${Gather} ms GatherTimeout: one lost packet leaves a daemon out of the ring; at most half of it is safe`,
  );
  must(
    Token >= 100,
    "Token",
    `TokenTimeout is ${Token} ms: a daemon that does not get the processor for so long breaks the ring; measured rings held with 250 ms`,
  );
  return conflicts;
}
