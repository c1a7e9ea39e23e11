// The configuration in effect as text for people, which is TOML that could be put in the file as it is, and as JSON.
import { formatFile } from "./config-error.ts";
import { allSettings, type Effective, type Setting } from "./effective.ts";
import { formatKey, formatPath } from "./key-path.ts";
import { quoteText } from "./quote.ts";
import { isTable, type Value } from "./value.ts";

/** A table as TOML, behind each value where it came from: `port = 4803  # default`. */
export function showTable(table: Effective): string {
  return blocks(table).map(showBlock).join("\n");
}

/** A table for programs: its values, and by path where each came from. */
export interface TableFacts {
  readonly table: string;
  readonly values: unknown;
  readonly from: Readonly<
    Record<string, { readonly file: string; readonly line: number; readonly column: number } | "default">
  >;
}

export function tableFacts(table: Effective): TableFacts {
  const from = Object.fromEntries(
    allSettings(table).map(({ path, place }) => [formatPath(path), place ?? ("default" as const)]),
  );
  return { table: formatPath(table.path), values: plainValues(table), from };
}

function plainValues({ settings, tables }: Effective): unknown {
  const values: Record<string, unknown> = {};
  for (const { path, value } of settings) values[String(path.at(-1))] = value;
  for (const inner of tables) {
    if (!inner.isElement) values[String(inner.path.at(-1))] = plainValues(inner);
    else {
      const name = String(inner.path.at(-2));
      values[name] = [...((values[name] as unknown[] | undefined) ?? []), plainValues(inner)];
    }
  }
  return values;
}

/** A table and the tables in it, each a block of its own. One that has nothing but tables needs no header, unless it is an element. */
function blocks(table: Effective): readonly Effective[] {
  const inner = table.tables.flatMap(blocks);
  return table.settings.length > 0 || table.isElement || inner.length === 0 ? [table, ...inner] : inner;
}

/** Columns up to which comments are lined up. */
const ALIGNED_MAX = 48;

function showBlock({ path, isElement, settings }: Effective): string {
  const name = path
    .filter((part) => typeof part === "string")
    .map(formatKey)
    .join(".");
  const rows = settings.map((setting) => ({
    text: `${formatKey(String(setting.path.at(-1)))} = ${formatToml(setting.value)}`,
    from: origin(setting),
  }));
  const width = Math.max(0, ...rows.map(({ text }) => text.length).filter((length) => length <= ALIGNED_MAX));
  const lines = rows.map(({ text, from }) => `${text.padEnd(width)}  # ${from}\n`);
  return `${isElement ? `[[${name}]]` : `[${name}]`}\n${lines.join("")}`;
}

function origin({ place }: Setting): string {
  return place === undefined ? "default" : `${formatFile(place.file)}:${place.line}`;
}

/** A value as TOML, on one line. */
export function formatToml(value: Value): string {
  if (typeof value === "string") return quoteText(value);
  if (Array.isArray(value)) return `[${value.map(formatToml).join(", ")}]`;
  if (!isTable(value)) return String(value);
  const pairs = Object.entries(value).map(([key, inner]) => `${formatKey(key)} = ${formatToml(inner)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}
