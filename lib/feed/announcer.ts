// A sender's part of the directory (directory-message.ts): what it says of the groups that it feeds, and when. No socket and no clock: the runner tells what happens,
// and asks `next` for what is to be said.
//
//   new      A group is told to all before the first record goes to it, and that record is held for a moment (`openTo`), with all that comes behind it: so whoever follows
//            groups by a wildcard can join first. Who takes longer than that sees by the numbers what it has missed.
//   moved    Some seconds after records went out, the numbers that have moved are told to all: so a reader knows what is missing at the end of a stream. The more
//            senders there are, the less often: all together do not say more than some messages a second.
//   asked    Who asks is told alone, after a random wait, so that not all senders answer at once. Where the daemon does not let us send to who asks, all are told.
//   again    After a lost connection everything is new.
//
// What is said is bounded by a pace in bytes, who asks by a number: nobody can make a sender do nothing else. A number is told only while nothing waits to be sent
// (`isQuiet`): else it would be that of a record which comes behind the message.
import type { Random } from "../base/random.ts";
import { matchesWildcard } from "../base/wildcard.ts";
import type { Destination } from "../spread/names.ts";
import { DIRECTORY_GROUP, GroupsWriter, isFullName } from "./directory-message.ts";

/** What is sent a millisecond, at most: 3 MB/s. */
const BYTES_PER_MS = 3_000;
/** Answers come within this, all of them evenly spread. */
export const ANSWER_WITHIN_MS = 300;
/** Numbers that have moved are told so long after. */
export const NUMBERS_AFTER_MS = 2_000;
/** For each message of others that was heard since we told ours: 25 a second of all together. */
const NUMBERS_AFTER_EACH_MS = 40;
const NUMBERS_AFTER_MS_MAX = 60_000;
/** Where something waits to be sent then, it is looked again. */
const NUMBERS_AGAIN_MS = 250;
/**
 * Who has been told of a group needs so long to have joined it, measured from when our own message came back; where that took long, the hosts are busy, and so are
 * readers: then this many times as long.
 */
const SETTLE_MS = 100;
const SETTLE_RETURNS = 3;
/** No record is held longer, whatever becomes of the message. */
export const HOLD_MS_MAX = 1_000;
const ASKERS_MAX = 1_024;
/** Groups that are compared with a question at a time. */
const COMPARED_MAX = 512;

/** How far a group is numbered. */
export interface Numbered {
  /** The number of its next record; from 1. */
  readonly next: number;
}

export interface AnnouncerOptions {
  /** As in the sender's batches. */
  readonly host: string;
  readonly incarnation: string;
  readonly random: Random;
}

/** Something to be said. */
export interface Utterance {
  readonly to: Destination;
  readonly body: Uint8Array;
}

interface Fed {
  readonly name: string;
  /** Its place among the sender's groups. */
  readonly index: number;
  /** `undefined`: its records have no numbers, or those of an earlier life. */
  readonly numbered: Numbered | undefined;
  /** The last number that all were told. */
  told: number | undefined;
}

/** New groups that a message to all has told. */
interface Telling {
  /** Which of the messages to all on this connection, from 1. */
  readonly message: number;
  /** Groups at places below are told by it and those before. */
  readonly upTo: number;
  readonly toldMs: number;
  /** When records may go to them. */
  openMs: number;
}

interface Asker {
  readonly patterns: readonly string[];
  readonly dueMs: number;
  /** The next group that is compared. */
  from: number;
}

export class Announcer {
  readonly #random: Random;
  readonly #writer: GroupsWriter;
  readonly #fed: Fed[] = [];
  readonly #names = new Set<string>();
  readonly #askers = new Map<Destination, Asker>();
  #isConnected = false;
  /** Groups from here on have not been told on this connection. */
  #newFrom = 0;
  /** Groups at places below may be sent to, and perhaps were. */
  #openTo = 0;
  #tellings: Telling[] = [];
  /** We may not be in the directory on this connection. */
  #isRefused = false;
  /** We may not send to those who ask. */
  #answersAll = false;
  /** Nothing is said before. */
  #paceMs = Number.NEGATIVE_INFINITY;
  /** When numbers that have moved are told, and from which group on. */
  #numbersDueMs = Number.POSITIVE_INFINITY;
  #numbersFrom = 0;
  /** Messages of other senders since then. */
  #heard = 0;
  /** Since they were begun to be told. */
  #haveMoved = false;
  // Messages to all on this connection, and how many of them came back.
  #toldAll = 0;
  #returned = 0;

