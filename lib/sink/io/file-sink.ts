// Appends records to a file, one a line. Every call that could wait for a disk is made off the main thread, one at a time: a file system that hangs, hangs
// this sink alone.
//
// Opened for append, directories made, and opened anew on SIGHUP. A line that a crash cut in half is ended before ours begin. What cannot be written waits in
// the queue, and is tried again; nothing that a disk does ends the process.
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { BackOff, type BackOffRule } from "../../base/back-off.ts";
import type { Format } from "../../syslog/format.ts";
import type { RecordView } from "../../syslog/record.ts";
import { type Block, type BlockPool, LineQueue } from "../line-queue.ts";
import { LINGER_MS, type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";

/** Non-blocking, for what is no regular file: a FIFO without a reader must not hold us. */
const OPEN_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;
const LF = 10;
const RETRY: BackOffRule = { firstMs: 100, mostMs: 2_000, jitter: 0.2 };

export interface FileSinkOptions {
  readonly path: string;
  readonly format: Format;
  /** What may wait in memory while the file cannot be written. */
  readonly queueBytesMax: number;
  /** Of a file that we create; the umask still takes away from it. */
  readonly mode: number;
  readonly pool: BlockPool;
  readonly onEvent: (event: SinkEvent) => void;
}

export class FileSink implements Sink, Outlet {
  readonly name: string;
  readonly counters = new SinkCounters();
  readonly #options: FileSinkOptions;
  readonly #queue: LineQueue;
  readonly #backOff = new BackOff(RETRY, Math.random);
  #file: FileHandle | undefined;
  /** The block being written, and how much of it is. */
  #block: Block | undefined;
  #writtenBytes = 0;
  #mustReopen = true;
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #lastWriteMs = Number.NEGATIVE_INFINITY;
  #failingSinceMs: number | undefined;
  /** Of `counters.lost`, what has been told. */
  #toldLost = 0;
  #wake: () => void = () => {};

  constructor(options: FileSinkOptions) {
    this.name = `file:${options.path}`;
    this.#options = options;
    this.#queue = new LineQueue(options.queueBytesMax, options.format, options.pool);
    this.flush();
  }

  get waiting(): number {
    return this.#queue.records;
  }

  take(record: RecordView): void {
    this.counters.accepted += 1;
    if (this.#isClosed || !this.#queue.push(record)) this.counters.lost += 1;
  }

  flush(): void {
    if (!this.#isWriting && (this.#queue.records > 0 || this.#mustReopen)) this.#writing = this.#write();
    else if (this.#queue.hasFullBlock && this.#failingSinceMs === undefined) this.#wake();
  }

  reopen(): void {
    this.#mustReopen = true;
    this.#wake();
    this.flush();
  }

  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    this.#mustReopen = false;
    this.flush();
    this.#wake();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, withinMs);
    });
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
    this.counters.lost += this.#queue.records;
    if (!this.#isWriting) await this.#file?.close(); // else it hangs in a write, and would hang us too
  }

  /** Runs until nothing waits. Never throws. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.records > 0 || this.#mustReopen) {
      await this.#linger();
      try {
        if (this.#mustReopen || this.#file === undefined) await this.#open();
        await this.#writeBlock();
        this.#worked();
      } catch (error) {
        this.#failed(error);
        await this.#sleep(this.#backOff.nextMs());
      }
    }
    this.#isWriting = false;
  }

  /** A file that was just written waits a moment for more, unless a block is full. */
  async #linger(): Promise<void> {
    const restMs = this.#lastWriteMs + LINGER_MS - performance.now();
    if (restMs > 0 && !this.#queue.hasFullBlock && !this.#isClosed && !this.#mustReopen) await this.#sleep(restMs);
    this.#lastWriteMs = performance.now();
  }

  async #writeBlock(): Promise<void> {
    this.#block ??= this.#queue.take();
    const block = this.#block;
    if (block === undefined) return;
    while (this.#writtenBytes < block.end) {
      const { bytesWritten } = await this.#file!.write(
        block.bytes,
        this.#writtenBytes,
        block.end - this.#writtenBytes,
        null,
      );
      this.#writtenBytes += bytesWritten;
    }
    this.counters.delivered += block.records;
    this.#block = undefined;
    this.#writtenBytes = 0;
    this.#queue.done(block);
  }

  async #open(): Promise<void> {
    const { path, mode } = this.#options;
    const before = this.#file;
    this.#file = undefined;
    await before?.close();
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, OPEN_FLAGS, mode);
    this.#mustReopen = false;
    this.#file = file;
    // A line of which a part went to the file that was open before is written whole to this one.
    if (this.#block !== undefined) this.#writtenBytes = lineStart(this.#block.bytes, this.#writtenBytes);
    if (await endsInHalfALine(path, file)) await file.write(Uint8Array.of(LF));
  }

  #failed(error: unknown): void {
    if (this.#failingSinceMs !== undefined) return;
    this.#failingSinceMs = performance.now();
    this.#options.onEvent({ on: "failing", reason: reasonOf(error) });
  }

  #worked(): void {
    const lost = this.counters.lost - this.#toldLost;
    if (this.#failingSinceMs !== undefined) {
      const outageMs = performance.now() - this.#failingSinceMs;
      this.#failingSinceMs = undefined;
      this.#backOff.reset();
      this.#toldLost = this.counters.lost;
      this.#options.onEvent({ on: "working", outageMs, lost });
    } else if (lost > 0 && this.#queue.bytes < this.#queue.bytesMax / 2) {
      this.#toldLost = this.counters.lost;
      this.#options.onEvent({ on: "overflowed", lost });
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}

/** Whether the last byte is no line end. Asked through a descriptor of its own: ours may only write. */
async function endsInHalfALine(path: string, file: FileHandle): Promise<boolean> {
  const found = await file.stat();
  if (!found.isFile() || found.size === 0) return false;
  const last = new Uint8Array([LF]);
  try {
    await using reader = await open(path, constants.O_RDONLY);
    await reader.read(last, 0, 1, found.size - 1);
  } catch {
    return false; // we may write it and not read it: then nobody can tell
  }
  return last[0] !== LF;
}

/** Where the line of the byte at `at` begins. */
function lineStart(bytes: Uint8Array, at: number): number {
  while (at > 0 && bytes[at - 1] !== LF) at -= 1;
  return at;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
