// Acknowledged delivery over a simulated group service: random histories in which senders, recorders and the daemon die and disks are full. `ACK_SEEDS=20000` runs more,
// `ACK_FROM=4711 ACK_SEEDS=1` one. A failing seed prints its story, shrunk to the faults that matter.
import { expect, test } from "bun:test";
import { drawHistory, runHistory, shrink, tellStory } from "./acks/history.ts";

const from = Number(process.env["ACK_FROM"] ?? "1");
const seeds = Number(process.env["ACK_SEEDS"] ?? "15");

test(`in no history of seeds ${from} to ${from + seeds - 1} is an accepted record not on as many hosts as asked for, or in an archive twice`, () => {
  for (let seed = from; seed < from + seeds; seed++) {
    const history = drawHistory(seed);
    if (runHistory(history) !== undefined) throw new Error(tellStory(shrink(history)));
  }
}, 600_000);

test("a seed always means the same history", () => {
  const run = () => {
    const lines: string[] = [];
    runHistory(drawHistory(7), (line) => lines.push(line));
    return lines;
  };
  expect(run()).toEqual(run());
  expect(run().length).toBeGreaterThan(0);
});
