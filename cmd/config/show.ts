import { Fault } from "../../lib/base/fault.ts";
import { nearest } from "../../lib/base/nearest.ts";
import type { TableSpec } from "../../lib/base/table.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { loadConfig } from "../../lib/config/io/load.ts";
import { showTable, tableFacts } from "../../lib/config/show.ts";
import { tables } from "../tables.ts";

export const configShow = defineCommand({
  name: "show",
  summary: "what is in effect, and where each value comes from",
  about:
    "Prints every setting as TOML, those that no file sets with their defaults; behind each stands the file and line that says so, or default. " +
    "The output could be a configuration itself.",
  examples: [
    { line: "spreadbox config show", about: "all tables" },
    { line: "spreadbox config show spreadd", about: "one table" },
    {
      line: "spreadbox config show --json | jq '.from'",
      about: "for programs: one object a table, its values and where each comes from",
    },
  ],
  positionals: [{ name: "TABLE", about: "only this table" }],
  json: true,
  async run(call) {
    const wanted = chosen(call.positionals[0]);
    const config = loadConfig({ tables, path: call.configPath, env: call.env });
    const shown = wanted.map((spec) => config.effective(spec));
    if (call.json) for (const table of shown) await call.printJson(tableFacts(table));
    else await call.out.write(shown.map(showTable).join("\n"));
    return 0;
  },
});

function chosen(name: string | undefined): readonly TableSpec[] {
  if (name === undefined) return tables;
  const names = tables.map((spec) => spec.name);
  const spec = tables[names.indexOf(name)];
  if (spec !== undefined) return [spec];
  const meant = nearest(name, names);
  const hint = meant === undefined ? `known are ${names.join(", ")}` : `did you mean ${JSON.stringify(meant)}?`;
  throw new Fault("usage", "unknown-table", `unknown table ${JSON.stringify(name)}; ${hint}`);
}
