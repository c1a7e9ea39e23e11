// What is wrong in a text that is no TOML, said so that it can be mended. smol-toml tells where it stopped and a few words; what the user most
// likely did is read from the text around that place. A message of a later smol-toml that is not in the table is passed on as it is.
import type { TomlError } from "smol-toml";
import { ConfigError, formatPlace, type Place } from "./config-error.ts";
import { formatPath, readKey } from "./key-path.ts";
import { DEPTH_MAX, findEarlier, findStatement } from "./positions.ts";
import { quoteText } from "./quote.ts";

/** One syntax error, and whether what follows it in the file can be trusted once its line is left out. */
export interface SyntaxFinding {
  readonly error: ConfigError;
  readonly offset: number;
  readonly isDuplicate: boolean;
}

/** Turns what smol-toml threw at `text` into an error that says what to do. */
export function explainSyntax(thrown: TomlError, text: string, file: string): SyntaxFinding {
  const said = thrown.message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "");
  const stoppedAt = offsetOf(text, thrown.line, thrown.column);
  const isDuplicate = said.startsWith("trying to redefine");
  if (isDuplicate) return { error: writtenTwice(text, file, stoppedAt), offset: stoppedAt, isDuplicate };
  const explain = EXPLANATIONS[said];
  const offset = explain === unquoted ? valueStart(text, stoppedAt) : stoppedAt;
  const complaint = explain?.(text, offset) ?? said;
  const error = new ConfigError(placeOf(text, file, offset), keyAt(text, offset), "syntax", complaint, thrown);
  return { error, offset, isDuplicate };
}

/** By smol-toml's words. */
const EXPLANATIONS: Readonly<Record<string, (text: string, offset: number) => string>> = {
  "invalid value": unquoted,
  "illegal character in numeric literal": unquoted,
  "illegal leading zero": unquoted,
  "illegal underscore": unquoted,
  "unfinished numeric value": unquoted,
  "invalid date": unquoted,
  "invalid date-time: date part is malformed": unquoted,
  "invalid date-time: time part is malformed": unquoted,
  "illegal character in key": wrongInKey,
  "incomplete key-value: cannot find end of key": wrongInKey,
  "unexpected end of key": () => "a key is missing here: expected a name of letters, digits, _ or -",
  "illegal empty bare key": () => "a part of the key is missing beside a dot: expected a.b",
  "illegal quoted key: multiline strings are not allowed": () => "a key takes one pair of quotes, not three",
  "expected end of table array declaration": () => 'header is not closed: expected "]]"',
  "each key-value declaration must be followed by an end-of-line": behindValue,
  "control characters are not allowed in strings": controlInText,
  "control characters are not allowed in comments": (text, offset) =>
    `comment has the control character ${codePoint(text, offset)}: remove it`,
  "unfinished string": () => "text is not closed: it begins here, and its closing quotes are missing",
  "unfinished array": () => 'array is not closed: it begins here, expected "]" at its end',
  "unfinished table": () => 'inline table is not closed: it begins here, expected "}" at its end',
  "expected comma or end of structure": (text, offset) =>
    `found ${wordAt(text, offset)}, expected "," or the closing bracket`,
  "unrecognised escape sequence": (text, offset) =>
    `unknown escape ${show(`\\${text[offset] ?? ""}`)} in text: a backslash is written \\\\, or put the text in single quotes`,
  "invalid non-hex character in unicode escape": () =>
    "escape is cut short: expected \\xHH, \\uHHHH or \\UHHHHHHHH in hexadecimal digits",
  "integer value cannot be represented losslessly": (text, offset) =>
    `number ${wordAt(text, offset)} is too large: at most ${Number.MAX_SAFE_INTEGER}`,
  "document contains excessively nested structures. aborting.": () => `nested too deep: at most ${DEPTH_MAX} levels`,
};

