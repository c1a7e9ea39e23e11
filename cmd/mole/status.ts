import { parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand, type Flag } from "../../lib/cli/command.ts";
import { fitRows } from "../../lib/cli/fit-rows.ts";
import { type Style, styleFor } from "../../lib/cli/style.ts";
import type { Status } from "../../lib/mole/status.ts";
import { statusView } from "../../lib/mole/status-view.ts";
import { pause } from "../../lib/run/pause.ts";
import { askMole, CONTROL_FLAG } from "./service.ts";

/** Each look asks the mole, which has better to do. */
const INTERVAL_LEAST_MS = 100;

/** @throws {Fault} kind "usage" */
function parseInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms >= INTERVAL_LEAST_MS) return ms;
  throw new Fault(
    "usage",
    "interval",
    `${text} is too short: expected at least ${INTERVAL_LEAST_MS}ms, for each look asks the mole`,
  );
}

const FLAGS = {
  ...CONTROL_FLAG,
  watch: { type: "switch", short: "w", about: "show it again whenever the interval has passed, until Ctrl-C" },
  interval: {
    type: "value",
    hint: "DURATION",
    about: "with --watch; at least 100ms",
    read: parseInterval,
    default: "1s",
  },
} as const satisfies Record<string, Flag>;

export const statusCommand = defineCommand({
  name: "status",
  summary: "shows all vips of all hosts, as this host knows them",
  about:
    "What is wrong stands first. Then the hosts: who is here, when it was last heard, what it carries; a host that nobody hears from is shown as such. Then the " +
    'vips: who holds each and for how long. "moving": its new host waits for others to let go. ">5m": for longer than that, for this mole found it so. "uncovered": no host may hold it; mole why tells why.',
  examples: [
    { line: "mole status", about: "from any host of the cluster" },
    { line: "mole status --watch", about: "again and again, until Ctrl-C" },
    { line: "mole status --json | jq '.vips[] | select(.is != \"held\")'", about: "for a program" },
  ],
  flags: FLAGS,
  json: true,
  async run(call) {
    const { flags, out } = call;
    const style = styleFor(out.colour);
    const stop = AbortSignal.any([call.stop, out.closed]);
    for (;;) {
      const shown = await look(call, style);
      if (shown === undefined) return 0;
      const isScreen = flags.watch && out.isTerminal && !call.json;
      if (isScreen) await out.write(`\x1b[H\x1b[2J${fitRows(shown, out.rows, out.columns)}`);
      else await out.write(`${shown}${flags.watch && !call.json ? "\n" : ""}`);
      if (!flags.watch || !(await pause(flags.interval ?? 1_000, stop))) return 0;
    }
  },
});

/** Who watches wants to see it come back, too. @returns `undefined` where the watch has ended */
async function look(
  call: Pick<Call<typeof FLAGS>, "flags" | "configPath" | "env" | "json" | "stop">,
  style: Style,
): Promise<string | undefined> {
  try {
    // The service is of this very version, or its neighbour: it has these fields.
    const status = (await askMole("status", call)) as Status;
    return call.json ? `${JSON.stringify(status)}\n` : statusView(status, style);
  } catch (error) {
    if (call.flags.watch && call.stop.aborted) return undefined;
    if (!call.flags.watch || !(error instanceof Fault) || error.kind !== "unavailable") throw error;
    const { kind, code, message } = error;
    return call.json ? `${JSON.stringify({ error: { kind, code, message } })}\n` : `${style.bad(message)}\n`;
  }
}
