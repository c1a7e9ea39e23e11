// Findings about a spread.conf while it is read: offsets into the text, turned into lines and columns at the end.
import { nearest } from "../base/nearest.ts";

export interface NoteAt {
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

/** More mistakes than this say nothing new, and a hostile file must not make a list as long as itself. */
const NOTES_MAX = 100;

export class Notes {
  readonly errors: NoteAt[] = [];
  readonly warnings: NoteAt[] = [];

  /** What the daemon refuses. */
  error(at: number, code: string, message: string): void {
    if (this.errors.length < NOTES_MAX) this.errors.push({ at, code, message });
  }

  /** What the daemon takes, and the operator should look at. */
  warn(at: number, code: string, message: string): void {
    if (this.warnings.length < NOTES_MAX) this.warnings.push({ at, code, message });
  }
}

/** A found word for a message: quoted as JSON, cut where it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** A message with nothing in it that a terminal would obey: the file's words are quoted in it, and anybody may have written the file. */
export function harmless(message: string): string {
  return message.replace(
    /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The known word that was most likely meant; a word longer than any keyword is not compared, or a hostile file would cost seconds. */
export function meant(word: string, known: Iterable<string>): string | undefined {
  return word.length > 40 ? undefined : nearest(word, known);
}
