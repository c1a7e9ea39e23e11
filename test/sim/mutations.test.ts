// Each rule of the model broken on purpose, one at a time: random histories must find it. Rules that chance takes too long to find are found by their named story
// (stories.test.ts, maintenance.test.ts); those of which neither shows the need are listed, so that the list can't grow unseen.
import { expect, test } from "bun:test";
import { ALL_RULES, type Rules } from "../../lib/mole/rules.ts";
import { drawHistory, EXCEPTION, runHistory } from "./history.ts";

/** Within so many seeds from 1. */
const FOUND_BY_CHANCE: Partial<Record<keyof Rules, number>> = {
  mayHoldSet: 100,
  asksAgain: 400,
  freshBeats: 100,
  waitForExpelled: 100,
  waitForDeparted: 100,
  replay: 100,
  silenceOutlivesJoins: 100,
  silentAreExpelled: 100,
  announceAfterMerge: 100,
  setsByAddress: 600,
};
const FOUND_BY_STORY: readonly (keyof Rules)[] = [
  "numbers",
  "ownerlessBurst",
  "knowledge",
  "backedByMajority",
  "liftsWhenKnown",
  "remembersTheUnreturned",
  "saysWhatIsOnDisk",
  "listsByStep",
  "longerWhenTold",
  "unknownHoldsAll",
  "quietGetsNothing", // together with the next
  "falteringIsLast",
  "factsInAnyView",
  "freshWaitForTheLive",
  "untoldMayTell",
  "losersYield",
  "ownersPutBack",
  "remembersTheAbsent",
  "unleasedByMerge",
  "keptKeepsNobodyElse",
  "strangersAreGivenUp",
];
/** Kept for their reasons: a stale `move` is stopped by the number it names as well, and who is expelled for nothing is back in a moment. */
const NOT_SHOWN: readonly (keyof Rules)[] = ["decisionsOfTheView", "voidExpel"];

for (const [rule, seeds] of Object.entries(FOUND_BY_CHANCE)) {
  test(`without the rule "${rule}" one of ${seeds} histories goes wrong`, () => {
    const breaks = (seed: number) => {
      const invariant = runHistory(drawHistory(seed, { rules: { [rule]: false } }))?.invariant;
      expect(invariant).not.toBe(EXCEPTION);
      return invariant !== undefined;
    };
    expect(Array.from({ length: seeds }, (_, at) => at + 1).some(breaks)).toBe(true);
  });
}

test("every rule that can be broken is in one of the lists", () => {
  const listed = [...Object.keys(FOUND_BY_CHANCE), ...FOUND_BY_STORY, ...NOT_SHOWN].sort();
  expect(listed).toEqual(Object.keys(ALL_RULES).sort());
});
