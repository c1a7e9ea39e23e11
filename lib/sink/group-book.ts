// The groups that records went to, and how far each is numbered. A group's number is part of a record's identity, so a group is never forgotten; hence
// the bound, against senders that choose names.
import type { GroupName } from "../spread/names.ts";

export interface GroupEntry {
  /** Its place in the book. */
  readonly index: number;
  readonly name: GroupName;
  /** The life of this host that numbered its records, `undefined` for the present one. */
  readonly incarnation: string | undefined;
  /** The number of its next record; from 1. */
  next: number;
}

export class GroupBook {
  readonly #entries: GroupEntry[] = [];
  readonly #byName = new Map<GroupName, GroupEntry>();
  readonly #earlier = new Map<string, GroupEntry>();

  constructor(readonly groupsMax: number) {}

  get size(): number {
    return this.#entries.length;
  }

  /** The entry of a group, made where there is none; `undefined` where the book is full. */
  entry(name: GroupName): GroupEntry | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.#entries.length >= this.groupsMax) return known;
    const entry = this.#add(name, undefined);
    this.#byName.set(name, entry);
    return entry;
  }

  /** The entry of a group as an earlier life numbered it, for records that it left; `undefined` where the book is full. */
  earlier(name: GroupName, incarnation: string): GroupEntry | undefined {
    const key = `${incarnation} ${name}`;
    const known = this.#earlier.get(key);
    if (known !== undefined || this.#entries.length >= this.groupsMax) return known;
    const entry = this.#add(name, incarnation);
    this.#earlier.set(key, entry);
    return entry;
  }

  /** The entry of a group in a life of this host, `undefined` the present one; no entry is made. */
  find(name: string, incarnation: string | undefined): GroupEntry | undefined {
    if (incarnation === undefined) return this.#byName.get(name as GroupName);
    return this.#earlier.get(`${incarnation} ${name}`);
  }

  #add(name: GroupName, incarnation: string | undefined): GroupEntry {
    const entry = { index: this.#entries.length, name, incarnation, next: 1 };
    this.#entries.push(entry);
    return entry;
  }

  /** The entry at a place in the book. */
  at(index: number): GroupEntry {
    return this.#entries[index]!;
  }
}
