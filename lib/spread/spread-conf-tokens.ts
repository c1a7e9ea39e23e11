// The words of a spread.conf, as the 5.0.1 daemon's own reader cuts them (PROTOCOL.md 12.1).
//
// Of all rules that match at a place the longest match wins, and of equally long ones the more special. That is why `a=b` is one word, why
// a semicolon behind an address belongs to it, and why `"d1"x` is a word with quotes in it. Brackets, vertical tabs and form feeds
// belong to no rule: the daemon prints them to its standard output and goes on as if nothing stood there.
import { type ConfAddress, tryConfAddress } from "./spread-conf-address.ts";
import { DEBUG_FLAGS, LEVELS, OPTIONS } from "./spread-conf-options.ts";

interface At {
  /** Index of the first character in the text. */
  readonly at: number;
  /** As written, quotes included. */
  readonly text: string;
}

export type Token = At &
  (
    | { readonly kind: "{" | "}" | "=" | ":" | ";" | "!" | "end" }
    | { readonly kind: "segment" | "virtual-id" | "option" | "flag" | "level" | "interface" }
    | { readonly kind: "bool"; readonly value: boolean }
    | { readonly kind: "on-off-auto"; readonly value: "on" | "off" | "auto" }
    | { readonly kind: "number"; readonly value: number }
    | { readonly kind: "address" | "address:port"; readonly value: ConfAddress }
    | { readonly kind: "port-range" } // an address with a port over 65535: the daemon stops at once
    | { readonly kind: "word" | "quoted"; readonly value: string }
    | { readonly kind: "stray" } // characters that the daemon drops
  );

const QUOTED = /"[^"]*"|'[^']*'/y;
const WORD = /[^ \t\r\n\v\f#{}[\]]+/y;
const BRACKETED = /\[([0-9A-Fa-f:]+(?:%[^ \t\r\n\v\f#{}[\]]+)?)\]:(\d{1,5})/y;
const BLANKS = /[ \t\r\n]+/y;
const COMMENT = /#[^\n]*/y;
const STRAY = /[\v\f[\]]+/y;
const IPV4_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/;

/** Cuts a whole file; the last token is of kind "end". Never throws: what is no word of spread.conf is still some token. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  for (;;) {
    const skipped = matchLength(BLANKS, text, at) + matchLength(COMMENT, text, at);
    if (skipped > 0) {
      at += skipped;
      continue;
    }
    if (at >= text.length) break;
    const token = tokenAt(text, at);
    found.push(token);
    at += token.text.length;
  }
  found.push({ kind: "end", at: text.length, text: "" });
  return found;
}

/** Where `at` lies: line and column, both from 1. */
export function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end !== -1 && end < at; end = text.indexOf("\n", end + 1)) {
    line += 1;
    start = end + 1;
  }
  return { line, column: at - start + 1 };
}

function tokenAt(text: string, at: number): Token {
  const first = text[at]!;
  if (first === "{" || first === "}") return { kind: first, at, text: first };
  // "!" is a token of its own if anything at all follows it on the line; the last of a line it is a word
  if (first === "!" && at + 1 < text.length && text[at + 1] !== "\n") return { kind: "!", at, text: "!" };
  const bracketed = bracketedAt(text, at);
  if (bracketed !== undefined) return bracketed;
  const quotedLength = matchLength(QUOTED, text, at);
  const wordLength = matchLength(WORD, text, at);
  if (quotedLength > 0 && quotedLength >= wordLength) {
    const quoted = text.slice(at, at + quotedLength);
    return { kind: "quoted", at, text: quoted, value: quoted.slice(1, -1) };
  }
  if (wordLength > 0) return wordToken(text.slice(at, at + wordLength), at);
  return { kind: "stray", at, text: text.slice(at, at + Math.max(1, matchLength(STRAY, text, at))) };
}

function wordToken(word: string, at: number): Token {
  const here = { at, text: word };
  if (word === "=" || word === ":" || word === ";") return { kind: word, ...here };
  if (word === "Spread_Segment") return { kind: "segment", ...here };
  if (word === "VirtualID") return { kind: "virtual-id", ...here };
  const rule = OPTIONS.get(word);
  if (rule !== undefined && rule.onlySpread4 === undefined) return { kind: "option", ...here };
  if (DEBUG_FLAGS.has(word)) return { kind: "flag", ...here };
  if (LEVELS.has(word)) return { kind: "level", ...here };
  if (word === "M" || word === "C" || word === "D") return { kind: "interface", ...here };
  if (/^(?:true|yes|false|no)$/i.test(word)) return { kind: "bool", ...here, value: /^[ty]/i.test(word) };
  if (/^(?:on|off|auto)$/i.test(word))
    return { kind: "on-off-auto", ...here, value: word.toLowerCase() as "on" | "off" | "auto" };
  if (/^\d{1,9}$/.test(word)) return { kind: "number", ...here, value: Number(word) };
  const address = tryConfAddress(word);
  if (address !== undefined) return { kind: "address", ...here, value: address };
  const withPort = IPV4_PORT.exec(word);
  if (withPort !== null) {
    if (Number(withPort[2]) > 65_535) return { kind: "port-range", ...here };
    const target = tryConfAddress(withPort[1]!, Number(withPort[2]));
    if (target !== undefined) return { kind: "address:port", ...here, value: target };
  }
  return { kind: "word", ...here, value: word };
}

/** `[IPv6]:port`: the one place where brackets mean something. */
function bracketedAt(text: string, at: number): Token | undefined {
  BRACKETED.lastIndex = at;
  const match = BRACKETED.exec(text);
  if (match === null) return undefined;
  const address = tryConfAddress(match[1]!, Number(match[2]));
  if (address === undefined) return undefined;
  if (address.port > 65_535) return { kind: "port-range", at, text: match[0] };
  return { kind: "address:port", at, text: match[0], value: address };
}

function matchLength(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
