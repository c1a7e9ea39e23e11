import type * as v from "valibot";
import { assert } from "../base/assert.ts";
import type { Fault } from "../base/fault.ts";
import type { TableSpec } from "../base/table.ts";
import { allErrors, ConfigError, formatPlace } from "./config-error.ts";
import { type Effective, effectiveOf } from "./effective.ts";
import { mergeSources } from "./merge.ts";
import type { Spot } from "./positions.ts";
import type { Source } from "./read.ts";
import { validate } from "./validate.ts";
import type { Table } from "./value.ts";

/** A configuration that is right: every table has been checked, and those that its reader uses have no mistake. */
export class Config {
  constructor(
    /** The files it came from, in the order in which they were read; none where everything is a default. */
    readonly files: readonly string[],
    private readonly values: ReadonlyMap<string, unknown>,
    private readonly input: Table,
    private readonly spots: Spot,
    /** What is wrong in tables that its reader does not use. */
    readonly wrongElsewhere: readonly ConfigError[] = [],
  ) {}

  /** The values of a table that is used, as its schema gives them; its defaults where no file has it. */
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
 * @param uses    the tables that will be asked for: a mistake in another one is refused only beside one that counts
 * @throws {Fault} kind "config": `all` has everything that is wrong in any file, as `ConfigError`s
 */
export function buildConfig(
  sources: readonly Source[],
  specs: readonly TableSpec[],
  errors: readonly Fault[] = [],
  uses: readonly TableSpec[] = specs,
): Config {
  const files = sources.map(({ file }) => file);
  const merged = mergeSources(sources);
  const isWhole = errors.length === 0 && sources.every((source) => source.errors.length === 0);
  // What a file with an error had to leave out may be just what another place seems to miss: so nothing is called missing then, and no meaning checked.
  const { values, errors: wrong } = validate(merged.table, merged.spots, specs, isWhole);
  const read = sources.flatMap((source) => source.errors);
  const told = new Set(read.map(formatPlace)); // a value that is none is wrong for its schema too: once is enough
  const inTables = [...merged.errors, ...wrong.filter((error) => !told.has(formatPlace(error)))];
  const others = specs.filter((spec) => !uses.includes(spec)).map(({ name }) => name);
  const isElsewhere = (error: Fault) => error instanceof ConfigError && others.includes(tableOf(error));
  // A text that can't be read may hide any table's settings: it counts for all.
  if (errors.length + read.length > 0 || !inTables.every(isElsewhere))
    throw allErrors([...errors, ...read, ...inTables], files);
  return new Config(files, values, merged.table, merged.spots, inTables);
}

function tableOf({ path }: ConfigError): string {
  return /^[^.[]*/.exec(path)![0];
}
