import { parseDuration } from "../../lib/base/duration.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { formatElapsed } from "../../lib/probe/elapsed.ts";
import { ping } from "../../lib/probe/io/ping-run.ts";
import { progressLine } from "../../lib/probe/io/progress-line.ts";
import { pingJson, pingReport } from "../../lib/probe/ping-report.ts";
import { probeGroup } from "../../lib/probe/probe-group.ts";
import { parseGroupName } from "../../lib/spread/names.ts";
import { SERVICE_TYPES } from "../../lib/spread/service.ts";
import { DAEMON_FLAGS, daemonOptions } from "./daemon.ts";
import { bodySize, wholeNumber } from "./figures.ts";

const DEFAULT_COUNT = 200;

export const pingCommand = defineCommand({
  name: "ping",
  summary: "the round trip of a message through a group, with a histogram",
  about:
    "Joins a group of its own, sends it one message at a time and waits until it comes back in the order of all messages: the way that every message of the " +
    "group goes, through the daemon and, where there are several, the ring.",
  examples: [
    { line: "spread-probe ping", about: "200 round trips, 10 ms apart" },
    { line: "spread-probe ping --count 100000 --interval 0", about: "back to back" },
    {
      line: "spread-probe ping --service safe --spread 4803@node1",
      about: "until every daemon of the ring has each message",
    },
  ],
  flags: {
    ...DAEMON_FLAGS,
    count: {
      type: "value",
      short: "n",
      hint: "N",
      about: "how many",
      read: wholeNumber(1, 1e9),
      default: String(DEFAULT_COUNT),
    },
    interval: {
      type: "value",
      short: "i",
      hint: "DURATION",
      about: "wait so long behind each",
      read: parseDuration,
      default: "10ms",
    },
    size: { type: "value", hint: "BYTES", about: "size of the body", read: bodySize, default: "100" },
    service: { type: "value", hint: "TYPE", about: "service type", choices: SERVICE_TYPES, default: "agreed" },
    timeout: {
      type: "value",
      hint: "DURATION",
      about: "a round trip that takes longer is lost",
      read: parseDuration,
      default: "5s",
    },
    group: { type: "value", hint: "GROUP", about: "another group; its members get our messages", read: parseGroupName },
    each: { type: "switch", about: "print every round trip" },
  },
  sections: [{ title: "Exit status", text: "0 every message came back; 69 one was lost, or there is no daemon." }],
  json: true,
  async run(call) {
    const {
      count = DEFAULT_COUNT,
      interval: intervalMs = 10,
      size: bytes = 100,
      service = "agreed",
      timeout: timeoutMs = 5_000,
    } = call.flags;
    const plan = {
      group: call.flags.group ?? probeGroup("ping", Math.random),
      count,
      intervalMs,
      bytes,
      service,
      timeoutMs,
    };
    using progress = progressLine(!call.json && !call.flags.each);
    const result = await ping(daemonOptions(call, call.flags.spread), plan, call.stop, async (sequence, elapsedNs) => {
      progress.show(() => [(sequence + 1) / count, `${sequence + 1} of ${count}`]);
      if (!call.flags.each) return;
      if (call.json) await call.printJson({ sequence, elapsedNs: elapsedNs ?? null });
      else await call.out.write(`${sequence}: ${elapsedNs === undefined ? "lost" : formatElapsed(elapsedNs)}\n`);
    });
    progress.clear();
    if (call.json) await call.printJson(pingJson(result));
    else await call.out.write(`${pingReport(result, styleFor(call.out.colour), call.out.columns).join("\n")}\n`);
    return result.lost > 0 ? exitCodeOf("unavailable") : 0;
  },
});
