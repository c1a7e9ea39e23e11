import { expect, test } from "bun:test";
import { BeatBook } from "../../lib/mole/beat-book.ts";

function book(beats: string): BeatBook {
  const made = new BeatBook();
  made.enter(["A", "B", "C"]);
  for (const [at, member] of [...beats].entries()) made.note(member, at);
  return made;
}

for (const { beats, quiet } of [
  { beats: "", quiet: [] },
  { beats: "ABCABCABC", quiet: [] },
  { beats: "ABCBB", quiet: ["A"] },
  { beats: "ABCB", quiet: [] },
  { beats: "ABCBCBC", quiet: ["A"] },
  { beats: "BBB", quiet: ["A", "C"] },
  { beats: "ABCBCBCA", quiet: [] },
  { beats: "BCBCBC", quiet: ["A"] },
])
  test(`after the beats "${beats}" quiet are [${quiet}]`, () => {
    const made = book(beats);
    expect(["A", "B", "C"].filter((member) => made.isQuiet(member))).toEqual(quiet);
    const copy = BeatBook.from(made.snapshot());
    expect(["A", "B", "C"].filter((member) => copy.isQuiet(member))).toEqual(quiet);
  });

test("a view forgets the numbers and not who is quiet; who comes with it counts as heard", () => {
  const made = book("BCBCBC");
  made.enter(["A", "B", "D"]);
  expect(made.lastNumber("B")).toBe(-1);
  expect(made.isQuiet("A")).toBe(true);
  expect(made.isQuiet("D")).toBe(false);
});
