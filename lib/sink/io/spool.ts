// A queue on disk, for what memory has no room for and for what shall outlive the process: records go in at one end and are read back, in order, at the other.
//
//   directory/0000000007.spool ...   segments, append-only (spool-entry.ts); removed as a whole when all in it is delivered, or dropped
//   directory/cursor                 how far delivery came (spool-cursor.ts)
//   directory/lock                   held by the process whose spool it is
//
// All that is counted is counted by sequence: of each record there is one, so `nextSequence - readSequence` waits, and a jump is a loss. What was appended can be
// read at once, from memory while it is not written; so a disk that is full or hangs stops nothing that still fits into memory.
//
// A kill between delivery and the cursor's write replays some records: the cursor is written when there is time, not for every record. Identities
// (stream, number) come back as they were given, so readers who care can tell.
import { Fault } from "../../base/fault.ts";
import { KEEPS_UP_MS } from "../sink.ts";
import {
  ENTRY_HEADER_BYTES,
  findEntry,
  KIND_RECORD,
  KIND_STREAM,
  readEntry,
  SpoolEntry,
  writeEntry,
} from "../spool-entry.ts";
import { files, readFrom } from "./files.ts";
import { type FoundSegment, lockSpool, type Recovered, recoverSpool, segmentPath } from "./spool-recovery.ts";
import { SpoolWriter } from "./spool-writer.ts";

export const DEFAULT_SPOOL_BYTES = 256 * 1024 * 1024;
export const DEFAULT_SPOOL_AGE_MS = 7 * 86_400_000;

/** A spool is dropped by segments: this many keep the loss small against the whole. */
const SEGMENTS = 32;
const SEGMENT_BYTES_MAX = 8 * 1024 * 1024;
const CHUNK_BYTES = 65_536;
const READ_BYTES = 262_144;
/** Names of streams that are at hand. */
const NAMES_MAX = 16_384;

export type SpoolLossCause = "full" | "too old" | "damaged";

export type SpoolEvent =
  | { readonly on: "failing"; readonly reason: string }
  | { readonly on: "working"; readonly outageMs: number }
  /** At the start: records of the life before wait here. `tornBytes`: what its end cut off. */
  | { readonly on: "recovered"; readonly records: number; readonly tornBytes: number }
  | { readonly on: "lost"; readonly records: number; readonly cause: SpoolLossCause };

export interface SpoolOptions {
  readonly directory: string;
  readonly bytesMax: number;
  /** Records that have waited longer are dropped. */
  readonly ageMaxMs: number;
  /** Which records go when `bytesMax` is reached: the oldest by whole segments, or each new one. */
  readonly whenFull: "drop-oldest" | "drop-newest";
  /** What may wait in memory for the disk. */
  readonly pendingBytesMax: number;
  /** What is appended is on disk when `writeNow` returns, and not much later. */
  readonly isPrompt?: boolean;
  /** A disk whose calls take longer does not keep up; `KEEPS_UP_MS` if not said. */
  readonly keepsUpMs?: number;
  readonly wallMs: () => number;
  /** What a stream is called on disk; its number is only good in this process. */
  readonly streamName: (stream: number) => string;
  /** The stream of a name that was read; `undefined` where there is no room for one more, and its records are lost. */
  readonly streamOf: (name: string) => number | undefined;
  readonly onEvent: (event: SpoolEvent) => void;
}

/** Gets a record that was read, its bytes at [entry.start, entry.end); false where there is no room: then it comes again. */
export type TakeSpooled = (stream: number, entry: Readonly<SpoolEntry>, bytes: Uint8Array) => boolean;

interface Segment {
  readonly id: number;
  firstSequence: number;
  bytes: number;
  lastAtMs: number;
  /** Streams that are defined in it. */
  readonly streams: Set<number>;
}

export class Spool {
  readonly #options: SpoolOptions;
  readonly #writer: SpoolWriter;
  readonly #segmentBytes: number;
  #lockFd: number;
  readonly #segments: Segment[] = [];
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #out = new SpoolEntry();
  readonly #in = new SpoolEntry();
  readonly #streamNames = new Map<number, Uint8Array>();
  /** Stream numbers of the segment being read, to ours. */
  readonly #names = new Map<number, number>();
  #lastId: number;
  /** The segment that takes records; never one of an earlier life. */
  #active: Segment | undefined;
  #bytes = 0;
  #nextSequence: number;
  #readSequence: number;
  #confirmed: number;
  /** In the first segment that is not read to its end. */
  #readSegment: Segment | undefined;
  #readOffset = 0;

