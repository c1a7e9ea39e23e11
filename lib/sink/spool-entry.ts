// What lies in a spool's segment files: entries, one behind the other, and nothing else. Numbers are little-endian.
//
//   0  u32  CRC-32C of all that follows
//   4  u16  0xB55B: where a reader that lost its way looks for the next entry
//   6  u8   1, the version
//   7  u8   kind: 0 record, 1 stream
//   8  u32  length of the payload
//  12  u32  stream: to whom the record belongs; a stream entry says who that is
//  16  f64  sequence: records of a spool are numbered consecutively, across segments; that of a stream entry is the next record's
//  24  f64  number: the record's own, in its stream
//  32  f64  when it was spooled: milliseconds since 1970
//  40       payload: a record in our own RFC 5424 form; of a stream entry its name
//
// So a reader knows from the entries alone what is missing: a damaged one is a gap in the sequence. Streams are defined in each segment anew before their first
// record, so that a segment stands for itself. A write that a crash cut off is a last entry that is not whole: it is cut off, and the next segment begun.
import { crc32c } from "../base/crc32c.ts";

export const ENTRY_HEADER_BYTES = 40;
/** A record is at most 64 KiB (lib/feed/batch.ts); a longer length is damage. */
export const PAYLOAD_BYTES_MAX = 131_072;

export const KIND_RECORD = 0;
export const KIND_STREAM = 1;

const SYNC_LOW = 0x5b;
const SYNC_HIGH = 0xb5;
const VERSION = 1;

/** An entry: its fields, and its payload at [start, end) of the bytes that it was read from. Refilled by each `readEntry`. */
export class SpoolEntry {
  kind = KIND_RECORD;
  stream = 0;
  sequence = 0;
  number = 0;
  atMs = 0;
  start = 0;
  end = 0;
}

/** Writes an entry at `at` of `out`, with its payload from [start, end) of `bytes`, and returns the offset behind it. */
export function writeEntry(
  out: Uint8Array,
  at: number,
  entry: Readonly<SpoolEntry>,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const view = new DataView(out.buffer, out.byteOffset + at, ENTRY_HEADER_BYTES);
  out[at + 4] = SYNC_LOW;
  out[at + 5] = SYNC_HIGH;
  out[at + 6] = VERSION;
  out[at + 7] = entry.kind;
  view.setUint32(8, end - start, true);
  view.setUint32(12, entry.stream, true);
  view.setFloat64(16, entry.sequence, true);
  view.setFloat64(24, entry.number, true);
  view.setFloat64(32, entry.atMs, true);
  out.set(bytes.subarray(start, end), at + ENTRY_HEADER_BYTES);
  const behind = at + ENTRY_HEADER_BYTES + end - start;
  view.setUint32(0, crc32c(out, at + 4, behind), true);
  return behind;
}

/** What stands at a place: a whole entry, the beginning of what may be one, or none. */
export type Found = "entry" | "short" | "damaged";

/** Reads the entry at `at` of `bytes`, which end at `end`. */
export function readEntry(bytes: Uint8Array, at: number, end: number, entry: SpoolEntry): Found {
  if (end - at < ENTRY_HEADER_BYTES) return "short";
  if (!isSync(bytes, at)) return "damaged";
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, ENTRY_HEADER_BYTES);
  const length = view.getUint32(8, true);
  if (length > PAYLOAD_BYTES_MAX) return "damaged";
  const start = at + ENTRY_HEADER_BYTES;
  if (end - start < length) return "short";
  if (crc32c(bytes, at + 4, start + length) !== view.getUint32(0, true)) return "damaged";
  entry.kind = bytes[at + 7]!;
  entry.stream = view.getUint32(12, true);
  entry.sequence = view.getFloat64(16, true);
  entry.number = view.getFloat64(24, true);
  entry.atMs = view.getFloat64(32, true);
  entry.start = start;
  entry.end = start + length;
  return "entry";
}

/**
 * Where the next entry begins, from `at` on, behind damage: there, `readEntry` finds one, or the beginning of what may be one. `end` where there is none; what lies
 * in the last bytes before it is too little to tell.
 */
export function findEntry(bytes: Uint8Array, at: number, end: number, entry: SpoolEntry): number {
  for (; at + 7 <= end; at++) if (isSync(bytes, at) && readEntry(bytes, at, end, entry) !== "damaged") return at;
  return end;
}

/** What a whole segment holds. */
export interface SegmentScan {
  /** Of its first and its last whole record; `undefined` where there is none. */
  readonly firstSequence: number | undefined;
  readonly lastSequence: number | undefined;
  /** Behind its last whole entry: what follows is damaged, or was never written to its end. */
  readonly endBytes: number;
  readonly lastAtMs: number;
}

/** Reads all of a segment, past any damage in it. */
export function scanSegment(bytes: Uint8Array): SegmentScan {
  const entry = new SpoolEntry();
  let firstSequence: number | undefined;
  let lastSequence: number | undefined;
  let endBytes = 0;
  let lastAtMs = 0;
  for (let at = 0; at < bytes.length; ) {
    if (readEntry(bytes, at, bytes.length, entry) !== "entry") {
      at = findEntry(bytes, at + 1, bytes.length, entry);
      continue;
    }
    at = entry.end;
    endBytes = at;
    lastAtMs = entry.atMs;
    if (entry.kind !== KIND_RECORD) continue;
    firstSequence ??= entry.sequence;
    lastSequence = entry.sequence;
  }
  return { firstSequence, lastSequence, endBytes, lastAtMs };
}

function isSync(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 4] === SYNC_LOW && bytes[at + 5] === SYNC_HIGH && bytes[at + 6] === VERSION;
}
