/**
 * A text as one line that cannot drive a terminal: control characters (C0, C1, DEL), line separators and characters that change the direction of
 * writing are shown as `\n`, `\x1b`, `\u202e`. What comes from a peer or a file goes through here on its way to a person.
 */
export function visible(text: string): string {
  return text.replace(UNSAFE, (character) => NAMED[character] ?? numbered(character.charCodeAt(0)));
}

const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };

function numbered(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
