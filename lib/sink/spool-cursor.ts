// How far a spool was delivered, kept in a file of two slots that are written in turn: a crash that tears one leaves the other.
//
//   0  u32  CRC-32C of what follows     8  f64  turn: the slot with the higher one counts
//   4  u32  segment                    16  f64  offset in the segment
//                                      24  f64  sequence of the next record
import { crc32c } from "../base/crc32c.ts";

export const SLOT_BYTES = 32;

export interface SpoolCursor {
  readonly segment: number;
  readonly offset: number;
  /** Of the first record that is not delivered. */
  readonly sequence: number;
}

/** The slot for a cursor; it belongs at `(turn % 2) * SLOT_BYTES` of the file. */
export function writeCursor(cursor: SpoolCursor, turn: number): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, cursor.segment, true);
  view.setFloat64(8, turn, true);
  view.setFloat64(16, cursor.offset, true);
  view.setFloat64(24, cursor.sequence, true);
  view.setUint32(0, crc32c(bytes, 4, SLOT_BYTES), true);
  return bytes;
}

/** The newest cursor of a file, and the turn it was written in; `undefined` where neither slot is whole. */
export function readCursor(file: Uint8Array): { readonly cursor: SpoolCursor; readonly turn: number } | undefined {
  const first = readSlot(file, 0);
  const second = readSlot(file, SLOT_BYTES);
  if (first === undefined || second === undefined) return first ?? second;
  return second.turn > first.turn ? second : first;
}

function readSlot(file: Uint8Array, at: number): { readonly cursor: SpoolCursor; readonly turn: number } | undefined {
  if (file.length < at + SLOT_BYTES) return undefined;
  const view = new DataView(file.buffer, file.byteOffset + at, SLOT_BYTES);
  if (crc32c(file, at + 4, at + SLOT_BYTES) !== view.getUint32(0, true)) return undefined;
  return {
    turn: view.getFloat64(8, true),
    cursor: {
      segment: view.getUint32(4, true),
      offset: view.getFloat64(16, true),
      sequence: view.getFloat64(24, true),
    },
  };
}
