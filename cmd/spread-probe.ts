import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { benchCommand } from "./spread-probe/bench.ts";
import { checkCommand } from "./spread-probe/check.ts";
import { connectCommand } from "./spread-probe/connect.ts";
import { dumpCommand } from "./spread-probe/dump.ts";
import { lintCommand } from "./spread-probe/lint.ts";
import { pingCommand } from "./spread-probe/ping.ts";
import { statusCommand } from "./spread-probe/status.ts";
import { watchCommand } from "./spread-probe/watch.ts";

export const spreadProbeCommand: AnyCommand = defineCommand({
  name: "spread-probe",
  summary: "is my group communication healthy, and how fast? Connect, ping, bench, watch, status, check",
  examples: [
    { line: "spread-probe connect", about: "which daemon answers here, and how long each step takes" },
    { line: "spread-probe ping", about: "the round trip through a group, with a histogram" },
    {
      line: "spread-probe lint /etc/spread.conf",
      about: "mistakes in the real daemon's configuration, and what it means",
    },
  ],
  commands: [
    connectCommand,
    pingCommand,
    benchCommand,
    watchCommand,
    statusCommand,
    checkCommand,
    lintCommand,
    dumpCommand,
  ],
});
