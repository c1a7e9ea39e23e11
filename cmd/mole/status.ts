import { parseDuration } from "../../lib/base/duration.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { styleFor } from "../../lib/cli/style.ts";
import type { Status } from "../../lib/mole/status.ts";
import { statusView } from "../../lib/mole/status-view.ts";
import { pause } from "../../lib/run/pause.ts";
import { askMole, CONTROL_FLAG } from "./service.ts";

export const statusCommand = defineCommand({
  name: "status",
  summary: "shows all vips of all hosts, as this host knows them",
  about:
    "What is wrong stands first. Then the hosts: who is here, when it was last heard, what it carries; a host that nobody hears from is shown as such. Then the " +
    'vips: who holds each and for how long. "moving": its new host waits for others to let go. "uncovered": no host may hold it; mole why tells why.',
  examples: [
    { line: "mole status", about: "from any host of the cluster" },
    { line: "mole status --watch", about: "again and again, until Ctrl-C" },
    { line: "mole status --json | jq '.vips[] | select(.is != \"held\")'", about: "for a program" },
  ],
  flags: {
    ...CONTROL_FLAG,
    watch: { type: "switch", short: "w", about: "show it again whenever the interval has passed, until Ctrl-C" },
    interval: { type: "value", hint: "DURATION", about: "with --watch", read: parseDuration, default: "1s" },
  },
  json: true,
  async run(call) {
    const { flags, out } = call;
    const style = styleFor(out.colour);
    const stop = AbortSignal.any([call.stop, out.closed]);
    for (;;) {
      // The service is of this very version, or its neighbour: it has these fields.
      const status = (await askMole("status", call)) as Status;
      if (call.json) await call.printJson(status);
      else {
        const clear = flags.watch && out.isTerminal ? "\x1b[H\x1b[2J" : "";
        await out.write(`${clear}${statusView(status, style)}${flags.watch && !out.isTerminal ? "\n" : ""}`);
      }
      if (!flags.watch || !(await pause(flags.interval ?? 1_000, stop))) return 0;
    }
  },
});
