// What one bench does, and the window that keeps it from drowning its own readers. Pure.
import type { GroupName } from "../spread/names.ts";
import type { ServiceType } from "../spread/service.ts";

export interface BenchPlan {
  readonly group: GroupName;
  readonly senders: number;
  readonly receivers: number;
  readonly bytes: number;
  readonly service: ServiceType;
  /** Of each sender; infinite where the time ends it. */
  readonly messages: number;
  /** Infinite where the number of messages ends it. */
  readonly durationMs: number;
  /** Messages of all senders together that may be on the way; 0: no window, as fast as the daemon reads. */
  readonly window: number;
  /** Differs from run to run: `markOf`. */
  readonly run: number;
}

/** A reader of the real daemon is thrown out when it is 1,000 messages behind (MaxSessionMessages): this many can never be. */
export const DEFAULT_WINDOW = 800;

/** How often a receiver tells how far it is: often enough that no sender stands still for want of an answer. */
export function progressEvery(plan: BenchPlan): number {
  return plan.window === 0 ? 4_096 : Math.max(1, Math.floor(shareOf(plan) / 4));
}

/** One sender's part of the window. */
export function shareOf(plan: BenchPlan): number {
  return Math.max(1, Math.floor(plan.window / plan.senders));
}

/**
 * How far each sender may go: its part of the window beyond what the slowest receiver has of it. Because no receiver ever lacks more than the window
 * of what was sent, no daemon ever has more than that waiting for it.
 */
export class BenchCredits {
  readonly #received: Float64Array[];
  readonly #share: number;

  constructor(private readonly plan: BenchPlan) {
    this.#received = Array.from({ length: plan.receivers }, () => new Float64Array(plan.senders));
    this.#share = plan.window === 0 || plan.receivers === 0 ? Number.POSITIVE_INFINITY : shareOf(plan);
  }

  /** A receiver has so many of a sender. */
  progress(receiver: number, sender: number, received: number): void {
    this.#received[receiver]![sender] = received;
  }

  /** How many messages the sender may have sent in all. */
  limit(sender: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const received of this.#received) least = Math.min(least, received[sender]!);
    return Math.min(this.plan.messages, least + this.#share);
  }
}
