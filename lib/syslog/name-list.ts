// A list of names that a rule asks for, as in `!sshd,cron` and `-host` of the classic configuration: compared as bytes, where they were received.
import { Fault } from "../base/fault.ts";

const STAR = 0x2a;
const QUESTION = 0x3f;

/** Names of which one has to match, or none. `*` in a name stands for anything, `?` for one byte. */
export class NameList {
  readonly #patterns: readonly Uint8Array[];

  /**
   * @param names    at least one
   * @param isExcluding none of them may match
   * @param anyCase  whether ASCII letters match in either case, as those of host names do
   */
  constructor(
    readonly names: readonly string[],
    readonly isExcluding: boolean,
    readonly anyCase: boolean,
  ) {
    const encoder = new TextEncoder();
    this.#patterns = names.map((name) => encoder.encode(anyCase ? name.toLowerCase() : name));
  }

  /** Whether the name at [from, to) is one that is asked for. */
  admits(bytes: Uint8Array, from: number, to: number): boolean {
    for (const pattern of this.#patterns) {
      if (matchesPattern(pattern, bytes, from, to, this.anyCase)) return !this.isExcluding;
    }
    return this.isExcluding;
  }
}

/**
 * Reads names with commas between them; a `!` before the first: none of them.
 * @throws {Fault} kind "config", code "names"
 */
export function parseNameList(text: string, anyCase: boolean): NameList {
  const isExcluding = text.startsWith("!");
  const names = (isExcluding ? text.slice(1) : text).split(",").map((name) => name.trim());
  const odd = names.find((name) => name === "" || /[\s!]/.test(name));
  if (odd === undefined) return new NameList(names, isExcluding, anyCase);
  const wanted = odd.startsWith("!")
    ? '; one "!" before the first name excludes them all'
    : ", expected names without spaces, with commas between them";
  throw new Fault(
    "config",
    "names",
    `cannot read names ${JSON.stringify(text)}: found ${JSON.stringify(odd)}${wanted}`,
  );
}

/** Writes what `parseNameList` reads. */
export function formatNameList({ isExcluding, names }: NameList): string {
  return `${isExcluding ? "!" : ""}${names.join(",")}`;
}

/** Goes forward, and back only to the last star: no pattern takes longer than its length times the name's. */
function matchesPattern(pattern: Uint8Array, bytes: Uint8Array, from: number, to: number, anyCase: boolean): boolean {
  let at = from;
  let index = 0;
  let star = -1;
  let starAt = 0;
  while (at < to) {
    const wanted = index < pattern.length ? pattern[index]! : -1;
    if (wanted === STAR) {
      star = index++;
      starAt = at;
    } else if (wanted === QUESTION || wanted === (anyCase ? lowerCase(bytes[at]!) : bytes[at]!)) {
      index++;
      at++;
    } else if (star >= 0) {
      index = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (index < pattern.length && pattern[index] === STAR) index++;
  return index === pattern.length;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
