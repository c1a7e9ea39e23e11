// Appends records to a file, one a line. Every call that could wait for a disk is made off the main thread, one at a time: a file system that hangs, hangs
// this sink alone.
//
// Opened for append, directories made, and opened anew on SIGHUP. A line that a crash cut in half is ended before ours begin. What cannot be written waits in
// the queue, and is tried again; nothing that a disk does ends the process.
import { close, constants, fstat, mkdir, open, read, write, writev } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { BackOff, type BackOffRule } from "../../base/back-off.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { Nap } from "../../run/nap.ts";
import type { Format } from "../../syslog/format.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Leftovers } from "../leftovers.ts";
import { type Block, type BlockPool, LineQueue } from "../line-queue.ts";
import { LossWatch } from "../loss-watch.ts";
import { KEEPS_UP_MS, LINGER_MS, type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";
import type { FileCare } from "./file-care.ts";

/** Non-blocking, for what is no regular file: a FIFO without a reader must not hold us. */
const OPEN_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;
const LF = 10;
/** A write is done once a turn of the event loop, and a turn may bring half a mebibyte from each connection: one block would never keep up. */
const BLOCKS_A_WRITE = 16;
/** A write that takes longer holds up no source. */
const HANGS_AFTER_MS = 2_000;
/** A FIFO whose reader is slow takes no more for the moment: that is no failure, unless it lasts. */
const BUSY_MS = 10;
const BUSY_MOST_MS = 2_000;
const RETRY: BackOffRule = { firstMs: 100, mostMs: 2_000, jitter: 0.2 };

// By number, not by `FileHandle`: one of these that is collected while a call on it hangs throws where nobody can catch it.
const files = {
  open: promisify(open),
  close: promisify(close),
  fstat: promisify(fstat),
  mkdir: promisify(mkdir),
  read: promisify(read),
  write: promisify(write),
  writev: writeBlocks,
};

export interface FileSinkOptions {
  readonly path: string;
  readonly format: Format;
  /** What may wait in memory while the file cannot be written. */
  readonly queueBytesMax: number;
  /** Of a file that we create; the umask still takes away from it. */
  readonly mode: number;
  readonly pool: BlockPool;
  /** Records of this severity, and of graver ones, are on the disk before anything more is written, whatever `care` says of syncing. */
  readonly syncSeverity?: number;
  /** What it needs besides: syncing, an owner, rotation, a look whether it is still in its place. */
  readonly care?: FileCare;
  /** A disk whose calls take longer does not keep up; `KEEPS_UP_MS` if not said. */
  readonly keepsUpMs?: number;
  readonly onEvent: (event: SinkEvent) => void;
}

export class FileSink implements Sink, Outlet {
  readonly name: string;
  readonly counters = new SinkCounters();
  readonly #options: FileSinkOptions;
  readonly #queue: LineQueue;
  readonly #backOff = new BackOff(RETRY, Math.random);
  #fd: number | undefined;
  /** The blocks being written, and how much of the first is. */
  readonly #blocks: Block[] = [];
  #writtenBytes = 0;
  /** So much of the first line in the queue was in the file when it was left by the process before; until it is open. */
  #resumeAt = 0;
  #mustReopen = true;
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** The end came before the queue was empty. */
  #isAbandoned = false;
  #lastWriteMs = Number.NEGATIVE_INFINITY;
  #lastProgressMs = Number.NEGATIVE_INFINITY;
  #failingSinceMs: number | undefined;
  #busySinceMs: number | undefined;
  /** Of `counters.lost`, what has been told. */
  #toldLost = 0;
  readonly #losses = new LossWatch();
  /** Who waits until so many records are in the file. */
  readonly #waiters: { readonly delivered: number; readonly done: (committed: boolean) => void }[] = [];
  readonly #nap = new Nap();
  readonly #tried = Promise.withResolvers<void>();

  constructor(options: FileSinkOptions) {
    this.name = `file:${options.path}`;
    this.#options = options;
    this.#queue = new LineQueue(options.queueBytesMax, options.format, options.pool, options.syncSeverity);
    this.flush();
  }

  get waiting(): number {
    return this.#queue.records;
  }

  /** Bytes in the queue. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  get isBehind(): boolean {
    if (this.#queue.bytes < this.#queue.bytesMax / 8 || this.#failingSinceMs !== undefined) return false;
    return performance.now() - this.#lastProgressMs < HANGS_AFTER_MS;
  }

  get isPressed(): boolean {
    if (this.#queue.bytes < this.#queue.bytesMax / 2 || this.isFailing || this.#isClosed) return false;
    const { keepsUpMs = KEEPS_UP_MS } = this.#options;
    return !this.#isWriting || performance.now() - this.#lastProgressMs < keepsUpMs; // the end of this turn begins it
  }

  get hasRoom(): boolean {
    return this.#queue.bytes < this.#queue.bytesMax / 2;
  }

  get isFailing(): boolean {
    return this.#failingSinceMs !== undefined;
  }

  get isUnsettled(): boolean {
    if (this.#options.care?.settles !== true || this.#queue.records === 0 || this.isFailing) return false;
    if (!this.#isWriting) return true; // the end of this turn begins it
    return performance.now() - this.#lastProgressMs < HANGS_AFTER_MS;
  }

  /** When it was tried once to open the file. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  take(record: RecordView): void {
    this.counters.accepted += 1;
    if (this.#isClosed || !this.#queue.push(record)) this.#lose();
  }

  /** As `take`, of a record that is a line already, without its line end. */
  takeLine(line: Uint8Array, severity: number): void {
    this.counters.accepted += 1;
    if (this.#isClosed || !this.#queue.pushLine(line, severity)) this.#lose();
  }

  flush(): void {
    if (!this.#isWriting && (this.#queue.records > 0 || this.#mustReopen)) this.#writing = this.#write();
    else if (this.#queue.isPressing && this.#failingSinceMs === undefined) this.#nap.wake();
  }

  reopen(): void {
    this.#mustReopen = true;
    this.#nap.wake();
    this.flush();
  }

  /**
   * Resolves when what was taken until now is where it stays: in the file and, where its care syncs it, on the disk.
   * @returns false where that will never be
   */
  async committed(): Promise<boolean> {
    const delivered = this.counters.accepted - this.counters.lost;
    if (this.counters.delivered < delivered) {
      if (this.#isAbandoned) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.#waiters.push({ delivered, done: resolve });
      this.flush();
      if (!(await promise)) return false;
    }
    await this.#options.care?.sync();
    return true;
  }

  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    this.#mustReopen = false;
    this.flush();
    this.#nap.wake();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, withinMs);
    });
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
    this.#isAbandoned = true;
    this.#nap.wake();
    this.counters.lost += this.#queue.records;
    for (const { done } of this.#waiters.splice(0)) done(false);
    if (!this.#isWriting && this.#fd !== undefined) await this.#closeFile(this.#fd); // else it hangs in a call, and would hang us too
  }

  async handOver(withinMs: number): Promise<readonly Leftovers[]> {
    await this.close(withinMs);
    const [first] = this.#blocks;
    const from = first === undefined ? 0 : lineStart(first.bytes, this.#writtenBytes);
    const writtenBytes = this.#writtenBytes - from;
    const whole = first === undefined ? 0 : countLines(first.bytes, from);
    for (let block = this.#queue.take(); block !== undefined; block = this.#queue.take()) this.#blocks.push(block);
    const blocks = this.#blocks.splice(0);
    const records = blocks.reduce((sum, block) => sum + block.records, -whole);
    this.counters.lost -= records + whole;
    this.counters.delivered += whole;
    if (records <= 0) return [];
    const bytes = Buffer.concat(blocks.map(({ bytes, end }, at) => bytes.subarray(at === 0 ? from : 0, end)));
    const isUrgent = blocks.some((block) => block.isUrgent);
    return [{ form: "lines", path: "", records, bytes, writtenBytes, isUrgent }];
  }

  takeUp({ bytes, records, writtenBytes, isUrgent }: Leftovers): void {
    if (this.#queue.records === 0) this.#resumeAt = writtenBytes;
    this.counters.accepted += records;
    this.#queue.pushLines(bytes, records, isUrgent);
    this.flush();
  }

  /** Runs until nothing waits. Never throws. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    this.#lastProgressMs = performance.now();
    while ((this.#queue.records > 0 || this.#mustReopen) && !this.#isAbandoned) {
      await this.#linger();
      try {
        if (this.#mustReopen || this.#fd === undefined || (await this.#options.care?.mustReopen()))
          this.#fd = await this.#open();
        await this.#writeBlocks(this.#fd);
        this.#worked();
        this.#tried.resolve();
      } catch (error) {
        const waitMs = this.#failed(error);
        this.#tried.resolve();
        await this.#nap.sleep(waitMs);
      }
    }
    this.#isWriting = false;
  }

  /** A file that was just written waits a moment for more, unless there is enough already. */
  async #linger(): Promise<void> {
    const restMs = this.#options.care?.settles === true ? 0 : this.#lastWriteMs + LINGER_MS - performance.now();
    if (restMs > 0 && !this.#queue.isPressing && !this.#isClosed && !this.#mustReopen) await this.#nap.sleep(restMs);
    this.#lastWriteMs = performance.now();
  }

  async #writeBlocks(fd: number): Promise<void> {
    const blocks = this.#blocks;
    while (blocks.length < BLOCKS_A_WRITE) {
      const block = this.#queue.take();
      if (block === undefined) break;
      blocks.push(block);
    }
    while (blocks.length > 0) {
      const isUrgent = blocks.some((block) => block.isUrgent);
      const bytes = await files.writev(fd, blocks, this.#writtenBytes);
      this.#lastProgressMs = performance.now();
      await this.#options.care?.written(bytes, isUrgent);
      this.#noteWritten(bytes);
      this.#busySinceMs = undefined;
    }
  }

  #noteWritten(bytes: number): void {
    const blocks = this.#blocks;
    this.#writtenBytes += bytes;
    this.#lastProgressMs = performance.now();
    for (let block = blocks[0]; block !== undefined && this.#writtenBytes >= block.end; block = blocks[0]) {
      this.#writtenBytes -= block.end;
      this.counters.delivered += block.records;
      blocks.shift();
      this.#queue.done(block);
    }
    while (this.#waiters.length > 0 && this.#waiters[0]!.delivered <= this.counters.delivered)
      this.#waiters.shift()!.done(true);
  }

  async #open(): Promise<number> {
    const { path, mode, care } = this.#options;
    const before = this.#fd;
    this.#fd = undefined;
    if (before !== undefined) await this.#closeFile(before);
    const made: string | undefined = await files.mkdir(dirname(path), { recursive: true });
    if (made !== undefined) await care?.madeDirectory(made, dirname(path));
    const fd = await files.open(path, OPEN_FLAGS, mode);
    try {
      // The half line may be the beginning of what we were left: then it goes on.
      const isHalf = await endsInHalfALine(path, fd);
      if (isHalf && this.#resumeAt === 0) await files.write(fd, Uint8Array.of(LF));
      await care?.opened(fd);
      if (isHalf && this.#resumeAt > 0) this.#writtenBytes = this.#resumeAt;
      this.#resumeAt = 0;
    } catch (error) {
      await files.close(fd);
      throw error;
    }
    this.#mustReopen = false;
    // A line of which a part went to the file that was open before is written whole to this one.
    const [first] = this.#blocks;
    if (first !== undefined) this.#writtenBytes = lineStart(first.bytes, this.#writtenBytes);
    return fd;
  }

  async #closeFile(fd: number): Promise<void> {
    await this.#options.care?.leaving();
    await files.close(fd);
  }

  /** Tells of a failure, once, and returns how long to wait before the next try. */
  #failed(error: unknown): number {
    const nowMs = performance.now();
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") {
      this.#busySinceMs ??= nowMs;
      if (nowMs - this.#busySinceMs < BUSY_MOST_MS) return BUSY_MS;
    }
    if (this.#failingSinceMs === undefined) {
      this.#failingSinceMs = nowMs;
      this.#options.onEvent({
        on: "failing",
        reason: reasonOf(error),
      });
    }
    return this.#backOff.nextMs();
  }

  /** Tells later: it may be in the midst of a record. */
  #lose(): void {
    this.counters.lost += 1;
    if (this.#failingSinceMs === undefined || this.#isClosed) return;
    const nowMs = performance.now();
    const outageMs = nowMs - this.#failingSinceMs;
    if (!this.#losses.isDue(nowMs)) return;
    queueMicrotask(() => this.#options.onEvent({ on: "losing", reason: "its queue in memory is full", outageMs }));
  }

  #worked(): void {
    const lost = this.counters.lost - this.#toldLost;
    if (this.#failingSinceMs !== undefined) {
      const outageMs = performance.now() - this.#failingSinceMs;
      this.#failingSinceMs = undefined;
      this.#losses.reset();
      this.#backOff.reset();
      this.#toldLost = this.counters.lost;
      this.#options.onEvent({ on: "working", outageMs, lost });
    } else if (lost > 0 && this.#queue.bytes < this.#queue.bytesMax / 2) {
      this.#toldLost = this.counters.lost;
      this.#options.onEvent({ on: "overflowed", lost });
    }
  }
}

/** Writes what there is in blocks, but for the first `from` bytes of the first, and gives how many bytes that were. */
function writeBlocks(fd: number, blocks: readonly Block[], from: number): Promise<number> {
  const parts = blocks.map((block, at) => block.bytes.subarray(at === 0 ? from : 0, block.end));
  return new Promise((resolve, reject) => {
    writev(fd, parts, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
  });
}

/** Whether the last byte is no line end. Asked through a descriptor of its own: ours may only write. */
async function endsInHalfALine(path: string, fd: number): Promise<boolean> {
  const found = await files.fstat(fd);
  if (!found.isFile() || found.size === 0) return false;
  const last = new Uint8Array([LF]);
  try {
    const reader = await files.open(path, constants.O_RDONLY);
    await files.read(reader, last, 0, 1, found.size - 1);
    await files.close(reader);
  } catch {
    return false; // we may write it and not read it: then nobody can tell
  }
  return last[0] !== LF;
}

/** How many lines there are before `end`. */
function countLines(bytes: Uint8Array, end: number): number {
  let lines = 0;
  for (let at = 0; at < end; at++) if (bytes[at] === LF) lines += 1;
  return lines;
}

/** Where the line of the byte at `at` begins. */
function lineStart(bytes: Uint8Array, at: number): number {
  while (at > 0 && bytes[at - 1] !== LF) at -= 1;
  return at;
}
