// How far groups were numbered: left by one life, announced by the next.
import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatFormer, tryFormer } from "../../lib/feed/former-life.ts";
import { GroupBook } from "../../lib/sink/group-book.ts";
import { formatGroupNumbers, tryGroupNumbers } from "../../lib/sink/group-numbers.ts";
import { leaveGroupNumbers, takeGroupNumbers } from "../../lib/sink/io/group-numbers-file.ts";
import { groupName } from "../../lib/syslog/group-name.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("what a life says of the one before can be read from among other flags", () => {
  for (const former of ["unknown", { incarnation: "m5x1", last: 12 }, { incarnation: "A", last: 0 }] as const)
    for (const flags of [formatFormer(former), `again,${formatFormer(former)}`, `${formatFormer(former)},again`])
      expect(tryFormer(flags)).toEqual(former);
  for (const flags of [
    "-",
    "again",
    "after=",
    "after=a",
    "after=a:",
    "after=a b:1",
    "after=a:99999999999999999",
    "xafter=a:1",
  ])
    expect([flags, tryFormer(flags)]).toEqual([flags, undefined]);
});

test("the numbers of a life are those of the next life's groups, also of groups that a life between did not use", () => {
  const first = new GroupBook(10, "a");
  first.entry(groupName("log.mail"))!.next = 13;
  first.entry(groupName("log.user"))!.next = 2;
  const second = new GroupBook(10, "b", first.numbers());
  expect(second.entry(groupName("log.mail"))!.former).toBe("after=a:12");
  const third = new GroupBook(10, "c", second.numbers());
  expect(third.entry(groupName("log.mail"))!.former).toBe("after=b:0");
  expect(third.entry(groupName("log.user"))!.former).toBe("after=a:1");
  expect(third.entry(groupName("log.cron"))!.former).toBe("after=unknown");
  expect(new GroupBook(10, "d", "unknown").entry(groupName("log.mail"))!.former).toBe("after=unknown");
  expect(new GroupBook(10, "e").entry(groupName("log.mail"))!.former).toBe("");
});

test("they are trusted once, and only whole", () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "below/group-numbers");
  const numbers = new Map([["log.mail", { incarnation: "a", last: 12 }]]);
  leaveGroupNumbers(path, numbers);
  expect(takeGroupNumbers(path)).toEqual(numbers);
  expect(existsSync(path)).toBe(false);
  expect(takeGroupNumbers(path)).toBe("unknown"); // as after a kill
  for (const text of [
    "",
    "group-numbers 2\n",
    formatGroupNumbers(numbers).slice(0, -1),
    "group-numbers 1\nlog.mail a\n",
  ]) {
    expect(tryGroupNumbers(text)).toBeUndefined();
    writeFileSync(path, text);
    expect(takeGroupNumbers(path)).toBe("unknown");
  }
});