  constructor(options: AnnouncerOptions) {
    this.#random = options.random;
    this.#writer = new GroupsWriter(options.host, options.incarnation);
  }

  /**
   * A group is fed from now on.
   * @param name  in full; told as `group` where it is too long or unfit for that
   * @param index its place among the sender's groups, which are made known in this order
   */
  feed(name: string, group: string, index: number, numbered: Numbered | undefined): void {
    const told = isFullName(name) ? name : group;
    const key = `${index} ${told}`;
    if (this.#names.has(key)) return;
    this.#names.add(key);
    this.#fed.push({ name: told, index, numbered, told: undefined });
  }

  /** Groups are not fed any more. Who follows them forgets them when they are silent. @param gone their places */
  forget(gone: ReadonlySet<number>): void {
    const before = (position: number): number => {
      let left = 0;
      for (let at = 0; at < position; at++) if (!gone.has(this.#fed[at]!.index)) left += 1;
      return left;
    };
    this.#newFrom = before(this.#newFrom);
    this.#numbersFrom = before(this.#numbersFrom);
    for (const asker of this.#askers.values()) asker.from = before(asker.from);
    for (const { name, index } of this.#fed) if (gone.has(index)) this.#names.delete(`${index} ${name}`);
    const left = this.#fed.filter(({ index }) => !gone.has(index));
    this.#fed.length = 0;
    for (const fed of left) this.#fed.push(fed);
  }

  /** There is a connection: everything has to be told. */
  stood(): void {
    this.#isConnected = true;
    this.#newFrom = 0;
    this.#isRefused = this.#answersAll = false;
    this.#toldAll = this.#returned = 0;
    for (const fed of this.#fed) fed.told = undefined;
  }

  /** The connection is gone. Whoever had asked will ask again. */
  fell(): void {
    this.#isConnected = false;
    this.#askers.clear();
    this.#numbersFrom = 0;
    this.#numbersDueMs = Number.POSITIVE_INFINITY;
    this.#tellings = [];
  }

  /** There is to be no directory on this connection: then nobody follows groups by it. */
  refused(): void {
    this.fell();
    this.#isRefused = true;
  }

  /** An answer was refused, since it went to one alone: all are told all, once for whoever has asked so far, and answers go to all from now on. */
  answerRefused(): void {
    if (this.#answersAll) return;
    this.#answersAll = true;
    this.#newFrom = 0;
  }

  /** Somebody asks. A second question takes the place of the first. */
  asked(from: Destination, patterns: readonly string[], nowMs: number): void {
    if (!this.#isConnected || (this.#askers.size >= ASKERS_MAX && !this.#askers.has(from))) return;
    this.#askers.set(from, { patterns, dueMs: nowMs + this.#random() * ANSWER_WITHIN_MS, from: 0 });
  }

  /** Another sender has told all of its groups. */
  heardAnother(): void {
    this.#heard += 1;
  }

  /** A message to all has come back to us: others have it too. */
  returned(nowMs: number): void {
    this.#returned += 1;
    for (const telling of this.#tellings) {
      if (telling.message !== this.#returned) continue;
      const settleMs = Math.max(SETTLE_MS, (nowMs - telling.toldMs) * SETTLE_RETURNS);
      telling.openMs = Math.min(telling.openMs, nowMs + settleMs);
    }
  }

  /** Groups at places below may be sent to now. That changes at `nextOpenMs`. */
  openTo(nowMs: number): number {
    for (let first = this.#tellings[0]; first !== undefined && first.openMs <= nowMs; first = this.#tellings[0]) {
      this.#openTo = Math.max(this.#openTo, first.upTo);
      this.#tellings.shift();
    }
    return this.#isRefused ? Number.POSITIVE_INFINITY : this.#openTo;
  }

  /** Infinity: nothing is held that was told. */
  get nextOpenMs(): number {
    return this.#tellings[0]?.openMs ?? Number.POSITIVE_INFINITY;
  }

  /** Records went out. */
  sent(nowMs: number): void {
    this.#haveMoved = true;
    if (this.#numbersDueMs === Number.POSITIVE_INFINITY) this.#numbersDueMs = nowMs + this.#numbersAfterMs;
  }

  /** When to ask `next` again, if nothing happens before; Infinity: never. */
  get nextMs(): number {
    if (!this.#isConnected) return Number.POSITIVE_INFINITY;
    let dueMs = this.#newFrom < this.#fed.length ? Number.NEGATIVE_INFINITY : this.#numbersDueMs;
    for (const asker of this.#askers.values()) dueMs = Math.min(dueMs, asker.dueMs);
    return Math.max(dueMs, this.#paceMs);
  }

  /** What is to be said now; `undefined`: nothing. @param isQuiet nothing waits to be sent to any group */
  next(nowMs: number, isQuiet: boolean): Utterance | undefined {
    if (!this.#isConnected || nowMs < this.#paceMs) return undefined;
    const said = this.#tellNew(nowMs, isQuiet) ?? this.#answer(nowMs, isQuiet) ?? this.#tellNumbers(nowMs, isQuiet);
    if (said !== undefined) this.#paceMs = nowMs + said.body.length / BYTES_PER_MS;
    return said;
  }

  #tellNew(nowMs: number, isQuiet: boolean): Utterance | undefined {
    let upTo = 0;
    for (; this.#newFrom < this.#fed.length; this.#newFrom++) {
      const fed = this.#fed[this.#newFrom]!;
      const last = this.#lastOf(this.#newFrom, isQuiet);
      if (!this.#writer.append({ name: fed.name, last })) break;
      fed.told = last;
      upTo = Math.max(upTo, fed.index + 1);
    }
    if (upTo > this.#openTo)
      this.#tellings.push({ message: this.#toldAll + 1, upTo, toldMs: nowMs, openMs: nowMs + HOLD_MS_MAX });
    return this.#saying(DIRECTORY_GROUP);
  }

  #answer(nowMs: number, isQuiet: boolean): Utterance | undefined {
    for (const [to, asker] of this.#askers) {
      if (asker.dueMs > nowMs) continue;
      const end = Math.min(asker.from + COMPARED_MAX, this.#fed.length);
      for (; asker.from < end; asker.from++) {
        const { name } = this.#fed[asker.from]!;
        if (!asker.patterns.some((pattern) => matchesWildcard(pattern, name))) continue;
        if (!this.#writer.append({ name, last: this.#lastOf(asker.from, isQuiet) })) break;
      }
      if (asker.from >= this.#fed.length) this.#askers.delete(to);
      const said = this.#saying(this.#answersAll ? DIRECTORY_GROUP : to);
      if (said !== undefined) return said;
    }
    return undefined;
  }

  #tellNumbers(nowMs: number, isQuiet: boolean): Utterance | undefined {
    if (nowMs < this.#numbersDueMs) return undefined;
    if (!isQuiet) {
      this.#numbersDueMs = nowMs + NUMBERS_AGAIN_MS;
      return undefined;
    }
    if (this.#numbersFrom === 0) this.#haveMoved = false;
    for (; this.#numbersFrom < this.#fed.length; this.#numbersFrom++) {
      const fed = this.#fed[this.#numbersFrom]!;
      const last = this.#lastOf(this.#numbersFrom, true);
      if (last === undefined || last === fed.told) continue;
      if (!this.#writer.append({ name: fed.name, last })) return this.#saying(DIRECTORY_GROUP);
      fed.told = last;
    }
    this.#numbersFrom = 0;
    this.#numbersDueMs = this.#haveMoved ? nowMs + this.#numbersAfterMs : Number.POSITIVE_INFINITY;
    this.#heard = 0;
    return this.#saying(DIRECTORY_GROUP);
  }

  get #numbersAfterMs(): number {
    return Math.min(NUMBERS_AFTER_MS_MAX, Math.max(NUMBERS_AFTER_MS, this.#heard * NUMBERS_AFTER_EACH_MS));
  }

  #saying(to: Destination): Utterance | undefined {
    if (this.#writer.isEmpty) return undefined;
    if (to === DIRECTORY_GROUP) this.#toldAll += 1;
    return { to, body: this.#writer.take() };
  }

  #lastOf(index: number, isQuiet: boolean): number | undefined {
    const { numbered, index: place } = this.#fed[index]!;
    if (numbered === undefined) return undefined;
    if (place >= this.#openTo) return 0;
    return isQuiet ? numbered.next - 1 : undefined;
  }
}
