// What is wrong with the shape of a table: keys that it does not know, an array where one table belongs, a table where an array does. Valibot stops at a
// table's first unknown key, and takes an array for an object; so this walks value and schema side by side before valibot reads the values.
import { nearest } from "../base/nearest.ts";
import { DIRECTIVES } from "./directives.ts";
import { formatPath, type KeyPath } from "./key-path.ts";
import { quoteText, showValue } from "./quote.ts";
import {
  formOf,
  isArraySchema,
  isTableSchema,
  knownKeys,
  partOf,
  partSchema,
  plainSchemas,
  type Schema,
} from "./schema-view.ts";
import { isTable, isTableArray, type Table } from "./value.ts";

/** Something wrong, by the path of what has it. */
export interface Finding {
  readonly path: KeyPath;
  readonly code: string;
  /** What was found, what is expected, what was meant: one line, no path. */
  readonly complaint: string;
  /** Whether it is about the key rather than its value: decides the column. */
  readonly isAboutKey?: boolean;
}

/** @param owners tables of the whole file that know a key, to tell who put it under the wrong header */
export function findShapeErrors(schema: Schema, value: unknown, path: KeyPath, owners: KeyOwners): readonly Finding[] {
  const findings: Finding[] = [];
  walk(plainSchemas(schema, value), value, path);
  return findings;

  function walk(schemas: readonly Schema[], found: unknown, at: KeyPath): void {
    const tables = schemas.filter(isTableSchema);
    const arrays = schemas.filter(isArraySchema);
    if (isTable(found) && tables.length > 0) walkTable(tables, found, at);
    else if (Array.isArray(found) && arrays.length > 0)
      for (const [nth, element] of found.entries()) descend(arrays, nth, element, at);
    else if (isTable(found) || Array.isArray(found))
      findings.push({ path: at, code: "type", complaint: wrongBracket(found, schemas, at) });
  }

  function walkTable(tables: readonly Schema[], found: Table, at: KeyPath): void {
    const known = tables.map(knownKeys);
    for (const [key, inner] of Object.entries(found)) {
      if (known.every((keys) => keys !== undefined && !keys.includes(key))) {
        const complaint = unknownKey(
          key,
          known.flatMap((keys) => keys ?? []),
          at,
          owners,
        );
        findings.push({ path: [...at, key], code: "unknown-key", complaint, isAboutKey: true });
      } else descend(tables, key, inner, at);
    }
  }

  function descend(schemas: readonly Schema[], part: string | number, found: unknown, at: KeyPath): void {
    const inner = schemas.map((one) => partSchema(one, part)).filter((one) => one !== undefined);
    walk(
      inner.flatMap((one) => plainSchemas(one, found)),
      found,
      [...at, part],
    );
  }
}

/** For each key, the tables that know it. */
export type KeyOwners = ReadonlyMap<string, readonly string[]>;

function unknownKey(key: string, known: readonly string[], path: KeyPath, owners: KeyOwners): string {
  const told = `unknown key ${quoteText(key)}`;
  if (Object.hasOwn(DIRECTIVES, key))
    return `${told} here; ${key} belongs at the top of the file, above the first [table]`;
  const meant = nearest(key, known);
  if (meant !== undefined) return `${told}; did you mean ${quoteText(meant)}?`;
  const others = path.length === 1 ? (owners.get(key) ?? []) : [];
  if (others.length > 0)
    return `${told}; ${others.map((table) => `[${table}]`).join(" and ")} ${others.length > 1 ? "have" : "has"} one`;
  if (known.length === 0) return `${told}; this table has no keys yet`;
  return `${told}; known here: ${known.slice(0, 20).join(", ")}${known.length > 20 ? " ..." : ""}`;
}

/** A table or an array where the other belongs, or neither. Headers are what people mix up most. */
function wrongBracket(found: unknown, schemas: readonly Schema[], path: KeyPath): string {
  const name = formatPath(path);
  const wantsTables = schemas.some(
    (schema) => isArraySchema(schema) && plainSchemas(schema.item ?? schema, partOf(found, 0)).some(isTableSchema),
  );
  if (isTable(found) && wantsTables) return `found one table, expected an array of tables; did you mean [[${name}]]?`;
  if (isTableArray(found) && schemas.some(isTableSchema))
    return `found an array of tables, expected one table; did you mean [${name}]?`;
  const only = Array.isArray(found) && found.length === 1 && typeof found[0] !== "object" ? found[0] : undefined;
  const proposal = only === undefined || schemas.some(isTableSchema) ? "" : `; did you mean ${showValue(only)}?`;
  return `found ${showValue(found)}, expected ${formOf(schemas)}${proposal}`;
}
