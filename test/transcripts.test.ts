// Runs every transcript in test/transcripts. See test/support/transcript.ts for their form.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { binary, projectRoot } from "./support/binary.ts";
import { temporaryDirectory } from "./support/temporary.ts";
import { alignExpectation, lineMatches, parseTranscript, perform } from "./support/transcript.ts";

const folder = join(projectRoot, "test/transcripts");

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  const steps = parseTranscript(text);
  test(`transcript ${file}`, async () => {
    using scratch = temporaryDirectory();
    const updated: string[] = [
      text
        .split("\n")
        .slice(0, (steps[0]?.line ?? 1) - 1)
        .join("\n"),
    ];
    for (const step of steps) {
      const seen = await perform(step.command, scratch.path, dirname(binary()));
      const aligned = alignExpectation(step.expected, seen);
      updated.push(`$ ${step.command}`, ...aligned, ...step.behind);
      if (!process.env["UPDATE_TRANSCRIPTS"])
        expect([`${file}:${step.line}: $ ${step.command}`, ...aligned]).toEqual([
          `${file}:${step.line}: $ ${step.command}`,
          ...step.expected,
        ]);
    }
    if (process.env["UPDATE_TRANSCRIPTS"]) writeFileSync(path, `${updated.join("\n").trim()}\n`);
  }, 60_000);
}

describe("the transcript runner itself", () => {
  for (const { claim, expected, seen, matches } of [
    { claim: "the same line matches", expected: "a b", seen: "a b", matches: true },
    { claim: "another line does not", expected: "a b", seen: "a c", matches: false },
    { claim: "<*> stands for anything", expected: "pid <*> (<*>)", seen: "pid 12 (x)", matches: true },
    { claim: "beside <*> a dot is a dot", expected: "<*>.5", seen: "1x5", matches: false },
  ]) {
    test(claim, () => expect(lineMatches(expected, seen)).toBe(matches));
  }

  test("a missing and a superfluous line both differ", () => {
    expect(alignExpectation(["a", "b"], ["a"])).not.toEqual(["a", "b"]);
    expect(alignExpectation(["a"], ["a", "b"])).not.toEqual(["a"]);
  });

  test("stderr and the status are told apart from stdout", async () => {
    using scratch = temporaryDirectory();
    expect(await perform("echo out; echo err >&2; exit 3", scratch.path, "/bin")).toEqual(["out", "! err", "? 3"]);
  });
});
