// The hosts' pooled neighbour tables. Clients that have spoken with one host lately may be unknown to another; when a vip moves there, each of them is told in
// person, beside the broadcast. So members tell each other now and then whom they know, and keep what they were told for a while.
import { compareText } from "./definition.ts";

/** Somebody on the wire. */
export interface Neighbour {
  /** Canonical text. */
  readonly address: string;
  /** "02:00:00:00:00:07" */
  readonly mac: string;
}

/** What one host tells of its neighbours in one message. */
export const NEIGHBOURS_TOLD_MAX = 512;
/** What is kept of all hosts together. */
export const NEIGHBOURS_KEPT_MAX = 4_096;

/** Neighbours of all hosts, each for `keepMs` after it was last told. */
export class NeighbourPool {
  readonly #seen = new Map<string, { readonly mac: string; readonly untilMs: number }>();

  constructor(readonly keepMs = 600_000) {}

  get size(): number {
    return this.#seen.size;
  }

  /** Takes what a host has told. The newest word on an address counts; with too many of them the oldest go. */
  add(told: readonly Neighbour[], nowMs: number): void {
    for (const { address, mac } of told.slice(0, NEIGHBOURS_TOLD_MAX)) {
      this.#seen.delete(address);
      this.#seen.set(address, { mac, untilMs: nowMs + this.keepMs });
    }
    for (const [address, { untilMs }] of this.#seen) {
      if (this.#seen.size <= NEIGHBOURS_KEPT_MAX && untilMs > nowMs) break; // oldest first
      this.#seen.delete(address);
    }
  }

  all(): readonly Neighbour[] {
    return [...this.#seen].map(([address, { mac }]) => ({ address, mac }));
  }
}

/** Which of these to tell: as many as a message takes, in an order that is the same for equal sets. */
export function neighboursToTell(known: readonly Neighbour[]): readonly Neighbour[] {
  return [...known].sort((a, b) => compareText(a.address, b.address)).slice(0, NEIGHBOURS_TOLD_MAX);
}
