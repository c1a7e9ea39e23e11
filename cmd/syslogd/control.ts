// What an operator asks of the syslogd that runs: status, stats, reload, reopen, over its control socket.

import type { Sample } from "../../lib/base/counters.ts";
import { formatDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { type AnyCommand, defineCommand, type Flag } from "../../lib/cli/command.ts";
import { loadConfig } from "../../lib/config/io/load.ts";
import { ask } from "../../lib/control/io/client.ts";
import type { Status } from "../../lib/syslogd/io/operation.ts";
import { CONTROL_PATH, syslogdTable } from "../../lib/syslogd/table.ts";
import { tables } from "../tables.ts";

const flags = {
  control: {
    type: "value",
    hint: "PATH",
    about: `the control socket of the syslogd that is meant; unless given, the one of the configuration, else ${CONTROL_PATH}`,
  },
} as const satisfies Record<string, Flag>;

const status = defineCommand({
  name: "status",
  summary: "shows what the syslogd that runs listens on, its rules, and its counts",
  examples: [
    { line: "syslogd status", about: "of the host's daemon" },
    { line: "syslogd status --control /tmp/syslogd.ctl", about: "of another" },
    { line: "syslogd status --json", about: "for a program" },
  ],
  flags,
  json: true,
  async run(call) {
    // The daemon is of this very version, or its neighbour: it has these fields.
    const found = (await askDaemon("status", call)) as Status;
    if (call.json) await call.printJson(found);
    else
      await call.out.write(
        [
          `runs as process ${found.pid} for ${formatDuration(Math.round(found.upMs / 1_000) * 1_000)}`,
          `listens on ${found.listensOn.join(", ")}`,
          ...found.rules.map((rule, at) => `rule ${at + 1}: ${rule}`),
          ...found.totals,
          "",
        ].join("\n"),
      );
    return 0;
  },
});

const stats = defineCommand({
  name: "stats",
  summary: "shows what the syslogd that runs has counted",
  examples: [
    { line: "syslogd stats", about: "one count a line" },
    { line: "syslogd stats --json", about: "the same as JSON, with what each means" },
    { line: "syslogd stats | grep sink_lost", about: "is anything lost?" },
  ],
  flags,
  json: true,
  async run(call) {
    const samples = (await askDaemon("stats", call)) as readonly Sample[];
    for (const sample of samples) {
      const labels = Object.values(sample.labels).map((label) => ` ${label}`);
      if (call.json) await call.printJson(sample);
      else await call.out.write(`${sample.name}${labels.join("")} ${sample.value}\n`);
    }
    return 0;
  },
});

const reload = tellingCommand("reload", {
  summary: "has the syslogd that runs read its configuration anew; a bad one is refused",
  about:
    "Tells what changed, in a line. Where the configuration has mistakes each is told, nothing changes, and the exit status says so. Rules and sinks change without " +
    "a record or a connection lost; what is only read at the start is named.",
});

const reopen = tellingCommand("reopen", {
  summary: "has the syslogd that runs open its files anew, as for logrotate",
});

export const controlCommands: readonly AnyCommand[] = [status, stats, reload, reopen];

/** A command whose answer is a line. */
function tellingCommand(name: "reload" | "reopen", words: Pick<AnyCommand, "summary" | "about">): AnyCommand {
  return defineCommand({
    name,
    ...words,
    examples: [
      { line: `syslogd ${name}`, about: "the host's daemon" },
      { line: `syslogd ${name} --control /tmp/syslogd.ctl`, about: "another" },
      { line: `syslogd ${name} --json`, about: "for a program" },
    ],
    flags,
    json: true,
    async run(call) {
      const answer = String(await askDaemon(name, call));
      if (call.json) await call.printJson({ answer });
      else await call.out.write(`${answer}\n`);
      return 0;
    },
  });
}

/** @throws {Fault} kind "unavailable" where no daemon answers; else what it told, with every line of it */
async function askDaemon(
  word: string,
  call: Pick<Call<typeof flags>, "flags" | "configPath" | "env">,
): Promise<unknown> {
  const { path, mistake } = call.flags.control === undefined ? configuredPath(call) : { path: call.flags.control };
  if (path === "")
    throw new Fault("usage", "no-control", 'the configuration says control = "": syslogd takes no commands');
  const told: Fault[] = [];
  try {
    const answers = ask("syslogd", path, { ask: word, with: {} });
    let step = await answers.next();
    for (; !step.done; step = await answers.next()) told.push(new Fault("config", "refused", String(step.value)));
    return step.value;
  } catch (error) {
    if (mistake !== undefined && error instanceof Fault && error.kind === "unavailable") throw mistake;
    if (!(error instanceof Fault) || told.length === 0) throw error;
    throw new Fault(error.kind, error.code, error.message, { cause: error, all: told });
  }
}

interface Configured {
  readonly path: string;
  readonly mistake?: Fault;
}

/** A configuration that is wrong now is no reason not to reach the daemon that runs by an older one, if that is where most are. */
function configuredPath({ configPath, env }: Pick<Call<never>, "configPath" | "env">): Configured {
  try {
    return { path: loadConfig({ tables, path: configPath, env }).table(syslogdTable).control };
  } catch (error) {
    if (error instanceof Fault && error.kind === "config") return { path: CONTROL_PATH, mistake: error };
    throw error;
  }
}
