import { parseDuration } from "../../lib/base/duration.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { concernsOf, statusLines } from "../../lib/cluster/status-report.ts";
import { pause } from "../../lib/run/pause.ts";
import { configuredPath } from "../spreadd/status.ts";
import { look } from "./look.ts";

const ASK_EVERY_MS = 300;

export const statusCommand = defineCommand({
  name: "status",
  summary: "draws hosts, ring, links, sessions and groups, as this host sees them",
  about:
    "Asks this host's corosync and spreadd. What should be looked at stands at the end, a line each. Who is cut off from the others sees them gone: ask on more than one host.",
  examples: [
    { line: "spreadbox cluster status", about: "as a table" },
    { line: "spreadbox cluster status --json | jq '.concerns'", about: "for a program: what is wrong" },
    { line: "spreadbox cluster status --wait 30s", about: "in a script: go on as soon as all is well" },
  ],
  flags: {
    wait: {
      type: "value",
      hint: "DURATION",
      about: "ask again until all is well, for so long at most",
      read: parseDuration,
    },
  },
  sections: [{ title: "Exit status", text: "0 all is well; 69 something is not." }],
  json: true,
  async run(call) {
    const path = configuredPath(call);
    const end = performance.now() + (call.flags.wait ?? 0);
    let status = await look(path, call.stop);
    while (concernsOf(status).length > 0 && performance.now() < end && (await pause(ASK_EVERY_MS, call.stop)))
      status = await look(path, call.stop);
    const concerns = concernsOf(status);
    if (call.json) await call.printJson({ ...status, concerns });
    else await call.out.write(`${statusLines(status, styleFor(call.out.colour)).join("\n")}\n`);
    return concerns.length === 0 ? 0 : exitCodeOf("unavailable");
  },
});
