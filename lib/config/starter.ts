import * as v from "valibot";
import type { TableSpec } from "../base/table.ts";
import type { KeyPath } from "./key-path.ts";
import { partSchema, schemasAt, viewOf } from "./schema-view.ts";
import { formatToml } from "./show.ts";
import type { Value } from "./value.ts";

const HEAD = `\
# Configuration of spreadbox: one file, a table a command. Everything is optional: a line that begins with # shows
# a setting with an example, and its default behind it where it has one; take the # away to set it.
#
# Read from --config FILE, else from the file that $SPREADBOX_CONFIG names, else from /etc/spreadbox/spreadbox.toml; then
# from conf.d/*.toml beside that file, by name. Tables of several files merge, and [[lists]] are put together; a value that
# two files set is an error, unless the later file begins with override = ["table.key"]. A file that begins with
# an include = ["more/*.toml"] has those read after it.
#
#   spreadbox config check     tells every mistake, with its line
#   spreadbox config show      what is in effect, and which file says so
#   spreadbox config schema    a JSON Schema, for completion and help in editors
`;

/** The text of `config init`: every table with its commented settings. What it says is right as it is, and with every setting uncommented. */
export function starterText(specs: readonly TableSpec[]): string {
  const tables = specs.map((spec) => `\n# ${spec.summary}\n[${spec.name}]\n${withDefaults(spec)}\n`);
  return HEAD + tables.join("");
}

/** The starter of a table, with the default of each setting behind it, as its schema has it. */
function withDefaults({ name, schema, starter }: TableSpec): string {
  let path: KeyPath = [];
  const lines = starter.trimEnd().split("\n");
  return lines
    .map((line) => {
      const [, opening, header] = /^# ?(\[{1,2})([a-z0-9_.-]+)\]{1,2}$/.exec(line) ?? [];
      if (header !== undefined) {
        const keys = header.split(".").slice(header.startsWith(`${name}.`) ? 1 : 0);
        path = opening === "[[" ? [...keys, 0] : keys;
      }
      const [, key, value] = /^# ?([a-z0-9_]+) = (.*[^\s])$/.exec(line) ?? [];
      if (key === undefined || value === undefined || value.includes(" # ")) return line;
      const usual = defaultAt(schema, path, key);
      if (usual === undefined) return line;
      return `${line}  # ${value === usual ? "the default" : `default: ${usual}`}`;
    })
    .join("\n");
}

/** As it would stand in the file. An empty one says nothing that the missing setting doesn't. */
function defaultAt(schema: v.GenericSchema, path: KeyPath, key: string): string | undefined {
  for (const table of schemasAt(viewOf(schema), path, {})) {
    const setting = partSchema(table, key);
    const value = setting === undefined ? undefined : (v.getDefault(setting) as Value | undefined);
    if (value === undefined || value === "" || (typeof value === "object" && Object.keys(value).length === 0)) continue;
    return formatToml(value);
  }
  return undefined;
}

/** The text with every commented setting set: lines `# key = value` and `# [table]`. */
export function uncommented(text: string): string {
  return text.replace(/^# ?(\[{1,2}[a-z0-9_.-]+\]{1,2}|[a-z0-9_]+ = .+)$/gm, "$1");
}
