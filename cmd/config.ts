import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { configCheck } from "./config/check.ts";
import { configImport } from "./config/import.ts";
import { configInit } from "./config/init.ts";
import { configSchema } from "./config/schema.ts";
import { configShow } from "./config/show.ts";

export const configCommand: AnyCommand = defineCommand({
  name: "config",
  summary: "checks, shows and starts the configuration that all commands share",
  about:
    "One TOML file has a table for each command. It is the one that --config names, else $SPREADBOX_CONFIG, else " +
    "/etc/spreadbox/spreadbox.toml; the files conf.d/*.toml beside it are read after it, by name. Without any file every command runs on its defaults.",
  examples: [
    { line: "spreadbox config init --output spreadbox.toml", about: "a commented file to start from" },
    { line: "spreadbox config check spreadbox.toml", about: "every mistake in it, with line and column" },
    { line: "spreadbox config show syslogd", about: "what is in effect, and which line of which file says so" },
  ],
  commands: [configCheck, configShow, configInit, configImport, configSchema],
});
