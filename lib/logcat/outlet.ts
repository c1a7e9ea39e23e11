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
  /** Records that were taken and given up since: they have become too old for whoever reads them. */
  takeDiscarded(): number;
}

/** More than a pipe holds. */
const LEAST_PAGE_BYTES = 131_072;
/** What a reader may be late by page. */
const LATE_MS = 3_000;

/**
 * Two pages: one is being filled, the other being written. A slow reader gets pages that are whole and fresh, with a notice between them of what it missed.
 *
 * How much a page takes follows the reader's pace: what it reads in LATE_MS, so that it sees what is new and not what was a minute ago; for a fast one as
 * much as is allowed, so that a burst that it will soon have read loses nothing. It is taken for fast until it has shown otherwise; what has piled up by
 * then is skipped (but for the notices): it would be late, and everything behind it.
 */
export class PageOutlet implements Outlet {
  readonly slowReason = "whoever reads the output is too slow";
  #filling: Page;
  #writing: Page;
  #isWriting = false;
  readonly #pageBytesMost: number;
  #pageBytesMax: number;
  #readerIsFast = false;
  #discarded = 0;

  /** @param bytesMax what both pages hold at most; a line more than that */
  constructor(paper: Paper, bytesMax: number) {
    this.#filling = new Page(paper);
    this.#writing = new Page(paper);
    this.#pageBytesMost = bytesMax / 2;
    this.#pageBytesMax = this.#pageBytesMost;
  }

  usePaper(paper: Paper): void {
    this.#filling.line.usePaper(paper);
    this.#writing.line.usePaper(paper);
  }

  /** It reads more in LATE_MS than we ever let wait for it. */
  get readerIsFast(): boolean {
    return this.#readerIsFast;
  }

  /** A page was taken, and is not `done`. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Bytes that wait for `take`. */
  get waitingBytes(): number {
    return this.#filling.line.end;
  }

  open(isNotice: boolean): LineWriter | undefined {
    const page = this.#filling;
    const bytesMax = isNotice ? this.#pageBytesMax * 1.25 : this.#pageBytesMax;
    if (page.line.end >= bytesMax) return undefined;
    page.lineStart = page.line.end;
    page.lineIsNotice = isNotice;
    return page.line;
  }

  close(): boolean {
    this.#filling.close();
    return true;
  }

  takeDiscarded(): number {
    const discarded = this.#discarded;
    this.#discarded = 0;
    return discarded;
  }

  /** The page to be written now; `undefined` where there is nothing, or the one before is not `done`. Leave the bytes alone until then. */
  take(): Uint8Array | undefined {
    const page = this.#filling;
    if (this.#isWriting || page.line.end === 0) return undefined;
    this.#filling = this.#writing;
    this.#writing = page;
    this.#isWriting = true;
    return page.line.bytes.subarray(0, page.line.end);
  }

  /** The page that was taken is written, which took `tookMs`, or nobody wants it any more. */
  done(tookMs: number): void {
    const { end } = this.#writing.line;
    // Less than that says nothing: the system takes it at once, whether anybody reads or not.
    if (end >= LEAST_PAGE_BYTES) {
      const inTime = (end * LATE_MS) / Math.max(1, tookMs);
      this.#readerIsFast = inTime >= this.#pageBytesMost;
      this.#pageBytesMax = Math.min(this.#pageBytesMost, Math.max(LEAST_PAGE_BYTES, inTime));
    }
    this.#isWriting = false;
    this.#writing.clear();
    if (this.#filling.line.end > this.#pageBytesMax * 2) this.#discarded += this.#filling.discardRecords();
  }
}

/** Notices of a page that outlive its records. */
const NOTICES_KEPT = 100;

class Page {
  readonly line: LineWriter;
  lineStart = 0;
  lineIsNotice = false;
  #records = 0;
  /** Where notices begin and end, one after the other. */
  readonly #notices: number[] = [];

  constructor(paper: Paper) {
    this.line = new LineWriter(paper);
  }

  /** The line that was opened is made. */
  close(): void {
    if (!this.lineIsNotice) this.#records += 1;
    else if (this.#notices.length < NOTICES_KEPT * 2) this.#notices.push(this.lineStart, this.line.end);
  }

  clear(): void {
    this.line.clear();
    this.#records = 0;
    this.#notices.length = 0;
  }

  /** Leaves notices alone. Returns how many records are gone. */
  discardRecords(): number {
    const records = this.#records;
    const kept: Uint8Array[] = [];
    for (let at = 0; at < this.#notices.length; at += 2)
      kept.push(this.line.bytes.slice(this.#notices[at], this.#notices[at + 1]));
    this.clear();
    for (const notice of kept) {
      this.lineStart = this.line.end;
      this.lineIsNotice = true;
      this.line.lines(notice);
      this.close();
    }
    return records;
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

  takeDiscarded(): number {
    return 0;
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
