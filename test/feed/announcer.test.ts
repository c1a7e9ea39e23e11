import { describe, expect, test } from "bun:test";
import {
  ANSWER_WITHIN_MS,
  Announcer,
  HOLD_MS_MAX,
  NUMBERS_AFTER_MS,
  type Utterance,
} from "../../lib/feed/announcer.ts";
import { DIRECTORY_GROUP, readDirectoryMessage } from "../../lib/feed/directory-message.ts";
import { parsePrivateGroup } from "../../lib/spread/names.ts";

const READER = parsePrivateGroup("#r#d");

function announcer(random = () => 0.5) {
  return new Announcer({ host: "web1", incarnation: "a", random });
}

/** Who is told which groups with which numbers. */
function said(utterance: Utterance | undefined): unknown {
  if (utterance === undefined) return undefined;
  const message = readDirectoryMessage(utterance.body, 0, utterance.body.length);
  if (message.kind !== "groups") throw new Error("a sender says only groups");
  const groups = Object.fromEntries(message.groups.map(({ name, last }) => [name, last]));
  return { to: utterance.to === DIRECTORY_GROUP ? "all" : utterance.to, groups };
}

test("a sender that may not answer who asks tells all, what it has and to every question", () => {
  const one = announcer();
  one.feed("log.mail", "log.mail", 0, { next: 1 });
  one.stood();
  one.next(0, true);
  const asks = (nowMs: number) => {
    one.asked(READER, ["log.*"], nowMs);
    return said(one.next(nowMs + ANSWER_WITHIN_MS, true));
  };
  expect(asks(1_000)).toMatchObject({ to: READER });
  one.answerRefused();
  one.answerRefused();
  expect(said(one.next(2_000, true))).toMatchObject({ to: "all", groups: { "log.mail": 0 } });
  expect(one.next(3_000, true)).toBeUndefined();
  expect(asks(4_000)).toMatchObject({ to: "all" });
  one.fell();
  one.stood();
  one.next(5_000, true);
  expect(asks(6_000)).toMatchObject({ to: READER });
});

