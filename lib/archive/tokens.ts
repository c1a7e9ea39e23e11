// The words of the full-text index. It knows of each block which tokens occur in it, and of no record: a block is a fraction of a millisecond's work, and one entry for hundreds of
// records costs little of what one for each would (62,000 records a second and nothing else; this way 110,000 with everything).
//
// A search is for a part of a text, as with a regular expression, not for words. So what is indexed are:
//
//   trigrams   every three bytes in a row of every text, ASCII letters in lower case. There are so few that most stand in the index already: next to no cost
//   ids        trigrams can't find "a8f3c1e2" or "10.1.2.37": all three-digit numbers stand in every block. Of words with a digit and at least ID_BYTES_MIN bytes, five bytes
//              in a row are taken, but only where their hash is the least of SHIFTS neighbours (minimizers): two in five, and yet any part of the word that is
//              long enough has the same ones, whatever stands around it
//   names      of group, host and program of each record, whole
//
// Tokens are hashes in 32 letters: no text of a peer ever reaches the index as such. That two things may have one hash, or lie in two records of the block, makes no search
// wrong: whoever asks the index looks at the records themselves.
import type { Required } from "./required.ts";

/** Bytes of an id's token. */
const SPAN = 5;
/** Tokens in a row of which one is taken. */
const SHIFTS = 4;
/** The shortest part of an id that is sure to have a token. */
export const ID_BYTES_MIN = SPAN + SHIFTS - 1;
/** Tokens of ids in one block; where there are more, the block is in every answer. */
const IDS_MAX = 8_192;
const OVERFULL = "x";

const TRIGRAM_BITS = 20;
const ID_BITS = 25;
const NAME_BITS = 30;

export type NameKind = "group" | "host" | "app";
const KIND_LETTERS: Readonly<Record<NameKind, string>> = { group: "yg", host: "yh", app: "ya" };

const LETTERS = new TextEncoder().encode("0123456789abcdefghijklmnopqrstuv");
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte));
/** 2: a digit; 1: what else an id is made of: letters and ".:-_". */
const ID_CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[0-9]/.test(character) ? 2 : /[A-Za-z.:_-]/.test(character) ? 1 : 0;
});

/** Collects the tokens of one block after the other. */
export class Tokenizer {
  #out = new Uint8Array(65_536);
  #end = 0;
  /** The block in which a trigram, an id, was met last. */
  readonly #trigrams = new Uint32Array(1 << TRIGRAM_BITS);
  readonly #ids = new Uint32Array(1 << 20);
  readonly #names = new Set<string>();
  readonly #hashes = new Int32Array(SHIFTS);
  #block = 1;
  #idCount = 0;

  /** Begins the next block. */
  begin(): void {
    this.#block += 1;
    this.#end = 0;
    this.#idCount = 0;
    this.#names.clear();
  }

  /** Adds the text at [start, end) of `bytes`. */
  addText(bytes: Uint8Array, start: number, end: number): void {
    this.#room((end - start) * 6 + 16);
    const block = this.#block;
    const trigrams = this.#trigrams;
    let two = end - start >= 2 ? (LOWER[bytes[start]!]! << 8) | LOWER[bytes[start + 1]!]! : 0;
    for (let at = start + 2; at < end; at++) {
      const three = (two << 8) | LOWER[bytes[at]!]!;
      two = three & 0xffff;
      const hash = trigramHash(three);
      if (trigrams[hash] === block) continue;
      trigrams[hash] = block;
      this.#put(hash, TRIGRAM_BITS);
    }
    let from = start;
    let classes = 0;
    for (let at = start; at <= end; at++) {
      const kind = at < end ? ID_CLASSES[bytes[at]!]! : 0;
      if (kind !== 0) {
        classes |= kind;
        continue;
      }
      if ((classes & 2) !== 0 && at - from >= ID_BYTES_MIN) this.#addIds(bytes, from, at);
      from = at + 1;
      classes = 0;
    }
  }

