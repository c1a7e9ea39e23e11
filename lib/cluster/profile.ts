// The times of a ring, and all that follows from them. One figure is chosen, the token; how soon a dead host is noticed, how long the mole's silence
// and lease have to be, and what an operator reads in the comments of the files, is computed from it here.
import { COROSYNC_ROUND_MS } from "../mole/detection.ts";
import { leastLeaseMs } from "../mole/times.ts";

/** How a ring is timed: by how good its network is, and how soon a take-over is wanted. */
export const PROFILES = ["lan", "fast", "wan"] as const;
export type Profile = (typeof PROFILES)[number];

/** What `mole` does when the network parts; its times differ by it. */
export type Mode = "available" | "safe";

export interface RingTimes {
  /** A token that is not back for so long is lost: the first half of noticing that a host is gone. */
  readonly tokenMs: number;
  /** How long the others then agree on a ring without it: the second half. */
  readonly consensusMs: number;
  /** How often a token is sent again before it counts as lost. */
  readonly retransmits: number;
  /** How long one round of agreeing waits for the others' answers. */
  readonly joinMs: number;
  /** What it is for, in a line. */
  readonly about: string;
}

/**
 * Retransmits are as many as corosync takes: it wants 30 ms at least between two of them. One host whose network loses packets, three in ten, costs all hosts a ring change every two seconds
 * with corosync's own 4, and none with these: a token is lost only if it was lost each time. `wan` has fewer, as an answer takes longer there. Consensus is corosync's own 1.2 times the token.
 */
const TIMES: Readonly<Record<Profile, RingTimes>> = {
  lan: {
    tokenMs: 300,
    consensusMs: 360,
    retransmits: 9,
    joinMs: 50,
    about: "hosts on one good network that also have other work to do",
  },
  fast: {
    tokenMs: 100,
    consensusMs: 120,
    retransmits: 3,
    joinMs: 50,
    about:
      "the soonest take-over; hosts that are never so busy that corosync waits 100 ms for a processor, on one switch",
  },
  wan: {
    tokenMs: 1_500,
    consensusMs: 1_800,
    retransmits: 8,
    joinMs: 200,
    about: "hosts in several places, up to some 100 ms apart",
  },
};

/**
 * How often a link's other end is asked whether it is there. libknet looks once in 200 ms (KNET_THREADS_TIMERES, libknet 1.25): shorter is not to be had, though corosync's own is a quarter
 * of the token.
 */
export const LINK_PING_MS = 200;
/** An answer that has not come for so long counts, as soon as knet has learnt that answers come soon. With less a link is given up for no reason every few seconds, and the ring with it. */
export const LINK_TIMEOUT_LEAST_MS = 3 * LINK_PING_MS;

/**
 * When a link is given up: after 15 questions, so that a network that loses a third of all packets is not. No ring waits for that: a host that is gone is noticed by the token, and what is sent
 * goes over all links. What is cut off for less is met again at once, as a link that was given up is used again only behind two answers.
 */
export const linkTimeoutMs = ({ tokenMs }: Pick<RingTimes, "tokenMs">): number => Math.max(15 * LINK_PING_MS, tokenMs);

export const timesOf = (profile: Profile): RingTimes => TIMES[profile];

/** From a host's last packet to the others' ring without it. Seen: 665 ms for `lan`, 200 for `fast`, 3,190 for `wan`; never more than this. */
export function detectionMs({ tokenMs, consensusMs }: Pick<RingTimes, "tokenMs" | "consensusMs">): number {
  return tokenMs + consensusMs + COROSYNC_ROUND_MS;
}

/** How long a host may be mute beyond changes of the ring before others act on it: late beats of a busy host are no death. */
const SILENCE_MARGIN_MS = 250;
/** `safe` outlives two ring changes in a row: outside for nothing, a vip is dark for seconds there. */
const SAFE_MARGIN_MS = 200;

export interface MoleTimes {
  readonly silenceMs: number;
  readonly leaseMs: number;
}

/**
 * The mole's times that go with a ring's. A host that hears nothing and is heard, or whose network delays or loses much, has the others agree twice before they have a ring without it: a silence
 * that is shorter than that has all of them, sound as they are, give up what they hold (seen with `detection` + 250 ms: everything dark for as long as one host's cable was bad).
 */
export function moleTimes(times: RingTimes, mode: Mode): MoleTimes {
  const detection = detectionMs(times);
  const agreedTwice = detection + times.consensusMs + SILENCE_MARGIN_MS;
  const least = mode === "safe" ? Math.max(2 * detection + SAFE_MARGIN_MS, agreedTwice) : agreedTwice;
  const silenceMs = Math.ceil(least / 50) * 50;
  return { silenceMs, leaseMs: leastLeaseMs(silenceMs) };
}

/** How long spreadd waits for its own messages before corosync counts as dead: three changes of the ring in a row, at least 2 s. */
export function spreaddSilenceMs(times: RingTimes): number {
  return Math.max(2_000, Math.ceil((3 * detectionMs(times)) / 1_000) * 1_000);
}
