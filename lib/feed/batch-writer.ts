// Fills one buffer with a batch. The header, which tells the count, is written last, against the front of the records: nothing is moved or copied for it.
import { assert } from "../base/assert.ts";
import {
  BATCH_BYTES_FULL,
  BATCH_VERSION,
  FLAGS_BYTES_MAX,
  HEADER_BYTES_MAX,
  HOST_BYTES_MAX,
  INCARNATION_BYTES_MAX,
  RECORD_BYTES_MAX,
} from "./batch.ts";

/** "65536 " */
const LENGTH_BYTES_MAX = 6;
const SPACE = 32;
const ZERO = 48;

/** No batch can be longer: the buffer never has to grow past it. */
const BUFFER_BYTES_MAX = HEADER_BYTES_MAX + BATCH_BYTES_FULL + LENGTH_BYTES_MAX + RECORD_BYTES_MAX;
const FIRST_BUFFER_BYTES = HEADER_BYTES_MAX + 4_096;

/** Whether `host` can stand in a batch's header. */
export function isBatchHost(host: string): boolean {
  return host.length <= HOST_BYTES_MAX && /^[\x21-\x7e]+$/.test(host);
}

/** Whether `incarnation` can stand in a batch's header. */
export function isIncarnation(incarnation: string): boolean {
  return incarnation.length <= INCARNATION_BYTES_MAX && /^[0-9A-Za-z]+$/.test(incarnation);
}

/** A batch without a record: it tells only which number comes next, and what its flags say. @param host, @param incarnation as those of a `BatchWriter` */
export function writeEmptyBatch(host: string, incarnation: string, next: number, flags: string): Uint8Array {
  return new TextEncoder().encode(`sb${BATCH_VERSION} ${host} ${incarnation} ${next} 0 ${flags}\n`);
}

/** One batch at a time, of any group: `append` until it is full or nothing more is at hand, `close`, send, `clear`. */
export class BatchWriter {
  #bytes = new Uint8Array(FIRST_BUFFER_BYTES);
  #end = HEADER_BYTES_MAX;
  #count = 0;
  #first = 0;
  readonly #sender: string;
  readonly #encoder = new TextEncoder();

  /** @param host checked by `isBatchHost`. @param incarnation checked by `isIncarnation` */
  constructor(host: string, incarnation: string) {
    assert(
      isBatchHost(host) && isIncarnation(incarnation),
      "a batch's host and incarnation are checked before they come here",
    );
    this.#sender = `sb${BATCH_VERSION} ${host} ${incarnation} `;
  }

  get count(): number {
    return this.#count;
  }

  /** The number of the next record: only that one may be appended, once there is one. */
  get next(): number {
    return this.#first + this.#count;
  }

  /** It takes no more: close it. */
  get isFull(): boolean {
    return this.#end - HEADER_BYTES_MAX >= BATCH_BYTES_FULL;
  }

  /** Appends the record at [start, end) of `bytes`, 1 to RECORD_BYTES_MAX long, with its number: one more than that of the record before it. */
  append(number: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    assert(!this.isFull && length > 0 && length <= RECORD_BYTES_MAX, "a record of a size that a batch can hold");
    assert(this.#count === 0 || number === this.next, "records in a batch are numbered consecutively");
    if (this.#count === 0) this.#first = number;
    this.#grow(LENGTH_BYTES_MAX + length);
    const target = this.#bytes;
    let at = this.#end;
    for (
      let unit = length >= 10_000 ? 10_000 : length >= 1_000 ? 1_000 : length >= 100 ? 100 : length >= 10 ? 10 : 1;
      unit >= 1;
      unit /= 10
    )
      target[at++] = ZERO + (Math.trunc(length / unit) % 10);
    target[at++] = SPACE;
    target.set(bytes.subarray(start, end), at);
    this.#end = at + length;
    this.#count += 1;
  }

  /**
   * The batch as the body of a message; good until the next `append` or `clear`.
   * @param flags words joined by commas, "-" for none
   */
  close(flags = "-"): Uint8Array {
    assert(flags.length > 0 && flags.length <= FLAGS_BYTES_MAX, "flags that a batch can hold");
    const header = this.#encoder.encode(`${this.#sender}${this.#first} ${this.#count} ${flags}\n`);
    const start = HEADER_BYTES_MAX - header.length;
    this.#bytes.set(header, start);
    return this.#bytes.subarray(start, this.#end);
  }

  clear(): void {
    this.#end = HEADER_BYTES_MAX;
    this.#count = 0;
  }

  #grow(moreBytes: number): void {
    const needed = this.#end + moreBytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(BUFFER_BYTES_MAX, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}
