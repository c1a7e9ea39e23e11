import { quoteText } from "./quote.ts";

/** The way to a value: keys, and indexes of arrays counted from 0. */
export type KeyPath = readonly (string | number)[];

/** Writes a path as people know it: `syslogd.rule[2].to`; a part that is no bare TOML key is quoted: `spread."my host"`. */
export function formatPath(path: KeyPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text === "" ? "" : "."}${formatKey(part)}`;
  }
  return text;
}

/** One key as TOML has it: bare, or quoted where it must be. */
export function formatKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoteText(key);
}

/** A part of a dotted key, and where in the text it begins. */
export interface KeyPart {
  readonly name: string;
  readonly offset: number;
}

/**
 * Reads the dotted key (TOML 1.0 "Keys") at `offset`: `a."b.c".d`, blanks around the dots.
 * @returns its parts, none where there is no key, and the offset behind it and the blanks after it
 */
export function readKey(text: string, offset: number): { readonly parts: readonly KeyPart[]; readonly end: number } {
  const parts: KeyPart[] = [];
  let at = skipBlanks(text, offset);
  for (;;) {
    const part = readPart(text, at);
    if (part === undefined) return { parts, end: at };
    parts.push({ name: part.name, offset: at });
    at = skipBlanks(text, part.end);
    if (text[at] !== ".") return { parts, end: at };
    at = skipBlanks(text, at + 1);
  }
}

/** Reads a path that stands in a string, such as one of `override`. `undefined` where it is no dotted key. */
export function tryPath(text: string): readonly string[] | undefined {
  const { parts, end } = readKey(text, 0);
  return parts.length > 0 && end === text.length && !/\.\s*$/.test(text) ? parts.map(({ name }) => name) : undefined;
}

export function skipBlanks(text: string, at: number): number {
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BASIC_KEY = /"(?:[^"\\\n]|\\.)*"/y;
const LITERAL_KEY = /'[^'\n]*'/y;

function readPart(text: string, at: number): { readonly name: string; readonly end: number } | undefined {
  const first = text[at];
  const form = first === '"' ? BASIC_KEY : first === "'" ? LITERAL_KEY : BARE_KEY;
  form.lastIndex = at;
  const written = form.exec(text)?.[0];
  if (written === undefined) return undefined;
  const inner = form === BARE_KEY ? written : written.slice(1, -1);
  return { name: form === BASIC_KEY ? unescaped(inner) : inner, end: at + written.length };
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\x1b",
};

function unescaped(text: string): string {
  const sequence = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g;
  return text.replace(sequence, (whole, x?: string, u?: string, long?: string, letter?: string) => {
    const hex = x ?? u ?? long;
    if (hex === undefined) return ESCAPES[letter!] ?? letter!;
    const point = Number.parseInt(hex, 16);
    return point > 0x10ffff ? whole : String.fromCodePoint(point);
  });
}
