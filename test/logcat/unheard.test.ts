import { describe, expect, test } from "bun:test";
import { matchesWildcard } from "../../lib/base/wildcard.ts";
import { readDirectoryMessage, writeQuestion } from "../../lib/feed/directory-message.ts";
import { Unheard } from "../../lib/logcat/unheard.ts";

describe("a group of which nothing is heard", () => {
  for (const meant of [
    "log.user",
    "log.users",
    "log.usr",
    "lg.usr",
    "log.ur",
    "log.sur",
    "logusr",
    "log.usrx",
    "xlog.usr",
  ])
    test(`senders that feed ${meant} answer where log.usr is asked for`, () => {
      const { question } = new Unheard(["log.usr"]);
      expect(question.some((pattern) => matchesWildcard(pattern, meant))).toBe(true);
    });

  test("senders of other groups do not", () => {
    const { question } = new Unheard(["log.usr"]);
    for (const other of ["log.mail", "www.example.org", "log.kern", "build"])
      expect(question.filter((pattern) => matchesWildcard(pattern, other))).toEqual([]);
  });

  test("however many and long they are, the question is one that can be read", () => {
    const many = new Unheard(Array.from({ length: 500 }, (_, at) => `${at}.${"x".repeat(27)}`));
    const body = writeQuestion(many.question);
    expect(readDirectoryMessage(body, 0, body.length)).toMatchObject({ kind: "ask" });
    expect(many.question.length).toBeGreaterThan(10);
  });

  test("is told with the name that is near, and without one where there is none", () => {
    const unheard = new Unheard(["log.usr", "one", "two"]);
    unheard.told("log.user");
    unheard.told("log.mail");
    expect(unheard.lines).toEqual([
      "nobody feeds a group log.usr yet; did you mean log.user?",
      "nobody feeds a group one, two yet; waiting for one",
    ]);
  });

  test("is not told where something came, or somebody says that he feeds it", () => {
    const unheard = new Unheard(["one", "two"]);
    unheard.came("one");
    unheard.told("two");
    expect([unheard.isOver, unheard.lines]).toEqual([true, []]);
  });
});
