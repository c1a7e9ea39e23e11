// What a text must hold for a regular expression to match it: literals, as far as they can be seen from the outside. An index that knows which texts hold which
// literals then need not be asked about the others.
//
// It is a one-sided answer: a text that does not fulfil it can't match; one that does, may. Where anything is not understood the answer is "anything", which is
// always right. The expression is the engine's own (no flag v), so what is read here is known to be well-formed.

/** A condition on a text. */
export type Required =
  | { readonly is: "anything" }
  /** The text holds this, in upper or lower case where the expression takes one for the other. */
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "all"; readonly of: readonly Required[] }
  | { readonly is: "any"; readonly of: readonly Required[] };

export const ANYTHING: Required = { is: "anything" };

/** What every text must hold that `pattern` matches. */
export function requiredOf(pattern: RegExp): Required {
  if (pattern.unicodeSets) return ANYTHING;
  try {
    const reader = new Reader(pattern);
    const part = reader.alternatives();
    return reader.isAtEnd ? requirement(part) : ANYTHING;
  } catch (error) {
    if (error instanceof NotUnderstood) return ANYTHING;
    throw error;
  }
}

/** What a text must hold that one of `patterns` matches; anything where there are none. */
export function requiredOfOne(patterns: readonly RegExp[]): Required {
  return patterns.length === 0 ? ANYTHING : anyOf(patterns.map(requiredOf));
}

/** Whether a text fulfils it. @param ignoreCase of the expression */
export function fulfils(required: Required, text: string, ignoreCase: boolean): boolean {
  switch (required.is) {
    case "anything":
      return true;
    case "text":
      return ignoreCase ? text.toLowerCase().includes(required.text.toLowerCase()) : text.includes(required.text);
    case "all":
      return required.of.every((one) => fulfils(one, text, ignoreCase));
    case "any":
      return required.of.some((one) => fulfils(one, text, ignoreCase));
    default:
      return required satisfies never;
  }
}

export function allOf(parts: readonly Required[]): Required {
  const real = parts.filter(({ is }) => is !== "anything");
  return real.length === 0 ? ANYTHING : real.length === 1 ? real[0]! : { is: "all", of: real };
}

export function anyOf(parts: readonly Required[]): Required {
  if (parts.length === 1) return parts[0]!;
  return parts.length === 0 || parts.some(({ is }) => is === "anything") ? ANYTHING : { is: "any", of: parts };
}

/** A piece of an expression: it matches just `exact`, or something for which `required` holds. */
type Part =
  | { readonly exact: string; readonly required?: undefined }
  | { readonly exact?: undefined; readonly required: Required };

const UNKNOWN: Part = { required: ANYTHING };
const NOTHING: Part = { exact: "" };

class NotUnderstood extends Error {}

/** Repeated more often, an exact piece is one no longer: texts stay short. */
const REPEATS_MAX = 16;
/** Groups within groups. */
const DEPTH_MAX = 200;

class Reader {
  readonly #source: string;
  readonly #ignoreCase: boolean;
  readonly #unicode: boolean;
  #at = 0;
  #depth = 0;

