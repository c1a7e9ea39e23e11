// The first bytes of every message that `bench` and `ping` send, so that whoever receives it can say what is missing, what came late and how long it took:
//
//   0  4  mark: 0x73621000 + version 1, xor the run's number, so that two benches in one group don't count each other
//   4  2  sender, from 0
//   6  2  0
//   8  4  sequence number of this sender, from 0
//  12  4  when it was sent: microseconds of the host's monotonic clock, modulo 2^32 (71 minutes)
//
// Little-endian; the rest of the body is filler.

/** The smallest body that can carry it. */
export const BENCH_BODY_BYTES_MIN = 16;

const MARK = 0x73621001;

/** The mark of a run: 32 bits, signed, for `readMark`. @param run any number that differs from run to run */
export function markOf(run: number): number {
  return (MARK ^ run) | 0;
}

export function writeBenchBody(
  bytes: Uint8Array,
  at: number,
  mark: number,
  sender: number,
  sequence: number,
  sentMicros: number,
): void {
  writeInt32(bytes, at, mark);
  bytes[at + 4] = sender;
  bytes[at + 5] = sender >> 8;
  bytes[at + 6] = 0;
  bytes[at + 7] = 0;
  writeInt32(bytes, at + 8, sequence);
  writeInt32(bytes, at + 12, sentMicros);
}

/** Whether the body from `start` to `end` is of the run with this mark. */
export function isBenchBody(bytes: Uint8Array, start: number, end: number, mark: number): boolean {
  return end - start >= BENCH_BODY_BYTES_MIN && readInt32(bytes, start) === mark;
}

export const senderOf = (bytes: Uint8Array, start: number): number => bytes[start + 4]! | (bytes[start + 5]! << 8);

export const sequenceOf = (bytes: Uint8Array, start: number): number => readInt32(bytes, start + 8) >>> 0;

/** Microseconds from sending to `nowMicros`; the clocks are one (same host), so it is never negative, and modulo 2^32 right up to 71 minutes. */
export const elapsedMicros = (bytes: Uint8Array, start: number, nowMicros: number): number =>
  (nowMicros - readInt32(bytes, start + 12)) >>> 0;

function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}
