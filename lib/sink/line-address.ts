// Which group a line goes to: always the same, or the one that its first word makes of a template, `www.%{vhost}`. The word is one piece of the name, whatever it holds:
// what Spread refuses is mapped and what is too long is cut with a hash (syslog/group-name.ts), so every host comes to the same name.
//
// A group is never forgotten, so there is a bound; the lines of further words go to one group together, where they are still told apart by their text.
import { Fault } from "../base/fault.ts";
import type { GroupName } from "../spread/names.ts";
import { groupName, parseLongGroupName } from "../syslog/group-name.ts";

const FIELD = /%\{[A-Za-z][A-Za-z0-9_-]*\}/g;
/** Stands for a word that is missing, and for all words beyond the bound. */
const NO_WORD = "-";
const OTHER_WORDS = "~other";
const SPACE = 0x20;
const TAB = 0x09;
const UTF8 = new TextDecoder();

/** A group's name with a place for one word: `before`, the word, `after`. */
export interface GroupPattern {
  readonly before: string;
  readonly after: string;
  /** Without it, it is a plain name. */
  readonly hasField: boolean;
}

/** Reads `www.%{vhost}`, or a plain name. @throws {Fault} kind "usage" */
export function parseGroupPattern(text: string): GroupPattern {
  const fields = text.match(FIELD) ?? [];
  if (fields.length === 0) {
    parseLongGroupName(text);
    return { before: text, after: "", hasField: false };
  }
  const at = text.indexOf(fields[0]!);
  const before = text.slice(0, at);
  const after = text.slice(at + fields[0]!.length);
  if (fields.length > 1)
    throw new Fault(
      "usage",
      "group",
      `cannot read group ${JSON.stringify(text)}: found ${fields.length} fields, expected one`,
    );
  if (before + after !== "") parseLongGroupName(before + after);
  return { before, after, hasField: true };
}

/** Finds a line's way by its first word. One for each input; `T` is what leads to a group. */
export class LineAddress<T> {
  /** Where the line's text begins, behind the word that was taken off. */
  textStart = 0;
  readonly #ways = new Map<string, T>();
  /** Where there is no field. */
  readonly #only: T | undefined;
  #toOthers = 0;

  /** @param make called once for each name, with what it was made of */
  constructor(
    private readonly pattern: GroupPattern,
    private readonly wordsMax: number,
    private readonly make: (name: GroupName, fullName: string) => T,
  ) {
    this.#only = pattern.hasField ? undefined : make(groupName(pattern.before), pattern.before);
  }

  /** Lines whose word was one too many. */
  get toOthers(): number {
    return this.#toOthers;
  }

  /** The way of the line at [start, end); sets `textStart`. */
  find(bytes: Uint8Array, start: number, end: number): T {
    this.textStart = start;
    if (this.#only !== undefined) return this.#only;
    let wordEnd = start;
    while (wordEnd < end && bytes[wordEnd] !== SPACE && bytes[wordEnd] !== TAB) wordEnd += 1;
    this.textStart = Math.min(end, wordEnd + 1);
    const word = wordEnd === start ? NO_WORD : UTF8.decode(bytes.subarray(start, wordEnd));
    return this.#ways.get(word) ?? this.#add(word);
  }

  #add(word: string): T {
    const isOther = this.#ways.size >= this.wordsMax && word !== OTHER_WORDS;
    if (isOther) {
      this.#toOthers += 1;
      const others = this.#ways.get(OTHER_WORDS);
      if (others !== undefined) return others;
    }
    const key = isOther ? OTHER_WORDS : word;
    const fullName = `${this.pattern.before}${key}${this.pattern.after}`;
    const way = this.make(groupName(fullName), fullName);
    this.#ways.set(key, way);
    return way;
  }
}
