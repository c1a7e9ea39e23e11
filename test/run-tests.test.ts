// What CI reads of a test run: its last line and its status.
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./support/binary.ts";
import { temporaryDirectory } from "./support/temporary.ts";

const passing = 'import { test } from "bun:test"; test("passes", () => {});';
const failing = 'import { test } from "bun:test"; test("fails", () => { throw new Error("as it should"); });';

for (const { claim, files, last, status } of [
  { claim: "all pass", files: { "a.test.ts": passing, "b.test.ts": passing }, last: "2 passed, 0 failed", status: 0 },
  { claim: "one fails", files: { "a.test.ts": passing, "b.test.ts": failing }, last: "1 passed, 1 failed", status: 1 },
  {
    claim: "one is skipped",
    files: { "a.test.ts": `${passing} test.skip("waits", () => {});` },
    last: "1 passed, 0 failed, 1 skipped",
    status: 0,
  },
  {
    claim: "the runner dies",
    files: { "a.test.ts": "process.kill(process.pid, 9)" },
    last: "0 passed, 1 failed",
    status: 1,
  },
  { claim: "there is none", files: {}, last: "0 passed, 1 failed", status: 1 },
] as { claim: string; files: Record<string, string>; last: string; status: number }[]) {
  test(`a test run in which ${claim} ends with status ${status}, and leaves nothing`, async () => {
    using scratch = temporaryDirectory();
    using reports = temporaryDirectory();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(scratch.path, name), text);
    const run = Bun.spawn([join(projectRoot, "scripts/run-tests"), `${scratch.path}/`], {
      env: { ...process.env, TMPDIR: reports.path },
      stdout: "pipe",
      stderr: "ignore",
    });
    const [text, ended] = await Promise.all([new Response(run.stdout).text(), run.exited]);
    expect({ last: text.trimEnd().split("\n").at(-1), status: ended }).toEqual({ last, status });
    expect(readdirSync(reports.path)).toEqual([]);
  });
}

test("a test run says at its end what failed, where and why", async () => {
  using scratch = temporaryDirectory();
  writeFileSync(join(scratch.path, "a.test.ts"), failing);
  writeFileSync(join(scratch.path, "b.test.ts"), passing);
  const run = Bun.spawn([join(projectRoot, "scripts/run-tests"), `${scratch.path}/`], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await new Response(run.stdout).text();
  const end = text.slice(text.indexOf("Ran 2 tests"));
  expect(end).toMatch(/a\.test\.ts:\n.*error: as it should.*\n\(fail\) fails.*\n1 passed, 1 failed\n$/s);
  expect(end).not.toContain("b.test.ts");
});
