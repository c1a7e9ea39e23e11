// What a run of pings showed, for people and for programs.
import type { Style } from "../cli/style.ts";
import type { ServiceType } from "../spread/service.ts";
import { formatElapsed } from "./elapsed.ts";
import type { Histogram } from "./histogram.ts";
import { drawHistogram } from "./histogram-chart.ts";

export interface PingResult {
  readonly server: string;
  readonly version: string;
  readonly service: ServiceType;
  readonly bytes: number;
  readonly sent: number;
  /** Never came. */
  readonly lost: number;
  /** Came after its time-out; not in the histogram. */
  readonly late: number;
  readonly histogram: Histogram;
}

const PERCENTILES = [50, 90, 99, 99.9] as const;

/** "min 61 µs, median 78 µs, ..." */
export function latencyLine(histogram: Histogram): string {
  const { minNs, maxNs, meanNs } = histogram;
  const figures: readonly (readonly [string, number])[] = [
    ["min", minNs],
    ["median", histogram.percentileNs(50)],
    ["mean", meanNs],
    ["p99", histogram.percentileNs(99)],
    ["p99.9", histogram.percentileNs(99.9)],
    ["max", maxNs],
  ];
  return figures.map(([name, ns]) => `${name} ${formatElapsed(ns)}`).join(", ");
}

/** The same in nanoseconds, with the buckets. */
export function latencyJson(histogram: Histogram) {
  const percentiles = Object.fromEntries(
    PERCENTILES.map((percent) => [`p${String(percent).replace(".", "_")}`, histogram.percentileNs(percent)]),
  );
  return {
    count: histogram.count,
    min: histogram.minNs,
    mean: Math.round(histogram.meanNs),
    ...percentiles,
    max: histogram.maxNs,
  };
}

export function pingReport(result: PingResult, style: Style, columns: number): readonly string[] {
  const { server, version, service, bytes, sent, lost, late, histogram } = result;
  const losses = [
    lost > 0 ? style.bad(`${lost} lost`) : "none lost",
    ...(late > 0 ? [style.warning(`${late} late`)] : []),
  ].join(", ");
  const head = `${style.heading(server)} (Spread ${version}): ${sent} ${service} messages of ${bytes} bytes, ${losses}`;
  if (histogram.count === 0) return [head];
  return [head, latencyLine(histogram), "", ...drawHistogram(histogram, columns)];
}

export function pingJson(result: PingResult) {
  const { histogram, ...rest } = result;
  return { ...rest, roundTripNs: latencyJson(histogram), buckets: histogram.buckets() };
}