  constructor(pattern: RegExp) {
    this.#source = pattern.source;
    this.#ignoreCase = pattern.ignoreCase;
    this.#unicode = pattern.unicode;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  alternatives(): Part {
    if (++this.#depth > DEPTH_MAX) throw new NotUnderstood();
    const parts = [this.#sequence()];
    while (this.#eat("|")) parts.push(this.#sequence());
    this.#depth -= 1;
    return parts.length === 1 ? parts[0]! : { required: anyOf(parts.map(requirement)) };
  }

  #sequence(): Part {
    const found: Required[] = [];
    let run = "";
    let isExact = true;
    const flush = (next: string) => {
      if (run !== "") found.push({ is: "text", text: run });
      run = next;
      isExact = false;
    };
    while (!this.isAtEnd && !this.#isNext("|") && !this.#isNext(")")) {
      const { part, least, most } = this.#repeated(this.#atom());
      if (part.exact !== undefined && least === most && least <= REPEATS_MAX) run += part.exact.repeat(least);
      else if (part.exact !== undefined && least > 0) {
        run += part.exact; // the first time behind what was before, the last time before what comes
        flush(part.exact);
      } else {
        flush("");
        if (least > 0) found.push(requirement(part));
      }
    }
    if (isExact) return { exact: run };
    flush("");
    return { required: allOf(found) };
  }

  #atom(): Part {
    const source = this.#source;
    const character = source[this.#at]!;
    switch (character) {
      case "^":
      case "$":
        this.#at += 1;
        return NOTHING;
      case ".":
        this.#at += 1;
        return UNKNOWN;
      case "[":
        return this.#class();
      case "(":
        return this.#group();
      case "\\":
        return this.#escape(false);
      default: {
        const codePoint = source.codePointAt(this.#at)!;
        this.#at += codePoint > 0xffff ? 2 : 1;
        return this.#character(codePoint);
      }
    }
  }

  #group(): Part {
    this.#at += 1;
    let isAssertion = false;
    if (this.#eat("?")) {
      if (this.#eat(":")) isAssertion = false;
      else if (this.#eat("=") || this.#eat("!") || this.#eat("<=") || this.#eat("<!")) isAssertion = true;
      else if (this.#eat("<")) this.#skipBehind(">");
      else throw new NotUnderstood(); // flags of a group, and what is yet to come
    }
    const part = this.alternatives();
    if (!this.#eat(")")) throw new NotUnderstood();
    return isAssertion ? NOTHING : part;
  }

  /** One character of a class of one is that character; any other class is unknown. */
  #class(): Part {
    this.#at += 1;
    if (this.#isNext("^")) return this.#skipClass();
    const from = this.#at;
    if (this.#isNext("]")) return this.#skipClass();
    const part = this.#isNext("\\") ? this.#escape(true) : this.#atomOfClass();
    if (this.#eat("]")) return part;
    this.#at = from;
    return this.#skipClass();
  }

  #atomOfClass(): Part {
    const codePoint = this.#source.codePointAt(this.#at)!;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return this.#character(codePoint);
  }

  #skipClass(): Part {
    for (; !this.isAtEnd; this.#at++) {
      if (this.#isNext("\\")) this.#at += 1;
      else if (this.#eat("]")) return UNKNOWN;
    }
    throw new NotUnderstood();
  }

  #escape(inClass: boolean): Part {
    const letter = this.#source[this.#at + 1];
    if (letter === undefined) throw new NotUnderstood();
    this.#at += 2;
    switch (letter) {
      case "b":
        return inClass ? this.#character(8) : NOTHING;
      case "B":
        return inClass ? UNKNOWN : NOTHING;
      case "t":
        return this.#character(9);
      case "n":
        return this.#character(10);
      case "v":
        return this.#character(11);
      case "f":
        return this.#character(12);
      case "r":
        return this.#character(13);
      case "p":
      case "P":
        if (this.#unicode && this.#eat("{")) this.#skipBehind("}");
        return UNKNOWN;
      case "k":
        if (this.#eat("<")) this.#skipBehind(">");
        return UNKNOWN;
      case "x":
        return this.#hexadecimal(2);
      case "u":
        return this.#hexadecimal(4);
      case "c":
        if (/[A-Za-z]/.test(this.#source[this.#at] ?? "")) this.#at += 1;
        return UNKNOWN;
      default:
        if (/[0-9]/.test(letter)) {
          while (/[0-9]/.test(this.#source[this.#at] ?? "")) this.#at += 1;
          return UNKNOWN;
        }
        return /[A-Za-z]/.test(letter) || letter > "\x7e" ? UNKNOWN : this.#character(letter.charCodeAt(0));
    }
  }

  #hexadecimal(digits: 2 | 4): Part {
    const rest = this.#source.slice(this.#at);
    const braced = digits === 4 && this.#unicode ? /^\{([0-9A-Fa-f]+)\}/.exec(rest) : null;
    const found = braced ?? (digits === 2 ? /^([0-9A-Fa-f]{2})/ : /^([0-9A-Fa-f]{4})/).exec(rest);
    if (found === null) return UNKNOWN;
    this.#at += found[0].length;
    return this.#character(Number.parseInt(found[1]!, 16));
  }

  /** A character of the expression, as far as a text that it matches must hold just its bytes. */
  #character(codePoint: number): Part {
    // Halves of a pair, and what stands for bytes that are no text at all.
    if (codePoint > 0xffff || (codePoint >= 0xd800 && codePoint < 0xe000) || codePoint === 0xfffd) return UNKNOWN;
    if (this.#ignoreCase) {
      if (codePoint > 0x7f) return UNKNOWN;
      // In Unicode the long s and the sign of Kelvin are an s and a k.
      if (this.#unicode && /[sk]/i.test(String.fromCharCode(codePoint))) return UNKNOWN;
    }
    return { exact: String.fromCharCode(codePoint) };
  }

  #repeated(part: Part): { readonly part: Part; readonly least: number; readonly most: number } {
    const [least, most] = this.#quantifier() ?? [1, 1];
    return { part, least, most };
  }

  #quantifier(): readonly [number, number] | undefined {
    const found = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(this.#source.slice(this.#at, this.#at + 64));
    if (found === null) return undefined;
    const [whole, sign, least, comma, most] = found;
    this.#at += whole.length;
    if (sign !== undefined) return sign === "*" ? [0, Infinity] : sign === "+" ? [1, Infinity] : [0, 1];
    if (comma === undefined) return [Number(least), Number(least)];
    return [Number(least), most === "" ? Infinity : Number(most)];
  }

  #skipBehind(end: string): void {
    const at = this.#source.indexOf(end, this.#at);
    if (at < 0) throw new NotUnderstood();
    this.#at = at + end.length;
  }

  #isNext(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #eat(text: string): boolean {
    if (!this.#isNext(text)) return false;
    this.#at += text.length;
    return true;
  }
}

function requirement(part: Part): Required {
  if (part.exact === undefined) return part.required;
  return part.exact === "" ? ANYTHING : { is: "text", text: part.exact };
}
