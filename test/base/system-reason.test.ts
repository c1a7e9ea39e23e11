import { expect, test } from "bun:test";
import { openSync, readFileSync } from "node:fs";
import { reasonOf } from "../../lib/base/system-reason.ts";

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return expect.unreachable();
}

for (const { name, error, reason } of [
  { name: "a missing file", error: thrown(() => readFileSync("/nosuch/x")), reason: "no such file or directory" },
  { name: "a directory", error: thrown(() => openSync("/", "a")), reason: "it is a directory" },
  {
    name: "a file in the place of a directory",
    error: thrown(() => openSync("/proc/version/x", "r")),
    reason: "what stands for a directory in its path is none",
  },
  { name: "what is no answer of the system's", error: new Error("nobody reads it"), reason: "nobody reads it" },
  { name: "what is no error at all", error: "x", reason: "x" },
])
  test(`${name} is told in words`, () => expect(reasonOf(error)).toBe(reason));
