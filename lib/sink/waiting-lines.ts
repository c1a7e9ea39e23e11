// Lines of files that can't be open yet: they wait here, all within one bound of bytes, each file's in their order, the file that waited longest first.
import type { Format } from "../syslog/format.ts";
import type { RecordView } from "../syslog/record.ts";

/** What a line, and a file, cost besides their bytes, about. */
const LINE_BYTES = 96;
const FILE_BYTES = 512;

/** A record in its final form, without a line end. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly severity: number;
}

interface Waiting<T> {
  readonly file: T;
  readonly lines: Line[];
  bytes: number;
}

export class WaitingLines<T> {
  readonly #files = new Map<string, Waiting<T>>();
  readonly #format: Format;
  readonly #bytesMax: number;
  #scratch = new Uint8Array(8_192);
  #bytes = 0;
  #records = 0;

  /** @param bytesMax what may wait at most; one line may go over it */
  constructor(format: Format, bytesMax: number) {
    this.#format = format;
    this.#bytesMax = bytesMax;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  /** The file of that path, where lines of it wait. */
  get(path: string): T | undefined {
    return this.#files.get(path)?.file;
  }

  /** Those that wait now, the one that waited longest first. */
  files(): T[] {
    return [...this.#files.values()].map(({ file }) => file);
  }

  /** Keeps the record as a line of the file; false where there is no room. */
  push(path: string, file: T, record: RecordView): boolean {
    if (this.isFull) return false;
    const bound = this.#format.bound(record);
    if (bound > this.#scratch.length) this.#scratch = new Uint8Array(bound);
    const bytes = this.#scratch.slice(0, this.#format.write(record, this.#scratch, 0));
    return this.pushLine(path, file, { bytes, severity: record.pri & 7 });
  }

  /** The same of what is a line already. */
  pushLine(path: string, file: T, line: Line): boolean {
    if (this.isFull) return false;
    let waiting = this.#files.get(path);
    if (waiting === undefined) {
      waiting = { file, lines: [], bytes: FILE_BYTES + 2 * path.length };
      this.#files.set(path, waiting);
      this.#bytes += waiting.bytes;
    }
    waiting.lines.push(line);
    waiting.bytes += line.bytes.length + LINE_BYTES;
    this.#bytes += line.bytes.length + LINE_BYTES;
    this.#records += 1;
    return true;
  }

  /** Takes out all lines of that path. */
  take(path: string): readonly Line[] {
    const waiting = this.#files.get(path);
    if (waiting === undefined) return [];
    this.#files.delete(path);
    this.#bytes -= waiting.bytes;
    this.#records -= waiting.lines.length;
    return waiting.lines;
  }

  /** The path that waited longest. */
  get first(): string | undefined {
    return this.#files.keys().next().value;
  }
}