describe("a sender tells all", () => {
  test("a new group, with 0 before a record went to it", () => {
    const one = announcer();
    const mail = { next: 4 }; // three records wait
    one.feed("log.mail", "log.mail", 0, mail);
    expect(one.next(0, false)).toBeUndefined(); // no connection
    one.stood();
    expect(one.nextMs).toBe(Number.NEGATIVE_INFINITY);
    expect(said(one.next(0, false))).toEqual({ to: "all", groups: { "log.mail": 0 } });
    expect(one.next(1_000, false)).toBeUndefined();
  });

  test("the numbers that have moved, once nothing waits", () => {
    const one = announcer();
    const mail = { next: 1 };
    one.feed("log.mail", "log.mail", 0, mail);
    one.feed("raw", "raw", 1, undefined);
    one.feed("log.auth", "log.auth", 2, { next: 1 });
    one.stood();
    one.next(0, true);
    one.openTo(HOLD_MS_MAX);
    mail.next = 8;
    one.sent(1_000);
    expect(one.nextMs).toBe(1_000 + NUMBERS_AFTER_MS);
    expect(one.next(1_000 + NUMBERS_AFTER_MS, false)).toBeUndefined();
    const laterMs = one.nextMs;
    expect(laterMs).toBeGreaterThan(1_000 + NUMBERS_AFTER_MS);
    expect(said(one.next(laterMs, true))).toEqual({ to: "all", groups: { "log.mail": 7 } });
    expect(one.next(laterMs + 60_000, true)).toBeUndefined();
    expect(one.nextMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("them less often, the more other senders do", () => {
    const one = announcer();
    const mail = { next: 1 };
    one.feed("log.mail", "log.mail", 0, mail);
    one.stood();
    one.next(0, true);
    one.openTo(HOLD_MS_MAX);
    for (let other = 0; other < 500; other++) one.heardAnother();
    mail.next = 2;
    one.sent(1_000);
    expect(one.nextMs).toBe(1_000 + 20_000);
    expect(said(one.next(21_000, true))).toEqual({ to: "all", groups: { "log.mail": 1 } });
    mail.next = 3;
    one.sent(21_001);
    expect(one.nextMs).toBe(21_001 + NUMBERS_AFTER_MS);
  });

  test("everything anew on another connection, with numbers where nothing waits", () => {
    const one = announcer();
    one.feed("log.mail", "log.mail", 0, { next: 8 });
    one.stood();
    one.next(0, true);
    one.openTo(HOLD_MS_MAX);
    one.fell();
    expect(one.next(5_000, true)).toBeUndefined();
    one.stood();
    expect(said(one.next(6_000, true))).toEqual({ to: "all", groups: { "log.mail": 7 } });
  });

  test("thousands of groups in messages that are not too long, at a pace", () => {
    const one = announcer();
    for (let at = 0; at < 10_000; at++) one.feed(`www.host-${at}.example.org`, `g${at}`, at, { next: 1 });
    one.stood();
    let groups = 0;
    let nowMs = 0;
    for (; groups < 10_000; nowMs = groups < 10_000 ? Math.max(nowMs, one.nextMs) : nowMs) {
      const utterance = one.next(nowMs, true);
      if (utterance === undefined) break;
      const message = readDirectoryMessage(utterance.body, 0, utterance.body.length);
      if (message.kind === "groups") groups += message.groups.length;
    }
    expect(groups).toBe(10_000);
    expect(nowMs).toBeLessThan(500);
  });

  test("a name that can't be told by the group's own", () => {
    const one = announcer();
    one.feed("a\nb", "a_b", 0, { next: 1 });
    one.feed("x".repeat(600), "xx~1", 1, { next: 1 });
    one.stood();
    expect(said(one.next(0, true))).toMatchObject({ groups: { a_b: 0, "xx~1": 0 } });
  });
});

describe("who asks", () => {
  test("is answered alone, with what matches, within a random wait", () => {
    const one = announcer(() => 0.5);
    one.feed("log.mail", "log.mail", 0, { next: 3 });
    one.feed("www.a", "www.a", 1, { next: 1 });
    one.stood();
    one.next(0, true);
    one.openTo(HOLD_MS_MAX);
    one.asked(READER, ["log.*"], 300);
    expect(one.next(300, true)).toBeUndefined();
    expect(one.nextMs).toBe(300 + ANSWER_WITHIN_MS / 2);
    expect(said(one.next(300 + ANSWER_WITHIN_MS / 2, true))).toEqual({ to: READER, groups: { "log.mail": 2 } });
    expect(one.next(1_000, true)).toBeUndefined();
  });

  test("gets no number while something waits", () => {
    const one = announcer(() => 0);
    one.feed("log.mail", "log.mail", 0, { next: 3 });
    one.stood();
    one.next(0, true);
    one.openTo(HOLD_MS_MAX);
    one.asked(READER, ["*"], 300);
    expect(said(one.next(300, false))).toEqual({ to: READER, groups: { "log.mail": undefined } });
  });

  test("and is one too many is not", () => {
    const one = announcer(() => 0);
    one.feed("log.mail", "log.mail", 0, { next: 1 });
    one.stood();
    one.next(0, true);
    for (let at = 0; at < 5_000; at++) one.asked(parsePrivateGroup(`#r${at}#d`), ["*"], 1);
    let answers = 0;
    for (let nowMs = 1; one.next(nowMs, true) !== undefined; nowMs += 1) answers += 1;
    expect(answers).toBe(1_024);
  });
});

describe("the first records of a group wait until who follows it can have joined", () => {
  test("that is a moment behind our own message's return, and for each of them", () => {
    const one = announcer();
    one.feed("log.mail", "log.mail", 0, { next: 2 });
    one.stood();
    one.next(0, false);
    expect(one.openTo(0)).toBe(0);
    one.feed("log.auth", "log.auth", 1, { next: 2 });
    one.next(5, false);
    one.returned(6);
    expect(one.openTo(6)).toBe(0);
    const openMs = one.nextOpenMs;
    expect(openMs).toBeLessThan(HOLD_MS_MAX);
    expect(one.openTo(openMs)).toBe(1);
    one.returned(openMs);
    expect(one.openTo(openMs)).toBe(1);
    expect(one.openTo(one.nextOpenMs)).toBe(2);
    expect(one.nextOpenMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("and no longer than the bound, though it never returns", () => {
    const one = announcer();
    one.feed("log.mail", "log.mail", 0, { next: 2 });
    one.stood();
    one.next(10, false);
    expect(one.openTo(10)).toBe(0);
    expect(one.openTo(10 + HOLD_MS_MAX)).toBe(1);
  });

  test("but not those of a group that could be sent to before the connection was lost", () => {
    const one = announcer();
    one.feed("log.mail", "log.mail", 0, { next: 2 });
    one.stood();
    one.next(0, true);
    expect(one.openTo(HOLD_MS_MAX)).toBe(1);
    one.fell();
    one.stood();
    one.feed("log.auth", "log.auth", 1, { next: 2 });
    expect(one.openTo(5_000)).toBe(1);
  });

  test("nor any where the daemon lets nobody of us into the directory", () => {
    const one = announcer();
    one.feed("log.mail", "log.mail", 0, { next: 2 });
    one.stood();
    one.refused();
    expect(one.openTo(0)).toBe(Number.POSITIVE_INFINITY);
    one.stood();
    expect(one.openTo(0)).toBe(0);
  });

  test("a group under two lives of its sender is told with each", () => {
    const one = announcer();
    one.feed("log.mail", "log.mail", 0, undefined);
    one.feed("log.mail", "log.mail", 1, { next: 2 });
    one.stood();
    one.next(0, false);
    one.returned(0);
    expect(one.openTo(100)).toBe(2);
  });
});
