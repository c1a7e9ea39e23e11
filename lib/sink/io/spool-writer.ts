// The hand that writes a spool's segments: off the main thread, one call at a time, in order. What can't be written stays in memory and is tried again, at the
// place where it belongs, so that a full disk leaves nothing half-written behind once it has room.
import { constants, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { BackOff, type BackOffRule } from "../../base/back-off.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { Nap } from "../../run/nap.ts";
import { SLOT_BYTES, writeCursor } from "../spool-cursor.ts";
import { KIND_RECORD, readEntry, SpoolEntry } from "../spool-entry.ts";
import { files } from "./files.ts";
import { CURSOR_NAME, segmentPath } from "./spool-recovery.ts";

const RETRY: BackOffRule = { firstMs: 100, mostMs: 2_000, jitter: 0.2 };
/** What is in it is nobody's business but its owner's. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const WRITE_CHUNKS_MAX = 32;
/** A disk that takes so long for what should only be copied keeps others waiting: what comes next is written behind their backs. */
const SLOW_MS = 50;

/** Whole entries that belong at `offset` of a segment. */
export interface Chunk {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  end: number;
}

export interface SpoolWriterEvents {
  /** The directory is there. May throw: then nothing is written, and it is asked again. */
  beforeFirstWrite(): void;
  onFailing(reason: string): void;
  onWorking(outageMs: number): void;
}

export class SpoolWriter {
  /** What is not written yet, the oldest first; the first of them may be on their way. */
  readonly chunks: Chunk[] = [];
  /** Bytes in `chunks`. */
  pendingBytes = 0;
  readonly #doomed = new Set<number>();
  readonly #backOff = new BackOff(RETRY, Math.random);
  #file: { readonly segment: number; readonly fd: number } | undefined;
  #cursorFd: number | undefined;
  #cursor: number | undefined;
  #isRunning = false;
  /** When the call that is on its way began, about. */
  #progressMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();
  #failingSinceMs: number | undefined;
  /** How many chunks, from the first, are on their way. */
  #writingCount = 0;
  /** What waits is written off the main thread: always, or since `writeNow` failed, until that is over. */
  #isDeferred: boolean;
  /** Of a chunk that `writeNow` has written. */
  #spare: Uint8Array | undefined;
  /** Whether the directory holds anything: where it does not, no cursor is needed. */
  #hasFiles: boolean;
  #isClosed = false;
  /** Files that are being closed. */
  #closing: Promise<unknown> = Promise.resolve();
  readonly #nap = new Nap();

  /**
   * @param turn     of the last cursor that was written
   * @param hasFiles whether anything was found
   * @param isPrompt the owner calls `writeNow` behind what it adds
   * @param keepsUpMs how long a call may take of a disk that keeps up
   */
  constructor(
    private readonly directory: string,
    private readonly events: SpoolWriterEvents,
    private turn: number,
    hasFiles: boolean,
    private readonly isPrompt: boolean,
    private readonly keepsUpMs: number,
  ) {
    this.#hasFiles = hasFiles;
    this.#isDeferred = !isPrompt;
  }

  /** Whether a call is on its way, be it one that hangs. */
  get isBusy(): boolean {
    return this.#isRunning;
  }

  /** Nothing fails, and no call has been on its way for long. */
  get keepsUp(): boolean {
    if (this.#failingSinceMs !== undefined) return false;
    return !this.#isRunning || performance.now() - this.#progressMs < this.keepsUpMs;
  }

  /** The chunk that takes what belongs at `offset` of a segment, with room for `bytes`; made where the last one is not it. */
  chunkFor(segment: number, offset: number, bytes: number, chunkBytes: number): Chunk {
    const last = this.chunks.at(-1);
    const fits = last !== undefined && this.chunks.length > this.#writingCount && last.segment === segment;
    if (fits && last.end + bytes <= last.bytes.length) return last;
    const spare = this.#spare;
    this.#spare = undefined;
    const room = Math.max(chunkBytes, bytes);
    const chunk = { segment, offset, bytes: spare?.length === room ? spare : new Uint8Array(room), end: 0 };
    this.chunks.push(chunk);
    return chunk;
  }

  /** Something was put into the last chunk. */
  added(bytes: number): void {
    this.pendingBytes += bytes;
    if (this.#isDeferred) this.#run();
  }

  /** Writes what waits before it returns, as long as that goes well; else it is tried again behind our back. Only where the writer is prompt. */
  writeNow(): void {
    if (this.#isDeferred) return;
    const { chunks } = this;
    if (chunks.length === 0) return;
    const beganMs = performance.now();
    try {
      while (chunks.length > 0) {
        const { segment, offset, bytes, end } = chunks[0]!;
        const fd = this.#file?.segment === segment ? this.#file.fd : this.#openNow(segment);
        for (let done = 0; done < end; ) done += writeSync(fd, bytes, done, end - done, offset + done);
        chunks.shift();
        this.pendingBytes -= end;
        this.#spare = bytes;
      }
      if (performance.now() - beganMs > SLOW_MS) this.#isDeferred = true; // until the writer has caught up
    } catch {
      this.#isDeferred = true; // what we met will be met again, and told
      this.#run();
    }
  }

  /** Records before `sequence` are delivered: kept for the next start. */
  keepCursor(sequence: number): void {
    this.#cursor = sequence;
    this.#run();
  }

  /** A segment is of no use any more, written or not. */
  remove(segment: number): void {
    this.#doomed.add(segment);
    this.#forget(segment);
    this.#run();
  }

  /** How many records are not written, of those from `sequence` on. */
  recordsFrom(sequence: number): number {
    const entry = new SpoolEntry();
    let records = 0;
    for (const { bytes, end } of this.chunks) {
      for (let at = 0; readEntry(bytes, at, end, entry) === "entry"; at = entry.end)
        if (entry.kind === KIND_RECORD && entry.sequence >= sequence) records += 1;
    }
    return records;
  }

  /** Gives what waits `withinMs` to be written. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    this.writeNow();
    this.#nap.wake();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, withinMs);
    });
    await Promise.race([this.#running, late]);
    clearTimeout(timer);
    if (this.#isRunning) return; // it hangs in a write, and would hang us too
    this.#leaveFile();
    await this.#closing;
    if (this.#cursorFd !== undefined) await files.close(this.#cursorFd).catch(() => {});
  }

  /** What waits for a segment, but for what is on its way, is not written. */
  #forget(segment: number): void {
    for (let index = this.chunks.length - 1; index >= this.#writingCount; index--) {
      const chunk = this.chunks[index]!;
      if (chunk.segment !== segment) continue;
      this.chunks.splice(index, 1);
      this.pendingBytes -= chunk.end;
    }
  }

  #run(): void {
    if (!this.#isRunning) this.#running = this.#work();
  }

  /** Runs until nothing is left to do. Never throws. */
  async #work(): Promise<void> {
    this.#isRunning = true;
    this.#progressMs = performance.now();
    await Promise.resolve(); // let the turn fill its chunk
    while ((this.#isDeferred && this.chunks.length > 0) || this.#cursor !== undefined || this.#doomed.size > 0) {
      this.#progressMs = performance.now();
      try {
        await this.#removeDoomed();
        await this.#writeCursor();
        if (this.#isDeferred) await this.#writeChunks();
        if (this.chunks.length === 0) this.#isDeferred = !this.isPrompt;
        this.#worked();
      } catch (error) {
        this.#failed(error);
        if (this.#isClosed) break;
        await this.#nap.sleep(this.#backOff.nextMs());
      }
    }
    this.#isRunning = false;
  }

  /** Writes what waits for one segment, many chunks in one call. One that got written in part is written again, at its place. */
  async #writeChunks(): Promise<void> {
    const { chunks } = this;
    const first = chunks[0];
    if (first === undefined) return;
    let count = 1;
    while (count < WRITE_CHUNKS_MAX && chunks[count]?.segment === first.segment) count += 1;
    const batch = chunks.slice(0, count);
    const bytes = batch.reduce((sum, { end }) => sum + end, 0);
    let done = 0;
    this.#writingCount = count;
    try {
      const fd = await this.#open(first.segment);
      this.#progressMs = performance.now();
      while (done < bytes) done += await files.writev(fd, partsFrom(batch, done), first.offset + done);
    } finally {
      this.#writingCount = 0;
      for (let behind = chunks[0]!.end; chunks.length > 0 && behind <= done; behind += chunks[0]?.end ?? 0) {
        this.pendingBytes -= chunks.shift()!.end;
      }
    }
  }

  async #open(segment: number): Promise<number> {
    if (this.#file?.segment === segment) return this.#file.fd;
    this.#leaveFile();
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
    const path = segmentPath(this.directory, segment);
    await files.mkdir(this.directory, { recursive: true, mode: DIRECTORY_MODE });
    this.events.beforeFirstWrite();
    this.#hasFiles = true;
    this.#file = { segment, fd: await files.open(path, flags, FILE_MODE) };
    return this.#file.fd;
  }

  #openNow(segment: number): number {
    this.#leaveFile();
    mkdirSync(this.directory, { recursive: true, mode: DIRECTORY_MODE });
    this.events.beforeFirstWrite();
    this.#hasFiles = true;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
    this.#file = { segment, fd: openSync(segmentPath(this.directory, segment), flags, FILE_MODE) };
    return this.#file.fd;
  }

  /** A segment that is finished is synced to the disk behind our back: that may take long. */
  #leaveFile(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    const synced = this.#doomed.has(file.segment) ? Promise.resolve() : files.fdatasync(file.fd);
    const closed = synced.catch(() => {}).then(() => files.close(file.fd));
    this.#closing = Promise.all([this.#closing, closed.catch(() => {})]);
  }

  async #writeCursor(): Promise<void> {
    const sequence = this.#cursor;
    if (sequence === undefined) return;
    if (!this.#hasFiles) {
      if (this.chunks.length === 0) this.#cursor = undefined; // nothing would come again
      return;
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
    this.#cursorFd ??= await files.open(join(this.directory, CURSOR_NAME), flags, FILE_MODE);
    this.turn += 1;
    const position = (this.turn % 2) * SLOT_BYTES;
    await files.write(this.#cursorFd, writeCursor({ turn: this.turn, sequence }), 0, SLOT_BYTES, position);
    if (this.#cursor === sequence) this.#cursor = undefined;
  }

  async #removeDoomed(): Promise<void> {
    for (const segment of this.#doomed) {
      this.#forget(segment); // of what could not be written some may be left
      if (this.#file?.segment === segment) this.#leaveFile();
      this.#doomed.delete(segment);
      await files.unlink(segmentPath(this.directory, segment)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return; // it was never written
        this.#doomed.add(segment);
        throw error;
      });
    }
  }

  #failed(error: unknown): void {
    if (this.#failingSinceMs !== undefined) return;
    this.#failingSinceMs = performance.now();
    this.events.onFailing(reasonOf(error));
  }

  #worked(): void {
    if (this.#failingSinceMs === undefined) return;
    const outageMs = performance.now() - this.#failingSinceMs;
    this.#failingSinceMs = undefined;
    this.#backOff.reset();
    this.events.onWorking(outageMs);
  }
}

/** The bytes of chunks that follow each other, without the first `skip`. */
function partsFrom(chunks: readonly Chunk[], skip: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let before = 0;
  for (const { bytes, end } of chunks) {
    if (before + end > skip) parts.push(bytes.subarray(Math.max(0, skip - before), end));
    before += end;
  }
  return parts;
}
