// Whatever is cut off or changed in a segment, what is read back is what was written, in order, less what the numbers tell is missing.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { readCursor, SLOT_BYTES, writeCursor } from "../../lib/sink/spool-cursor.ts";
import {
  ENTRY_HEADER_BYTES,
  findEntry,
  KIND_RECORD,
  readEntry,
  SpoolEntry,
  scanSegment,
  writeEntry,
} from "../../lib/sink/spool-entry.ts";
import { cases } from "../support/fuzz.ts";

/** A byte order mark at the beginning is part of the text. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

interface Kept {
  readonly sequence: number;
  readonly number: number;
  readonly stream: number;
  readonly atMs: number;
  readonly text: string;
}

function segment(all: readonly Kept[]): Uint8Array {
  const payloads = all.map(({ text }) => new TextEncoder().encode(text));
  const out = new Uint8Array(payloads.reduce((sum, { length }) => sum + ENTRY_HEADER_BYTES + length, 0));
  let at = 0;
  for (const [index, kept] of all.entries()) {
    const payload = payloads[index]!;
    const entry = Object.assign(new SpoolEntry(), { ...kept, kind: KIND_RECORD });
    at = writeEntry(out, at, entry, payload, 0, payload.length);
  }
  return out;
}

/** All that a reader finds, as the spool reads: past damage to the next entry. */
function readAll(bytes: Uint8Array): Kept[] {
  const entry = new SpoolEntry();
  const found: Kept[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (readEntry(bytes, at, bytes.length, entry) === "entry") {
      const { sequence, number, stream, atMs } = entry;
      const text = UTF8.decode(bytes.subarray(entry.start, entry.end));
      found.push({ sequence, number, stream, atMs, text });
      at = entry.end;
    } else {
      at = findEntry(bytes, at + 1, bytes.length, entry);
    }
  }
  return found;
}

const records = fc
  .array(
    fc.record({
      text: fc.string({ maxLength: 300, unit: "binary" }),
      number: fc.maxSafeNat(),
      stream: fc.nat(),
      atMs: fc.nat(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((all): Kept[] => all.map((one, index) => ({ ...one, sequence: 2 ** 40 + index })));

test("what is written is read back, every field of it", () => {
  fc.assert(
    fc.property(records, (all) => expect(readAll(segment(all))).toEqual(all)),
    cases(300),
  );
});

test("a segment cut off anywhere gives the whole entries before the cut, and no more", () => {
  fc.assert(
    fc.property(records, fc.nat(), (all, where) => {
      const bytes = segment(all);
      const cut = where % (bytes.length + 1);
      const found = readAll(bytes.subarray(0, cut));
      expect(found).toEqual(all.slice(0, found.length));
      const { endBytes, lastSequence } = scanSegment(bytes.subarray(0, cut));
      expect(segment(found).length).toBe(endBytes);
      expect(lastSequence).toBe(found.at(-1)?.sequence);
      // as many as fit
      expect(
        endBytes + (all[found.length] === undefined ? 0 : segment([all[found.length]!]).length),
      ).toBeGreaterThanOrEqual(cut);
    }),
    cases(500),
  );
});

test("one changed byte costs the one entry that it is in, and the sequence tells which", () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, where, change) => {
      const bytes = segment(all);
      const at = where % bytes.length;
      bytes[at]! ^= change;
      const hit = all.findIndex((_, index) => segment(all.slice(0, index + 1)).length > at);
      expect(readAll(bytes)).toEqual(all.filter((_, index) => index !== hit));
    }),
    cases(500),
  );
});

test("any damage leaves a part of what was written, in order", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 40 });
  fc.assert(
    fc.property(records, damage, fc.nat(), (all, changes, where) => {
      const bytes = segment(all);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      const left = readAll(bytes.subarray(0, where % (bytes.length + 1)));
      const sequences = new Set(left.map(({ sequence }) => sequence));
      expect(left).toEqual(all.filter(({ sequence }) => sequences.has(sequence)));
    }),
    cases(300),
  );
});

test("bytes that were never a segment hold nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => expect(readAll(bytes)).toEqual([])),
    cases(200),
  );
});

test("of two slots the newer counts, and where one is torn the other", () => {
  const older = { turn: 7, sequence: 1_000 };
  const newer = { turn: 8, sequence: 2 ** 50 };
  const file = new Uint8Array(2 * SLOT_BYTES);
  file.set(writeCursor(newer), 0);
  file.set(writeCursor(older), SLOT_BYTES);
  expect(readCursor(file)).toEqual(newer);
  for (let at = 0; at < SLOT_BYTES; at++) {
    const torn = file.slice();
    torn[at]! ^= 1;
    expect(readCursor(torn)).toEqual(older);
  }
  expect(readCursor(new Uint8Array(2 * SLOT_BYTES))).toBeUndefined();
  expect(readCursor(file.subarray(0, SLOT_BYTES))).toEqual(newer);
});
