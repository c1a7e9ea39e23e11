// The flight recorder.
import { expect, test } from "bun:test";
import { Recorder } from "../../lib/mole/recorder.ts";

test("the flight recorder keeps the last of what happened, and no line without a bound", () => {
  const recorder = new Recorder();
  for (let nth = 0; nth < 10_000; nth++) recorder.note(nth, nth % 2 === 0 ? "x".repeat(5_000) : "short");
  const all = recorder.all();
  expect(all.length).toBeLessThan(10_000);
  expect(all.map(({ atMs }) => atMs)).toEqual(Array.from(all, (_, at) => 10_000 - all.length + at));
  for (const { what } of all) expect(what.length).toBeLessThan(600);
});
