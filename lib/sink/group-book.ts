// The groups that records went to, and how far each is numbered. A group's number is part of a record's identity, so a group is never forgotten; hence
// the bound, against senders that choose names.
import { type FormerLife, formatFormer } from "../feed/former-life.ts";
import type { GroupName } from "../spread/names.ts";
import type { GroupNumbers } from "./group-numbers.ts";

export interface GroupEntry {
  /** Its place in the book. */
  readonly index: number;
  readonly name: GroupName;
  /** The life of this host that numbered its records, `undefined` for the present one. */
  readonly incarnation: string | undefined;
  /** The number of its next record; from 1. */
  next: number;
  /** What its batches say of the life before: a word of their flags, "" for none. */
  readonly former: string;
}

export class GroupBook {
  readonly #entries: GroupEntry[] = [];
  readonly #byName = new Map<GroupName, GroupEntry>();
  readonly #earlier = new Map<string, GroupEntry>();
  /** Groups at places below may be sent to: who follows groups by their names has had time to hear of them. */
  openTo = Number.POSITIVE_INFINITY;

  /** @param former how far the life before came, where anything is to be said of that */
  constructor(
    readonly groupsMax: number,
    private readonly former?: GroupNumbers | "unknown",
  ) {}

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
    const former = incarnation === undefined ? this.#formerOf(name) : "";
    const entry = { index: this.#entries.length, name, incarnation, next: 1, former };
    this.#entries.push(entry);
    return entry;
  }

  /** How far all groups came, for the next life. @param incarnation this life */
  numbers(incarnation: string): GroupNumbers {
    const numbers = new Map<string, FormerLife>(this.former === "unknown" ? [] : this.former);
    for (const [name, { next }] of this.#byName) {
      numbers.delete(name);
      numbers.set(name, { incarnation, last: next - 1 });
    }
    for (const name of numbers.keys()) {
      if (numbers.size <= this.groupsMax) break;
      numbers.delete(name); // the longest unused
    }
    return numbers;
  }

  #formerOf(name: GroupName): string {
    if (this.former === undefined) return "";
    return formatFormer(this.former === "unknown" ? "unknown" : (this.former.get(name) ?? "unknown"));
  }

  /** The entry at a place in the book. */
  at(index: number): GroupEntry {
    return this.#entries[index]!;
  }
}
