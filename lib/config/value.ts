/** What TOML values become here. Dates and numbers without end are refused by the reader: no setting of ours takes one. */
export type Value = string | number | boolean | readonly Value[] | Table;

/** A table: an object without a prototype, so that no key is known but its own. */
export interface Table {
  readonly [key: string]: Value;
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `[[headers]]` make, or an array of inline tables: the kind of array that several files add to. */
export function isTableArray(value: unknown): value is readonly Table[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}
