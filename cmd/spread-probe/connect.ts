import { parseDuration } from "../../lib/base/duration.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { type Style, styleFor } from "../../lib/cli/style.ts";
import { formatElapsed } from "../../lib/probe/elapsed.ts";
import {
  CONNECT_STEPS,
  type ConnectReport,
  type ConnectTry,
  connectSteps,
  totalMs,
} from "../../lib/probe/io/connect-steps.ts";
import { probeGroup } from "../../lib/probe/probe-group.ts";
import { parseServer, type Server } from "../../lib/spread/server.ts";
import { DAEMON_FLAGS, daemonOptions, NAME_FLAG } from "./daemon.ts";

export const connectCommand = defineCommand({
  name: "connect",
  summary: "which daemon answers, its version, and how long each step takes",
  about:
    "Goes through all that a client goes through: socket, handshake, a join (to a group of its own) and its view, which only comes from a daemon whose ring " +
    "stands. Tries the daemons given, every one of them; else those of the configuration, until one answers.",
  examples: [
    { line: "spread-probe connect", about: "the daemon of this host" },
    { line: "spread-probe connect 4803@node1 4803@node2 4803@node3", about: "every daemon of a cluster" },
    { line: "spread-probe connect unix:/tmp/4803 --json", about: "for programs: steps in nanoseconds" },
  ],
  positionals: [{ name: "DAEMON", about: 'such as "4803@host" or "unix:/path"', many: true }],
  flags: {
    ...DAEMON_FLAGS,
    name: NAME_FLAG,
    timeout: {
      type: "value",
      hint: "DURATION",
      about: "how long one daemon may take in all",
      read: parseDuration,
      default: "5s",
    },
  },
  sections: [
    {
      title: "Exit status",
      text: "0 every daemon named answered (of the configuration's: one did); otherwise by the first error, 69 where nobody listens.",
    },
  ],
  json: true,
  async run(call) {
    const named = call.positionals.map(parseServer);
    const { servers, name, connectTimeoutMs, tls } = daemonOptions(call, call.flags.spread);
    const attempt = {
      name: call.flags.name ?? name,
      group: probeGroup("connect", Math.random),
      timeoutMs: call.flags.timeout ?? connectTimeoutMs,
      tls,
    };
    const style = styleFor(call.out.colour);
    let failed: ConnectReport["failed"];
    for (const server of named.length > 0 ? named : servers) {
      const report = await tryOne(call, server, attempt, style);
      if (report.failed === undefined && named.length === 0) return 0;
      failed ??= report.failed;
      if (call.stop.aborted) break;
    }
    return failed === undefined ? 0 : exitCodeOf(failed.error.kind);
  },
});

async function tryOne(
  call: Pick<Call<Record<never, never>>, "json" | "printJson" | "out">,
  server: Server,
  attempt: ConnectTry,
  style: Style,
) {
  const report = await connectSteps(server, attempt);
  if (call.json) await call.printJson(jsonOf(report));
  else await call.out.write(`${linesOf(report, style).join("\n")}\n`);
  return report;
}

function linesOf(report: ConnectReport, style: Style): readonly string[] {
  const { failed, version, privateGroup } = report;
  const head =
    failed === undefined
      ? `${style.good("answers")}: Spread ${version}, we are ${privateGroup}, ${formatElapsed(totalMs(report) * 1e6)} in all`
      : style.bad("fails");
  const steps = report.steps.map(
    ({ step, elapsedNs }) =>
      `  ${step.padEnd(8)}${formatElapsed(elapsedNs).padStart(9)}  ${style.faint(CONNECT_STEPS[step])}`,
  );
  return [
    `${style.heading(report.server)} ${head}`,
    ...steps,
    ...(failed === undefined ? [] : [`  ${failed.step.padEnd(8)}${"-".padStart(9)}  ${failed.error.message}`]),
  ];
}

function jsonOf(report: ConnectReport) {
  const { failed, ...rest } = report;
  return {
    ...rest,
    ok: failed === undefined,
    ...(failed === undefined
      ? {}
      : { failed: { step: failed.step, code: failed.error.code, message: failed.error.message } }),
  };
}
