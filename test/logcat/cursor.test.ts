import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatCursor, parseCursor } from "../../lib/logcat/cursor.ts";
import { GapTracker } from "../../lib/logcat/gaps.ts";
import { cases } from "../support/fuzz.ts";

const again = (tracker: GapTracker) => {
  const next = new GapTracker();
  next.restore(parseCursor(formatCursor(tracker.streams())));
  return next;
};

test("a cursor is a line a stream", () => {
  const tracker = new GapTracker();
  for (const number of [5, 8, 12]) tracker.enter("web1", "a", "log.mail", number, 1);
  tracker.enter("web2", "b", "www", 1, 3);
  expect(formatCursor(tracker.streams())).toBe("logcat-cursor 1\nweb1 a log.mail 13 5 6-7,9-11\nweb2 b www 4 1 -\n");
});

test("another run knows what came before it: what is missing since, what is shown already, what fills a hole", () => {
  const tracker = new GapTracker();
  tracker.enter("web1", "a", "log.mail", 1, 3);
  tracker.enter("web1", "a", "log.mail", 6, 1);
  const next = again(tracker);
  expect(next.totals).toMatchObject({ streams: 1, missing: 2 });
  expect(next.enter("web1", "a", "log.mail", 9, 1)).toMatchObject({ missing: { from: 7, to: 8 }, away: "logcat" });
  expect(next.enter("web1", "a", "log.mail", 11, 1)).toMatchObject({ missing: { from: 10, to: 10 }, away: "nobody" });
  expect(next.enter("web1", "a", "log.mail", 3, 3)).toMatchObject({ repeated: 1, late: 2 });
  expect(again(tracker).enter("web1", "b", "log.mail", 1, 1)).toMatchObject({ formerLast: 6 });
});

test("whatever came, a cursor read again judges what comes next as the tracker that wrote it", () => {
  const batch = fc.record({
    host: fc.constantFrom("web1", "db:1"),
    first: fc.integer({ min: 1, max: 300 }),
    count: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 120 }), fc.array(batch, { maxLength: 20 }), (before, behind) => {
      const tracker = new GapTracker();
      for (const { host, first, count } of before) tracker.enter(host, "a", "log.mail", first, count);
      const next = again(tracker);
      for (const { host, first, count } of behind) {
        const { away: _1, ...verdict } = tracker.enter(host, "a", "log.mail", first, count);
        const { away: _2, ...same } = next.enter(host, "a", "log.mail", first, count);
        expect(same).toEqual(verdict);
        for (let number = first; number < first + count; number++)
          expect(next.isRepeated(number)).toBe(tracker.isRepeated(number));
      }
    }),
    cases(300),
  );
});

describe("a file that is no cursor is refused with the line that shows it", () => {
  for (const { text, line } of [
    { text: "", line: 1 },
    { text: "logcat-cursor 2\n", line: 1 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5\n", line: 2 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5 -\nweb1 a log.mail x 5 -\n", line: 3 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 14 -\n", line: 2 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5 9-8\n", line: 2 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5 8-9,7-7\n", line: 2 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5 8-13\n", line: 2 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5 8\n", line: 2 },
    { text: `logcat-cursor 1\nweb1 a log.mail 9999999999999999 5 -\n`, line: 2 },
    { text: "logcat-cursor 1\nweb1 a log.mail 13 5 \x1b[2J\n", line: 2 },
  ])
    test(JSON.stringify(text), () => expect(() => parseCursor(text)).toThrow(`line ${line}: found `));

  test("whatever is in it, it is read or refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const file of [text, `logcat-cursor 1\n${text}`, `logcat-cursor 1\nweb1 a g 13 5 ${text}`]) {
          try {
            parseCursor(file);
          } catch (error) {
            expect(error).toMatchObject({ kind: "data", code: "cursor" });
          }
        }
      }),
      cases(1_000),
    );
  });
});
