// What can happen to a simulated cluster, and when: a history is a cluster and a list of these.
import type { ClusterOptions } from "./cluster.ts";

/** Something happens to a host (`host` counts modulo the hosts there are) at a time after the start of the faults, and passes after `forMs` where it does. */
export interface Fault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly host: number;
  readonly forMs: number;
  /** What else it takes: a vip, an island mask, another host. */
  readonly with: number;
  /** Not at that time, but at the first moment from then on at which this happens to any host: what goes wrong in a window of a millisecond, chance does not hit. */
  readonly on?: Moment;
}

/** Steps of the protocol that a fault can be aimed at. */
export const MOMENTS = [
  "view",
  "transitional",
  "state",
  "table",
  "answer",
  "facts",
  "move",
  "expel",
  "listed",
  "maintenance",
  "maintained",
  "leased",
  "connect",
  "acquire",
  "release",
] as const;
export type Moment = (typeof MOMENTS)[number];

export const FAULT_KINDS = [
  "kill",
  "kill hard",
  "crash",
  "freeze",
  "freeze daemon",
  "kill daemon",
  "part",
  "kick",
  "slow driver",
  "slow delivery",
  "slow sending",
  "can't acquire",
  "drain",
  "move",
  "health",
  "carrier",
  "reweigh",
  "rename",
  "undefine",
  "relist",
  "stranger",
  "stop",
  "balance",
  "maintenance",
  "maintenance off",
  "forget",
  "islands",
  "relist many",
  "retime",
  "full disk",
  "kill others",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface History {
  readonly seed: number;
  readonly cluster: ClusterOptions;
  readonly faults: readonly Fault[];
  /** What is not put right at the end: the others must come to rest beside it. */
  readonly left: Left;
}

export type Left =
  | "nothing"
  | "frozen process"
  | "frozen daemon"
  | "stranger"
  | "flapping stranger and frozen process"
  | "parted";

/** Hosts are A, B, C, in order. */
export function letter(host: number): string {
  return String.fromCharCode(65 + host);
}
