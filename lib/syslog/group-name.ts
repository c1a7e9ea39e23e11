// From the text that a template gives to a name that Spread takes: 1 to 31 characters from "$" to "~" (PROTOCOL.md section 4).
//
// Every host has to come to the same name by itself, so it depends on the text alone. What Spread refuses becomes `_`; a text that is too long keeps its
// beginning and ends in `~` and ten characters of a hash of all of it. 50 bits: among a million long names two are alike with a chance of 1 in 2,000.

import { GROUP_NAME_BYTES_MAX } from "../spread/limits.ts";
import { type GroupName, isNameByte, NameError, parseGroupName } from "../spread/names.ts";

const REPLACEMENT = "_";
const TAIL_CHARACTERS = 10;
const TAIL_LETTERS = "0123456789abcdefghijklmnopqrstuv";

/** The group name for a text; the text itself where it is one. */
export function groupName(text: string): GroupName {
  const mapped = hasNameBytesAlone(text) ? text : mappedName(text);
  return parseGroupName(shortName(mapped === "" ? REPLACEMENT : mapped, text, GROUP_NAME_BYTES_MAX));
}

function mappedName(text: string): string {
  let mapped = "";
  for (let index = 0; index < text.length; index++)
    mapped += isNameByte(text.charCodeAt(index)) ? text[index] : REPLACEMENT;
  return mapped;
}

/** The longest name that is taken for one, to be cut. */
const LONG_NAME_MAX = 512;

/**
 * The group that a user's name means: that name, or where it is too long for Spread, what senders make of it.
 * @throws {NameError} there are characters in it that no group's name has
 */
export function parseLongGroupName(text: string): GroupName {
  if (!isLongGroupName(text)) throw new NameError("group name", text);
  return groupName(text);
}

export function isLongGroupName(text: string): boolean {
  return text !== "" && text.length <= LONG_NAME_MAX && hasNameBytesAlone(text);
}

function hasNameBytesAlone(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (!isNameByte(text.charCodeAt(index))) return false;
  return true;
}

/** `name` where it is at most `most` long; else its beginning, with a tail that stands for all of `whole`. One character is one byte. */
export function shortName(name: string, whole: string, most: number): string {
  if (name.length <= most) return name;
  return `${name.slice(0, most - TAIL_CHARACTERS - 1)}~${hashTail(whole)}`;
}

/** Ten letters of 5 bits each: two multiplicative hashes of 32 bits over the text's UTF-16 units, mixed. Against accidents, not against attackers. */
function hashTail(text: string): string {
  let high = 0x9e3779b9 ^ text.length;
  let low = 0x85ebca6b;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul((low << 5) ^ (low >>> 27) ^ unit, 0x27d4eb2d);
  }
  high = mix(high ^ (low >>> 7));
  low = mix(low ^ (high >>> 11));
  let tail = "";
  for (let index = 0; index < TAIL_CHARACTERS; index++) {
    const word = index < 5 ? high : low;
    tail += TAIL_LETTERS[(word >>> ((index % 5) * 6)) & 31];
  }
  return tail;
}

function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b);
  return word ^ (word >>> 16);
}
