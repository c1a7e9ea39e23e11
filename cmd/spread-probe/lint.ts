import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { loadSpreadConf, SPREAD_CONF_PATHS } from "../../lib/probe/io/spread-conf-file.ts";
import { lintSpreadConf } from "../../lib/probe/lint.ts";
import { lintReport } from "../../lib/probe/lint-report.ts";

export const lintCommand = defineCommand({
  name: "lint",
  summary: "explains a spread.conf: mistakes, daemons, ports, and what its timeouts mean for fail-over",
  about:
    "Reads the configuration of the real Spread daemon as version 5.0.1 reads it, and gives the same verdict, but with file, line and column, all " +
    `mistakes at once, and what to do. Without FILE it looks for ${SPREAD_CONF_PATHS.join(", ")}.`,
  examples: [
    { line: "spread-probe lint /etc/spread.conf", about: "before the daemon is started again with it" },
    { line: "spread-probe lint --strict spread.conf", about: "in a pipeline: warnings count as mistakes" },
    {
      line: "ssh node1 cat /etc/spread.conf | spread-probe lint - --json",
      about: "the configuration hash, and all else, for programs",
    },
  ],
  positionals: [{ name: "FILE", about: 'the file; "-" is stdin' }],
  flags: {
    strict: { type: "switch", about: "end with 78 on warnings too" },
    "no-lookup": { type: "switch", about: "don't ask the resolver for daemons without an address" },
  },
  sections: [
    {
      title: "Exit status",
      text: "0 Spread starts with the file; 78 it does not (with --strict: or there is a warning); 66 the file can't be read.",
    },
  ],
  json: true,
  async run(call) {
    const { file, reading } = await loadSpreadConf({ path: call.positionals[0], lookUp: !call.flags["no-lookup"] });
    const result = lintSpreadConf(reading, file);
    if (call.json) await call.printJson(result);
    else await call.out.write(`${lintReport(result, styleFor(call.out.colour)).join("\n")}\n`);
    const failed =
      !result.accepted || (call.flags.strict && result.findings.some(({ severity }) => severity === "warning"));
    return failed ? exitCodeOf("config") : 0;
  },
});
