// A histogram for the terminal: one row a step of time, steps that grow by a constant factor, a bar by the share of values.
import { formatElapsed } from "./elapsed.ts";
import type { Histogram } from "./histogram.ts";

const ROWS_MAX = 16;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

export interface ChartRow {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
}

/** Values by rows of equal factor; the last tenths of a percent are not lost: the last row reaches to the largest value. */
export function chartRows(histogram: Histogram, rowsMax = ROWS_MAX): readonly ChartRow[] {
  const buckets = histogram.buckets();
  if (buckets.length === 0) return [];
  const low = Math.max(1, buckets[0]!.fromNs);
  const high = Math.max(low + 1, buckets.at(-1)!.toNs + 1);
  const rows = Math.max(1, Math.min(rowsMax, Math.ceil(Math.log(high / low) / Math.log(1.1))));
  const factor = (high / low) ** (1 / rows);
  const edges = Array.from({ length: rows + 1 }, (_, row) => low * factor ** row);
  const counts = new Array<number>(rows).fill(0);
  for (const { fromNs, toNs, count } of buckets) {
    const middle = (fromNs + toNs) / 2;
    const row = middle <= low ? 0 : Math.min(rows - 1, Math.floor(Math.log(middle / low) / Math.log(factor)));
    counts[row]! += count;
  }
  return counts.map((count, row) => ({ fromNs: edges[row]!, toNs: edges[row + 1]!, count }));
}

/** Lines such as "≤ 78.1 µs  ████████▌                 41.2 %", at most `columns` wide: the share of values up to there, from the row above. */
export function drawHistogram(histogram: Histogram, columns: number): readonly string[] {
  const rows = chartRows(histogram);
  const most = Math.max(1, ...rows.map((row) => row.count));
  const label = 10;
  const share = 8;
  const width = Math.max(8, Math.min(60, columns - label - share - 4));
  return rows.map(({ toNs, count }) => {
    const bar = drawBar((count / most) * width);
    const percent = `${((100 * count) / histogram.count).toFixed(1)} %`;
    return `${`≤ ${formatElapsed(toNs)}`.padStart(label)}  ${bar.padEnd(width)}  ${count === 0 ? "" : percent.padStart(share)}`.trimEnd();
  });
}

/** A bar of `cells` cells, in eighths; something that is not nothing shows. */
export function drawBar(cells: number): string {
  const eighths = cells > 0 ? Math.max(1, Math.round(cells * 8)) : 0;
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}
