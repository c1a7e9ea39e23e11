import type * as v from "valibot";
import { assert } from "../base/assert.ts";
import type { Fault } from "../base/fault.ts";
import type { TableSpec } from "../base/table.ts";
import { allErrors, formatPlace } from "./config-error.ts";
import { type Effective, effectiveOf } from "./effective.ts";
import { mergeSources } from "./merge.ts";
import type { Spot } from "./positions.ts";
import type { Source } from "./read.ts";
import { validate } from "./validate.ts";
import type { Table } from "./value.ts";

/** A configuration that is right: every table has been read and checked. */
export class Config {
  constructor(
    /** The files it came from, in the order in which they were read; none where everything is a default. */
    readonly files: readonly string[],
    private readonly values: ReadonlyMap<string, unknown>,
    private readonly input: Table,
    private readonly spots: Spot,
  ) {}

  /** A table's values, as its schema gives them; its defaults where no file has it. */
  table<Schema extends v.GenericSchema>(spec: TableSpec<Schema>): v.InferOutput<Schema> {
    assert(this.values.has(spec.name), `table [${spec.name}] is registered`);
    return this.values.get(spec.name) as v.InferOutput<Schema>; // its own schema made it
  }

  /** Names of the tables that files have. */
  get tablesSet(): readonly string[] {
    return Object.keys(this.input);
  }

  /** Every setting of a table in effect, and where it came from. */
  effective(spec: TableSpec): Effective {
    return effectiveOf(spec, this.input, this.spots);
  }
}

/**
 * Makes the configuration that the files say together.
 * @param sources in the order in which they were read
 * @param specs   all tables that there are
 * @param errors  what went wrong before: files that could not be read
 * @throws {Fault} kind "config": `all` has everything that is wrong in any file, as `ConfigError`s
 */
export function buildConfig(
  sources: readonly Source[],
  specs: readonly TableSpec[],
  errors: readonly Fault[] = [],
): Config {
  const files = sources.map(({ file }) => file);
  const merged = mergeSources(sources);
  const isWhole = errors.length === 0 && sources.every((source) => source.errors.length === 0);
  // What a file with an error had to leave out may be just what another place seems to miss: so nothing is called missing then, and no meaning checked.
  const { values, errors: wrong } = validate(merged.table, merged.spots, specs, isWhole);
  const read = sources.flatMap((source) => source.errors);
  const told = new Set(read.map(formatPlace)); // a value that is none is wrong for its schema too: once is enough
  const all = [...errors, ...read, ...merged.errors, ...wrong.filter((error) => !told.has(formatPlace(error)))];
  if (all.length > 0) throw allErrors(all, files);
  return new Config(files, values, merged.table, merged.spots);
}
