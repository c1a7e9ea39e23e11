// How far a spool was delivered, kept in a file of two slots that are written in turn: a crash that tears one leaves the other.
//
//   0  u32  CRC-32C of what follows
//   4  u32  1, the version
//   8  f64  turn: the slot with the higher one counts, and goes to `(turn % 2) * SLOT_BYTES`
//  16  f64  sequence of the first record that is not delivered
import { crc32c } from "../base/crc32c.ts";

export const SLOT_BYTES = 24;
const VERSION = 1;

export interface SpoolCursor {
  readonly turn: number;
  readonly sequence: number;
}

/** The slot for a cursor. */
export function writeCursor({ turn, sequence }: SpoolCursor): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, VERSION, true);
  view.setFloat64(8, turn, true);
  view.setFloat64(16, sequence, true);
  view.setUint32(0, crc32c(bytes, 4, SLOT_BYTES), true);
  return bytes;
}

/** The newest cursor of a file; `undefined` where neither slot is whole. */
export function readCursor(file: Uint8Array): SpoolCursor | undefined {
  const first = readSlot(file, 0);
  const second = readSlot(file, SLOT_BYTES);
  if (first === undefined || second === undefined) return first ?? second;
  return second.turn > first.turn ? second : first;
}

function readSlot(file: Uint8Array, at: number): SpoolCursor | undefined {
  if (file.length < at + SLOT_BYTES) return undefined;
  const view = new DataView(file.buffer, file.byteOffset + at, SLOT_BYTES);
  if (crc32c(file, at + 4, at + SLOT_BYTES) !== view.getUint32(0, true)) return undefined;
  if (view.getUint32(4, true) !== VERSION) return undefined;
  return { turn: view.getFloat64(8, true), sequence: view.getFloat64(16, true) };
}
