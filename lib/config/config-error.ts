import { Fault, type FaultKind } from "../base/fault.ts";
import { formatPath, type KeyPath } from "./key-path.ts";
import { quoteText } from "./quote.ts";

/** A place in a config file. Lines and columns count from 1; a column is a UTF-16 code unit, as in editors, and a tab is one. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong in a config file, with its place: "FILE:LINE:COLUMN: PATH: what was found, what is expected". */
export class ConfigError extends Fault {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key's path: `syslogd.rule[2].to`; "" where it is about the file. */
  readonly path: string;
  /** What is wrong, without file and path. */
  readonly complaint: string;

  /** @param code a stable word: "syntax", "unknown-key", "value" ... */
  constructor(place: Place, path: KeyPath, code: string, complaint: string, cause?: unknown) {
    const where = path.length === 0 ? "" : `${formatPath(path)}: `;
    super("config", code, `${formatPlace(place)}: ${where}${complaint}`, { cause });
    this.file = place.file;
    this.line = place.line;
    this.column = place.column;
    this.path = formatPath(path);
    this.complaint = complaint;
  }
}

/** Writes a place as compilers do, "FILE:LINE:COLUMN", so that editors can jump there. */
export function formatPlace({ file, line, column }: Place): string {
  return `${formatFile(file)}:${line}:${column}`;
}

/** A file's name as it is, quoted only where it could be taken for something else or would drive the terminal. */
export function formatFile(file: string): string {
  const quoted = quoteText(file);
  return quoted.length === file.length + 2 ? file : quoted;
}

/** More mistakes than this are not told: the first ones made the others, and nobody reads further. */
const ERRORS_TOLD_MAX = 100;

/** All that is wrong, as one fault to throw: in the order of `files`, from top to bottom, each thing once. */
export function allErrors(errors: readonly Fault[], files: readonly string[]): Fault {
  const seen = new Set<string>();
  const distinct = errors.filter(({ message }) => !seen.has(message) && seen.add(message));
  const rank = (error: Fault) => (error instanceof ConfigError ? files.indexOf(error.file) : -1);
  const sorted = distinct.sort((a, b) => rank(a) - rank(b) || byPlace(a, b));
  const told = sorted.slice(0, ERRORS_TOLD_MAX);
  const left = sorted.length - told.length;
  if (left > 0) told.push(new Fault("config", "more", `and ${left} more: mend these first`));
  const kind: FaultKind = told.find(({ kind }) => kind !== "config")?.kind ?? "config";
  const message = sorted.length === 1 ? sorted[0]!.message : `the configuration has ${sorted.length} mistakes`;
  return new Fault(kind, sorted.length === 1 ? sorted[0]!.code : "mistakes", message, { all: told });
}

function byPlace(a: Fault, b: Fault): number {
  if (!(a instanceof ConfigError && b instanceof ConfigError)) return 0;
  return a.line - b.line || a.column - b.column;
}
