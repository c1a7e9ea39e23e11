// The groups that records went to, and how far each is numbered. A group's number is part of a record's identity: while a group is in the book, it counts on.
//
// Senders may choose names, hence the bound. Where the book is full, groups that were silent for longest and of which nothing waits are forgotten (`forget`); what comes to one
// of them later begins a new life for this group alone, under an incarnation of its own, and says how far the one before came.
import { type FormerLife, formatFormer } from "../feed/former-life.ts";
import type { GroupName } from "../spread/names.ts";
import type { GroupNumbers } from "./group-numbers.ts";

/** What is forgotten at a time, of `groupsMax`: it has to be looked for. */
const FORGET_SHARE = 8;

export interface GroupEntry {
  /** Its place in the book, never another's: entries have higher ones than all before them. */
  readonly index: number;
  readonly name: GroupName;
  /** The incarnation that numbers its records, `undefined` for the sink's own. */
  readonly incarnation: string | undefined;
  /** Numbered by an earlier life of this host, which left it. */
  readonly isEarlier: boolean;
  /** The number of its next record; from 1. */
  next: number;
  /** What its batches say of the life before: a word of their flags, "" for none. */
  readonly former: string;
  /** The sink's count of records when one went to it last. */
  lastTaken: number;
  /** It is not in the book, or not any more: a new one takes its place. */
  isForgotten: boolean;
  /** What its name was made of: longer, or with other characters. */
  fullName: string;
}

/** What stands for a group that there was no room for. */
export function noEntry(name: GroupName, fullName: string): GroupEntry {
  return { ...BLANK, index: -1, name, fullName, isForgotten: true };
}

const BLANK = { incarnation: undefined, isEarlier: false, next: 1, former: "", lastTaken: 0 } as const;

export class GroupBook {
  readonly #entries = new Map<number, GroupEntry>();
  readonly #byName = new Map<GroupName, GroupEntry>();
  readonly #earlier = new Map<string, GroupEntry>();
  /** The same by their group, in the order of their lives. */
  readonly #lives = new Map<GroupName, GroupEntry[]>();
  /** How far groups came that were forgotten. */
  readonly #gone = new Map<string, FormerLife>();
  #end = 0;
  #forgettings = 0;
  /** Groups at places below may be sent to: who follows groups by their names has had time to hear of them. */
  openTo = Number.POSITIVE_INFINITY;

  /**
   * @param incarnation the sink's own
   * @param former      how far the life before came, where anything is to be said of that
   */
  constructor(
    readonly groupsMax: number,
    private readonly incarnation: string,
    private readonly former?: GroupNumbers | "unknown",
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /** Behind the last place. */
  get end(): number {
    return this.#end;
  }

  /** In the order of their places. */
  get entries(): Iterable<GroupEntry> {
    return this.#entries.values();
  }

  /** The entry of a group, made where there is none; `undefined` where the book is full. */
  entry(name: GroupName): GroupEntry | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined || this.#entries.size >= this.groupsMax) return known;
    const incarnation = this.#forgettings === 0 ? undefined : `${this.incarnation}v${this.#forgettings}`;
    const entry = this.#add(name, incarnation, false, this.#formerOf(name));
    this.#byName.set(name, entry);
    return entry;
  }

  /** The entry of a group as an earlier life numbered it, for records that it left; `undefined` where the book is full. */
  earlier(name: GroupName, incarnation: string): GroupEntry | undefined {
    const key = `${incarnation} ${name}`;
    const known = this.#earlier.get(key);
    if (known !== undefined || this.#entries.size >= this.groupsMax) return known;
    const entry = this.#add(name, incarnation, true, "");
    this.#earlier.set(key, entry);
    this.#lives.set(name, [...(this.#lives.get(name) ?? []), entry]);
    return entry;
  }

  /** The entries of a group as lives before that of an entry numbered it, the latest first: as far as records of theirs were left. */
  before(entry: GroupEntry): readonly GroupEntry[] {
    const lives = this.#lives.get(entry.name);
    if (lives === undefined) return [];
    return (entry.isEarlier ? lives.slice(0, lives.indexOf(entry)) : [...lives]).reverse();
  }

  /** The entry of a group whose records have this incarnation; none is made. */
  find(name: string, incarnation: string): GroupEntry | undefined {
    const present = this.#byName.get(name as GroupName);
    if (present !== undefined && this.incarnationOf(present) === incarnation) return present;
    return this.#earlier.get(`${incarnation} ${name}`);
  }

  incarnationOf(entry: GroupEntry): string {
    return entry.incarnation ?? this.incarnation;
  }

  /** The entry at a place; `undefined` where it was forgotten. */
  at(index: number): GroupEntry | undefined {
    return this.#entries.get(index);
  }

  /**
   * Forgets groups that were silent for longest, so that there is room for others.
   * @param isIdle nothing of it waits anywhere
   * @returns those that were forgotten
   */
  forget(isIdle: (entry: GroupEntry) => boolean): readonly GroupEntry[] {
    const idle = [...this.#entries.values()].filter(isIdle).sort((a, b) => a.lastTaken - b.lastTaken);
    const gone = idle.slice(0, Math.ceil(this.groupsMax / FORGET_SHARE));
    if (gone.length > 0) this.#forgettings += 1;
    for (const entry of gone) {
      entry.isForgotten = true;
      this.#entries.delete(entry.index);
      if (entry.isEarlier) {
        this.#earlier.delete(`${entry.incarnation} ${entry.name}`);
        this.#forgetLife(entry);
      } else {
        this.#byName.delete(entry.name);
        this.#leave(entry);
      }
    }
    return gone;
  }

  /** How far all groups came, for the next life. */
  numbers(): GroupNumbers {
    const numbers = new Map<string, FormerLife>(this.former === "unknown" ? [] : this.former);
    for (const [name, former] of this.#gone) move(numbers, name, former);
    for (const [name, entry] of this.#byName)
      move(numbers, name, { incarnation: this.incarnationOf(entry), last: entry.next - 1 });
    trim(numbers, this.groupsMax);
    return numbers;
  }

  #add(name: GroupName, incarnation: string | undefined, isEarlier: boolean, former: string): GroupEntry {
    const index = this.#end;
    this.#end += 1;
    const entry = { ...BLANK, index, name, incarnation, isEarlier, former, isForgotten: false, fullName: name };
    this.#entries.set(index, entry);
    return entry;
  }

  #forgetLife(entry: GroupEntry): void {
    const lives = this.#lives.get(entry.name)?.filter((one) => one !== entry) ?? [];
    if (lives.length === 0) this.#lives.delete(entry.name);
    else this.#lives.set(entry.name, lives);
  }

  #leave(entry: GroupEntry): void {
    move(this.#gone, entry.name, { incarnation: this.incarnationOf(entry), last: entry.next - 1 });
    trim(this.#gone, this.groupsMax);
  }

  #formerOf(name: GroupName): string {
    const gone = this.#gone.get(name);
    if (gone !== undefined) return formatFormer(gone);
    if (this.former === undefined) return "";
    return formatFormer(this.former === "unknown" ? "unknown" : (this.former.get(name) ?? "unknown"));
  }
}

/** As the last of them. */
function move(numbers: Map<string, FormerLife>, name: string, former: FormerLife): void {
  numbers.delete(name);
  numbers.set(name, former);
}

/** Without the longest unused. */
function trim(numbers: Map<string, FormerLife>, most: number): void {
  for (const name of numbers.keys()) {
    if (numbers.size <= most) return;
    numbers.delete(name);
  }
}
