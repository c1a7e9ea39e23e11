import { parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { openMetrics } from "../../lib/base/open-metrics.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { checkSamples, judge, nagiosLine, type Observation } from "../../lib/probe/check.ts";
import { NS_PER_MS } from "../../lib/probe/elapsed.ts";
import { ping } from "../../lib/probe/io/ping-run.ts";
import { loadSpreadConf } from "../../lib/probe/io/spread-conf-file.ts";
import { StatusClient } from "../../lib/probe/io/status-client.ts";
import { probeGroup } from "../../lib/probe/probe-group.ts";
import { concernsOf } from "../../lib/probe/status-answer.ts";
import { SpreadConfError } from "../../lib/spread/spread-conf.ts";
import { DAEMON_FLAGS, daemonOptions } from "./daemon.ts";
import { wholeNumber } from "./figures.ts";

const FLAGS = {
  ...DAEMON_FLAGS,
  warning: {
    type: "value",
    short: "w",
    hint: "DURATION",
    about: "warn from this median round trip on",
    read: parseDuration,
    default: "100ms",
  },
  critical: {
    type: "value",
    short: "c",
    hint: "DURATION",
    about: "critical from this one on",
    read: parseDuration,
    default: "1s",
  },
  timeout: {
    type: "value",
    short: "t",
    hint: "DURATION",
    about: "all of it in this time, or it is critical",
    read: parseDuration,
    default: "10s",
  },
  count: { type: "value", short: "n", hint: "N", about: "round trips", read: wholeNumber(1, 10_000), default: "5" },
  conf: {
    type: "value",
    short: "f",
    hint: "FILE",
    about: "also ask all daemons of this spread.conf: silent ones and a ring in parts are critical",
  },
  "daemons-warning": {
    type: "value",
    hint: "N",
    about: "with --conf: warn where fewer daemons are in the ring",
    read: wholeNumber(1, 128),
  },
  "daemons-critical": {
    type: "value",
    hint: "N",
    about: "with --conf: critical where fewer are",
    read: wholeNumber(1, 128),
  },
  openmetrics: { type: "switch", about: "print OpenMetrics text instead" },
} as const;

export const checkCommand = defineCommand({
  name: "check",
  summary: "for Nagios and Icinga: is the group communication there, and fast enough?",
  about:
    "Connects, sends messages through a group of its own and waits for each. One line with performance data, and a status that a monitor understands.",
  examples: [
    { line: "spread-probe check", about: "the daemon of this host, warning from 100 ms, critical from 1 s" },
    { line: "spread-probe check -s 4803@node1 -w 5ms -c 50ms", about: "another daemon, and what is slow here" },
    {
      line: "spread-probe check --conf /etc/spread.conf --daemons-warning 3 --daemons-critical 2",
      about: "and how many daemons its ring must have",
    },
  ],
  flags: FLAGS,
  sections: [
    {
      title: "Exit status",
      text: "0 OK; 1 WARNING; 2 CRITICAL: no daemon, a lost or slow round trip, daemons silent or in parts; 3 UNKNOWN: the check itself could not be made.",
    },
  ],
  json: true,
  isCheck: true,
  async run(call) {
    const { warning: warningMs = 100, critical: criticalMs = 1_000 } = call.flags;
    const daemonsWarning = call.flags["daemons-warning"] ?? 0;
    const daemonsCritical = call.flags["daemons-critical"] ?? 0;
    const contradiction =
      warningMs > criticalMs ? `--warning (${warningMs} ms) is above --critical (${criticalMs} ms)` : undefined;
    const found = contradiction === undefined ? await observe(call) : { ...NOTHING, unknown: contradiction };
    const verdict = judge(found, { warningMs, criticalMs, daemonsWarning, daemonsCritical });
    if (call.json) await call.printJson({ ...verdict, ...found });
    else if (call.flags.openmetrics) await call.out.write(openMetrics("spread_check", checkSamples(found, verdict)));
    else await call.out.write(`${nagiosLine(verdict)}\n`);
    return verdict.status;
  },
});

const NOTHING: Observation = {
  failure: undefined,
  unknown: undefined,
  server: "",
  version: "",
  connectMs: undefined,
  roundTripMs: undefined,
  sent: 0,
  lost: 0,
  daemons: undefined,
};

/** Faults of the daemon are what is checked; those of the command line, the configuration and this host are "unknown". */
async function observe(call: Call<typeof FLAGS>): Promise<Observation> {
  try {
    const daemons = call.flags.conf === undefined ? undefined : await askDaemons(call.flags.conf);
    return { ...(await roundTrips(call)), daemons };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...NOTHING, unknown: error.message };
  }
}

async function roundTrips(call: Call<typeof FLAGS>): Promise<Observation> {
  const timeoutMs = call.flags.timeout ?? 10_000;
  const options = daemonOptions(call, call.flags.spread); // what is wrong with the configuration is not the daemon's fault
  const { promise, resolve } = Promise.withResolvers<Observation>();
  const timer = setTimeout(() => resolve({ ...NOTHING, failure: `no answer within ${timeoutMs} ms` }), timeoutMs);
  const observation = await Promise.race([
    promise,
    pingOnce({ ...options, connectTimeoutMs: Math.min(options.connectTimeoutMs, timeoutMs) }, call),
  ]);
  clearTimeout(timer);
  return observation;
}

async function pingOnce(options: ReturnType<typeof daemonOptions>, call: Call<typeof FLAGS>): Promise<Observation> {
  const plan = {
    group: probeGroup("check", Math.random),
    count: call.flags.count ?? 5,
    intervalMs: 1,
    bytes: 100,
    service: "agreed",
    timeoutMs: 3_000,
  } as const;
  const startedMs = performance.now();
  let connectMs: number | undefined;
  try {
    const result = await ping(options, plan, call.stop, (_sequence, elapsedNs) => {
      connectMs ??= performance.now() - startedMs - (elapsedNs ?? 0) / NS_PER_MS;
    });
    const { server, version, sent, lost, histogram } = result;
    const roundTripMs = histogram.count === 0 ? undefined : histogram.percentileNs(50) / NS_PER_MS;
    return { ...NOTHING, server, version, connectMs, roundTripMs, sent, lost };
  } catch (error) {
    if (error instanceof Fault) return { ...NOTHING, failure: error.message };
    throw error;
  }
}

async function askDaemons(path: string): Promise<Observation["daemons"]> {
  const { file, reading } = await loadSpreadConf({ path, lookUp: true });
  const [first, ...others] = reading.errors;
  if (first !== undefined) throw new SpreadConfError(file, first, others);
  using client = await StatusClient.open(reading.conf, {
    as: undefined,
    only: [],
    timeoutMs: 1_000,
    dialect: undefined,
  });
  const answers = await client.ask();
  return { answers, concerns: concernsOf(answers) };
}
