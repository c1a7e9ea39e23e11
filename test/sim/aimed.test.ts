// Aimed histories, as many as the everyday run has time for: `scripts/sim --aimed` runs any number.
import { test } from "bun:test";
import { drawAimedHistory, PROFILES } from "./aimed.ts";
import { runHistory, shrink, tellStory } from "./history.ts";

const SEEDS_EACH = 30;

for (const { name } of PROFILES)
  test(`no history aimed at ${name} breaks an invariant`, () => {
    for (let seed = 1; seed <= SEEDS_EACH; seed++) {
      const history = drawAimedHistory(seed, { profile: name });
      if (runHistory(history) !== undefined) throw new Error(tellStory(shrink(history)));
    }
  });
