// What a sink could not get rid of when its process became another one, and had in memory only: the sink of that process takes it up, before anything newer.

export interface Leftovers {
  /** `records`: in our own form, a length (4 bytes, little-endian) before each; `lines`: as they go into a file, each with its line end. */
  readonly form: "records" | "lines";
  /** Of a set of files, for which of them; else "". */
  readonly path: string;
  readonly records: number;
  readonly bytes: Uint8Array;
  /** Of lines: so much of the first one is in the file already. */
  readonly writtenBytes: number;
  /** Of lines: one of them is to be on the disk at once. */
  readonly isUrgent: boolean;
}

const LENGTH_BYTES = 4;

/** Puts records together. */
export class RecordPacker {
  #bytes = new Uint8Array(65_536);
  #end = 0;
  #records = 0;

  /** Appends the record at [start, end) of `bytes`. */
  push(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#end + LENGTH_BYTES + end - start;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    new DataView(this.#bytes.buffer).setUint32(this.#end, end - start, true);
    this.#bytes.set(bytes.subarray(start, end), this.#end + LENGTH_BYTES);
    this.#end = needed;
    this.#records += 1;
  }

  /** `undefined` where there were none. */
  get packed(): Leftovers | undefined {
    if (this.#records === 0) return undefined;
    const bytes = this.#bytes.subarray(0, this.#end);
    return { form: "records", path: "", records: this.#records, bytes, writtenBytes: 0, isUrgent: false };
  }
}

/** Visits each record that a packer put together, at [start, end) of the bytes. */
export function visitPacked(bytes: Uint8Array, visit: (start: number, end: number) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
    const start = at + LENGTH_BYTES;
    const end = start + view.getUint32(at, true);
    if (end > bytes.length) return;
    visit(start, end);
    at = end;
  }
}
