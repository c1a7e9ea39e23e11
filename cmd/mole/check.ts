import { parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { hostFacts } from "../../lib/mole/io/setup.ts";
import { hostConfigOf } from "../../lib/mole/settings.ts";
import type { Status } from "../../lib/mole/status.ts";
import { moleTable } from "../../lib/mole/table.ts";
import { type Verdict, verdictLine, verdictOf } from "../../lib/mole/verdict.ts";
import { spreadTable } from "../../lib/spread/table.ts";
import { configurationFor } from "../configuration.ts";
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
      text: "0 OK; 1 WARNING: a host is missing, a vip is on its way, a health check fails, a vip can't be held here, settings differ between hosts, no key, maintenance, a state directory that can't be written, a hook that can't be run or has failed within the hour, a host that is drained, a configuration that the next start would refuse, under maintenance a host that is not in the group and has all that it had; 2 CRITICAL: no mole here, or it does not answer within 5 seconds, not in the group otherwise, no majority, none of the other configured hosts heard, a vip uncovered, held by nobody for longer than --moving, kept from a maintenance that is over for a host that nobody hears, or claimed by somebody outside; 3 UNKNOWN: the check itself could not be made.",
    },
  ],
  json: true,
  isCheck: true,
  async run(call) {
    // Whoever names the socket may mean a mole with another configuration.
    const isOurs = call.flags.control === undefined || call.configPath !== undefined;
    const verdict = await judge(
      call.flags.moving ?? 10_000,
      async () => (await askMole("status", call)) as Status,
      () => {
        if (isOurs) hostConfigOf(configurationFor(call, [moleTable, spreadTable]).table(moleTable), hostFacts());
      },
    );
    if (call.json) await call.printJson(verdict);
    else
      await call.out.write(`${verdict.status === 3 ? `UNKNOWN: ${verdict.text}` : verdictLine(verdict as Verdict)}\n`);
    return verdict.status;
  },
});

/** A mole that does not answer is what is checked, also where it can't be started by its configuration; what is wrong with the call or the rights is "unknown". */
async function judge(
  movingMs: number,
  ask: () => Promise<Status>,
  look: () => void,
): Promise<Verdict | { readonly status: 3; readonly text: string }> {
  const nothing = "hosts=0 held=0 here=0";
  try {
    return withMistake(verdictOf(await ask(), movingMs), mistakeOf(look));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.kind === "unavailable") return { status: 2, text: error.message, performance: nothing };
    // The question itself reads it only to find the mole: none answers where one usually does.
    if (error.kind === "config")
      return { status: 2, text: `no mole answers, and none can start: ${told(error)}`, performance: nothing };
    return { status: 3, text: error.message };
  }
}

/** What is wrong with the configuration as it lies there. What can't be read is no mistake: this may be a monitor's account. */
function mistakeOf(look: () => void): string | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.kind === "config" ? told(error) : undefined;
  }
}

function withMistake(verdict: Verdict, mistake: string | undefined): Verdict {
  if (mistake === undefined) return verdict;
  const text = `the mole goes by an older configuration, for what lies there now is refused: ${mistake}`;
  return verdict.status === 0 ? { ...verdict, status: 1, text } : { ...verdict, text: `${verdict.text}; ${text}` };
}

/** In a line. */
function told({ message, all = [] }: Fault): string {
  const [first, ...more] = all;
  return first === undefined || more.length === 0
    ? message
    : `${first.message}; and ${more.length} more, which spreadbox config check tells`;
}