/** A value that is no TOML value. Nearly always text, or a number with a unit, without its quotes. */
function unquoted(text: string, offset: number): string {
  const written = /[^,\]}#\n\r]*/y;
  written.lastIndex = offset;
  const value = written.exec(text)![0].trim();
  if (value === "") return "value is missing: expected text in quotes, a number, true, false, an array or a table";
  const remark = /^(?:true|false|[-+]?[\d._]+)\s*(;|\/\/|--)/.exec(value)?.[1];
  if (remark !== undefined) return `found ${show(remark)} behind the value; a comment begins with #`;
  const bare = value.replace(/^[“”„‘’`']+|[“”„‘’`']+$/g, "");
  if (bare !== value && bare !== "")
    return `found ${show(value)}, expected straight quotes; did you mean ${quoteText(bare)}?`;
  if (/^(true|yes|on|enabled?)$/i.test(value)) return `found ${show(value)}; did you mean true?`;
  if (/^(false|no|off|disabled?)$/i.test(value)) return `found ${show(value)}; did you mean false?`;
  if (/^(null|none|nil)$/i.test(value)) return `found ${show(value)}; leave the key out to leave it unset`;
  return `found ${show(value)} without quotes; did you mean ${quoteText(value)}?`;
}

function valueStart(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && !/[\s,[{=]/.test(text[start - 1]!)) start--;
  return start;
}

function wrongInKey(text: string, offset: number): string {
  const statement = findStatement(text, offset);
  const isHeader = text[statement.offset] === "[" && !text.slice(statement.offset, offset).includes("\n");
  const found = text[offset] ?? "\n";
  if (isHeader) {
    const close = text.startsWith("[[", statement.offset) ? "]]" : "]";
    if (!lineOf(text, offset).includes("]")) return `header is not closed: expected "${close}"`;
    return `found ${wordAt(text, offset)} in a header, expected "${close}"; a name of other characters than letters, digits, _ and - needs quotes`;
  }
  const key = lineOf(text, offset)
    .slice(0, offset - lineStart(text, offset))
    .trim();
  const name = /^[\w.-]+$/.test(key) ? key : "KEY";
  if (key === "") return `found ${wordAt(text, offset)}, expected KEY = VALUE or [TABLE]`;
  if (/[\n\r#]/.test(found)) return `found ${show(key)} alone, expected ${name} = VALUE`;
  if (found === ":") return `found ":" behind the key ${name}, expected "="`;
  if (/\s/.test(text[offset - 1]!)) return `found ${wordAt(text, offset)} behind the key ${show(key)}, expected "="`;
  return `found ${quoteText(found)} in a key, expected letters, digits, _ and -; others need quotes around the key`;
}

function behindValue(text: string, offset: number): string {
  const found = wordAt(text, offset);
  if (/^(;|\/\/|--|\/\*)/.test(text.slice(offset, offset + 2)))
    return `found ${found} behind the value; a comment begins with #`;
  const line = lineOf(text, offset).trimStart();
  if (line.startsWith("[")) return `found ${found} behind the header, expected the end of the line`;
  const value = line.slice(line.indexOf("=") + 1).trim();
  const plain = /^[^"'[{#]*$/.test(value) ? `, and text needs quotes; did you mean ${quoteText(value)}?` : "";
  return `found ${found} behind the value, expected the end of the line${plain}`;
}

function controlInText(text: string, offset: number): string {
  if (/[\n\r]/.test(text[offset] ?? "\n")) return "text is not closed: expected its closing quote on the same line";
  return `text has the control character ${codePoint(text, offset)}: write it as an escape, such as \\u0007`;
}

function writtenTwice(text: string, file: string, offset: number): ConfigError {
  const place = placeOf(text, file, offset);
  const written = readKey(text, offset).parts.map(({ name }) => name);
  const earlier = findEarlier(text, file, offset);
  if (earlier === undefined) return new ConfigError(place, written, "twice", "is written twice: once is enough");
  const path = [...earlier.table, ...written];
  const first = formatPlace(earlier.spot.key);
  if (earlier.path.length < written.length) {
    const holder = formatPath([...earlier.table, ...earlier.path]);
    return new ConfigError(
      place,
      path,
      "twice",
      `${holder} is complete already, at ${first}: nothing can be added to it here`,
    );
  }
  const start = findStatement(text, offset).offset;
  if (text[start] !== "[")
    return new ConfigError(place, path, "twice", `is written twice: first at ${first}; remove one`);
  const name = formatPath(path);
  const isElement = text.startsWith("[[", start);
  if (isElement || earlier.spot.grows) {
    const [here, there] = isElement ? [`[[${name}]]`, `[${name}]`] : [`[${name}]`, `[[${name}]]`];
    return new ConfigError(
      place,
      path,
      "twice",
      `found ${here}, and ${first} has ${there}: choose one of the forms for both`,
    );
  }
  return new ConfigError(
    place,
    path,
    "twice",
    `table is written twice: first at ${first}; put the keys of both together`,
  );
}

/** The path of the key whose value is wrong: none in a header, or where the key itself is what is wrong. */
function keyAt(text: string, offset: number): readonly (string | number)[] {
  const statement = findStatement(text, offset);
  if (text[statement.offset] === "[") return [];
  const { parts, end } = readKey(text, statement.offset);
  return text[end] === "=" && end < offset ? [...statement.table, ...parts.map(({ name }) => name)] : [];
}

/** What stands at the offset, quoted, for "found ...". */
function wordAt(text: string, offset: number): string {
  const word = /[^\s,]+/y;
  word.lastIndex = offset;
  const found = word.exec(text)?.[0];
  if (found !== undefined) return show(found);
  return offset >= text.length ? "the end of the file" : text[offset] === "," ? '","' : "the end of the line";
}

/** A piece of the file as it is written, in back-quotes, so that they are not taken for the file's own. */
function show(found: string): string {
  const cut = found.length > 40 ? `${found.slice(0, 37)}...` : found;
  return `\`${quoteText(cut).slice(1, -1).replaceAll('\\"', '"').replaceAll("\\\\", "\\")}\``;
}

function codePoint(text: string, offset: number): string {
  return `U+${(text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let nth = 1; nth < line; nth++) start = text.indexOf("\n", start) + 1;
  return start + column - 1;
}

function placeOf(text: string, file: string, offset: number): Place {
  const before = text.slice(0, offset).split("\n");
  return { file, line: before.length, column: before.at(-1)!.length + 1 };
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

function lineOf(text: string, offset: number): string {
  const end = text.indexOf("\n", offset);
  return text.slice(lineStart(text, offset), end < 0 ? text.length : end).trimEnd();
}
