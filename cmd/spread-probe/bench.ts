import { parseDuration } from "../../lib/base/duration.ts";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { type BenchPlan, DEFAULT_WINDOW } from "../../lib/probe/bench-plan.ts";
import { type BenchResult, benchJson, benchReport } from "../../lib/probe/bench-result.ts";
import { formatCount } from "../../lib/probe/elapsed.ts";
import { drawHistogram } from "../../lib/probe/histogram-chart.ts";
import { bench } from "../../lib/probe/io/bench.ts";
import { benchWorker } from "../../lib/probe/io/bench-process.ts";
import { progressLine } from "../../lib/probe/io/progress-line.ts";
import { latencyLine } from "../../lib/probe/ping-report.ts";
import { probeGroup } from "../../lib/probe/probe-group.ts";
import { SERVICE_TYPES } from "../../lib/spread/service.ts";
import { DAEMON_FLAGS, daemonOptions } from "./daemon.ts";
import { bodySize, wholeNumber } from "./figures.ts";

const DEFAULT_SECONDS_MS = 3_000;

export const benchCommand = defineCommand({
  name: "bench",
  summary: "how fast: messages a second, latency, and whether all came and in order",
  about:
    "Senders send to a group of the bench's own, receivers count: every message is numbered, so what is lost, late or twice is told, and with several receivers " +
    "whether all saw one order. A window keeps senders from running away from the readers, which a real daemon would throw out.\n\n" +
    "Each --size is a run of its own. With --processes every party is a process, as real programs are; the processor time is then told apart.",
  examples: [
    { line: "spread-probe bench", about: "one sender, one receiver, 3 seconds of 1,000 bytes" },
    {
      line: "spread-probe bench --size 100 --size 1000 --size 10000 --processes",
      about: "three sizes, to be set beside spflooder",
    },
    {
      line: "spread-probe bench --senders 3 --receivers 5 --count 100000 --service safe --json",
      about: "for programs",
    },
  ],
  flags: {
    ...DAEMON_FLAGS,
    senders: { type: "value", hint: "N", about: "how many send", read: wholeNumber(1, 1_000), default: "1" },
    receivers: {
      type: "value",
      hint: "N",
      about: "how many receive; 0 measures sending alone",
      read: wholeNumber(0, 1_000),
      default: "1",
    },
    size: {
      type: "list",
      hint: "BYTES",
      about: "size of the body, a run for each",
      read: bodySize,
      default: "1000",
    },
    service: { type: "value", hint: "TYPE", about: "service type", choices: SERVICE_TYPES, default: "agreed" },
    count: { type: "value", short: "n", hint: "N", about: "messages of each sender", read: wholeNumber(1, 1e12) },
    time: {
      type: "value",
      hint: "DURATION",
      about: "how long they send, where no --count says how many",
      read: parseDuration,
      default: "3s",
    },
    window: {
      type: "value",
      hint: "N",
      about: "messages on the way at most; 0: as fast as the daemon reads",
      read: wholeNumber(0, 1e9),
      default: String(DEFAULT_WINDOW),
    },
    processes: { type: "switch", about: "a process for each sender and receiver" },
    histogram: { type: "switch", about: "draw the latencies of each run" },
    worker: { type: "switch", about: "be one of those processes (for the bench itself)" },
  },
  sections: [
    {
      title: "Exit status",
      text: "0 all messages came; 69 some did not, a reader was thrown out, or there is no daemon.",
    },
  ],
  json: true,
  async run(call) {
    if (call.flags.worker) {
      await benchWorker();
      return 0;
    }
    const { count, time, senders = 1, receivers = 1, service = "agreed", window = DEFAULT_WINDOW } = call.flags;
    if (count !== undefined && time !== undefined)
      throw new Fault("usage", "contradicts", "cannot use --count together with --time: either ends the run");
    const { servers } = daemonOptions(call, call.flags.spread);
    const results: BenchResult[] = [];
    for (const bytes of call.flags.size.length > 0 ? call.flags.size : [1_000]) {
      if (call.stop.aborted) break;
      const plan: BenchPlan = {
        ...{ senders, receivers, bytes, service, window },
        group: probeGroup("bench", Math.random),
        messages: count ?? Number.POSITIVE_INFINITY,
        durationMs: count === undefined ? (time ?? DEFAULT_SECONDS_MS) : Number.POSITIVE_INFINITY,
        run: Math.floor(Math.random() * 2 ** 32),
      };
      using progress = progressLine(!call.json);
      const started = performance.now();
      const onProgress = (received: number) =>
        progress.show(() => {
          const elapsedMs = performance.now() - started;
          const part = count === undefined ? elapsedMs / plan.durationMs : received / (count * senders);
          return [part, `${bytes} bytes  ${formatCount((1_000 * received) / elapsedMs)} msg/s`];
        });
      const result = await bench(plan, {
        session: { servers },
        processes: call.flags.processes,
        stop: call.stop,
        onProgress,
      });
      results.push(result);
      if (call.json) await call.printJson(benchJson(result));
    }
    if (!call.json) await call.out.write(`${linesOf(results, call.flags.histogram, call.out).join("\n")}\n`);
    return results.some(({ lost, failed }) => lost > 0 || failed.length > 0) ? exitCodeOf("unavailable") : 0;
  },
});

function linesOf(
  results: readonly BenchResult[],
  draws: boolean,
  { colour, columns }: { readonly colour: boolean; readonly columns: number },
): readonly string[] {
  const style = styleFor(colour);
  const charts = draws
    ? results.flatMap((result) => [
        "",
        style.heading(`${result.bytes} bytes: `) + latencyLine(result.latency),
        ...drawHistogram(result.latency, columns),
      ])
    : [];
  return [...benchReport(results, style), ...charts];
}
