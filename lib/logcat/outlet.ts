// Where lines wait to be written out. It never waits itself and never grows without bound: the session with the daemon goes on at its own pace, or the daemon
// would throw us out. What there is no room for is skipped, counted, and told where it is missing.
import { LineWriter, type Paper } from "./line-writer.ts";

export interface Outlet {
  /** Why there may be no room, for people. */
  readonly slowReason: string;
  /** A writer for one line, `undefined` where there is no room for it. */
  open(isNotice: boolean): LineWriter | undefined;
  /** The line is made. False where it could not be taken after all. */
  close(): boolean;
}

/** More than a pipe holds. */
const LEAST_PAGE_BYTES = 131_072;
/** Until the reader's pace is known. */
const FIRST_PAGE_BYTES = 1_048_576;

/**
 * Two pages: one is being filled, the other being written. A slow reader gets pages that are whole and fresh, with a notice between them of what it missed.
 *
 * How much a page takes follows the reader's pace: what it reads in a second, so that it sees what is new and not what was half a minute ago; for a fast one
 * as much as is allowed, so that a burst that it will soon have read loses nothing.
 */
export class PageOutlet implements Outlet {
  readonly slowReason = "whoever reads the output is too slow";
  #filling: LineWriter;
  #writing: LineWriter;
  #isWriting = false;
  readonly #pageBytesMost: number;
  #pageBytesMax: number;
  #readerIsFast = false;

  /** @param bytesMax what both pages hold at most; a line more than that */
  constructor(paper: Paper, bytesMax: number) {
    this.#filling = new LineWriter(paper);
    this.#writing = new LineWriter(paper);
    this.#pageBytesMost = bytesMax / 2;
    this.#pageBytesMax = Math.min(this.#pageBytesMost, FIRST_PAGE_BYTES);
  }

  usePaper(paper: Paper): void {
    this.#filling.usePaper(paper);
    this.#writing.usePaper(paper);
  }

  /** It reads more in a second than we ever let it wait for. */
  get readerIsFast(): boolean {
    return this.#readerIsFast;
  }

  /** A page was taken, and is not `done`. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Bytes that wait for `take`. */
  get waitingBytes(): number {
    return this.#filling.end;
  }

  open(isNotice: boolean): LineWriter | undefined {
    const bytesMax = isNotice ? this.#pageBytesMax * 1.25 : this.#pageBytesMax;
    return this.#filling.end < bytesMax ? this.#filling : undefined;
  }

  close(): boolean {
    return true;
  }

  /** The page to be written now; `undefined` where there is nothing, or the one before is not `done`. Leave the bytes alone until then. */
  take(): Uint8Array | undefined {
    if (this.#isWriting || this.#filling.end === 0) return undefined;
    const page = this.#filling;
    this.#filling = this.#writing;
    this.#writing = page;
    this.#isWriting = true;
    return page.bytes.subarray(0, page.end);
  }

  /** The page that was taken is written, which took `tookMs`, or nobody wants it any more. */
  done(tookMs: number): void {
    const { end } = this.#writing;
    // Less than that says nothing: the system takes it at once, whether anybody reads or not.
    if (end >= LEAST_PAGE_BYTES) {
      const inASecond = (end * 1_000) / Math.max(1, tookMs);
      this.#readerIsFast = inASecond >= this.#pageBytesMost;
      this.#pageBytesMax = Math.min(this.#pageBytesMost, Math.max(LEAST_PAGE_BYTES, inASecond));
    }
    this.#isWriting = false;
    this.#writing.clear();
  }
}

/** Keeps the last lines only, for `--last`: what a user asks for is shown at the end. */
export class LastLines implements Outlet {
  readonly slowReason = "";
  readonly #scratch: LineWriter;
  readonly #lines: (Uint8Array | undefined)[] = [];
  /** Where the oldest line is. */
  #oldest = 0;
  #bytes = 0;

  constructor(
    paper: Paper,
    private readonly linesMax: number,
    private readonly bytesMax: number,
  ) {
    this.#scratch = new LineWriter(paper);
  }

  open(): LineWriter {
    this.#scratch.clear();
    return this.#scratch;
  }

  close(): boolean {
    const line = this.#scratch.bytes.slice(0, this.#scratch.end);
    this.#lines.push(line);
    this.#bytes += line.length;
    while (this.size > this.linesMax || (this.#bytes > this.bytesMax && this.size > 1)) this.#drop();
    return true;
  }

  get size(): number {
    return this.#lines.length - this.#oldest;
  }

  /** The lines kept, oldest first. */
  *lines(): Generator<Uint8Array> {
    for (let at = this.#oldest; at < this.#lines.length; at++) yield this.#lines[at]!;
  }

  #drop(): void {
    this.#bytes -= this.#lines[this.#oldest]!.length;
    this.#lines[this.#oldest] = undefined;
    this.#oldest += 1;
    if (this.#oldest < 1_024 || this.#oldest < this.#lines.length / 2) return;
    this.#lines.splice(0, this.#oldest); // now and then, so that each line costs the same
    this.#oldest = 0;
  }
}
