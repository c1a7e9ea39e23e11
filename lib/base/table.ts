// What a room tells the config loader about its own table of the TOML file. `config/` knows no table: each room exports one
// `TableSpec` (its `table.ts`), `cmd/` registers them. The type lies here because rooms below and beside `config/` have tables too.
import type * as v from "valibot";

/** Something in a table that has the right shape and the wrong meaning: a rule that can never match, two vips with one address. */
export interface Complaint {
  /** Where, from the table's own top: `["rule", 2, "to"]`. */
  readonly path: readonly (string | number)[];
  /** A stable word for programs: "never-matches", "twice". */
  readonly code: string;
  /** What was found and what is wanted: one line, no full stop, no path. */
  readonly message: string;
}

/** One table of the config file: its name, its schema, what its values must mean together, and what a newcomer is shown of it. */
export interface TableSpec<Schema extends v.GenericSchema = v.GenericSchema> {
  readonly name: string;
  /** One line: stands above the table in `config init`, and as its description in the JSON Schema. */
  readonly summary: string;
  /** A `v.strictObject` whose every key has a default (or is optional) and a `v.description`. An absent table is read as `{}`. */
  readonly schema: Schema;
  /** Checks of meaning, run only when the shape is right. Pure. */
  check?(value: v.InferOutput<Schema>): readonly Complaint[];
  /**
   * Commented TOML for `config init`: every line is a comment or a default that does no harm. Without the `[name]` line.
   * `# key = value` and `# [[name.list]]` are settings to uncomment, and must be right when they are, all at once; prose is any other comment.
   */
  readonly starter: string;
}

/** A table with its schema's own types: `check` gets what the schema gives. */
export function defineTable<Schema extends v.GenericSchema>(spec: TableSpec<Schema>): TableSpec<Schema> {
  return spec;
}