  /** Takes up what an earlier life left. @throws where the directory is there and can't be read */
  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#lockFd = this.#tryLock();
    const found: Recovered = recoverSpool(options.directory);
    this.#segmentBytes = Math.min(SEGMENT_BYTES_MAX, Math.ceil(options.bytesMax / SEGMENTS));
    this.#writer = new SpoolWriter(
      options.directory,
      {
        beforeFirstWrite: () => {
          if (this.#lockFd < 0) this.#lockFd = lockSpool(options.directory, found.lastId);
        },
        onFailing: (reason) => options.onEvent({ on: "failing", reason }),
        onWorking: (outageMs) => options.onEvent({ on: "working", outageMs }),
      },
      found.turn,
      found.lastId > 0,
      options.isPrompt === true,
      options.keepsUpMs ?? KEEPS_UP_MS,
    );
    for (const segment of found.segments) this.#adopt(segment);
    this.#lastId = found.lastId;
    this.#nextSequence = found.nextSequence;
    this.#readSequence = found.readSequence;
    this.#confirmed = found.readSequence;
    this.#readSegment = this.#segments[0];
    if (this.unread > 0 || found.tornBytes > 0)
      options.onEvent({ on: "recovered", records: this.unread, tornBytes: found.tornBytes });
    this.#dropOld();
  }

  /** Records that were not read yet. */
  get unread(): number {
    return this.#nextSequence - this.#readSequence;
  }

  /** Bytes in use, of `bytesMax`. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#confirmed === this.#nextSequence;
  }

  /** Whether memory has no room for what waits for the disk. */
  get isPendingFull(): boolean {
    return this.#writer.pendingBytes > this.#options.pendingBytesMax / 2;
  }

  /** The same, while the disk keeps up: there is room in a moment. */
  get isPressed(): boolean {
    return this.isPendingFull && this.#writer.keepsUp;
  }

  /** Records that an end of this process would lose. */
  get unwritten(): number {
    return this.#writer.recordsFrom(this.#confirmed);
  }

  /** Records before this one are not on disk any more. */
  get firstSequence(): number {
    return this.#segments[0]?.firstSequence ?? this.#nextSequence;
  }

  /** The record that is read next. */
  get readSequence(): number {
    return this.#readSequence;
  }

  /** What the next record's sequence would be. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /**
   * Appends the record at [start, end) of `bytes`, and returns its sequence; -1 where there is no room for it, and it is not kept.
   * @param mayWait even where memory has no room for what waits for the disk: for what lies in memory anyway
   */
  append(stream: number, number: number, bytes: Uint8Array, start: number, end: number, mayWait = false): number {
    const length = ENTRY_HEADER_BYTES + end - start;
    const name = this.#nameOf(stream);
    const needed = length + ENTRY_HEADER_BYTES + name.length;
    if (!mayWait && this.#writer.pendingBytes + needed > this.#options.pendingBytesMax) return -1;
    if (this.#bytes + needed > this.#options.bytesMax && !this.#makeRoom(needed)) return -1;
    const entry = this.#out;
    entry.atMs = this.#options.wallMs();
    const segment = this.#segmentFor(length);
    if (!segment.streams.has(stream)) this.#define(segment, stream, name);
    entry.kind = KIND_RECORD;
    entry.stream = stream;
    entry.sequence = this.#nextSequence;
    entry.number = number;
    this.#write(segment, bytes, start, end);
    this.#nextSequence += 1;
    return entry.sequence;
  }

  /** A record that was to be read next is taken to be read: it lies in memory already. Only right behind its `append`. */
  skipTo(sequence: number): void {
    this.#readSequence = Math.max(this.#readSequence, sequence);
  }

  /** Reads all that is not confirmed once more. */
  rewind(): void {
    this.#readSequence = Math.max(this.#confirmed, this.firstSequence);
    this.#beginReading(this.#segments[0]);
  }

  /** Gets what was appended to the disk before it returns, unless that fails: then it goes on trying. */
  writeNow(): void {
    this.#writer.writeNow();
  }

  /** Reads on, until `take` has no room or there is nothing more. One at a time. Never throws. */
  async read(take: TakeSpooled): Promise<void> {
    for (;;) {
      const segment = this.#readSegment;
      if (segment === undefined) return;
      if (this.#readOffset >= segment.bytes) {
        if (!this.#readNextSegment(segment)) return;
        continue;
      }
      const offset = this.#readOffset;
      const chunk = this.#writer.chunks.find(
        (one) => one.segment === segment.id && offset >= one.offset && offset < one.offset + one.end,
      );
      if (chunk !== undefined) {
        if (!this.#deliver(chunk.bytes, offset - chunk.offset, chunk.end, true, take)) return;
        continue;
      }
      const unwritten = this.#writer.chunks.find((one) => one.segment === segment.id && one.offset > offset);
      const until = unwritten?.offset ?? segment.bytes;
      const length = await readFrom(this.#pathOf(segment), this.#buffer, Math.min(READ_BYTES, until - offset), offset);
      if (segment !== this.#readSegment || offset !== this.#readOffset) continue; // it was dropped meanwhile
      if (length <= 0)
        this.#readOffset = until; // not there any more: the sequence tells what is missing
      else if (!this.#deliver(this.#buffer, 0, length, offset + length >= until, take)) return;
    }
  }

  /** All records up to this sequence are delivered: they will not come again. */
  confirm(sequence: number): void {
    if (sequence < this.#confirmed) return;
    this.#confirmed = sequence + 1;
    this.#readSequence = Math.max(this.#readSequence, this.#confirmed); // while it is read once more
    if (this.isEmpty) this.#clear();
    while (this.#segments.length > 1 && this.#segments[1]!.firstSequence <= this.#confirmed) this.#removeFirst();
    if (this.#lastId > 0) this.#writer.keepCursor(this.#confirmed);
  }

  /** Gives what is in memory `withinMs` to get to the disk. */
  async close(withinMs: number): Promise<void> {
    await this.#writer.close(withinMs);
    if (this.#lockFd >= 0 && !this.#writer.isBusy) await files.close(this.#lockFd);
  }

  /** -1 where there is nothing to lock yet, or it can't be now: then before the first write. @throws {Fault} where another process has it */
  #tryLock(): number {
    try {
      return lockSpool(this.#options.directory, Number.POSITIVE_INFINITY);
    } catch (error) {
      if (error instanceof Fault && error.code === "spool-in-use") throw error;
      return -1;
    }
  }

  #adopt({ id, firstSequence, bytes, lastAtMs }: FoundSegment): void {
    this.#segments.push({ id, firstSequence, bytes, lastAtMs, streams: new Set() });
    this.#bytes += bytes;
  }

  #segmentFor(length: number): Segment {
    const active = this.#active;
    if (active !== undefined && active.bytes + length <= this.#segmentBytes) return active;
    this.#dropOld();
    this.#lastId += 1;
    const segment = {
      id: this.#lastId,
      firstSequence: this.#nextSequence,
      bytes: 0,
      lastAtMs: this.#out.atMs,
      streams: new Set<number>(),
    };
    this.#segments.push(segment);
    this.#active = segment;
    this.#readSegment ??= segment;
    return segment;
  }

  #nameOf(stream: number): Uint8Array {
    let name = this.#streamNames.get(stream);
    if (name === undefined) {
      if (this.#streamNames.size >= NAMES_MAX) this.#streamNames.clear();
      name = new TextEncoder().encode(this.#options.streamName(stream));
      this.#streamNames.set(stream, name);
    }
    return name;
  }

  #define(segment: Segment, stream: number, name: Uint8Array): void {
    const entry = this.#out;
    entry.kind = KIND_STREAM;
    entry.stream = stream;
    entry.sequence = this.#nextSequence;
    entry.number = 0;
    this.#write(segment, name, 0, name.length);
    segment.streams.add(stream);
  }

  #write(segment: Segment, bytes: Uint8Array, start: number, end: number): void {
    const length = ENTRY_HEADER_BYTES + end - start;
    const chunk = this.#writer.chunkFor(segment.id, segment.bytes, length, CHUNK_BYTES);
    chunk.end = writeEntry(chunk.bytes, chunk.end, this.#out, bytes, start, end);
    segment.bytes += length;
    segment.lastAtMs = this.#out.atMs;
    this.#bytes += length;
    this.#writer.added(length);
  }

  /** Gives the entries at [at, end) to `take`; false where it has no room. @param isWhole nothing that begins here goes on behind `end` */
  #deliver(bytes: Uint8Array, at: number, end: number, isWhole: boolean, take: TakeSpooled): boolean {
    const base = this.#readOffset - at;
    const entry = this.#in;
    while (at < end) {
      const found = readEntry(bytes, at, end, entry);
      if (found === "short" && !isWhole && at + base > this.#readOffset) break; // read again from here, whole
      if (found !== "entry") {
        at = findEntry(bytes, at + 1, end, entry);
        if (at === end && !isWhole) at = Math.max(end - 7, this.#readOffset - base + 1); // what begins there can't be told yet
        this.#readOffset = base + at;
        if (!isWhole) break;
        continue;
      }
      if (entry.kind === KIND_STREAM) this.#learn(bytes);
      else if (!this.#offer(bytes, take)) {
        this.#readOffset = base + at;
        return false;
      }
      at = entry.end;
    }
    this.#readOffset = base + at;
    return true;
  }

  #learn(bytes: Uint8Array): void {
    const { stream, start, end } = this.#in;
    const name = new TextDecoder().decode(bytes.subarray(start, end));
    const known = this.#options.streamOf(name);
    if (known === undefined) this.#names.delete(stream);
    else this.#names.set(stream, known);
  }

  #offer(bytes: Uint8Array, take: TakeSpooled): boolean {
    const entry = this.#in;
    if (entry.sequence < this.#readSequence || entry.sequence >= this.#nextSequence) return true; // delivered before, or no record of ours
    this.#readOnTo(entry.sequence, "damaged");
    const stream = this.#names.get(entry.stream);
    if (stream === undefined) this.#readOnTo(entry.sequence + 1, "damaged");
    else if (entry.atMs < this.#options.wallMs() - this.#options.ageMaxMs)
      this.#readOnTo(entry.sequence + 1, "too old");
    else if (!take(stream, entry, bytes)) return false;
    this.#readSequence = entry.sequence + 1;
    return true;
  }

  /** The records before `sequence` will not be read. */
  #readOnTo(sequence: number, cause: SpoolLossCause): void {
    const records = sequence - this.#readSequence;
    if (records <= 0) return;
    this.#readSequence = sequence;
    this.#options.onEvent({ on: "lost", records, cause });
  }

  #readNextSegment(segment: Segment): boolean {
    const next = this.#segments[this.#segments.indexOf(segment) + 1];
    if (next === undefined) {
      this.#readOnTo(this.#nextSequence, "damaged"); // all that was appended has been looked at
      return false;
    }
    this.#readOnTo(next.firstSequence, "damaged");
    this.#beginReading(next);
    return true;
  }

  #beginReading(segment: Segment | undefined): void {
    this.#readSegment = segment;
    this.#readOffset = 0;
    this.#names.clear();
  }

  #pathOf({ id }: Segment): string {
    return segmentPath(this.#options.directory, id);
  }

  #makeRoom(length: number): boolean {
    if (this.#options.whenFull === "drop-newest") return false;
    while (this.#bytes + length > this.#options.bytesMax) {
      if (this.#segments.length < 2) return false;
      this.#dropFirst("full");
    }
    return true;
  }

  #dropOld(): void {
    const oldestMs = this.#options.wallMs() - this.#options.ageMaxMs;
    while (this.#segments.length > 1 && this.#segments[0]!.lastAtMs < oldestMs) this.#dropFirst("too old");
  }

  #dropFirst(cause: SpoolLossCause): void {
    const next = this.#segments[1]!;
    if (this.#readSegment === this.#segments[0]) this.#beginReading(next);
    this.#readOnTo(next.firstSequence, cause);
    this.#confirmed = Math.max(this.#confirmed, next.firstSequence); // or the next life would miss, and report, them again
    this.#writer.keepCursor(this.#confirmed);
    this.#removeFirst();
  }

  #removeFirst(): void {
    const segment = this.#segments.shift()!;
    this.#bytes -= segment.bytes;
    if (this.#readSegment === segment) this.#beginReading(this.#segments[0]);
    this.#writer.remove(segment.id);
  }

  #clear(): void {
    while (this.#segments.length > 0) this.#removeFirst();
    this.#active = undefined;
    this.#beginReading(undefined);
  }
}
