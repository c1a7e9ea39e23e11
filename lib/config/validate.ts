// From a merged file to each table's own values, or to everything that is wrong with it. Three looks at each table: its shape (keys, brackets), its
// values (valibot), and, where both are right, its meaning (the table's own check). All tables are looked at, whichever command asks.
import * as v from "valibot";
import { nearest } from "../base/nearest.ts";
import { WHOLE_COMPLAINT } from "../base/schema.ts";
import type { TableSpec } from "../base/table.ts";
import { ConfigError } from "./config-error.ts";
import { DIRECTIVES } from "./directives.ts";
import { formatPath, type KeyPath } from "./key-path.ts";
import type { Spot } from "./positions.ts";
import { quoteText, showValue } from "./quote.ts";
import { choicesOf, formOf, isTableSchema, type Schema, schemasAt, viewOf } from "./schema-view.ts";
import { type Finding, findShapeErrors, type KeyOwners } from "./shape.ts";
import { isTable, isTableArray, type Table } from "./value.ts";

export interface Validated {
  /** By table name what its schema gives; a table that has an error is missing. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly errors: readonly ConfigError[];
}

/**
 * Checks all tables of a file, and that there is no other.
 * @param isWhole false where parts of the text could not be read: then nothing is called missing, and no meaning is checked
 */
export function validate(table: Table, spots: Spot, specs: readonly TableSpec[], isWhole: boolean): Validated {
  const owners = keyOwners(specs);
  const values = new Map<string, unknown>();
  const findings: Finding[] = unknownTables(table, specs, owners);
  for (const spec of specs) {
    const found = read(spec, table[spec.name] ?? Object.create(null), owners);
    findings.push(...found.findings.filter(({ code }) => isWhole || code !== "missing"));
    if (found.findings.length > 0) continue;
    values.set(spec.name, found.value);
    if (isWhole) findings.push(...meaning(spec, found.value));
  }
  return { values, errors: findings.map((finding) => locate(finding, spots)) };
}

function read(
  spec: TableSpec,
  input: unknown,
  owners: KeyOwners,
): { readonly findings: readonly Finding[]; readonly value?: unknown } {
  const schema = viewOf(spec.schema);
  const shape = findShapeErrors(schema, input, [spec.name], owners);
  const result = v.safeParse(spec.schema, input);
  const fromValues = (result.issues ?? []).flatMap((issue) => explain(issue, schema, input, [spec.name]));
  // Where the shape is wrong valibot complains of the same, and of what lies within, in other words.
  const isTold = ({ path }: Finding) => shape.some((known) => known.path.every((part, at) => path[at] === part));
  const findings = [...shape, ...fromValues.filter((finding) => !isTold(finding))];
  return result.success ? { findings, value: result.output } : { findings };
}

function meaning(spec: TableSpec, value: unknown): readonly Finding[] {
  return (spec.check?.(value) ?? []).map(({ path, code, message }) => ({
    path: [spec.name, ...path],
    code,
    complaint: message,
  }));
}

/** What one issue of valibot's says, for people. @param base where `schema` and `input` are in the file */
function explain(issue: v.BaseIssue<unknown>, schema: Schema, input: unknown, base: KeyPath): readonly Finding[] {
  const inner = (issue.path ?? []).map(({ key }) => key as string | number);
  const path = [...base, ...inner];
  const schemas = schemasAt(schema, inner, input);
  if (issue.expected === WHOLE_COMPLAINT) return [{ path, code: "value", complaint: issue.message }];
  if (issue.kind === "schema" && issue.expected === "never") return []; // an unknown key: told by its shape
  if (issue.input === undefined) {
    const form = formOf(schemas);
    return [
      {
        path: path.slice(0, -1),
        code: "missing",
        complaint: `missing key ${quoteText(String(inner.at(-1)))}: expected ${form}`,
      },
    ];
  }
  if (issue.type === "union" && isTable(issue.input)) {
    const closest = closestOption(schemas, issue.input);
    if (closest !== undefined) return closest.issues.flatMap((one) => explain(one, closest.schema, issue.input, path));
  }
  const form = isDefault(issue) ? defaultForm(issue, schemas) : issue.message;
  const proposal = form.includes("did you mean") ? "" : propose(issue.input, schemas) || header(form, path);
  const code = issue.kind === "schema" ? "type" : "value";
  return [{ path, code, complaint: `found ${showValue(issue.input)}, expected ${form}${proposal}` }];
}

/** What begins a table, for who wrote something else in its place. */
function header(form: string, path: KeyPath): string {
  if (path.some((part) => typeof part === "number")) return "";
  if (form === "a table") return `; it begins with [${formatPath(path)}]`;
  return form === "an array of tables" ? `; each begins with [[${formatPath(path)}]]` : "";
}

/** Of several kinds of table the one that the value is the least wrong for. */
function closestOption(schemas: readonly Schema[], input: unknown) {
  let best: { readonly schema: Schema; readonly issues: readonly v.BaseIssue<unknown>[] } | undefined;
  for (const schema of schemas.filter(isTableSchema)) {
    const issues = v.safeParse(schema, input).issues ?? [];
    if (best === undefined || issues.length < best.issues.length) best = { schema, issues };
  }
  return best;
}

function isDefault(issue: v.BaseIssue<unknown>): boolean {
  return issue.message.startsWith("Invalid ") && issue.message.endsWith(`eceived ${issue.received}`);
}

/** Forms for valibot's own checks where a schema gives no words of its own. */
function defaultForm(issue: v.BaseIssue<unknown>, schemas: readonly Schema[]): string {
  const bound = String(issue.requirement);
  const unit = Array.isArray(issue.input) ? "element" : isTable(issue.input) ? "key" : "character";
  const units = bound === "1" ? unit : `${unit}s`;
  switch (issue.type) {
    case "min_length":
    case "min_entries":
      return `at least ${bound} ${units}`;
    case "max_length":
    case "max_entries":
      return `at most ${bound} ${units}`;
    case "length":
      return `${bound} ${units}`;
    case "non_empty":
      return `at least one ${unit}`;
    case "min_value":
      return `at least ${bound}`;
    case "max_value":
      return `at most ${bound}`;
    case "integer":
      return "a whole number";
    case "regex":
      return `text that matches ${bound}`;
  }
  if (issue.kind === "schema" && schemas.length > 0) return formOf(schemas);
  return issue.expected ?? "something else";
}

/** The value that was most likely meant: of what people mistake for it, the first that the schema would take. */
function propose(found: unknown, schemas: readonly Schema[]): string {
  for (const candidate of likely(found, schemas))
    if (schemas.some((schema) => v.safeParse(schema, candidate).success))
      return `; did you mean ${showValue(candidate)}?`;
  return "";
}

function* likely(found: unknown, schemas: readonly Schema[]): Generator<unknown> {
  if (typeof found === "string") {
    if (/^(true|yes|on|enabled?)$/i.test(found)) yield true;
    if (/^(false|no|off|disabled?)$/i.test(found)) yield false;
    if (/^\s*[-+]?\d+(\.\d+)?\s*$/.test(found)) yield Number(found);
    yield found.trim();
    yield found.toLowerCase();
    const choices = schemas.flatMap(choicesOf);
    const meant = nearest(found, choices.map(String));
    yield choices.find((choice) => String(choice) === meant);
  } else if (typeof found === "number" || typeof found === "boolean") yield String(found);
  if (typeof found === "number") yield found !== 0;
  if (typeof found !== "object") yield [found];
}

function unknownTables(table: Table, specs: readonly TableSpec[], owners: KeyOwners): Finding[] {
  const names = specs.map(({ name }) => name);
  return Object.keys(table)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const isPlain = !isTable(table[name]) && !isTableArray(table[name]);
      const complaint = isPlain ? strayKey(name, owners) : unknownTable(name, names);
      return { path: [name], code: isPlain ? "unknown-key" : "unknown-table", complaint, isAboutKey: true };
    });
}

