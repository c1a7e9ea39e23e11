// The exchange of states at the beginning of a ring: who has to tell, and what has come.
import type { MonotonicMs } from "../base/brand.ts";
import { Fault } from "../base/fault.ts";
import { type Attendant, timeOf } from "./ring-agreement.ts";
import { isSame, type MemberState, type Seat, StateParts, sameTag, type Tag } from "./ring-message.ts";

export class RingExchange {
  #expected: readonly Seat[];
  readonly #parts = new Map<string, StateParts>();
  readonly #states = new Map<string, MemberState>();

  /** @param since when anything last came of it */
  constructor(
    readonly tag: Tag,
    expected: readonly Seat[],
    public since: MonotonicMs,
  ) {
    this.#expected = expected;
  }

  /** Takes a part of a host's state, if it is for this exchange. */
  take(from: Seat, bytes: Uint8Array, now: MonotonicMs): void {
    if (!sameTag(this.tag, bytes)) return;
    this.since = now;
    const key = keyOf(from);
    const parts = this.#parts.get(key) ?? new StateParts();
    this.#parts.set(key, parts);
    try {
      const state = parts.add(bytes);
      if (state !== undefined) this.#states.set(key, state);
    } catch (error) {
      if (!(error instanceof Fault)) throw error; // what can't be read is owed still
    }
  }

  /** Nothing is awaited any more of one that has gone. */
  drop(seat: Seat): void {
    this.#expected = this.#expected.filter((expected) => !isSame(expected, seat));
  }

  owes(seat: Seat): boolean {
    return this.owing.some((each) => isSame(each, seat));
  }

  /** How many have to tell, or have told. */
  get size(): number {
    return this.#expected.length;
  }

  /** Whose state has not come. */
  get owing(): readonly Seat[] {
    return this.#expected.filter((seat) => !this.#states.has(keyOf(seat)));
  }

  /** The first whose state has. */
  get first(): Seat | undefined {
    return this.#expected.find((seat) => this.#states.has(keyOf(seat)));
  }

  /** All states, when the last has come. */
  get attendants(): readonly Attendant[] | undefined {
    if (this.owing.length > 0) return undefined;
    return this.#expected.map((seat) => ({ seat, state: this.#states.get(keyOf(seat))! }));
  }

  /** The time that a ring of these states may have, or may have elsewhere. */
  get time(): number {
    return timeOf([...this.#states.values()]);
  }
}

/** A seat in a word. */
export const keyOf = ({ node, pid }: Seat) => `${node}.${pid}`;
