// One config file: bytes in, values and their places out, and everything about the text that is wrong. A file with a syntax error is read on without
// the line that has it, as long as that is safe, so that one run tells all mistakes.
import { parse, TomlDate, TomlError } from "smol-toml";
import { formatSize } from "../base/size.ts";
import { ConfigError, type Place } from "./config-error.ts";
import { type Directives, takeDirectives } from "./directives.ts";
import { formatPath, type KeyPath } from "./key-path.ts";
import { DEPTH_MAX, findStatement, locate, type Spot } from "./positions.ts";
import { quoteText } from "./quote.ts";
import { explainSyntax, type SyntaxFinding } from "./syntax.ts";
import type { Table, Value } from "./value.ts";

/** One file as read. */
export interface Source {
  readonly file: string;
  /** Without the directives. */
  readonly table: Table;
  /** Where everything in `table` stands. */
  readonly spots: Spot;
  readonly directives: Directives;
  /** All that is wrong with the text. */
  readonly errors: readonly ConfigError[];
}

/** A config file larger than this is none. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** Keys, tables and elements in one file: far more than 500 vips and 5,000 rules need. With it the worst file of 4 MiB takes 0.45 GB for a second (measured). */
const VALUES_MAX = 200_000;

/** Errors looked for in one file: of syntax, each of which reads the file again, and of values. */
const FINDINGS_MAX = 20;
const ERRORS_MAX = 200;

/**
 * Reads one file's bytes. Never throws: what is wrong is in `errors`.
 * @param file its name, for places
 */
export function readSource(bytes: Uint8Array, file: string): Source {
  if (bytes.length > FILE_BYTES_MAX) {
    const limit = `file is too large: more than ${formatSize(FILE_BYTES_MAX)}`;
    return unreadable(file, [new ConfigError(startOf(file), [], "too-large", limit)]);
  }
  const decoded = decode(bytes, file);
  return typeof decoded === "string" ? readText(decoded, file) : unreadable(file, [decoded]);
}

/** As `readSource`, from text. */
export function readText(text: string, file: string): Source {
  const findings: SyntaxFinding[] = [];
  for (let rest = text; ; ) {
    try {
      return accepted(rest, file, findings);
    } catch (thrown) {
      if (thrown instanceof ConfigError) return unreadable(file, [...findings.map(({ error }) => error), thrown]);
      if (!(thrown instanceof TomlError)) throw thrown;
      const finding = explainSyntax(thrown, rest, file);
      findings.push(finding);
      const without = findings.length < FINDINGS_MAX ? withoutLine(rest, finding) : undefined;
      if (without === undefined)
        return unreadable(
          file,
          findings.map(({ error }) => error),
        );
      rest = without;
    }
  }
}

/** @throws {TomlError} at the first syntax error @throws {ConfigError} where it passes a bound */
function accepted(text: string, file: string, findings: readonly SyntaxFinding[]): Source {
  const parsed = parse(text, { maxDepth: DEPTH_MAX });
  checkBounds(parsed, file);
  const spots = locate(text, file);
  const errors = findings.map(({ error }) => error);
  const { table, directives } = takeDirectives(settle(parsed, [], spots, errors) as Table, spots, errors);
  return { file, table, spots, directives, errors };
}

/**
 * The text without the statement that has the error, its line left empty so that all others keep their places; a header is replaced by one that nobody
 * reads. `undefined` where the statement does not lie on one line, or where more would be left out than that.
 */
