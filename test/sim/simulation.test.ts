// Random histories, as many as the everyday run has time for. `SIM_SEEDS=200` runs fewer, `SIM_FROM=4711 SIM_SEEDS=1` one; `scripts/sim` runs any number. A failing
// seed prints its story, shrunk to the faults that matter.
import { expect, test } from "bun:test";
import { drawHistory, runHistory, shrink, tellStory } from "./history.ts";

const from = Number(process.env["SIM_FROM"] ?? "1");
const seeds = Number(process.env["SIM_SEEDS"] ?? "10000");
const CHUNK = 500;

for (let first = from; first < from + seeds; first += CHUNK) {
  const last = Math.min(first + CHUNK, from + seeds) - 1;
  test(`no history of seeds ${first} to ${last} breaks an invariant`, () => {
    for (let seed = first; seed <= last; seed++) {
      const history = drawHistory(seed, optionsOf(seed));
      if (runHistory(history) !== undefined) throw new Error(tellStory(shrink(history)));
    }
  });
}

test("a seed always means the same history", () => {
  const run = () => {
    const lines: string[] = [];
    runHistory(drawHistory(7), (line) => lines.push(line));
    return lines;
  };
  expect(run()).toEqual(run());
  expect(run().length).toBeGreaterThan(100);
});

/** Every thirtieth has maintenance in it, every two hundredth is a long one: a minute and more. */
function optionsOf(seed: number) {
  return { maintenance: seed % 30 === 0, length: seed % 200 === 0 ? 12 : 1 };
}
