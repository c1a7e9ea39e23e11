// What a bench has shown: speed, latency, loss, order, and what it cost. Pure.
import type { Style } from "../cli/style.ts";
import { type Column, textTable } from "../cli/text-table.ts";
import type { ServiceType } from "../spread/service.ts";
import type { BenchPlan } from "./bench-plan.ts";
import { lostOf, type TallyResult } from "./bench-tally.ts";
import { formatCount, formatElapsed } from "./elapsed.ts";
import { Histogram, type HistogramParts } from "./histogram.ts";
import { latencyJson } from "./ping-report.ts";

/** One sender's part. Times are the host's monotonic clock. */
export interface SenderOutcome {
  readonly sent: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly cpuMs: number;
  readonly server: string;
  readonly version: string;
  /** Why it ended early. */
  readonly failed: string | undefined;
}

export interface ReceiverOutcome {
  readonly tally: TallyResult;
  readonly latency: HistogramParts;
  readonly lastMs: number;
  readonly cpuMs: number;
  readonly failed: string | undefined;
}

/** One row: one size of message. */
export interface BenchResult {
  readonly server: string;
  readonly version: string;
  readonly bytes: number;
  readonly service: ServiceType;
  readonly senders: number;
  readonly receivers: number;
  readonly window: number;
  readonly seconds: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** Of bodies: 10^6 bytes. */
  readonly megabytesPerSecond: number;
  /** Messages times receivers. */
  readonly deliveriesPerSecond: number;
  /** Over all receivers. */
  readonly lost: number;
  readonly late: number;
  readonly twice: number;
  /** Whether all receivers saw one order of all messages; `undefined` with fewer than two, or where something was lost. */
  readonly sameOrder: boolean | undefined;
  readonly latency: Histogram;
  /** Processor time for a million messages: of all senders; with all parties in one process, of that process. */
  readonly senderCpuSecondsPerMillion: number;
  /** Of one receiver; told only where it has a process of its own. */
  readonly receiverCpuSecondsPerMillion: number | undefined;
  readonly failed: readonly string[];
}

export function benchResult(
  plan: BenchPlan,
  senders: readonly SenderOutcome[],
  receivers: readonly ReceiverOutcome[],
  processes: boolean,
): BenchResult {
  const sent = senders.map((sender) => sender.sent);
  const messages = sum(sent);
  const firstMs = Math.min(...senders.map((sender) => sender.firstMs));
  const lastMs = Math.max(...(receivers.length > 0 ? receivers : senders).map(({ lastMs: at }) => at));
  const seconds = Math.max(1e-6, (lastMs - firstMs) / 1_000);
  const latency = new Histogram();
  for (const receiver of receivers) latency.addParts(receiver.latency);
  const lost = sum(receivers.map(({ tally }) => lostOf(tally, sent)));
  const perMillion = (cpuMs: number) => (messages === 0 ? 0 : (cpuMs * 1_000) / messages);
  const senderCpuMs = senders.map(({ cpuMs }) => cpuMs);
  const receiverCpuMs = receivers.map(({ cpuMs }) => cpuMs);
  return {
    server: senders[0]?.server ?? "",
    version: senders[0]?.version ?? "",
    bytes: plan.bytes,
    service: plan.service,
    senders: plan.senders,
    receivers: plan.receivers,
    window: plan.window,
    seconds,
    messages,
    messagesPerSecond: messages / seconds,
    megabytesPerSecond: (messages * plan.bytes) / seconds / 1e6,
    deliveriesPerSecond: sum(receivers.map(({ tally }) => tally.received)) / seconds,
    lost,
    late: sum(receivers.map(({ tally }) => tally.late)),
    twice: sum(receivers.map(({ tally }) => tally.twice)),
    sameOrder:
      receivers.length < 2 || lost > 0
        ? undefined
        : receivers.every(({ tally }) => tally.order === receivers[0]!.tally.order),
    latency,
    senderCpuSecondsPerMillion: perMillion(processes ? sum(senderCpuMs) : Math.max(0, ...senderCpuMs)),
    receiverCpuSecondsPerMillion:
      processes && receivers.length > 0 ? perMillion(sum(receiverCpuMs)) / receivers.length : undefined,
    failed: [...senders, ...receivers].flatMap(({ failed }) => failed ?? []),
  };
}

export function benchJson({ latency, ...rest }: BenchResult) {
  return { ...rest, latencyNs: latencyJson(latency) };
}

const right = (title: string): Column => ({ title, align: "right" });
const COLUMNS: readonly Column[] = [
  "BYTES",
  "MESSAGES",
  "SECONDS",
  "MSG/S",
  "MB/S",
  "MEDIAN",
  "P99",
  "MAX",
  "LOST",
  "LATE",
  "CPU S/M",
].map(right);

/** A row a size, then what is wrong, if anything is. */
export function benchReport(results: readonly BenchResult[], style: Style): readonly string[] {
  const [first] = results;
  if (first === undefined) return [];
  const head = `${style.heading(first.server)} (Spread ${first.version}): ${first.senders} to ${first.receivers}, ${first.service}, window ${first.window === 0 ? "none" : first.window}`;
  return [
    head,
    ...textTable(COLUMNS, results.map(cells), style.faint),
    ...results.flatMap((result) => troubles(result, style)),
  ];
}

function cells(result: BenchResult): readonly string[] {
  const { latency, receivers } = result;
  const time = (ns: number) => (receivers === 0 ? "-" : formatElapsed(ns));
  const receiverCpu = result.receiverCpuSecondsPerMillion;
  return [
    ...[
      String(result.bytes),
      String(result.messages),
      result.seconds.toFixed(2),
      formatCount(result.messagesPerSecond),
      result.megabytesPerSecond.toFixed(1),
    ],
    ...[
      time(latency.percentileNs(50)),
      time(latency.percentileNs(99)),
      time(latency.maxNs),
      String(result.lost),
      String(result.late),
    ],
    `${result.senderCpuSecondsPerMillion.toFixed(2)}${receiverCpu === undefined ? "" : ` + ${receiverCpu.toFixed(2)}`}`,
  ];
}

function troubles(result: BenchResult, style: Style): readonly string[] {
  const lines = result.failed.map((reason) => style.bad(`${result.bytes} bytes: ${reason}`));
  if (result.sameOrder === false)
    lines.push(
      style.bad(
        `${result.bytes} bytes: the receivers saw different orders${result.service === "agreed" || result.service === "safe" ? "" : `, which ${result.service} allows`}`,
      ),
    );
  if (result.twice > 0) lines.push(style.bad(`${result.bytes} bytes: ${result.twice} messages came twice`));
  return lines;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
