// The grammar of a spread.conf at its top level: segments and options in any order (PROTOCOL.md 12.2). After a mistake it goes on at
// the next thing that looks like a segment or an option, so that one reading shows as many mistakes as there are.
import type { ConfReadOptions } from "./spread-conf.ts";
import { Cursor, describe } from "./spread-conf-cursor.ts";
import { ActiveFamily } from "./spread-conf-family.ts";
import { meant, Notes, shown } from "./spread-conf-notes.ts";
import { readOption, type Setting } from "./spread-conf-option-reader.ts";
import { OPTIONS } from "./spread-conf-options.ts";
import { type DraftSegment, SegmentReader } from "./spread-conf-segment-reader.ts";

/** What the file says, before its options are given their meaning. */
export interface Draft {
  readonly text: string;
  readonly segments: readonly DraftSegment[];
  readonly settings: ReadonlyMap<string, Setting>;
  readonly family: 4 | 6 | undefined;
}

export class ConfReader {
  readonly notes = new Notes();
  readonly #cursor: Cursor;
  readonly #family: ActiveFamily;
  readonly #segments: SegmentReader;
  readonly #settings = new Map<string, Setting>();
  readonly #dialect: 4 | 5;

  constructor(text: string, options: ConfReadOptions) {
    this.#cursor = new Cursor(text, this.notes);
    this.#family = new ActiveFamily(this.notes);
    this.#segments = new SegmentReader(this.#cursor, this.notes, this.#family, options.addresses);
    this.#dialect = options.dialect ?? 5;
  }

  read(): Draft {
    for (let token = this.#cursor.peek(); token.kind !== "end"; token = this.#cursor.peek()) {
      if (token.kind === "segment") this.#segments.read();
      else if (token.kind === "option") this.#option();
      else this.#unknown();
    }
    return {
      text: this.#cursor.text,
      segments: this.#segments.segments,
      settings: this.#settings,
      family: this.#family.family,
    };
  }

  #option(): void {
    const read = readOption(this.#cursor, this.notes);
    if (read === undefined) return;
    const { name, setting } = read;
    if (this.#settings.has(name))
      this.notes.warn(setting.at, "twice", `option ${name} is set again: only the last one counts`);
    this.#settings.set(name, setting);
    if (name === "ActiveIPVersion") this.#family.declare(setting);
  }

  #unknown(): void {
    const token = this.#cursor.next();
    if (token.kind === "word" && OPTIONS.get(token.value)?.onlySpread4) this.#spread4(token.at, token.value);
    else if (token.kind === "word") this.notes.error(token.at, ...unknownWord(token.value));
    else if (token.kind === "}") this.notes.error(token.at, "brace", 'found "}" without an open "{": one is too many');
    else this.notes.error(token.at, "syntax", `found ${describe(token)}, expected an option or "Spread_Segment"`);
    if (token.kind === "{") this.#cursor.skipBlock();
    this.#cursor.skipToTopLevel();
  }

  #spread4(at: number, name: string): void {
    if (this.#dialect === 4) this.notes.warn(at, "spread-4", `option ${name} is of Spread 4: not looked at`);
    else
      this.notes.error(
        at,
        "spread-4",
        `option ${name} is of Spread 4, and Spread 5 refuses the whole file for it: remove it`,
      );
    this.#cursor.take("=");
    if (this.#cursor.take("{")) this.#cursor.skipBlock();
  }
}

function unknownWord(word: string): readonly [code: string, message: string] {
  const [, before, after] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
  if (before !== undefined) {
    const name = OPTIONS.has(before) ? before : (meant(before, OPTIONS.keys()) ?? before);
    const value = after === "" ? "VALUE" : after;
    return ["glued-equals", `${shown(word)} is one word here: put blanks around "=", as in "${name} = ${value}"`];
  }
  const near = meant(word, ["Spread_Segment", ...OPTIONS.keys()]);
  const sameLetters = near?.toLowerCase() === word.toLowerCase() ? " (case matters)" : "";
  return [
    "unknown-option",
    `unknown option ${shown(word)}${near === undefined ? "" : `; did you mean "${near}"${sameLetters}?`}`,
  ];
}
