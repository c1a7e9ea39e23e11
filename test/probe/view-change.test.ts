import { describe, expect, test } from "bun:test";
import { describeChange, viewChange } from "../../lib/probe/view-change.ts";
import type { Cause, View } from "../../lib/spread/membership.ts";
import { type PrivateGroup, parsePrivateGroup } from "../../lib/spread/names.ts";

const who = (names: string): PrivateGroup[] =>
  names
    .split(" ")
    .filter((name) => name !== "")
    .map((name) => parsePrivateGroup(`#${name}#n`));
const view = (cause: Cause, members: string, set = ""): View => ({
  kind: "view",
  group: "g",
  id: { daemonId: 1, time: 2, index: 3 },
  cause,
  members: who(members),
  sets: [who(set)],
  ownSet: 0,
});

describe("a view beside the one before it", () => {
  const table: readonly (readonly [name: string, before: string | undefined, after: View, says: string])[] = [
    ["the first one: they were there", undefined, view("join", "a b", "b"), ""],
    ["the first one tells of a leave", undefined, view("leave", "a", "b"), "-#b#n left"],
    ["a join", "a", view("join", "a b", "b"), "+#b#n joined"],
    ["a leave", "a b", view("leave", "a", "b"), "-#b#n left"],
    ["a disconnect", "a b", view("disconnect", "a", "b"), "-#b#n disconnected"],
    ["the network takes two", "a b c", view("network", "a", "a"), "-#b#n cut off, -#c#n cut off"],
    [
      "the network brings one back while it takes another",
      "a b",
      view("network", "a c", "a"),
      "+#c#n reached again, -#b#n cut off",
    ],
    ["the network, and the same members", "a b", view("network", "a b", "a b"), ""],
  ];
  for (const [name, before, after, says] of table)
    test(name, () =>
      expect(describeChange(viewChange(before === undefined ? undefined : who(before), after))).toBe(says),
    );
});
