// What one character does to a terminal: how many columns it takes, or that it must not get there at all.
//
// A log line is written by whoever can reach a socket, and read by an operator with a root shell in the next window. So nothing of it may move the cursor,
// change colours or titles, answer back, or show text in another order than it has: C0, DEL, C1, and the invisible format characters of Unicode (bidirectional
// overrides, zero-width spaces, tags), line separators, surrogates, noncharacters. They are written as escapes (`escapeOf`).
//
// The tables come from the engine's own Unicode data where that has them, so they age with Bun and not with this file. 256 characters are looked up at a time,
// when the first of them is met.

/** Takes no column: combines with what stands before it. */
export const COMBINING = 0;
export const NARROW = 1;
/** Two columns: most of East Asia, and emoji. */
export const WIDE = 2;
/** Not to be written: `escapeOf` says what instead. */
export const UNSAFE = 3;

export type Glyph = typeof COMBINING | typeof NARROW | typeof WIDE | typeof UNSAFE;

/** What `codePoint` (0 to 0x10ffff) does to a terminal. */
export function glyphOf(codePoint: number): Glyph {
  if (codePoint < 0x7f) return codePoint < 0x20 ? UNSAFE : NARROW;
  const page = codePoint >> 8;
  pages[page] ??= classify(page << 8);
  return pages[page][codePoint & 0xff] as Glyph;
}

/** How many columns a text takes as it is shown, escapes for what must not be written included. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    const glyph = glyphOf(codePoint);
    columns += glyph === UNSAFE ? escapeOf(codePoint).length : glyph;
  }
  return columns;
}

/** A text in which nothing can drive a terminal: what could stands as its escape. For what is written past `LineWriter`: stderr, errors. */
export function visibleText(text: string): string {
  let visible = "";
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    visible += glyphOf(codePoint) === UNSAFE ? escapeOf(codePoint) : character;
  }
  return visible;
}

/** What stands for a character that must not be written: `\n`, `\x1b`, `\u202e`. A backslash of the text itself stays as it is: this is for reading, `--format json` is exact. */
export function escapeOf(codePoint: number): string {
  const short = SHORT_ESCAPES[codePoint];
  if (short !== undefined) return short;
  if (codePoint < 0x80) return escapeOfByte(codePoint);
  const digits = codePoint.toString(16);
  return codePoint > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
}

/** What stands for a byte that is not part of any UTF-8 character. */
export function escapeOfByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r" };

const pages: (Uint8Array | undefined)[] = [];

function classify(first: number): Uint8Array {
  const page = new Uint8Array(256);
  for (let at = 0; at < 256; at++) page[at] = classOf(first + at);
  return page;
}

function classOf(codePoint: number): Glyph {
  const character = String.fromCodePoint(codePoint);
  if (JOINERS.has(codePoint)) return COMBINING;
  if (HIDDEN.test(character) && !SHOWN_FORMAT.test(character)) return UNSAFE;
  if (/[\p{Mn}\p{Me}]/u.test(character)) return COMBINING;
  if (/\p{Emoji_Presentation}/u.test(character) && !/\p{Regional_Indicator}/u.test(character)) return WIDE;
  return WIDE_RANGES.some(([from, to]) => codePoint >= from && codePoint <= to) ? WIDE : NARROW;
}

/** Zero-width joiner and non-joiner: scripts and emoji need them. */
const JOINERS: ReadonlySet<number> = new Set([0x200c, 0x200d]);

/**
 * Controls, format characters, surrogates, line and paragraph separators, noncharacters, and whatever else Unicode says is not to be seen; but not the
 * variation selectors, which are marks.
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]|(?=\p{Default_Ignorable_Code_Point})\P{Variation_Selector}/u;

/** Format characters that are seen: signs which stand before or around digits in Arabic, Syriac and Kaithi. */
const SHOWN_FORMAT = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;

/** East Asian Wide and Fullwidth (Unicode, UAX 11), in blocks: what the engine has no property for. Emoji come from the engine. */
const WIDE_RANGES: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];
