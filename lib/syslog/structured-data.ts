// Structured data of RFC 5424 (section 6.3): elements in brackets, each with an id and parameters.
//
//   [exampleSDID@32473 iut="3" eventSource="Application"][examplePriority@32473 class="high"]
//
// In a value `"`, `\` and `]` are written with a backslash before them; a backslash before anything else stands for itself. As sent in the wild, spaces
// after `=` and before `]` are let pass, and names longer than the 32 characters of the RFC.
import type { RecordView } from "./record.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const EQUALS = 0x3d;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const DEL = 0x7f;
const NAME_BYTES_MAX = 255;

/** The parameters of structured data that is known to be right, one after the other. One object serves any number of records. */
export class ParamCursor {
  idStart = 0;
  idEnd = 0;
  /** An empty range for an element without parameters, which comes once. */
  nameStart = 0;
  nameEnd = 0;
  /** The value as it lies, escapes included. */
  valueStart = 0;
  valueEnd = 0;
  /** The offset behind this parameter, and behind the `]` if it is the last of its element. */
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #limit = 0;
  /** Behind the id of an element and before its `]`: a `[` begins a name there (RFC 5424, section 6.3.3), and no other element. */
  #isInside = false;

  /** Before the first parameter of the elements at [start, end). */
  start(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.end = start;
    this.#limit = end;
    this.#isInside = false;
  }

  /** Goes on to the next parameter; false where there is none. */
  next(): boolean {
    const bytes = this.#bytes;
    let at = this.end;
    if (at >= this.#limit) return false;
    if (!this.#isInside) {
      this.idStart = at + 1;
      at = this.idEnd = nameEnd(bytes, at + 1, this.#limit);
    }
    at = skipSpaces(bytes, at, this.#limit);
    this.nameStart = at;
    at = this.nameEnd = nameEnd(bytes, at, this.#limit);
    if (this.nameStart === this.nameEnd) {
      this.valueStart = this.valueEnd = at;
    } else {
      this.valueStart = skipSpaces(bytes, at + 1, this.#limit) + 1;
      this.valueEnd = valueEnd(bytes, this.valueStart, this.#limit);
      at = skipSpaces(bytes, this.valueEnd + 1, this.#limit);
    }
    this.#isInside = bytes[at] !== CLOSE;
    this.end = this.#isInside ? at : at + 1;
    return true;
  }

  /** Whether this parameter has that name, and its element that id; both ASCII. */
  is(id: string, name: string): boolean {
    return isWord(this.#bytes, this.idStart, this.idEnd, id) && isWord(this.#bytes, this.nameStart, this.nameEnd, name);
  }

  /** Goes on to the parameter `name` of element `id`; false where there is none. */
  find(id: string, name: string): boolean {
    while (this.next()) if (this.is(id, name)) return true;
    return false;
  }
}

/**
 * Finds the end of the elements that begin at `at`.
 *
 * @returns the offset behind the last `]`, or where they are wrong at offset f: `-1 - f`
 */
export function scanStructuredData(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] === OPEN) {
    const idEnd = nameEnd(bytes, at + 1, end);
    if (idEnd === at + 1 || idEnd - at > NAME_BYTES_MAX) return -1 - idEnd;
    at = idEnd;
    while (at < end && bytes[at] === SPACE) {
      const name = skipSpaces(bytes, at, end);
      at = nameEnd(bytes, name, end);
      if (at === name && bytes[at] === CLOSE) break;
      if (at === name || at >= end || bytes[at] !== EQUALS || at - name > NAME_BYTES_MAX) return -1 - at;
      at = skipSpaces(bytes, at + 1, end);
      if (at >= end || bytes[at] !== QUOTE) return -1 - at;
      at = valueEnd(bytes, at + 1, end);
      if (at >= end || bytes[at] !== QUOTE) return -1 - at;
      at++;
    }
    if (at >= end || bytes[at] !== CLOSE) return -1 - at;
    at++;
  }
  return at;
}

/** The structured data of a record as an object, ids and names to values; `undefined` where its form has none. Makes objects: for those who look, not for a flood. */
export function structuredData(record: RecordView): Record<string, Record<string, string>> | undefined {
  if (record.form !== "5424") return undefined;
  const elements: Record<string, Record<string, string>> = Object.create(null);
  const cursor = new ParamCursor();
  cursor.start(record.bytes, record.sdStart, record.sdEnd);
  while (cursor.next()) {
    const id = record.text(cursor.idStart, cursor.idEnd);
    elements[id] ??= Object.create(null) as Record<string, string>;
    if (cursor.nameStart < cursor.nameEnd) {
      const value = unescapeParam(record.text(cursor.valueStart, cursor.valueEnd));
      elements[id][record.text(cursor.nameStart, cursor.nameEnd)] = value;
    }
  }
  return elements;
}

/** A value without its escapes. */
export function unescapeParam(value: string): string {
  return value.includes("\\") ? value.replace(/\\(["\\\]])/g, "$1") : value;
}

/** Whether the byte after a backslash is one that is escaped by it. */
export function isEscapable(byte: number): boolean {
  return byte === QUOTE || byte === BACKSLASH || byte === CLOSE;
}

/** Whether the bytes at [from, to) are that word, in ASCII. */
export function isWord(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from !== word.length) return false;
  for (let index = 0; index < word.length; index++) if (bytes[from + index] !== word.charCodeAt(index)) return false;
  return true;
}

function nameEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at]!;
    if (byte <= SPACE || byte === EQUALS || byte === CLOSE || byte === QUOTE || byte === DEL) break;
    at++;
  }
  return at;
}

/** The first quote or bracket that no backslash protects. */
function valueEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === QUOTE || byte === CLOSE) break;
    at += byte === BACKSLASH && at + 1 < end && isEscapable(bytes[at + 1]!) ? 2 : 1;
  }
  return at;
}

function skipSpaces(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] === SPACE) at++;
  return at;
}
