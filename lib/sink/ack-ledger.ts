// Which records recorders have, and which have to be kept for them.
//
// A record is done when N different hosts have told that they committed it, or when it is given up. Streams (a group of one life of this host) are accounted for by
// number, the disk by sequence: it can be freed up to the first record that is not done. What ties the two together is kept by stretches of the disk:
//
//   disk      │ 1 ... 256 │ 257 ... 512 │ 513 ...        a stretch is done when each stream that has records in it
//   stretch   │ a:200 b:56│ a:456       │ a:500 c:12     is done up to the highest number that it has there
//
// So it costs one entry for 256 records of one stream, or as many as there are streams in them. Where that is too many, neighbours are joined: what is freed is freed
// later.
import { type NumberRange, NumberRanges } from "../feed/number-ranges.ts";

/** More hosts than these are not listened to: N is at most that. */
export const ACK_HOSTS_MAX = 8;
/** Ranges that one host has told of one stream; what is above them it will be asked for again. */
const RANGES_MAX = 1_024;
const STRETCH_RECORDS = 256;
const STRETCH_ENTRIES_MAX = 131_072;

class Stream {
  /** All numbers below are done. */
  floor: number;
  /** Numbers from here on were not entered. */
  next: number;
  /** Numbers from here on were never sent. */
  unsent: number;
  /** Done, above `floor`. */
  readonly done = new NumberRanges();
  readonly hosts = new Map<string, NumberRanges>();

  constructor(first: number) {
    this.floor = this.next = this.unsent = first;
  }
}

/** Records that lie on disk one behind the other. */
interface Stretch {
  readonly from: number;
  /** Behind its last record. */
  end: number;
  records: number;
  /** By stream, the highest number. */
  readonly highest: Map<number, number>;
}

/** Numbers of a stream that wait for acknowledgements: from `from` on, those below `next` were sent. */
export interface Waiting {
  readonly stream: number;
  readonly from: number;
  readonly next: number;
}

export class AckLedger {
  readonly #streams = new Map<number, Stream>();
  /** With something that is not done. */
  readonly #open = new Set<number>();
  /** Of an earlier life, as far as they were read; then those of this one. */
  readonly #recovered: Stretch[] = [];
  readonly #stretches: Stretch[] = [];
  #entries = 0;
  #waiting = 0;
  #keptFrom: number;
  /** Where this life begins on disk. */
  readonly #liveFrom: number;
  /** Of an earlier life all before was read. */
  #readTo: number;
  #nextSequence: number;

  /**
   * @param hosts      how many have to commit a record
   * @param keptFrom   the first sequence that is on disk from an earlier life
   * @param liveFrom   that of the next record
   */
  constructor(
    readonly hosts: number,
    keptFrom: number,
    liveFrom: number,
  ) {
    this.#keptFrom = this.#readTo = keptFrom;
    this.#liveFrom = this.#nextSequence = liveFrom;
  }

  /** Records that are not done, of those that were entered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Records of an earlier life that were not read yet. */
  get unread(): number {
    return this.#liveFrom - this.#readTo;
  }

  /** All that is on disk before this sequence is done. */
  get keptFrom(): number {
    return this.#keptFrom;
  }

