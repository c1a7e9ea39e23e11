import { describe, expect, test } from "bun:test";
import { Directory, FOLLOWED_MAX, FOLLOWED_OF_SENDER_MAX, UNFED_MS } from "../../lib/feed/directory.ts";
import { groupName } from "../../lib/syslog/group-name.ts";

const fed = (...names: string[]) => names.map((name) => ({ name, last: 0 }));
const text = (groups: readonly string[]) => groups.map(String);

function directory(patterns: readonly string[], members: readonly string[]): Directory {
  const one = new Directory(patterns);
  one.view(members, 0);
  return one;
}

describe("a group is followed", () => {
  test("when a member feeds one with such a name, once", () => {
    const one = directory(["log.*"], ["#a#d", "#b#d"]);
    expect(text(one.heard("#a#d", fed("log.mail", "www.x"), 1).join)).toEqual(["log.mail"]);
    expect(one.heard("#a#d", fed("log.mail"), 2).join).toEqual([]);
    expect(one.heard("#b#d", fed("log.mail"), 3).join).toEqual([]);
  });

  test("by its full name, though Spread knows it by a shorter one", () => {
    const one = directory(["www.*.example.org"], ["#a#d"]);
    const name = "www.a-very-long-name-of-a-host.example.org";
    expect(one.heard("#a#d", fed(name), 1).join).toEqual([groupName(name)]);
    expect(one.fullName(groupName(name))).toBe(name);
  });

  test("but not on the word of somebody who is no member", () => {
    expect(directory(["*"], ["#a#d"]).heard("#x#d", fed("log.mail"), 1).join).toEqual([]);
  });
});

describe("a sender that vanishes is forgotten", () => {
  test("its groups are left after a while, those that others feed are not", () => {
    const one = directory(["*"], ["#a#d", "#b#d"]);
    one.heard("#a#d", fed("one", "both"), 1);
    one.heard("#b#d", fed("both"), 1);
    one.view(["#b#d"], 1_000);
    expect(one.expire(1_000 + UNFED_MS - 1)).toEqual([]);
    expect(text(one.expire(1_000 + UNFED_MS))).toEqual(["one"]);
    expect(one.size).toBe(1);
  });

  test("and a group that is fed again in time is kept", () => {
    const one = directory(["*"], ["#a#d"]);
    one.heard("#a#d", fed("cron"), 1);
    one.view([], 2);
    one.view(["#c#d"], 3);
    expect(one.heard("#c#d", fed("cron"), 4).join).toEqual([]);
    expect(one.expire(UNFED_MS * 9)).toEqual([]);
  });

  test("a view tells whether there is somebody new", () => {
    const one = directory(["*"], ["#a#d"]);
    expect(one.view(["#a#d"], 1)).toBe(false);
    expect(one.view(["#a#d", "#b#d"], 1)).toBe(true);
    one.lost(2);
    expect(one.view(["#a#d"], 3)).toBe(true);
  });
});

describe("nobody can make a reader follow without bound", () => {
  test("one sender has as many groups as a sender of ours", () => {
    const one = directory(["*"], ["#a#d"]);
    const names = Array.from({ length: FOLLOWED_OF_SENDER_MAX + 7 }, (_, at) => `g${at}`);
    expect(one.heard("#a#d", fed(...names), 1).join.length).toBe(FOLLOWED_OF_SENDER_MAX);
    expect(one.tooMany).toBe(7);
  });

  test("all together have a bound too, and what nobody feeds makes place", () => {
    const senders = ["#a#d", "#b#d", "#c#d"];
    const one = directory(["*"], senders);
    for (const sender of senders)
      one.heard(sender, fed(...Array.from({ length: 8_000 }, (_, at) => `${sender}${at}`)), 1);
    expect(one.size).toBe(FOLLOWED_MAX);
    expect(one.tooMany).toBe(24_000 - FOLLOWED_MAX);
    one.view(["#b#d", "#c#d"], 2);
    const { join, leave } = one.heard("#c#d", fed("fresh"), 3);
    expect([text(join), leave.length, one.size]).toEqual([["fresh"], 1, FOLLOWED_MAX]);
  });
});

test("with more patterns than a question takes, senders are asked for all", () => {
  expect(new Directory(["a.*", "b.*"]).question).toEqual(["a.*", "b.*"]);
  expect(new Directory(Array.from({ length: 65 }, (_, at) => `${at}*`)).question).toEqual(["*"]);
  expect(new Directory(Array.from({ length: 6 }, (_, at) => `${at}${"x".repeat(200)}*`)).question).toEqual(["*"]);
});