  /** Adds a name. */
  addName(kind: NameKind, name: string): void {
    const token = nameToken(kind, name);
    if (this.#names.size < 4_096) this.#names.add(token);
  }

  /** All tokens of the block, with spaces between. */
  text(): string {
    const overfull = this.#idCount > IDS_MAX ? ` ${OVERFULL}` : "";
    return `${[...this.#names].join(" ")} ${ASCII.decode(this.#out.subarray(0, this.#end))}${overfull}`;
  }

  #addIds(bytes: Uint8Array, from: number, to: number): void {
    if (this.#idCount > IDS_MAX) return;
    visitIds(bytes, from, to, this.#hashes, this.#addId);
  }

  readonly #addId = (hash: number): void => {
    const slot = hash & (this.#ids.length - 1);
    // Two ids of one slot take turns in it, and one may be written twice: no harm.
    const mark = (this.#block << 5) | (hash >>> 20);
    if (this.#ids[slot] === mark) return;
    this.#ids[slot] = mark;
    this.#idCount += 1;
    if (this.#idCount <= IDS_MAX) this.#put(hash, ID_BITS);
  };

  #put(hash: number, bits: number): void {
    const out = this.#out;
    let end = this.#end;
    for (let shift = 0; shift < bits; shift += 5) out[end++] = LETTERS[(hash >>> shift) & 31]!;
    out[end++] = 0x20;
    this.#end = end;
  }

  /** Room for `bytes` more. */
  #room(bytes: number): void {
    if (this.#end + bytes * 2 <= this.#out.length) return;
    const grown = new Uint8Array((this.#end + bytes * 2) * 2);
    grown.set(this.#out.subarray(0, this.#end));
    this.#out = grown;
  }
}

const ASCII = new TextDecoder("latin1");

function trigramHash(three: number): number {
  return Math.imul(three, 0x9e3779b1) >>> (32 - TRIGRAM_BITS);
}

/** Gives the hash of every id token in the word at [from, to), which is long enough. */
function visitIds(
  bytes: Uint8Array,
  from: number,
  to: number,
  hashes: Int32Array,
  visit: (hash: number) => void,
): void {
  let last = -1;
  for (let at = from; at + SPAN <= to; at++) {
    let hash = 0;
    for (let byte = at; byte < at + SPAN; byte++) hash = (Math.imul(hash, 31) + LOWER[bytes[byte]!]!) | 0;
    hash = Math.imul(hash, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    hashes[at % SHIFTS] = hash;
    if (at < from + SHIFTS - 1) continue;
    let least = at - SHIFTS + 1;
    for (let other = least + 1; other <= at; other++)
      if (hashes[other % SHIFTS]! < hashes[least % SHIFTS]!) least = other;
    if (least === last) continue;
    last = least;
    visit(hashes[least % SHIFTS]! >>> (32 - ID_BITS));
  }
}

/** The token of a name. */
export function nameToken(kind: NameKind, name: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = (hash ^ (hash >>> 15)) >>> (32 - NAME_BITS);
  return KIND_LETTERS[kind] + lettersOf(hash, NAME_BITS);
}

function lettersOf(hash: number, bits: number): string {
  let text = "";
  for (let shift = 0; shift < bits; shift += 5) text += String.fromCharCode(LETTERS[(hash >>> shift) & 31]!);
  return text;
}

/** A question to the index, in the language of FTS5; `undefined` where the index can't narrow anything. */
export type Question = string | undefined;

/** Which blocks may hold a text that fulfils `required`. */
export function questionOf(required: Required): Question {
  switch (required.is) {
    case "anything":
      return undefined;
    case "text":
      return textQuestion(required.text);
    case "all":
      return and(required.of.map(questionOf));
    case "any":
      return or(required.of.map(questionOf));
    default:
      return required satisfies never;
  }
}

/** All of them hold. */
export function and(questions: readonly Question[]): Question {
  const real = questions.filter((question) => question !== undefined);
  return real.length === 0 ? undefined : real.length === 1 ? real[0] : `(${real.join(" AND ")})`;
}

/** One of them holds. */
export function or(questions: readonly Question[]): Question {
  const real = questions.filter((question) => question !== undefined);
  if (real.length === 0 || real.length < questions.length) return undefined;
  return real.length === 1 ? real[0] : `(${real.join(" OR ")})`;
}

/** A question for a name among names; none are anything. */
export function namesQuestion(kind: NameKind, names: readonly string[]): Question {
  return names.length === 0 ? undefined : or(names.map((name) => quoted(nameToken(kind, name))));
}

/** Tokens of one literal that are asked for: more narrow nothing any more. */
const TOKENS_MAX = 24;

function textQuestion(text: string): Question {
  const bytes = new TextEncoder().encode(text);
  const trigrams = new Set<string>();
  for (let at = 0; at + 3 <= bytes.length; at++) {
    const three = (LOWER[bytes[at]!]! << 16) | (LOWER[bytes[at + 1]!]! << 8) | LOWER[bytes[at + 2]!]!;
    trigrams.add(quoted(lettersOf(trigramHash(three), TRIGRAM_BITS)));
  }
  const ids = new Set<string>();
  const hashes = new Int32Array(SHIFTS);
  for (const { index, 0: word } of text.matchAll(/[A-Za-z0-9.:_-]+/g)) {
    if (word.length < ID_BYTES_MIN || !/[0-9]/.test(word)) continue;
    const from = new TextEncoder().encode(text.slice(0, index)).length;
    visitIds(bytes, from, from + word.length, hashes, (hash) => ids.add(quoted(lettersOf(hash, ID_BITS))));
  }
  const exact = and([...ids].slice(0, TOKENS_MAX));
  // A block with too many ids to name has none of them to be found by.
  const withOverfull = exact === undefined ? undefined : or([exact, quoted(OVERFULL)]);
  return and([withOverfull, ...[...trigrams].slice(0, TOKENS_MAX)]);
}

const quoted = (token: string) => `"${token}"`;
