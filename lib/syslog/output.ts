// Writing into a caller's buffer. Each function writes at `at` and returns the offset behind what it wrote; the caller has made sure of the room (a format's
// `bound`).
//
// Copies are loops: for header fields of some bytes a loop costs less than the view that `set` needs. Text is copied four bytes at a time while all four are
// plain ASCII: 80 ns for 200 bytes, where a loop over the bytes takes 150 to 190 and a view with `set` behind the check 105.

const DIGIT_0 = 0x30;
const HASH = 0x23;

/** A constant text as bytes; ASCII. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A constant for each word. */
export function constants<Word extends string>(words: readonly Word[]): Readonly<Record<Word, Uint8Array>> {
  return Object.fromEntries(words.map((word) => [word, ascii(word)])) as Record<Word, Uint8Array>;
}

/** Copies bytes as they are. */
export function writeBytes(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 64) {
    out.set(bytes.subarray(from, to), at);
    return at + to - from;
  }
  while (from < to) out[at++] = bytes[from++]!;
  return at;
}

/** Copies all of a constant. */
export function writeConstant(out: Uint8Array, at: number, constant: Uint8Array): number {
  for (let index = 0; index < constant.length; index++) out[at++] = constant[index]!;
  return at;
}

/** Bytes that a control character takes in `writeLine`. */
export const ESCAPED_BYTES = 4;

/**
 * Copies text so that it stays on one line and does nothing to a terminal: control characters but tab become `#` and three octal digits, as `#012` for a line
 * feed. So do those of C1, which are two bytes in UTF-8. Not to be undone: a text may hold `#012` itself.
 */
export function writeLine(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  while (from < to) {
    if (to - from >= WORDS_WORTH_BYTES) {
      const plain = copyPlainWords(out, at, bytes, from, to);
      at += plain;
      from += plain;
    }
    // What stopped it, if anything did, and some more: text of other than ASCII is not asked at every byte.
    for (const pause = Math.min(to, from + WORDS_WORTH_BYTES); from < pause; ) {
      const byte = bytes[from++]!;
      if (IS_PLAIN[byte] !== 0) out[at++] = byte;
      else if (byte === 0xc2 && (from >= to || (bytes[from]! & 0xe0) !== 0x80)) out[at++] = byte;
      else if (byte === 0xc2) at = writeOctal(out, at, bytes[from++]!);
      else at = writeOctal(out, at, byte);
    }
  }
  return at;
}

/** From so many bytes on it is worth to look at four at once. */
const WORDS_WORTH_BYTES = 16;

const sources = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };
const targets = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };

/** Copies as many whole words as there are that `writeLine` leaves as they are, and returns how many bytes that were. */
function copyPlainWords(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  const source = viewOf(sources, bytes);
  const target = viewOf(targets, out);
  const last = to - 4;
  let next = from;
  while (next <= last) {
    const word = source.getUint32(next, true);
    // From the lowest byte up: 0x20 to 0x7E leave the highest bit clear in both, and borrow and carry nothing; any other byte sets it in one.
    if ((((word - 0x20202020) | (word + 0x01010101)) & 0x80808080) !== 0) break;
    target.setUint32(at + next - from, word, true);
    next += 4;
  }
  return next - from;
}

/** Of the array that was asked for last: record after record lies in one, and goes into one. */
function viewOf(last: { bytes: Uint8Array; view: DataView }, bytes: Uint8Array): DataView {
  if (last.bytes !== bytes) {
    last.bytes = bytes;
    last.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return last.view;
}

function writeOctal(out: Uint8Array, at: number, byte: number): number {
  out[at] = HASH;
  out[at + 1] = DIGIT_0 + (byte >> 6);
  out[at + 2] = DIGIT_0 + ((byte >> 3) & 7);
  out[at + 3] = DIGIT_0 + (byte & 7);
  return at + ESCAPED_BYTES;
}

/** 0 for control characters but tab, and for 0xC2, which begins those of C1 in UTF-8. */
const IS_PLAIN = new Uint8Array(256).fill(1);
IS_PLAIN.fill(0, 0, 0x20);
IS_PLAIN[0x09] = 1;
IS_PLAIN[0x7f] = 0;
IS_PLAIN[0xc2] = 0;

/** A whole number, zero or more, up to 2^53. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = DIGIT_0 + value;
    return at + 1;
  }
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  const end = at + digits;
  for (let index = end - 1; index >= at; index--) {
    const tenth = Math.floor(value / 10);
    out[index] = DIGIT_0 + value - tenth * 10;
    value = tenth;
  }
  return end;
}

/** The last `digits` decimal digits of a number, zero or more. */
export function writeDigits(out: Uint8Array, at: number, value: number, digits: number): number {
  for (let index = at + digits - 1; index >= at; index--) {
    const tenth = Math.floor(value / 10);
    out[index] = DIGIT_0 + value - tenth * 10;
    value = tenth;
  }
  return at + digits;
}
