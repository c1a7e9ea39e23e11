// From the file system to a configuration: the main file, what it includes, and conf.d beside it. Reads while the caller waits: once at a start, and once
// at a reload, before anything is touched.
import { closeSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import type { TableSpec } from "../../base/table.ts";
import { buildConfig, type Config } from "../config.ts";
import { ConfigError, formatFile } from "../config-error.ts";
import type { Listed } from "../directives.ts";
import { matchesName, tryIncludePattern } from "../include.ts";
import { quoteText } from "../quote.ts";
import { FILE_BYTES_MAX, readSource, type Source } from "../read.ts";
import { findConfig, PATH_VARIABLE } from "./find.ts";

/** Files that one configuration may have: includes of includes end somewhere. */
const FILES_MAX = 256;

export interface LoadOptions {
  /** Every table that there is: a file is checked whole, whichever command reads it. */
  readonly tables: readonly TableSpec[];
  /** Those that will be asked for; unless given all. A mistake in another one does not stop who reads: it is in `wrongElsewhere`. */
  readonly uses?: readonly TableSpec[];
  /** `--config`. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of `/etc/spreadbox/spreadbox.toml`. */
  readonly standardPath?: string;
}

/**
 * Finds, reads, merges and checks the configuration. No file at all gives the defaults, unless one was named.
 * @throws {Fault} kind "config", `all` has every mistake in any file as `ConfigError`; kind "no-input" where a named file is missing or can't be read
 */
export function loadConfig({ tables, uses, path, env, standardPath }: LoadOptions): Config {
  const found = findConfig(path, env, standardPath);
  const reading = new Reading();
  const named = found.namedBy === "environment" ? `, named by $${PATH_VARIABLE}` : "";
  if (found.exists || found.namedBy !== "nobody") reading.file(found.path, `the main file${named}`);
  reading.directory(join(dirname(found.path), "conf.d"));
  return buildConfig(reading.sources, tables, reading.errors, uses);
}

/** Reads files, each once, in the order in which they count. */
class Reading {
  readonly sources: Source[] = [];
  readonly errors: Fault[] = [];
  private readonly readBy = new Map<string, string>();

  /** `conf.d`: all `*.toml`, by name. Where it is missing there is nothing to read. */
  directory(path: string): void {
    for (const name of namesIn(path) ?? []) if (matchesName("*.toml", name)) this.file(join(path, name), "in conf.d");
  }

  /** Reads a file and what it includes. @param by why it is read: "the main file" */
  file(path: string, by: string): void {
    const bytes = this.bytesOf(path, by);
    if (bytes === undefined) return;
    const source = readSource(bytes, path);
    this.sources.push(source);
    for (const listed of source.directives.include) this.include(listed, path);
  }

  /** `undefined` where it can't be read, which is noted, or has been read before: conf.d may link to a file that was included. */
  private bytesOf(path: string, by: string): Uint8Array | undefined {
    try {
      const real = realpathSync(path);
      if (this.readBy.has(real)) return undefined;
      if (this.readBy.size >= FILES_MAX)
        throw new Fault("config", "too-many", `cannot read ${formatFile(path)}: more than ${FILES_MAX} files`);
      this.readBy.set(real, by);
      return readBounded(path);
    } catch (failure) {
      this.errors.push(failure instanceof Fault ? failure : unreadable(path, by, failure));
      return undefined;
    }
  }

  private include({ value: text, place }: Listed<string>, from: string): void {
    const refuse = (code: string, complaint: string) => {
      this.errors.push(new ConfigError(place, ["include"], code, complaint));
    };
    const matches = includedBy(text, from);
    if (matches === undefined)
      refuse("include", `found ${quoteText(text)}, expected a file, with * and ? only in its name: "more/*.toml"`);
    else if (matches.length === 0) refuse("include-nothing", `${quoteText(text)} matches no file`);
    for (const path of matches ?? []) {
      const before = this.readBy.get(realPath(path));
      if (before === undefined) this.file(path, `included at ${formatFile(from)}:${place.line}`);
      else refuse("include-twice", `${quoteText(text)} matches ${formatFile(path)}, which is read already: ${before}`);
    }
  }
}

/** The files that a pattern means, seen from the file that has it; `undefined` where it is no pattern. */
function includedBy(text: string, from: string): readonly string[] | undefined {
  const pattern = tryIncludePattern(text);
  if (pattern === undefined) return undefined;
  const directory = isAbsolute(pattern.directory) ? pattern.directory : join(dirname(from), pattern.directory);
  return (namesIn(directory) ?? [])
    .filter((name) => (pattern.hasWildcard ? matchesName(pattern.name, name) : name === pattern.name))
    .map((name) => join(directory, name));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // a dangling link: reading it says so
  }
}

/** Files of a directory, sorted by name as `ls` does with LC_ALL=C; `undefined` where there is no such directory. */
function namesIn(path: string): readonly string[] | undefined {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (failure) {
    const code = codeOf(failure);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(path, "", failure);
  }
}

/** Reads up to one byte more than is allowed; of a pipe as of a file. */
function readBounded(path: string): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    while (bytes <= FILE_BYTES_MAX) {
      const chunk = new Uint8Array(Math.min(64 * 1024, FILE_BYTES_MAX + 1 - bytes));
      const took = readSync(descriptor, chunk);
      if (took === 0) break;
      chunks.push(chunk.subarray(0, took));
      bytes += took;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(path: string, by: string, failure: unknown): Fault {
  const code = codeOf(failure);
  const why: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    ELOOP: "its links lead in a circle",
  };
  const named = by === "" ? "" : ` (${by})`;
  return new Fault("no-input", code, `cannot read ${formatFile(path)}${named}: ${why[code] ?? code}`, {
    cause: failure,
  });
}

function codeOf(failure: unknown): string {
  return failure instanceof Error && "code" in failure ? String(failure.code) : String(failure);
}