  /** The record lies on disk: appended, or found there by the first reading of what an earlier life left. */
  enter(index: number, number: number, sequence: number): void {
    const isLive = sequence >= this.#liveFrom;
    if (isLive) this.#nextSequence = sequence + 1;
    else if (sequence < this.#readTo) return;
    else this.#readTo = sequence + 1;
    const stream = this.#streams.get(index) ?? this.#begin(index, number);
    if (number < stream.next) return;
    if (number > stream.next) this.#skip(index, stream, number - 1); // never to be found on disk
    stream.next = number + 1;
    this.#waiting += 1;
    this.#open.add(index);
    this.#note(isLive ? this.#stretches : this.#recovered, index, number, sequence);
  }

  /** The record has a number, and no place on disk. */
  skip(index: number, number: number): void {
    const stream = this.#streams.get(index);
    if (stream === undefined) return; // the next one begins the stream
    this.#skip(index, stream, number);
  }

  /** All that an earlier life left was read, or can't be. */
  readAll(): void {
    this.#readTo = this.#liveFrom;
    this.#free();
  }

  /** What an earlier life left up to a sequence can't be read. Returns how many records that are. */
  passOver(to: number): number {
    const passed = Math.max(0, Math.min(to, this.#liveFrom) - this.#readTo);
    this.#readTo += passed;
    return passed;
  }

  /** The record was sent. */
  sent(index: number, number: number): void {
    const stream = this.#streams.get(index);
    if (stream !== undefined && number >= stream.unsent) stream.unsent = number + 1;
  }

  /** A host has committed these. Returns how many records are done by that. */
  acked(index: number, host: string, ranges: readonly NumberRange[]): number {
    const stream = this.#streams.get(index);
    if (stream === undefined) return 0;
    const known = stream.hosts.get(host) ?? new NumberRanges();
    if (known.size === 0) {
      if (stream.hosts.size >= ACK_HOSTS_MAX && !stream.hosts.has(host)) return 0;
      stream.hosts.set(host, known);
    }
    let finished = 0;
    for (const range of ranges) {
      const from = Math.max(range.from, stream.floor);
      const to = Math.min(range.to, stream.unsent - 1); // nobody can have what was not sent
      if (to < from || known.add(from, to) === 0) continue;
      for (const covered of this.#covered(stream, from, to)) finished += this.#finish(stream, covered.from, covered.to);
    }
    known.keepLowest(RANGES_MAX);
    this.#settle(index, stream);
    return finished;
  }

  /** Nobody will have these: they can't be sent again. Returns how many records were not done. */
  giveUp(index: number, from: number, to: number): number {
    const stream = this.#streams.get(index);
    if (stream === undefined) return 0;
    const given = this.#finish(stream, Math.max(from, stream.floor), Math.min(to, stream.next - 1));
    this.#settle(index, stream);
    return given;
  }

  /** The disk has dropped all that lay before a sequence. Returns how many of these records were not done. */
  dropped(before: number): number {
    let given = this.passOver(before);
    for (const stretches of [this.#recovered, this.#stretches]) {
      // Of one that is gone in part, the rest is still to be had. What is gone of it will be missed when it is to be sent again.
      while (stretches[0] !== undefined && stretches[0].end <= before) {
        const { highest } = stretches.shift()!;
        this.#entries -= highest.size;
        for (const [index, number] of highest) given += this.giveUp(index, 0, number);
      }
    }
    this.#keptFrom = Math.max(this.#keptFrom, before);
    this.#free();
    return given;
  }

  isDone(index: number, number: number): boolean {
    const stream = this.#streams.get(index);
    return stream !== undefined && number < stream.next && (number < stream.floor || stream.done.has(number));
  }

  /** What of `from` to `to` was sent and is not done. */
  openWithin(index: number, from: number, to: number): NumberRange[] {
    const stream = this.#streams.get(index);
    if (stream === undefined) return [];
    return stream.done.missing(Math.max(from, stream.floor), Math.min(to, stream.unsent - 1));
  }

  /** The streams that have sent something that is not done. */
  *waitingStreams(): Iterable<Waiting> {
    for (const index of this.#open) {
      const { floor, unsent } = this.#streams.get(index)!;
      if (floor < unsent) yield { stream: index, from: floor, next: unsent };
    }
  }

  /** All records of a stream with lower numbers are done: they will not be sent again. From 1. */
  floorOf(index: number): number {
    return this.#streams.get(index)?.floor ?? 1;
  }

  /** The number behind the last of a stream that has records which are not done; 0 where all are. */
  openTo(index: number): number {
    return this.#open.has(index) ? this.#streams.get(index)!.next : 0;
  }

  /** Whether nothing of a stream waits, as far as that is known. */
  isIdle(index: number): boolean {
    return this.unread === 0 && !this.#open.has(index);
  }

  /** A stream that is idle is gone: its index will not come again. */
  forget(index: number): void {
    this.#streams.delete(index);
  }

  #begin(index: number, first: number): Stream {
    const stream = new Stream(first);
    this.#streams.set(index, stream);
    return stream;
  }

  #note(stretches: Stretch[], index: number, number: number, sequence: number): void {
    let stretch = stretches.at(-1);
    if (stretch === undefined || stretch.records >= STRETCH_RECORDS) {
      stretch = { from: sequence, end: sequence, records: 0, highest: new Map() };
      stretches.push(stretch);
      if (this.#entries > STRETCH_ENTRIES_MAX) this.#join(stretches);
    }
    const before = stretch.highest.size;
    stretch.highest.set(index, number);
    this.#entries += stretch.highest.size - before;
    stretch.records += 1;
    stretch.end = sequence + 1;
  }

  /** Makes one stretch of each two, but for the last. */
  #join(stretches: Stretch[]): void {
    const joined: Stretch[] = [];
    const last = stretches.pop()!;
    for (let at = 0; at < stretches.length; at += 2) {
      const first = stretches[at]!;
      const second = stretches[at + 1];
      joined.push(first);
      if (second === undefined) continue;
      const before = first.highest.size + second.highest.size;
      for (const [index, highest] of second.highest) first.highest.set(index, highest);
      this.#entries -= before - first.highest.size;
      first.records += second.records;
      first.end = second.end;
    }
    stretches.length = 0;
    for (const stretch of joined) stretches.push(stretch);
    stretches.push(last);
  }

  /** What of `from` to `to` enough hosts have. */
  #covered(stream: Stream, from: number, to: number): readonly NumberRange[] {
    if (this.hosts === 1) return [{ from, to }];
    if (stream.hosts.size < this.hosts) return [];
    // Each range of a host begins to count at its first number, and no more behind its last.
    const edges: { at: number; by: number }[] = [];
    for (const known of stream.hosts.values())
      for (const range of known.within(from, to)) edges.push({ at: range.from, by: 1 }, { at: range.to + 1, by: -1 });
    edges.sort((a, b) => a.at - b.at);
    const covered = new NumberRanges();
    let count = 0;
    for (const [index, { at, by }] of edges.entries()) {
      count += by;
      const next = edges[index + 1];
      if (count >= this.hosts && next !== undefined && next.at > at) covered.add(at, next.at - 1);
    }
    return covered.ranges;
  }

  /** Numbers up to `to` belong to no record. */
  #skip(index: number, stream: Stream, to: number): void {
    stream.done.add(stream.next, to);
    stream.next = to + 1;
    this.#settle(index, stream);
  }

  /** Of records that were entered. Returns how many of them were not done before. */
  #finish(stream: Stream, from: number, to: number): number {
    const finished = stream.done.add(from, to);
    this.#waiting -= finished;
    return finished;
  }

