// Looking into valibot schemas: what may stand at a path, which keys a table knows, what a value is expected to be. Valibot keeps all that in plain
// fields of its schema objects (`entries`, `item`, `options`, `wrapped`, `pipe`), which is how its own JSON Schema converter reads them; the fields
// are typed here as far as they are used.
import * as v from "valibot";
import type { KeyPath } from "./key-path.ts";
import { quoteText } from "./quote.ts";
import { isTable } from "./value.ts";

/** A schema with the fields that the kinds of schema have. */
export interface Schema extends v.GenericSchema {
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly items?: readonly Schema[];
  readonly key?: Schema | string;
  readonly value?: Schema;
  readonly rest?: Schema;
  readonly wrapped?: Schema;
  readonly default?: unknown;
  readonly options?: readonly (Schema | string | number)[];
  readonly literal?: unknown;
  readonly getter?: (input: unknown) => Schema;
  readonly pipe?: readonly (Schema | v.GenericPipeAction)[];
  readonly message?: unknown;
}

export function viewOf(schema: v.GenericSchema): Schema {
  return schema as Schema;
}

/** The plain schemas that a value could be read by: optional and lazy ones opened, unions and variants split. A variant's options that the value rules out are left out. */
export function plainSchemas(schema: Schema, value: unknown): readonly Schema[] {
  if (schema.wrapped !== undefined) return plainSchemas(schema.wrapped, value);
  if (schema.getter !== undefined) return plainSchemas(schema.getter(value), value);
  if (schema.type !== "union" && schema.type !== "variant" && schema.type !== "intersect") return [schema];
  const options = (schema.options ?? []) as readonly Schema[];
  const chosen = schema.type === "variant" ? options.filter((option) => isChosen(option, schema.key, value)) : options;
  return (chosen.length > 0 ? chosen : options).flatMap((option) => plainSchemas(option, value));
}

/** The plain schemas for the part of `value` at `path`. */
export function schemasAt(root: Schema, path: KeyPath, value: unknown): readonly Schema[] {
  let schemas = plainSchemas(root, value);
  for (const part of path) {
    value = partOf(value, part);
    schemas = schemas.flatMap((schema) => {
      const inner = partSchema(schema, part);
      return inner === undefined ? [] : plainSchemas(inner, value);
    });
  }
  return schemas;
}

/** The schema of one part of a table or array; none where it knows no such part. */
export function partSchema(schema: Schema, part: string | number): Schema | undefined {
  if (typeof part === "number") return schema.item ?? schema.items?.[part] ?? (schema.items && schema.rest);
  if (schema.entries !== undefined) return Object.hasOwn(schema.entries, part) ? schema.entries[part] : schema.rest;
  return schema.type === "record" ? schema.value : undefined;
}

export function partOf(value: unknown, part: string | number): unknown {
  if (Array.isArray(value)) return value[Number(part)];
  return isTable(value) && Object.hasOwn(value, part) ? value[part] : undefined;
}

/** Whether the schema reads tables, and so has keys. */
export function isTableSchema(schema: Schema): boolean {
  return schema.entries !== undefined || schema.type === "record";
}

export function isArraySchema(schema: Schema): boolean {
  return schema.item !== undefined || schema.items !== undefined;
}

/** The keys of a schema that knows all its keys; `undefined` where others are allowed. */
export function knownKeys(schema: Schema): readonly string[] | undefined {
  const isClosed = schema.type === "strict_object" || schema.type === "object";
  return isClosed ? Object.keys(schema.entries ?? {}) : undefined;
}

/** The values of a choice: of a pick-list or a literal. */
export function choicesOf(schema: Schema): readonly (string | number | boolean)[] {
  if (schema.type === "literal") return [schema.literal as string];
  return schema.type === "picklist" || schema.type === "enum" ? ((schema.options ?? []) as readonly string[]) : [];
}

/** What a value is expected to be, to stand behind "expected ": "a duration such as ...", "true or false", 'one of "a", "b"'. */
export function formOf(schemas: readonly Schema[]): string {
  const choices = schemas
    .flatMap(choicesOf)
    .map((choice) => (typeof choice === "string" ? quoteText(choice) : `${choice}`));
  const forms = schemas.filter((schema) => choicesOf(schema).length === 0).map(plainForm);
  if (choices.length > 0) forms.unshift(choices.length === 1 ? choices[0]! : `one of ${choices.join(", ")}`);
  return [...new Set(forms)].join(", or ");
}

const FORMS: Readonly<Record<string, string>> = {
  string: "text in quotes",
  number: "a number",
  boolean: "true or false",
  record: "a table",
};

function plainForm(schema: Schema): string {
  const own = messageOf(schema);
  if (own !== undefined) return own;
  const { description } = v.getMetadata(schema) as { readonly description?: unknown };
  if (typeof description === "string") return description;
  if (isTableSchema(schema)) return "a table";
  if (schema.item !== undefined) {
    const items = plainSchemas(schema.item, undefined);
    return items.every(isTableSchema) ? "an array of tables" : `a list, each ${formOf(items)}`;
  }
  return FORMS[schema.type] ?? schema.expects;
}

/** The text that a schema gives for its own issue, where it has one that says what is expected. */
function messageOf(schema: Schema): string | undefined {
  if (typeof schema.message === "string") return schema.message;
  const form = schema.pipe?.find((step) => "message" in step && typeof step.message === "string");
  return form !== undefined && "message" in form ? String(form.message) : undefined;
}

function isChosen(option: Schema, key: Schema["key"], value: unknown): boolean {
  if (typeof key !== "string") return true;
  const form = option.entries?.[key];
  return form !== undefined && v.safeParse(form, partOf(value, key)).success;
}
