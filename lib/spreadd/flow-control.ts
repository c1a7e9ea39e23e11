// What happens when a client does not keep up. The real daemon queues 1,000 messages for it and then throws it out: at the speed of a local sender that is
// 6 ms, so a reader that misses a few turns of the scheduler is lost. Here a sender waits for its readers, as long as they are worth it:
//
// - A queue above the soft bound (a sixteenth of the hard one) makes its senders wait: just those who have sent to it, just until it is half as full.
// - A reader is worth waiting for while it takes at least `RATE_MIN` bytes a second. Time in which senders wait for one that takes less comes out of a
//   purse: `patienceMs` at most, filled again by a tenth of the time that goes by. So slow, stopped and hostile readers together cost the senders at most a
//   tenth of their time.
// - With the purse empty, slow readers are given up: nobody waits for them until their queue has been empty once. Until there is something in it
//   again, nobody waits for readers that are new either, but only for those that took enough when they were last looked at.
// - A queue that reaches a hard bound, in messages or bytes, ends its session: the others see it disconnect.
//
// A sender that waits is not read from: its socket fills, and it blocks or queues. Nothing of what it has sent is lost.
import type { MonotonicMs } from "../base/brand.ts";

export interface FlowRule {
  /** How long senders wait for readers that take next to nothing, before these are given up. 0: nobody ever waits. */
  readonly patienceMs: number;
}

/** Bytes a second that a reader must take for its senders to wait. */
export const RATE_MIN = 1_000_000;
/** How often to call `check` while anybody waits. */
export const CHECK_MS = 50;
const REFILL = 0.1;
/** What a reader took at once counts for so long: one that writes to a disk takes much, then nothing, then much again. */
const CREDIT_MS = 1_000;

interface Reader {
  /** Senders that wait for it, in the order in which they began. */
  readonly senders: Set<number>;
  /** When it was last looked at, and what it had taken then. */
  since: MonotonicMs;
  takenBytes: number;
  /** How long it may take nothing, for what it took before. */
  creditMs: number;
}

/** Who waits for whom. Sessions are named by their slots. */
export class FlowControl {
  readonly #readers = new Map<number, Reader>();
  /** How many readers a sender waits for. */
  readonly #waits = new Map<number, number>();
  readonly #givenUp = new Set<number>();
  /** Readers that took enough when they were last looked at. */
  readonly #proven = new Set<number>();
  #purseMs: number;
  #refilledAt: MonotonicMs;

  constructor(
    readonly rule: FlowRule,
    now: MonotonicMs,
  ) {
    this.#purseMs = rule.patienceMs;
    this.#refilledAt = now;
  }

  /** `true` while `check` is wanted. */
  get isWaiting(): boolean {
    return this.#readers.size > 0;
  }

  /**
   * `sender` has sent to `reader`, whose queue is above the soft bound.
   * @param takenBytes all that `reader` has ever taken
   * @returns whether the sender has to wait
   */
  wait(sender: number, reader: number, takenBytes: number, now: MonotonicMs): boolean {
    if (this.rule.patienceMs === 0 || this.#givenUp.has(reader)) return false;
    this.#refill(now);
    if (this.#purseMs <= 0 && !this.#proven.has(reader)) return false;
    let waited = this.#readers.get(reader);
    if (waited === undefined) {
      const creditMs = this.#proven.has(reader) ? CREDIT_MS : 0;
      waited = { senders: new Set(), since: now, takenBytes, creditMs };
      this.#readers.set(reader, waited);
    }
    if (waited.senders.has(sender)) return true;
    waited.senders.add(sender);
    this.#waits.set(sender, (this.#waits.get(sender) ?? 0) + 1);
    return true;
  }

  /** `true` where a sender waits for a reader. */
  isHeld(sender: number): boolean {
    return this.#waits.has(sender);
  }

  /** The queue of `reader` is below half its soft bound. @returns the senders that need no longer wait, in the order in which they began */
  relieve(reader: number): number[] {
    const waited = this.#readers.get(reader);
    if (waited === undefined) return [];
    this.#readers.delete(reader);
    return [...waited.senders].filter((sender) => this.#endWait(sender));
  }

  /** The queue of `reader` is empty: it gets another chance. */
  emptied(reader: number): void {
    if (this.#givenUp.size > 0) this.#givenUp.delete(reader);
  }

  /** A session is gone, as a reader and as a sender. @returns the senders that need no longer wait */
  forget(slot: number): number[] {
    this.#givenUp.delete(slot);
    this.#proven.delete(slot);
    this.#waits.delete(slot);
    for (const [reader, { senders }] of this.#readers)
      if (senders.delete(slot) && senders.size === 0) this.#readers.delete(reader);
    return this.relieve(slot);
  }

  /**
   * Looks whether the readers are worth waiting for. Call it every `CHECK_MS` while `isWaiting`.
   * @param takenBytes all that a reader has ever taken
   * @returns the senders that need no longer wait, because slow readers were given up
   */
  check(now: MonotonicMs, takenBytes: (reader: number) => number): number[] {
    this.#refill(now);
    const slow: number[] = [];
    let waitedMs = 0;
    for (const [reader, waited] of this.#readers) {
      const elapsedMs = now - waited.since;
      if (elapsedMs < CHECK_MS / 2) continue; // too short to judge it
      const taken = takenBytes(reader);
      const earnedMs = ((taken - waited.takenBytes) * 1_000) / RATE_MIN;
      waited.creditMs = Math.min(CREDIT_MS, waited.creditMs + earnedMs - elapsedMs);
      if (waited.creditMs < 0) {
        waited.creditMs = 0;
        slow.push(reader);
        this.#proven.delete(reader);
        waitedMs = Math.max(waitedMs, Math.min(elapsedMs, 2 * CHECK_MS)); // a late check: it was we who did not get to run
      } else this.#proven.add(reader);
      waited.since = now;
      waited.takenBytes = taken;
    }
    this.#purseMs -= waitedMs;
    if (this.#purseMs > 0) return [];
    return slow.flatMap((reader) => {
      this.#givenUp.add(reader);
      return this.relieve(reader);
    });
  }

  #refill(now: MonotonicMs): void {
    this.#purseMs = Math.min(this.rule.patienceMs, this.#purseMs + (now - this.#refilledAt) * REFILL);
    this.#refilledAt = now;
  }

  /** @returns whether the sender waits for nobody any more */
  #endWait(sender: number): boolean {
    const waits = (this.#waits.get(sender) ?? 0) - 1;
    if (waits > 0) this.#waits.set(sender, waits);
    else this.#waits.delete(sender);
    return waits <= 0;
  }
}
