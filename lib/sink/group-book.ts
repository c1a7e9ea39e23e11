// The groups that records went to, and how far each is numbered. A group's number is part of a record's identity, so a group is never forgotten; hence
// the bound, against senders that choose names.
import type { GroupName } from "../spread/names.ts";

export interface GroupEntry {
  /** Its place in the book. */
  readonly index: number;
  readonly name: GroupName;
  /** The number of its next record; from 1. */
  next: number;
}

export class GroupBook {
  readonly #entries: GroupEntry[] = [];
  readonly #byName = new Map<GroupName, GroupEntry>();

  constructor(readonly groupsMax: number) {}

  get size(): number {
    return this.#entries.length;
  }

  /** The entry of a group, made where there is none; `undefined` where the book is full. */
  entry(name: GroupName): GroupEntry | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.#entries.length >= this.groupsMax) return known;
    const entry = { index: this.#entries.length, name, next: 1 };
    this.#entries.push(entry);
    this.#byName.set(name, entry);
    return entry;
  }

  /** The entry at a place in the book. */
  at(index: number): GroupEntry {
    return this.#entries[index]!;
  }
}
