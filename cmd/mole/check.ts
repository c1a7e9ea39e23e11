import { parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import type { Status } from "../../lib/mole/status.ts";
import { type Verdict, verdictLine, verdictOf } from "../../lib/mole/verdict.ts";
import { askMole, CONTROL_FLAG } from "./service.ts";

export const checkCommand = defineCommand({
  name: "check",
  summary: "for Nagios and Icinga: is every vip held, and is anything to be seen to?",
  about:
    "One line with performance data, and a status that a monitor understands. Every host tells of the whole cluster: checked on two hosts, no single failure goes unseen.",
  examples: [
    { line: "mole check", about: "the mole of this host" },
    { line: "mole check --moving 30s", about: "more patience with vips that are on their way" },
    { line: "mole check --json", about: "for a program" },
  ],
  flags: {
    ...CONTROL_FLAG,
    moving: {
      type: "value",
      hint: "DURATION",
      about: "critical where nobody has held a vip for longer; a warning before that",
      read: parseDuration,
      default: "10s",
    },
  },
  sections: [
    {
      title: "Exit status",
      text: "0 OK; 1 WARNING: a host is missing, a vip is on its way, a health check fails, a vip can't be held here, settings differ between hosts, no key, maintenance, a state directory that can't be written, a hook that can't be run or has failed within the hour, a host that is drained; 2 CRITICAL: no mole here, or it does not answer within 5 seconds, not in the group, no majority, none of the other configured hosts heard, a vip uncovered, held by nobody for longer than --moving, or claimed by somebody outside; 3 UNKNOWN: the check itself could not be made.",
    },
  ],
  json: true,
  isCheck: true,
  async run(call) {
    const verdict = await judge(call.flags.moving ?? 10_000, async () => (await askMole("status", call)) as Status);
    if (call.json) await call.printJson(verdict);
    else
      await call.out.write(`${verdict.status === 3 ? `UNKNOWN: ${verdict.text}` : verdictLine(verdict as Verdict)}\n`);
    return verdict.status;
  },
});

/** A mole that does not answer is what is checked; what is wrong with the call, the configuration or the rights is "unknown". */
async function judge(
  movingMs: number,
  ask: () => Promise<Status>,
): Promise<Verdict | { readonly status: 3; readonly text: string }> {
  try {
    return verdictOf(await ask(), movingMs);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.kind === "unavailable") return { status: 2, text: error.message, performance: "hosts=0 held=0 here=0" };
    return { status: 3, text: error.message };
  }
}
