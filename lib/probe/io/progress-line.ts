// One line on stderr that shows how far it is: only on a terminal, drawn at most ten times a second, gone at the end.
import { drawBar } from "../histogram-chart.ts";

const REDRAW_MS = 100;
const BAR_CELLS = 30;

export interface ProgressLine extends Disposable {
  /** @param draw gives how far it is, 0 to 1, and a text; called only where it is drawn */
  show(draw: () => readonly [part: number, text: string]): void;
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
    show(draw) {
      if (!draws) return;
      const now = performance.now();
      if (now - drawnMs < REDRAW_MS) return;
      drawnMs = now;
      const [part, text] = draw();
      const bar = drawBar(Math.max(0, Math.min(1, part)) * BAR_CELLS);
      stream.write(`\r${bar.padEnd(BAR_CELLS)} ${text}\x1b[K`);
    },
    clear,
    [Symbol.dispose]: clear,
  };
}
