import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { groupsOf } from "../../lib/logcat/subscription.ts";
import { logcatTable } from "../../lib/logcat/table.ts";

const read = (input: unknown) => v.safeParse(logcatTable.schema, input);

test("an empty table is the defaults", () => {
  expect(read({}).output).toEqual({
    groups: [],
    sets: {},
    format: "short",
    wide: "wrap",
    color: "auto",
    highlight: [],
    buffer: 8 * 1_048_576,
    write: [],
    recorder: { state: "/var/lib/spreadbox/logcat", control: "/run/spreadbox/logcat.ctl" },
  });
});

describe("what can't be meant is refused with what was expected", () => {
  for (const { input, says } of [
    { input: { groups: ["log mail"] }, says: 'a group name: 1 to 31 characters from "$" to "~"' },
    { input: { format: "shrot" }, says: 'did you mean "short"?' },
    { input: { format: "%hots%" }, says: 'did you mean "%host%"?' },
    { input: { time: "lokal" }, says: "one of local, utc, iso, relative, none" },
    { input: { highlight: ["("] }, says: 'cannot read regular expression "(": missing )' },
    { input: { sets: { "a b": [] } }, says: "a name of letters" },
  ])
    test(JSON.stringify(input), () =>
      expect(
        read(input)
          .issues?.map(({ message }) => message)
          .join(),
      ).toContain(says),
    );
});

describe("meaning is checked too", () => {
  for (const { input, complaints } of [
    { input: { groups: ["@web", "log.mail"], sets: { web: ["www.*", "www"] } }, complaints: [] },
    {
      input: { groups: ["log.mail", "@wbe"], sets: { web: [] } },
      complaints: [{ path: ["groups", 1], code: "set", message: '"@wbe" is no set of logcat.sets' }],
    },
    {
      input: { sets: { all: ["@web"] } },
      complaints: [{ path: ["sets", "all", 0], code: "set", message: '"@web" is a set; a set holds groups only' }],
    },
  ])
    test(JSON.stringify(input), () =>
      expect(logcatTable.check!(v.parse(logcatTable.schema, input))).toEqual(complaints),
    );
});

describe("groups by what a user writes", () => {
  const sets = { web: ["www.a", "www.b"], all: ["log.*"] };
  for (const { words, groups } of [
    { words: ["log.mail", "log.auth", "log.mail"], groups: ["log.mail", "log.auth"] },
    { words: ["@web", "www.b", "x"], groups: ["www.a", "www.b", "x"] },
  ])
    test(words.join(" "), () => expect(groupsOf(words, sets).map(String)).toEqual(groups));

  for (const { words, says } of [
    { words: ["@wbe"], says: 'unknown set "@wbe": did you mean "@web"?' },
    { words: ["log.*"], says: "wildcards need a directory of groups" },
    { words: ["@all"], says: "wildcards need a directory of groups" },
    { words: ["#x#y"], says: 'cannot use "#x#y" as group name' },
  ])
    test(`refused: ${words.join(" ")}`, () => expect(() => groupsOf(words, sets)).toThrow(says));
});