  /** Moves the floor up to the first that is not done. */
  #settle(index: number, stream: Stream): void {
    const first = stream.done.ranges[0];
    if (first === undefined || first.from > stream.floor) return;
    stream.floor = first.to + 1;
    stream.done.remove(0, first.to);
    for (const known of stream.hosts.values()) known.remove(0, first.to);
    if (stream.unsent < stream.floor) stream.unsent = stream.floor;
    if (stream.floor === stream.next) this.#open.delete(index);
    this.#free();
  }

  #free(): void {
    this.#freeOf(this.#recovered);
    if (this.#recovered.length > 0) return;
    this.#keptFrom = Math.max(this.#keptFrom, this.#readTo);
    if (this.#readTo < this.#liveFrom) return;
    this.#freeOf(this.#stretches);
    if (this.#stretches.length === 0) this.#keptFrom = this.#nextSequence;
  }

  #freeOf(stretches: Stretch[]): void {
    let count = 0;
    while (count < stretches.length && this.#isDone(stretches[count]!)) {
      this.#keptFrom = Math.max(this.#keptFrom, stretches[count]!.end);
      this.#entries -= stretches[count]!.highest.size;
      count += 1;
    }
    if (count > 0) stretches.splice(0, count);
  }

  #isDone({ highest }: Stretch): boolean {
    for (const [index, number] of highest) {
      const stream = this.#streams.get(index); // none: it was idle, and is forgotten
      if (stream !== undefined && stream.floor <= number) return false;
    }
    return true;
  }
}
