import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepPidFile } from "../../lib/run/process-state.ts";
import { temporaryDirectory } from "../support/temporary.ts";

describe("a pid file", () => {
  for (const before of [undefined, "", "12345\n"])
    test(`is written over ${JSON.stringify(before)}, and removed at the end`, () => {
      using scratch = temporaryDirectory();
      const path = join(scratch.path, "it.pid");
      if (before !== undefined) writeFileSync(path, before);
      const kept = keepPidFile(path);
      expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
      kept[Symbol.dispose]();
      expect(existsSync(path)).toBe(false);
    });

  for (const text of ["precious", "1\n2\n", "12x", "1".repeat(100)])
    test(`never replaces a file with ${JSON.stringify(text.slice(0, 12))}`, () => {
      using scratch = temporaryDirectory();
      const path = join(scratch.path, "it.pid");
      writeFileSync(path, text);
      expect(() => keepPidFile(path)).toThrow("a file that is no pid file stands there");
      expect(readFileSync(path, "utf8")).toBe(text);
    });

  test("never takes a directory's place", () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "d");
    mkdirSync(path);
    expect(() => keepPidFile(path)).toThrow("a directory stands there");
  });
});