function withoutLine(text: string, { offset, isDuplicate }: SyntaxFinding): string | undefined {
  const start = findStatement(text, offset).offset;
  const end = text.indexOf("\n", start) < 0 ? text.length : text.indexOf("\n", start);
  if (offset < start || offset > end) return undefined;
  const line = text.slice(start, end);
  if (line.startsWith("[[") || (line.startsWith("[") && !isDuplicate)) return undefined; // whose keys follow is unknown
  const opens = /("""|''')/.test(line) || count(line, /[[{]/g) > count(line, /[\]}]/g);
  if (opens) return undefined;
  const header = line.startsWith("[") ? `[${IGNORED_PREFIX}${start}]` : "";
  return text.slice(0, start) + header + text.slice(end);
}

/** Begins the name of a table whose header is wrong; no table of ours has such a name. */
const IGNORED_PREFIX = "--ignored-";

function count(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}

/** Copies the tree without what no setting of ours can be, naming it: dates, infinite numbers, keys that JavaScript objects have of their own. */
function settle(value: unknown, path: KeyPath, spot: Spot | undefined, errors: ConfigError[]): Value {
  if (value instanceof TomlDate) {
    const text = value.toISOString();
    const complaint = `found the date ${text}, and no setting takes one; did you mean ${quoteText(text)}?`;
    note(errors, new ConfigError(spot?.value ?? startOf(""), path, "date", complaint));
    return text;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    const complaint = `found ${Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf"}, expected a finite number`;
    note(errors, new ConfigError(spot?.value ?? startOf(""), path, "number", complaint));
    return 0;
  }
  if (Array.isArray(value)) return value.map((one, at) => settle(one, [...path, at], spot?.children.get(at), errors));
  if (typeof value !== "object" || value === null) return value as Value; // what is left of smol-toml's values: text, a number, a boolean
  const table: Record<string, Value> = Object.create(null);
  for (const [key, inner] of Object.entries(value)) {
    if (path.length === 0 && key.startsWith(IGNORED_PREFIX) && errors.length > 0) continue;
    const child = spot?.children.get(key);
    if (!RESERVED.has(key)) table[key] = settle(inner, [...path, key], child, errors);
    else
      note(
        errors,
        new ConfigError(child?.key ?? startOf(""), [...path, key], "unknown-key", `unknown key ${quoteText(key)}`),
      );
  }
  return table;
}

function note(errors: ConfigError[], error: ConfigError): void {
  if (errors.length < ERRORS_MAX) errors.push(error);
}

/** Names that mean something to every object, so that a schema or a record could take them for known. */
const RESERVED: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), "prototype"]);

/** Walks without recursion: dotted keys and headers can nest as deep as they are long. */
function checkBounds(root: object, file: string): void {
  let values = 0;
  let level: { readonly value: object; readonly path: KeyPath }[] = [{ value: root, path: [] }];
  for (let depth = 0; level.length > 0; depth++) {
    const deeper: typeof level = [];
    for (const { value, path } of level) {
      for (const [key, inner] of Object.entries(value)) {
        values++;
        if (typeof inner !== "object" || inner === null || inner instanceof TomlDate) continue;
        if (depth >= DEPTH_MAX)
          throw new ConfigError(
            startOf(file),
            [],
            "too-deep",
            `${formatPath(path).slice(0, 60)}... is nested too deep: at most ${DEPTH_MAX} levels`,
          );
        deeper.push({ value: inner, path: path.length < 8 ? [...path, key] : path });
      }
    }
    if (values > VALUES_MAX)
      throw new ConfigError(startOf(file), [], "too-many", `file has more than ${VALUES_MAX} keys and values`);
    level = deeper;
  }
}

function decode(bytes: Uint8Array, file: string): string | ConfigError {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const [line, column] = firstBadCharacter(bytes);
    return new ConfigError(
      { file, line, column },
      [],
      "encoding",
      "found a byte that is no UTF-8; save the file as UTF-8",
    );
  }
}

function firstBadCharacter(bytes: Uint8Array): readonly [line: number, column: number] {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const row = bytes.subarray(start, newline < 0 ? bytes.length : newline);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(row);
    // A replacement character that the file itself has is three bytes; one that stands for a bad byte makes the text longer when it is encoded again.
    for (let at = text.indexOf("\ufffd"); at >= 0; at = text.indexOf("\ufffd", at + 1)) {
      const before = new TextEncoder().encode(text.slice(0, at)).length;
      const isOwn = row[before] === 0xef && row[before + 1] === 0xbf && row[before + 2] === 0xbd;
      if (!isOwn) return [line, at + 1];
    }
    if (newline < 0) return [line, 1];
    start = newline + 1;
  }
}

function unreadable(file: string, errors: readonly ConfigError[]): Source {
  const directives = { include: [], override: [] };
  return { file, table: Object.create(null), spots: locate("", file), directives, errors };
}

function startOf(file: string): Place {
  return { file, line: 1, column: 1 };
}