function unknownTable(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  const hint =
    meant === undefined ? `known are ${names.map((known) => `[${known}]`).join(", ")}` : `did you mean [${meant}]?`;
  return `unknown table ${quoteText(name)}; ${hint}`;
}

/** A key above the first header. */
function strayKey(key: string, owners: KeyOwners): string {
  const directive = nearest(key, Object.keys(DIRECTIVES));
  if (directive !== undefined)
    return `unknown key ${quoteText(key)} at the top of the file; did you mean ${quoteText(directive)}?`;
  const tables = owners.get(key) ?? [];
  const hint = tables.length > 0 ? ` such as ${tables.map((table) => `[${table}]`).join(" or ")}` : "";
  return `unknown key ${quoteText(key)} at the top of the file; keys belong below the header of a table${hint}`;
}

function keyOwners(specs: readonly TableSpec[]): KeyOwners {
  const owners = new Map<string, string[]>();
  for (const { name, schema } of specs)
    for (const key of Object.keys(viewOf(schema).entries ?? {})) owners.set(key, [...(owners.get(key) ?? []), name]);
  return owners;
}

function locate({ path, code, complaint, isAboutKey }: Finding, spots: Spot): ConfigError {
  const { spot } = spots.nearest(path);
  return new ConfigError(isAboutKey ? spot.key : spot.value, path, code, complaint);
}
