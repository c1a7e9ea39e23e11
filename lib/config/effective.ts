// The configuration in effect: what the files say, and the defaults for what they leave out, each with where it came from. In the words of the file
// ("5s"), not in what the schemas make of them (5000).
import * as v from "valibot";
import type { TableSpec } from "../base/table.ts";
import type { Place } from "./config-error.ts";
import type { KeyPath } from "./key-path.ts";
import type { Spot } from "./positions.ts";
import { isArraySchema, isTableSchema, partOf, partSchema, plainSchemas, type Schema, viewOf } from "./schema-view.ts";
import { isTable, isTableArray, type Table, type Value } from "./value.ts";

/** One setting, never a table. */
export interface Setting {
  readonly path: KeyPath;
  readonly value: Value;
  /** `undefined`: the default. */
  readonly place: Place | undefined;
}

/** A table in effect. */
export interface Effective {
  readonly path: KeyPath;
  /** It is an element of an array of tables: `[[path]]`, its index is the last part of the path. */
  readonly isElement: boolean;
  readonly settings: readonly Setting[];
  /** The tables in it, those of arrays in their order. */
  readonly tables: readonly Effective[];
}

/** The table of a configuration that is right. */
export function effectiveOf(spec: TableSpec, input: Table, spots: Spot): Effective {
  return tableAt([viewOf(spec.schema)], input[spec.name] ?? {}, spots.children.get(spec.name), [spec.name]);
}

/** The settings of a table and of all in it, in order. */
export function allSettings(table: Effective): readonly Setting[] {
  return [...table.settings, ...table.tables.flatMap(allSettings)];
}

function tableAt(schemas: readonly Schema[], value: Value, spot: Spot | undefined, path: KeyPath): Effective {
  const plain = schemas.flatMap((schema) => plainSchemas(schema, value)).filter(isTableSchema);
  const table = plain.find((schema) => v.safeParse(schema, value).success) ?? plain[0];
  const settings: Setting[] = [];
  const tables: Effective[] = [];
  const keys = new Set([...Object.keys(table?.entries ?? {}), ...(isTable(value) ? Object.keys(value) : [])]);
  for (const key of keys) {
    const schema = table && partSchema(table, key);
    const set = partOf(value, key) as Value | undefined;
    const inner = set ?? (schema && (v.getDefault(schema) as Value | undefined));
    if (inner === undefined) continue; // not set, and nothing stands for it
    const innerSpot = set === undefined ? undefined : spot?.children.get(key);
    const innerPath = [...path, key];
    const innerSchemas = schema === undefined ? [] : plainSchemas(schema, inner);
    if (isTable(inner) && innerSchemas.some(isTableSchema))
      tables.push(tableAt(innerSchemas, inner, innerSpot, innerPath));
    else if (isTableArray(inner) && innerSchemas.some(isArraySchema))
      tables.push(...elementsOf(innerSchemas, inner, innerSpot, innerPath));
    else settings.push({ path: innerPath, value: inner, place: innerSpot?.value });
  }
  return { path, isElement: typeof path.at(-1) === "number", settings, tables };
}

function elementsOf(
  schemas: readonly Schema[],
  elements: readonly Table[],
  spot: Spot | undefined,
  path: KeyPath,
): readonly Effective[] {
  return elements.map((element, at) => {
    const items = schemas.map((schema) => partSchema(schema, at)).filter((schema) => schema !== undefined);
    return tableAt(items, element, spot?.children.get(at), [...path, at]);
  });
}
