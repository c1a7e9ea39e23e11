import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { loadConfig } from "../../lib/config/io/load.ts";
import { systemClock } from "../../lib/run/clock.ts";
import { tables } from "../tables.ts";
import { checkCertificates } from "./certificates.ts";

export const configCheck = defineCommand({
  name: "check",
  summary: "tells every mistake in the configuration, with its line",
  about:
    "Reads the whole configuration, all files and all tables, and tells all that is wrong with it: one line each on stderr, FILE:LINE:COLUMN: KEY: what was " +
    "found, what is expected; and what is wrong with the certificates and keys of [spreadd.tls] and [spread.tls] on this host (for those of syslogd: syslogd --check). Ends with 78 if there is a mistake. A service refuses mistakes in the tables that it reads itself, and warns of those in others.",
  examples: [
    { line: "spreadbox config check", about: "the configuration that commands would use" },
    {
      line: "spreadbox config check new.toml",
      about: "another file, before it is put in place, with the conf.d beside it",
    },
    {
      line: "spreadbox config check --json",
      about: "for programs: an object a mistake, with file, line, column and path",
    },
  ],
  positionals: [{ name: "FILE", about: "check this file instead" }],
  json: true,
  async run(call) {
    const config = loadConfig({ tables, path: call.positionals[0] ?? call.configPath, env: call.env });
    const { files, tablesSet } = config;
    const { wrong, warnings } = checkCertificates(config, systemClock.wallMs());
    for (const text of warnings) call.log.warn(text);
    if (wrong[0] !== undefined) throw new Fault("config", wrong[0].code, wrong[0].message, { all: wrong });
    if (call.json) await call.printJson({ ok: true, files, tables: tablesSet });
    else if (files.length === 0) await call.out.write("no configuration file: every table has its defaults\n");
    else await call.out.write(`${files.join(", ")}: right (${named(tablesSet)})\n`);
    return 0;
  },
});

function named(tablesSet: readonly string[]): string {
  if (tablesSet.length === 0) return "no table";
  return `${tablesSet.length === 1 ? "table" : "tables"} ${tablesSet.join(", ")}`;
}
