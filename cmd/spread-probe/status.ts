import { parseDuration } from "../../lib/base/duration.ts";
import { openMetrics } from "../../lib/base/open-metrics.ts";
import type { Call, Output } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { loadSpreadConf } from "../../lib/probe/io/spread-conf-file.ts";
import { StatusClient } from "../../lib/probe/io/status-client.ts";
import { concernsOf, type StatusAnswer } from "../../lib/probe/status-answer.ts";
import { samplesOf } from "../../lib/probe/status-metrics.ts";
import { type Round, statusDetails, statusTable } from "../../lib/probe/status-report.ts";
import { pause } from "../../lib/run/pause.ts";
import { type SpreadConf, SpreadConfError } from "../../lib/spread/spread-conf.ts";

const FLAGS = {
  conf: {
    type: "value",
    short: "f",
    hint: "FILE",
    about: "the daemons' spread.conf; unless given it is looked for as the daemon does",
  },
  watch: { type: "switch", short: "w", about: "go on asking, and show what changes a second" },
  interval: { type: "value", hint: "DURATION", about: "how often with --watch", read: parseDuration, default: "2s" },
  details: { type: "switch", about: "all counters of each daemon" },
  openmetrics: { type: "switch", about: "print OpenMetrics text, for a scraper's file collector" },
  timeout: {
    type: "value",
    hint: "DURATION",
    about: "how long a daemon may take to answer",
    read: parseDuration,
    default: "1s",
  },
  as: { type: "value", hint: "NAME", about: "ask from this daemon's address, not from the first that this host has" },
  protocol: {
    type: "value",
    hint: "VERSION",
    about: "which daemons they are; unless given both forms are tried",
    choices: ["5", "4"],
  },
} as const;

export const statusCommand = defineCommand({
  name: "status",
  summary: "the daemons' own counters, by their UDP status protocol",
  about:
    "Asks every daemon of a spread.conf, or those named, for its counters: once, or live. Read-only: nothing that this sends can change a daemon.\n\n" +
    "A Spread daemon answers only to the address of a daemon of its own configuration, and only who has the very same spread.conf: run this on one of " +
    "their hosts, with their file. (spreadd does not speak this protocol: see check and bench.)",
  examples: [
    { line: "spread-probe status", about: "all daemons, side by side, and whether they form one ring" },
    { line: "spread-probe status --watch --conf /etc/spread.conf", about: "live, with messages a second" },
    {
      line: "spread-probe status --openmetrics > /var/lib/node_exporter/spread.prom",
      about: "from cron, for a scraper",
    },
  ],
  positionals: [{ name: "DAEMON", about: "only these, by their names in the file", many: true }],
  flags: FLAGS,
  sections: [{ title: "Exit status", text: "0 all daemons answered; 69 one did not; 78 the spread.conf is wrong." }],
  json: true,
  async run(call) {
    const dialect = call.flags.protocol === undefined ? undefined : call.flags.protocol === "4" ? 4 : 5;
    const conf = await confOf(call.flags.conf, dialect);
    using client = await StatusClient.open(conf, {
      as: call.flags.as,
      only: call.positionals,
      timeoutMs: call.flags.timeout ?? 1_000,
      dialect,
    });
    if (call.flags.watch) return await watch(call, client);
    const answers = await client.ask();
    await print(call, answers);
    return answers.some(({ at }) => at === "silent") ? exitCodeOf("unavailable") : 0;
  },
});

async function confOf(path: string | undefined, dialect: 4 | 5 | undefined): Promise<SpreadConf> {
  const { file, reading } = await loadSpreadConf({ path, lookUp: true, dialect: dialect ?? 5 });
  const [first, ...others] = reading.errors;
  if (first !== undefined) throw new SpreadConfError(file, first, others);
  return reading.conf;
}

async function watch(call: Call<typeof FLAGS>, client: StatusClient): Promise<number> {
  let before: { readonly answers: readonly StatusAnswer[]; readonly atMs: number } | undefined;
  while (!call.stop.aborted && !call.out.closed.aborted) {
    const answers = await client.ask();
    const atMs = performance.now();
    const round = before === undefined ? undefined : { answers: before.answers, sinceMs: atMs - before.atMs };
    if (call.out.isTerminal && !call.json) await clear(call.out);
    await print(call, answers, round);
    before = { answers, atMs };
    await pause(call.flags.interval ?? 2_000, call.stop);
  }
  return 0;
}

async function print(call: Call<typeof FLAGS>, answers: readonly StatusAnswer[], before?: Round): Promise<void> {
  const style = styleFor(call.out.colour);
  if (call.json) await call.printJson({ daemons: answers, concerns: concernsOf(answers) });
  else if (call.flags.openmetrics) await call.out.write(openMetrics("spread", samplesOf(answers)));
  else
    await call.out.write(
      `${(call.flags.details ? statusDetails(answers, style) : statusTable(answers, style, before)).join("\n")}\n`,
    );
}

/** Home, and all below erased: the table is drawn where it was. */
async function clear(out: Output): Promise<void> {
  await out.write("\x1b[H\x1b[J");
}
