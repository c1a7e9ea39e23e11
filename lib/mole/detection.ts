// How soon a group service notices that a host is gone, by its own configuration.
import type { Timeouts } from "../spread/spread-conf-options.ts";
import type { Detection } from "./readiness.ts";

/** Beside the timeouts themselves: the rounds in which the others agree (the real daemon took 2.5 to 2.9 s with 1,250 + 1,250). */
const SPREAD_ROUNDS_MS = 400;

/** The real Spread daemon: the token's timeout, then the gathering of who is left. */
export function spreadDetection({ Token, Gather }: Timeouts, from: string): Detection {
  return { ms: Token + Gather + SPREAD_ROUNDS_MS, from };
}

/** corosync 3: what it takes where nothing is said. */
const COROSYNC_TOKEN_MS = 3_000;
const COROSYNC_COEFFICIENT_MS = 650;
const CONSENSUS_OF_TOKEN = 1.2;
/** Beside token and consensus: the round in which those who are left agree. */
export const COROSYNC_ROUND_MS = 5;

/** By a corosync.conf: token and consensus. Each node over two adds its coefficient to the token. */
export function corosyncDetection(conf: string, from: string): Detection {
  const figure = (name: string) => {
    const found = new RegExp(`^[ \\t]*${name}[ \\t]*:[ \\t]*(\\d+)`, "m").exec(conf)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const nodes = conf.match(/^[ \t]*node[ \t]*\{/gm)?.length ?? 0;
  const coefficient = figure("token_coefficient") ?? COROSYNC_COEFFICIENT_MS;
  const token = (figure("token") ?? COROSYNC_TOKEN_MS) + Math.max(0, nodes - 2) * coefficient;
  return { ms: token + (figure("consensus") ?? CONSENSUS_OF_TOKEN * token) + COROSYNC_ROUND_MS, from };
}
