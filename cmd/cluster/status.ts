import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { concernsOf, statusLines } from "../../lib/cluster/status-report.ts";
import { configuredPath } from "../spreadd/status.ts";
import { look } from "./look.ts";

export const statusCommand = defineCommand({
  name: "status",
  summary: "draws hosts, ring, links, sessions and groups, as this host sees them",
  about:
    "Asks this host's corosync and spreadd. What should be looked at stands at the end, a line each. Who is cut off from the others sees them gone: ask on more than one host.",
  examples: [
    { line: "spreadbox cluster status", about: "as a table" },
    { line: "spreadbox cluster status --json | jq '.concerns'", about: "for a program: what is wrong" },
    { line: "spreadbox cluster watch", about: "what changes, as it comes" },
  ],
  sections: [{ title: "Exit status", text: "0 all is well; 69 something is not." }],
  json: true,
  async run(call) {
    const status = await look(configuredPath(call));
    const concerns = concernsOf(status);
    if (call.json) await call.printJson({ ...status, concerns });
    else await call.out.write(`${statusLines(status, styleFor(call.out.colour)).join("\n")}\n`);
    return concerns.length === 0 ? 0 : exitCodeOf("unavailable");
  },
});
