import { defineCommand } from "../../lib/cli/command.ts";
import { fileSchema } from "../../lib/config/json-schema.ts";
import { tables } from "../tables.ts";

export const configSchema = defineCommand({
  name: "schema",
  summary: "prints a JSON Schema of the configuration, for editors",
  about:
    "Editors that know taplo (the TOML support of VS Code, Helix, Zed, Neovim) complete keys by it, explain them, and mark mistakes as they are typed: " +
    "put #:schema ./spreadbox.schema.json on the first line of the configuration. config check finds more, as it knows what values mean together.",
  examples: [
    { line: "spreadbox config schema > spreadbox.schema.json", about: "beside the configuration" },
    { line: "spreadbox config schema | jq '.properties.spreadd.properties | keys'", about: "the keys of a table" },
    { line: "spreadbox config schema --json", about: "on one line" },
  ],
  json: true,
  async run(call) {
    const schema = fileSchema(tables);
    if (call.json) await call.printJson(schema);
    else await call.out.write(`${JSON.stringify(schema, undefined, 2)}\n`);
    return 0;
  },
});
