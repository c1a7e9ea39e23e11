// Reads a batch where it lies. The whole batch is checked before any of it is used: so either all of its records count, or none.
import {
  BATCH_VERSION,
  BatchError,
  type BatchErrorCode,
  FLAGS_BYTES_MAX,
  HOST_BYTES_MAX,
  INCARNATION_BYTES_MAX,
} from "./batch.ts";

const LF = 10;
const SPACE = 32;
const ZERO = 48;
const DIGITS_MAX = 16;
const ASCII = new TextDecoder("latin1");

/** The batch that `readBatch` read last. Refilled by each: copy what you keep. */
export class BatchView {
  host = "";
  incarnation = "";
  /** The number of the first record. */
  first = 0;
  count = 0;
  /** Words joined by commas, or "-". */
  flags = "-";
  /** Where record `at` lies: [starts[at], ends[at]) of the bytes that were read, for `at` from 0 to `count`, less one. */
  starts = new Uint32Array(64);
  ends = new Uint32Array(64);

  hasFlag(flag: string): boolean {
    return this.flags === flag || this.flags.split(",").includes(flag);
  }
}

/**
 * Reads the batch at [start, end) of `bytes`, a message's whole body, into `view`.
 * @throws {BatchError} `code` "newer": of a later version, to be skipped; any other: damaged, or no batch
 */
export function readBatch(bytes: Uint8Array, start: number, end: number, view: BatchView): void {
  const cursor = new HeaderCursor(bytes, start, end);
  readHeader(cursor, view);
  readRecords(cursor, view);
}

/** Reads no more than the header of a batch into `view`. @throws as `readBatch` */
export function readBatchHeader(bytes: Uint8Array, start: number, end: number, view: BatchView): void {
  readHeader(new HeaderCursor(bytes, start, end), view);
}

function readHeader(cursor: HeaderCursor, view: BatchView): void {
  const version = readVersion(cursor);
  if (version > BATCH_VERSION) throw new BatchError("newer", 0, `version ${version}, we know ${BATCH_VERSION}`);
  view.host = cursor.word("host", HOST_BYTES_MAX, SPACE);
  view.incarnation = cursor.word("incarnation", INCARNATION_BYTES_MAX, SPACE);
  view.first = cursor.number("first", SPACE);
  const countAt = cursor.at;
  view.count = cursor.number("count", SPACE);
  if (view.count > Number.MAX_SAFE_INTEGER - view.first)
    throw cursor.error("count", countAt, `${view.count} records from number ${view.first}`);
  view.flags = cursor.word("flags", FLAGS_BYTES_MAX, LF);
}

function readVersion(cursor: HeaderCursor): number {
  const { bytes, end } = cursor;
  const start = cursor.at;
  if (end - start < 3 || bytes[start] !== 0x73 || bytes[start + 1] !== 0x62)
    throw cursor.error("magic", start, 'no "sb"');
  cursor.at = start + 2;
  const version = cursor.number("magic", SPACE);
  if (version < 1) throw cursor.error("magic", start + 2, "version 0");
  return version;
}

function readRecords(cursor: HeaderCursor, view: BatchView): void {
  const { bytes, end } = cursor;
  // A record takes three bytes at least: a count that cannot be true makes nothing grow.
  if (view.count > (end - cursor.at) / 3)
    throw cursor.error("short", cursor.at, `${end - cursor.at} bytes for ${view.count} records`);
  if (view.count > view.starts.length) {
    view.starts = new Uint32Array(view.count * 2);
    view.ends = new Uint32Array(view.count * 2);
  }
  let at = cursor.at;
  for (let record = 0; record < view.count; record++) {
    const lengthAt = at;
    let length = 0;
    let byte = at < end ? bytes[at]! : SPACE;
    if (byte === ZERO) throw cursor.error("length", lengthAt, "a record's length begins with 0");
    while (byte >= ZERO && byte <= ZERO + 9 && at - lengthAt < DIGITS_MAX) {
      length = length * 10 + (byte - ZERO);
      at += 1;
      byte = at < end ? bytes[at]! : 0;
    }
    if (length === 0 || byte !== SPACE) throw cursor.error("length", lengthAt, "no record's length");
    at += 1;
    if (length > end - at)
      throw cursor.error("short", lengthAt, `record ${record} of ${length} bytes in the last ${end - at}`);
    view.starts[record] = at;
    at += length;
    view.ends[record] = at;
  }
  if (at < end) throw cursor.error("surplus", at, `${end - at} bytes behind the last record`);
}

/** Walks over the words of the header. */
class HeaderCursor {
  at: number;

  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
  ) {
    this.at = start;
  }

  /** The word up to `separator`, printable ASCII, 1 to `bytesMax` long; steps over both. */
  word(code: BatchErrorCode, bytesMax: number, separator: number): string {
    const { bytes, at } = this;
    const last = Math.min(this.end, at + bytesMax + 1);
    let to = at;
    while (to < last && bytes[to]! > SPACE && bytes[to]! < 0x7f) to += 1;
    if (to === at || to === last || bytes[to] !== separator) throw this.error(code, at, `no ${code}`);
    this.at = to + 1;
    return ASCII.decode(bytes.subarray(at, to));
  }

  number(code: BatchErrorCode, separator: number): number {
    const at = this.at;
    const word = this.word(code, DIGITS_MAX, separator);
    const number = Number(word);
    if (!/^(?:0|[1-9]\d*)$/.test(word) || !Number.isSafeInteger(number)) throw this.error(code, at, `no ${code}`);
    return number;
  }

  error(code: BatchErrorCode, at: number, found: string): BatchError {
    return new BatchError(code, at - this.start, found);
  }
}
