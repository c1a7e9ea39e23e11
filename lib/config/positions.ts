// Where things stand in a TOML text. smol-toml gives values without places, so the text that it has accepted is walked a second time, here,
// for places alone: no value is decoded but keys, and nothing is checked, because all has been. The walk is total: on text that smol-toml
// would refuse it ends somewhere, with what it had; so it also answers for a text that is right up to an offset (`findEarlier`).
import type { Place } from "./config-error.ts";
import { type KeyPart, type KeyPath, readKey, skipBlanks } from "./key-path.ts";

/** Where one value, table or element stands, and what lies in it. */
export class Spot {
  /** The parts of a table by key, of an array by index. */
  readonly children = new Map<string | number, Spot>();
  /** An array made by `[[headers]]`: a header that names it means its last element. */
  grows = false;

  constructor(
    /** Where its key is written, in its pair or in its table's header; for an element the element. */
    public key: Place,
    /** Where the value begins; for a table with a header where its key is. */
    public value: Place,
  ) {}

  /** The spot at `path`, or the nearest one around it that is written down, with how many parts led there. */
  nearest(path: KeyPath): { readonly spot: Spot; readonly depth: number } {
    let spot: Spot = this;
    let depth = 0;
    for (const part of path) {
      const child = spot.children.get(part);
      if (child === undefined) break;
      spot = child;
      depth++;
    }
    return { spot, depth };
  }

  at(path: KeyPath): Spot | undefined {
    const { spot, depth } = this.nearest(path);
    return depth === path.length ? spot : undefined;
  }

  /** A spot of its own with the same parts, whose parts can be replaced. */
  copy(): Spot {
    const twin = new Spot(this.key, this.value);
    twin.grows = this.grows;
    for (const [part, child] of this.children) twin.children.set(part, child);
    return twin;
  }

  /** The last element where this is an array of tables, else itself: what a header means by its name. */
  get open(): Spot {
    return this.grows ? this.children.get(this.children.size - 1)! : this;
  }
}

/** Where everything stands in a text that smol-toml has accepted. */
export function locate(text: string, file: string): Spot {
  return new Walk(text, file).run().root;
}

/** The place of what is already set by the time the key at `offset` sets it again. */
export interface Earlier {
  /** The table that the key is in. */
  readonly table: KeyPath;
  /** From there, as much of the key as is there already. */
  readonly path: readonly string[];
  readonly spot: Spot;
}

/**
 * Finds what the key that begins at or behind `offset` writes a second time.
 * @param offset where smol-toml refused the key: all before it is right
 * @returns the key's path, and the spot of it or of the value that it would lie in; `undefined` where nothing is there yet
 */
export function findEarlier(text: string, file: string, offset: number): Earlier | undefined {
  return new Walk(text, file, offset).run().earlier;
}

/** A header or a pair, in a text that need not be right behind its beginning. */
export interface Statement {
  /** Where it begins. */
  readonly offset: number;
  /** The table that it is in; a header is in none. */
  readonly table: KeyPath;
}

/** The statement that the offset lies in, or the last one before it. */
export function findStatement(text: string, offset: number): Statement {
  return new Walk(text, "", offset).run().statement;
}

/** Deeper nesting than this is refused by the reader; here it only bounds the recursion on text that is refused for it. */
export const DEPTH_MAX = 32;

class Walk {
  readonly root: Spot;
  earlier: Earlier | undefined;
  statement: Statement = { offset: 0, table: [] };
  private at = 0;
  private depth = 0;
  private line = 1;
  private lineStart = 0;
  private lineEnd: number;
  private ended = false;

  constructor(
    private readonly text: string,
    private readonly file: string,
    private readonly stopAt = Number.POSITIVE_INFINITY,
  ) {
    this.lineEnd = text.indexOf("\n");
    const top = { file, line: 1, column: 1 };
    this.root = new Spot(top, top);
    if (text.startsWith("\ufeff")) this.at = 1;
  }

  run(): this {
    let table = this.root;
    let path: KeyPath = [];
    for (this.skipVoid(); !this.ended && this.at < this.text.length && this.at <= this.stopAt; this.skipVoid()) {
      const offset = this.at;
      if (this.text[offset] === "[") {
        this.statement = { offset, table: [] };
        const opened = this.header();
        table = opened.table;
        path = opened.path;
      } else {
        this.statement = { offset, table: path };
        this.pair(table);
      }
      this.skipToLineEnd();
    }
    return this;
  }

  /** `[a.b]` or `[[a.b]]`: opens the table that the following pairs go to. */
  private header(): { readonly table: Spot; readonly path: KeyPath } {
    const isElement = this.text.startsWith("[[", this.at);
    const { parts, end } = readKey(this.text, this.at + (isElement ? 2 : 1));
    if (this.stopsAt(parts, this.root)) return { table: this.root, path: [] };
    this.at = end + (isElement ? 2 : 1);
    let spot = this.root;
    const path: (string | number)[] = [];
    for (const [nth, { name, offset }] of parts.entries()) {
      const place = this.placeOf(offset);
      const child = spot.children.get(name) ?? new Spot(place, place);
      spot.children.set(name, child);
      path.push(name);
      if (nth === parts.length - 1 && isElement) addElement(child, place);
      else if (nth === parts.length - 1) {
        child.key = place; // its own header says best where a table is, though [a.b] may have brought up [a] before
        child.value = place;
      }
      spot = child.open;
      if (spot !== child) path.push(child.children.size - 1);
    }
    return { table: spot, path };
  }

