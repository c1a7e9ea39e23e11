import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf } from "../../lib/base/system-reason.ts";

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return expect.unreachable();
}

function refusal(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}, open '/x'`), { code });
}

function loop(): string {
  const path = join(mkdtempSync(join(tmpdir(), "loop-")), "loop");
  symlinkSync(path, path);
  return path;
}

for (const { name, error, reason } of [
  { name: "a missing file", error: thrown(() => readFileSync("/nosuch/x")), reason: "no such file or directory" },
  { name: "a directory", error: thrown(() => openSync("/", "a")), reason: "it is a directory" },
  {
    name: "a file in the place of a directory",
    error: thrown(() => openSync("/proc/version/x", "r")),
    reason: "a part of its path is no directory",
  },
  {
    name: "a directory that can't be made where a file is",
    error: thrown(() => mkdirSync("/proc/version", { recursive: true })),
    reason: "a part of its path is no directory",
  },
  { name: "a full disk", error: thrown(() => writeFileSync("/dev/full", "x")), reason: "its file system is full" },
  {
    name: "a link that leads to itself",
    error: thrown(() => openSync(loop(), "a")),
    reason: "its symbolic link is not followed here, or leads in a circle",
  },
  { name: "another's file", error: refusal("EACCES", "permission denied"), reason: "permission denied" },
  { name: "a disk of too much", error: refusal("EDQUOT", "x"), reason: "its owner's disk quota is used up" },
  { name: "a disk to read", error: refusal("EROFS", "x"), reason: "its file system is read-only" },
  {
    name: "a port that nobody listens on",
    error: Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:601"), { code: "ECONNREFUSED" }),
    reason: "connection refused (10.0.0.1:601)",
  },
  { name: "what was broken off", error: new Error("read ECONNRESET"), reason: "the other side broke it off" },
  { name: "what is no answer of the system's", error: new Error("nobody reads it"), reason: "nobody reads it" },
  { name: "what is no error at all", error: "x", reason: "x" },
])
  test(`${name} is told in words`, () => expect(reasonOf(error)).toBe(reason));
