// Steps through the tokens of a spread.conf for its readers.
import type { Notes } from "./spread-conf-notes.ts";
import { shown } from "./spread-conf-notes.ts";
import { type Token, tokens } from "./spread-conf-tokens.ts";

export class Cursor {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(
    readonly text: string,
    notes: Notes,
  ) {
    const all = tokens(text);
    for (const token of all)
      if (token.kind === "stray")
        notes.warn(
          token.at,
          "stray",
          `${shown(token.text)} means nothing here: the daemon drops it, and so should you`,
        );
    this.#tokens = all.filter((token) => token.kind !== "stray");
  }

  /** The token `ahead` of the next one; past the end it is the "end" token again. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (this.#index < this.#tokens.length - 1) this.#index += 1;
    return token;
  }

  /** Takes the next token if it is of this kind. */
  take<Kind extends Token["kind"]>(kind: Kind): (Token & { readonly kind: Kind }) | undefined {
    const token = this.peek();
    if (token.kind !== kind) return undefined;
    this.next();
    return token as Token & { readonly kind: Kind };
  }

  /** Whether something new of the file's top level begins here: where a reader may go on after a mistake. */
  atTopLevel(): boolean {
    const token = this.peek();
    if (token.kind === "segment" || token.kind === "end") return true;
    if (token.kind === "option") return true;
    return token.kind === "word" && (this.peek(1).kind === "=" || /^[A-Za-z]\w*=/.test(token.value));
  }

  /** Skips to what may be the next segment or option, over whole blocks in braces. */
  skipToTopLevel(): void {
    while (!this.atTopLevel()) if (this.next().kind === "{") this.skipBlock();
  }

  /** Behind an opening brace: skips to behind the closing one, or to the end. */
  skipBlock(): void {
    for (let depth = 1; depth > 0 && this.peek().kind !== "end"; ) {
      const { kind } = this.next();
      if (kind === "{") depth += 1;
      else if (kind === "}") depth -= 1;
    }
  }

  /** Whether a line ends between two tokens. */
  lineEndsBetween(first: Token, second: Token): boolean {
    return this.text.slice(first.at + first.text.length, second.at).includes("\n");
  }
}

/** What a token is, for messages: `the reserved word "auto"`, `the end of the file`. */
export function describe(token: Token): string {
  switch (token.kind) {
    case "end":
      return "the end of the file";
    case "number":
      return `the number ${token.text}`;
    case "address":
    case "address:port":
      return `the address ${shown(token.text)}`;
    case "segment":
    case "virtual-id":
    case "option":
    case "flag":
    case "level":
    case "interface":
    case "bool":
    case "on-off-auto":
      return `the reserved word ${shown(token.text)}`;
    default:
      return shown(token.text);
  }
}
