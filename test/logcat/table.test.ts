import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { subscriptionOf } from "../../lib/logcat/subscription.ts";
import { logcatTable } from "../../lib/logcat/table.ts";
import { groupName } from "../../lib/syslog/group-name.ts";

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
  const sets = { web: ["www.a", "www.b"], all: ["log.*", "www.a"] };
  const long = "www.a-host-with-a-very-long-name.example.org";
  for (const { words, groups, patterns = [] } of [
    { words: ["log.mail", "log.auth", "log.mail"], groups: ["log.mail", "log.auth"] },
    { words: ["@web", "www.b", "x"], groups: ["www.a", "www.b", "x"] },
    { words: ["log.*", "x", "log.*", "w?w"], groups: ["x"], patterns: ["log.*", "w?w"] },
    { words: ["@all"], groups: ["www.a"], patterns: ["log.*"] },
    { words: [long], groups: [groupName(long)] },
  ])
    test(words.join(" "), () => expect(subscriptionOf(words, sets)).toMatchObject({ groups, patterns }));

  test("a name that is too long is told with the group that it is", () =>
    expect([...subscriptionOf([long, "x"], {}).shortened]).toEqual([[groupName(long), long]]));

  for (const { words, says } of [
    { words: ["@wbe"], says: 'unknown set "@wbe": did you mean "@web"?' },
    { words: ["#x#y"], says: 'cannot use "#x#y" as group name' },
    { words: [`${"x".repeat(255)}*`], says: "as a pattern: expected at most 255 bytes" },
    { words: ["log\u0007.*"], says: "and no control character" },
  ])
    test(`refused: ${words.join(" ").slice(0, 20)}`, () => expect(() => subscriptionOf(words, sets)).toThrow(says));
});
