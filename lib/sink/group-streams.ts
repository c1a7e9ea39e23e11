// The streams of a group sink: which group a record goes to in which life of this host, what a stream is called on disk, and which may be forgotten where the book is full.
import { isIncarnation } from "../feed/batch-writer.ts";
import type { GroupName } from "../spread/names.ts";
import { groupName } from "../syslog/group-name.ts";
import type { GroupBook, GroupEntry } from "./group-book.ts";

/** Where no group could be forgotten it is tried again so long after: all of them are looked at. */
const FORGET_EVERY_MS = 1_000;

export interface GroupStreamsOptions {
  readonly book: GroupBook;
  readonly nowMs: () => number;
  /** Whether the queue has room for more than a few records. */
  readonly hasRoom: () => boolean;
  /** Records in the queue. */
  readonly waiting: () => number;
  /** Whether nothing of a stream waits, where the queue knows; `undefined`: it is emptied in its order. */
  readonly isIdle: ((index: number) => boolean) | undefined;
  /** A group is in the book that was not; they come in the order of their places. */
  readonly onNew: (entry: GroupEntry) => void;
  readonly onForgotten: (entries: readonly GroupEntry[]) => void;
}

export class GroupStreams {
  readonly #options: GroupStreamsOptions;
  /** Groups at places below were told as new. */
  #toldTo = 0;
  /** Records that the queue took, those of an earlier life among them. */
  #taken: number;
  readonly #recovered: number;
  /** Of these, what the disk lost in the midst: where they were nobody knows. */
  #damaged = 0;
  #forgetAtMs = Number.NEGATIVE_INFINITY;

  /** @param recovered records that the queue holds of an earlier life */
  constructor(options: GroupStreamsOptions, recovered: number) {
    this.#options = options;
    this.#taken = this.#recovered = recovered;
  }

  /** The entry of a group; `undefined` where the book is full, and none can be forgotten. @param fullName what its name was made of */
  entry(name: GroupName, fullName: string): GroupEntry | undefined {
    const { book, onNew } = this.#options;
    let entry = book.entry(name);
    if (entry === undefined && this.#forgetSome()) entry = book.entry(name);
    if (entry === undefined) return undefined;
    const isKnown = entry.index < this.#toldTo && entry.fullName === fullName;
    entry.fullName = fullName;
    if (entry.index >= this.#toldTo) this.tellNew();
    else if (!isKnown) onNew(entry); // of two names that became one group
    return entry;
  }

  /** The queue took a record of it. */
  took(entry: GroupEntry): void {
    this.#taken += 1;
    entry.lastTaken = this.#taken;
  }

  /** Records of the queue are lost, from somewhere in the midst of it. */
  lost(records: number): void {
    this.#damaged += records;
  }

  /** Tells of the groups that are new in the book: also of those that the disk knew before us. */
  tellNew(): void {
    const { book, onNew } = this.#options;
    for (; this.#toldTo < book.end; this.#toldTo++) {
      const entry = book.at(this.#toldTo);
      if (entry !== undefined) onNew(entry);
    }
  }

  /** What a stream is called on disk: "INCARNATION GROUP". */
  nameOf(index: number): string {
    const { book } = this.#options;
    const entry = book.at(index)!; // what is written down waits, and what waits is not forgotten
    return `${book.incarnationOf(entry)} ${entry.name}`;
  }

  /** The stream that is called so; `undefined` where it is no name, or the book is full. */
  indexOf(text: string): number | undefined {
    const [life = "", name = ""] = text.split(" ", 2);
    if (!isIncarnation(life)) return undefined;
    const group = groupName(name);
    return (this.#options.book.find(group, life) ?? this.#earlier(group, life))?.index;
  }

  /** The entry for records that an earlier life left, or that come from disk when their group is forgotten. */
  #earlier(group: GroupName, life: string): GroupEntry | undefined {
    const { book } = this.#options;
    let entry = book.earlier(group, life);
    if (entry === undefined && this.#forgetSome()) entry = book.earlier(group, life);
    if (entry !== undefined) entry.lastTaken = Math.max(entry.lastTaken, this.#recovered);
    return entry;
  }

  /** Makes room in the book: groups that were silent for longest, and of which nothing waits, are forgotten. False where there is none. */
  #forgetSome(): boolean {
    const { book, nowMs, hasRoom, waiting, isIdle, onForgotten } = this.#options;
    const now = nowMs();
    if (now < this.#forgetAtMs || !hasRoom()) return false; // what is given a place would be lost behind it
    // A queue that is emptied in its order holds what was taken last.
    const goneTo = this.#taken - waiting() - this.#damaged;
    const gone = book.forget(({ index, lastTaken }) => isIdle?.(index) ?? lastTaken <= goneTo);
    if (gone.length === 0) this.#forgetAtMs = now + FORGET_EVERY_MS;
    else onForgotten(gone);
    return gone.length > 0;
  }
}
