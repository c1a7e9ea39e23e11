// What a recorder has: of each stream (host, incarnation, group) which numbers it received, and which of these it has committed. A recorder that stores the marks in the
// transaction that stores the records has each record exactly once, whatever dies; one that stores them behind the records (files) has each at least once.
//
//   receive   a batch came: which of its records are new? What came before, committed or on its way to the disk, is a double
//   begin     the records received since the last `begin` are to be committed: with them goes `commit.streams`, their streams' marks
//   done      they are: from now on they may be acknowledged
//   failed    they are not: what was received and not committed is forgotten, as if it had never come. Whoever sent it will send it again
//
// Bounded: of STREAMS_MAX streams the one that was silent for longest is forgotten; of a stream the highest RANGES_MAX ranges are remembered. Forgotten means that a record that comes
// again counts as new: twice is better than never.
import { assert } from "../base/assert.ts";
import { type NumberRange, NumberRanges } from "./number-ranges.ts";

/** Streams that are remembered. */
export const STREAMS_MAX = 65_536;
/** Of a stream: with so many ranges there are that many holes, less one. */
export const RANGES_MAX = 1_024;

/** The marks of one stream, as they are stored. None of the names holds a space. */
export interface StreamMarks {
  readonly host: string;
  readonly incarnation: string;
  readonly group: string;
  /** The numbers that are committed: ascending, apart. */
  readonly ranges: readonly NumberRange[];
  /** The private group that the stream was last heard from: where a greeting may reach its sender. */
  readonly sender: string;
}

/** Streams looked at for each that comes in, where one has to go: a few, so that no batch waits for it. */
const FORGET_STEPS = 64;

/** What is to be stored together: the records received since the last commit was begun, and these marks in place of their streams' former ones. */
export interface Commit {
  readonly id: number;
  readonly streams: readonly StreamMarks[];
}

/** A stream that is remembered; good for comparing, and to ask. */
export class MarkedStream {
  readonly host: string;
  readonly incarnation: string;
  readonly group: string;
  sender: string;
  readonly committed: NumberRanges;
  received: NumberRanges;
  /** Received since the last `begin`. */
  fresh = new NumberRanges();

  constructor({ host, incarnation, group, sender, ranges }: StreamMarks) {
    this.host = host;
    this.incarnation = incarnation;
    this.group = group;
    this.sender = sender;
    this.committed = new NumberRanges(ranges);
    this.received = new NumberRanges(ranges);
  }

  get isCommitted(): boolean {
    return this.received.size === this.committed.size;
  }
}

interface OpenCommit extends Commit {
  readonly fresh: readonly { readonly stream: MarkedStream; readonly ranges: readonly NumberRange[] }[];
}

export class Marks {
  readonly #streams = new Map<string, MarkedStream>();
  /** With something received since the last `begin`. */
  readonly #fresh = new Set<MarkedStream>();
  /** Begun, neither done nor failed; the oldest first. */
  #open: OpenCommit[] = [];
  #commits = 0;
  #last: MarkedStream | undefined;
  /** Of the batch that was received last. */
  #new: readonly NumberRange[] = [];

  /** @param stored of an earlier life of the store, the one heard last behind the others */
  constructor(
    stored: Iterable<StreamMarks> = [],
    readonly streamsMax = STREAMS_MAX,
  ) {
    for (const marks of stored) this.#add(keyOf(marks.host, marks.incarnation, marks.group), new MarkedStream(marks));
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The commit that the records received now will be part of. */
  get nextCommit(): number {
    return this.#commits + 1;
  }

  streams(): Iterable<MarkedStream> {
    return this.#streams.values();
  }

  stream(host: string, incarnation: string, group: string): MarkedStream | undefined {
    return this.#streams.get(keyOf(host, incarnation, group));
  }

  /**
   * A batch of `count` records numbered from `first` on came from `sender`, its private group; none of the names holds a space. Which of its records are new,
   * tells `isNew`.
   */
  receive(
    sender: string,
    host: string,
    incarnation: string,
    group: string,
    first: number,
    count: number,
  ): MarkedStream {
    const key = keyOf(host, incarnation, group);
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new MarkedStream({ host, incarnation, group, sender, ranges: [] });
      this.#add(key, stream);
    }
    this.#heard(key, stream);
    stream.sender = sender;
    const last = first + count - 1;
    this.#new = stream.received.missing(first, last);
    if (this.#new.length === 0) return stream;
    stream.received.add(first, last);
    for (const { from, to } of this.#new) stream.fresh.add(from, to);
    this.#fresh.add(stream);
    if (stream.received.keepHighest(RANGES_MAX) > 0) stream.committed.remove(0, stream.received.ranges[0]!.from - 1);
    return stream;
  }

  /** Whether record `number` of the batch that was received last is new. */
  isNew(number: number): boolean {
    for (const { from, to } of this.#new) if (number >= from && number <= to) return true;
    return false;
  }

  /** How many records of the batch that was received last are new. */
  get newRecords(): number {
    return this.#new.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  /** The records received since the last call are to be committed. May be called again before that is done: commits are done in their order. */
  begin(): Commit {
    this.#commits += 1;
    const streams: StreamMarks[] = [];
    const fresh: { stream: MarkedStream; ranges: readonly NumberRange[] }[] = [];
    for (const stream of this.#fresh) {
      const { host, incarnation, group, sender } = stream;
      streams.push({ host, incarnation, group, sender, ranges: stream.received.ranges.slice() });
      fresh.push({ stream, ranges: stream.fresh.ranges });
      stream.fresh = new NumberRanges();
    }
    this.#fresh.clear();
    const commit = { id: this.#commits, streams, fresh };
    this.#open.push(commit);
    return commit;
  }

  /** It is stored. Returns what may be acknowledged now; nothing for one that a failure overtook. */
  done(commit: Commit): readonly { readonly stream: MarkedStream; readonly ranges: readonly NumberRange[] }[] {
    const open = this.#open.shift();
    if (open === undefined || open.id > commit.id) {
      if (open !== undefined) this.#open.unshift(open);
      return [];
    }
    assert(open.id === commit.id, "commits are done in their order");
    for (const { stream, ranges } of open.fresh) for (const { from, to } of ranges) stream.committed.add(from, to);
    return open.fresh;
  }

  /** A commit failed, and with it all that was begun since: nothing that is not committed was ever received. */
  failed(): void {
    const streams = new Set([...this.#fresh, ...this.#open.flatMap(({ fresh }) => fresh.map(({ stream }) => stream))]);
    for (const stream of streams) {
      stream.received = new NumberRanges(stream.committed.ranges);
      stream.fresh = new NumberRanges();
    }
    this.#fresh.clear();
    this.#open = [];
  }

  #add(key: string, stream: MarkedStream): void {
    this.#streams.set(key, stream);
    this.#forgetSome();
  }

  /** The stream that was heard last is the last of them. */
  #heard(key: string, stream: MarkedStream): void {
    if (stream === this.#last) return;
    this.#last = stream;
    this.#streams.delete(key);
    this.#streams.set(key, stream);
  }

  /**
   * Forgets the streams that were silent for longest, but for what is on its way, until there are no more than there may be; what is on its way is bounded by what the
   * recorder may have on its way.
   */
  #forgetSome(): void {
    let steps = FORGET_STEPS;
    for (const [key, stream] of this.#streams) {
      if (this.#streams.size <= this.streamsMax || steps === 0) return;
      steps -= 1;
      if (stream.isCommitted) this.#streams.delete(key);
    }
  }
}

function keyOf(host: string, incarnation: string, group: string): string {
  return `${host} ${incarnation} ${group}`;
}
