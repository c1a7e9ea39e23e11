// One line on stderr that shows how far it is: only on a terminal, drawn at most ten times a second, gone at the end.
import { drawBar } from "../histogram-chart.ts";

const REDRAW_MS = 100;
const BAR_CELLS = 30;

export interface ProgressLine extends Disposable {
  /** @param part 0 to 1; `undefined` where nobody knows */
  show(part: number | undefined, text: string): void;
  clear(): void;
}

/** @param wanted whether the command wants one at all: not with `--json` */
export function progressLine(wanted: boolean): ProgressLine {
  const stream = process.stderr;
  const draws = wanted && stream.isTTY === true && process.env["TERM"] !== "dumb";
  let drawnMs = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (drawnMs !== Number.NEGATIVE_INFINITY) stream.write("\r\x1b[K");
    drawnMs = Number.NEGATIVE_INFINITY;
  };
  return {
    show(part, text) {
      if (!draws) return;
      const now = performance.now();
      if (now - drawnMs < REDRAW_MS) return;
      drawnMs = now;
      const bar = part === undefined ? "" : `${drawBar(part * BAR_CELLS).padEnd(BAR_CELLS)} `;
      stream.write(`\r${bar}${text}\x1b[K`);
    },
    clear,
    [Symbol.dispose]: clear,
  };
}