  /** `a.b = value`, in a table's body or in an inline table. */
  private pair(table: Spot): void {
    const { parts, end } = readKey(this.text, this.at);
    if (this.stopsAt(parts, table)) return;
    let spot = table;
    for (const part of parts) {
      const place = this.placeOf(part.offset);
      const child = spot.children.get(part.name) ?? new Spot(place, place);
      spot.children.set(part.name, child);
      spot = child;
    }
    this.at = end;
    if (this.text[this.at] !== "=") return;
    this.at = skipBlanks(this.text, this.at + 1);
    this.value(spot);
  }

  private value(spot: Spot): void {
    spot.value = this.placeOf(this.at);
    if (++this.depth > DEPTH_MAX) this.ended = true;
    const first = this.ended ? undefined : this.text[this.at];
    if (first === '"' || first === "'") this.skipString(first);
    else if (first === "[") this.array(spot);
    else if (first === "{") this.inlineTable(spot);
    else this.skipScalar();
    this.depth--;
  }

  private array(spot: Spot): void {
    for (this.at++, this.skipVoid(); this.isInside("]"); this.skipSeparator("]")) {
      const place = this.placeOf(this.at);
      const element = new Spot(place, place);
      spot.children.set(spot.children.size, element);
      this.value(element);
    }
    this.at++;
  }

  private inlineTable(spot: Spot): void {
    for (this.at++, this.skipVoid(); this.isInside("}"); this.skipSeparator("}")) {
      const before = this.at;
      this.pair(spot);
      if (this.at === before) this.ended = true;
    }
    this.at++;
  }

  private isInside(close: string): boolean {
    return !this.ended && this.at < this.text.length && this.text[this.at] !== close;
  }

  /** Between two parts stands a comma, behind the last one perhaps; anything else is refused text, which must not keep us here. */
  private skipSeparator(close: string): void {
    this.skipVoid();
    if (this.text[this.at] === ",") this.at++;
    else if (this.text[this.at] !== close) this.ended = true;
    this.skipVoid();
  }

  private skipScalar(): void {
    const end = /[,\]}#\n]/g;
    end.lastIndex = this.at;
    this.at = end.exec(this.text)?.index ?? this.text.length;
  }

  private skipString(quote: string): void {
    const triple = quote.repeat(3);
    if (!this.text.startsWith(triple, this.at)) {
      this.at = this.endOfString(quote, this.at + 1) + 1;
      return;
    }
    this.at = this.endOfString(triple, this.at + 3) + 3;
    for (let extra = 0; extra < 2 && this.text[this.at] === quote; extra++) this.at++; // two quotes may stand before the closing three
  }

  private endOfString(close: string, from: number): number {
    for (let at = from; at < this.text.length; at++) {
      if (this.text[at] === "\\" && close[0] === '"') at++;
      else if (this.text.startsWith(close, at)) return at;
    }
    return this.text.length;
  }

  private skipToLineEnd(): void {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  private skipVoid(): void {
    for (;;) {
      while (isBlank(this.text.charCodeAt(this.at))) this.at++;
      if (this.text[this.at] !== "#") return;
      this.skipToLineEnd();
    }
  }

  private placeOf(offset: number): Place {
    while (this.lineEnd >= 0 && this.lineEnd < offset) {
      this.lineStart = this.lineEnd + 1;
      this.lineEnd = this.text.indexOf("\n", this.lineStart);
      this.line++;
    }
    return { file: this.file, line: this.line, column: offset - this.lineStart + 1 };
  }

  /** Whether this is the key that was asked about; if so, remembers what it would write again. */
  private stopsAt(parts: readonly KeyPart[], table: Spot): boolean {
    if (this.ended || (parts[0]?.offset ?? this.at) < this.stopAt) return this.ended;
    this.ended = true;
    let spot = table;
    const path: string[] = [];
    for (const { name } of parts) {
      const child = spot.open.children.get(name);
      if (child === undefined) break;
      path.push(name);
      spot = child;
    }
    if (path.length > 0) this.earlier = { table: pathTo(this.root, table) ?? [], path, spot };
    return true;
  }
}

function addElement(array: Spot, place: Place): void {
  array.grows = true;
  array.children.set(array.children.size, new Spot(place, place));
}

function pathTo(from: Spot, wanted: Spot): KeyPath | undefined {
  if (from === wanted) return [];
  for (const [part, child] of from.children) {
    const rest = pathTo(child, wanted);
    if (rest !== undefined) return [part, ...rest];
  }
  return undefined;
}

/** Blank, tab, line feed, carriage return; the end of the text (NaN) is none. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
