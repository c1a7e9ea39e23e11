import { describe, expect, test } from "bun:test";
import { isSinkEvent, type OwnQueueEvent, queueEventOf, queueReport } from "../../lib/sink/queue-event.ts";

describe("an operator reads", () => {
  const told: readonly { event: OwnQueueEvent; line: string }[] = [
    {
      event: { on: "recovered", records: 1, tornBytes: 0 },
      line: "notice tcp:a: 1 record of an earlier run will be sent",
    },
    {
      event: { on: "recovered", records: 9, tornBytes: 2_048 },
      line: "warning tcp:a: 9 records of an earlier run will be sent; 2 KiB of it were cut off in the midst of a write",
    },
    {
      event: { on: "spool-failing", reason: "ENOSPC: no space left on device, write" },
      line: "err tcp:a: cannot spool to disk: ENOSPC: no space left on device, write; memory is used as far as it goes",
    },
    { event: { on: "spool-working", outageMs: 1_500.4 }, line: "notice tcp:a: spools to disk again after 1s500ms" },
    {
      event: { on: "uncertain", again: 3, uncertain: 1 },
      line: "warning tcp:a: 3 records sent again and may come twice, 1 record taken by the other system just before, and may be lost",
    },
    {
      event: { on: "uncertain", again: 0, uncertain: 648, taker: "the program" },
      line: "warning tcp:a: 648 records taken by the program just before, and may be lost",
    },
    {
      event: { on: "renamed", fullName: "www.\u001bx", group: "www._x" },
      line: "notice tcp:a: www.\\x1bx is no name that a group can have: it is the group www._x; logcat knows it by both (told of the first such name)",
    },
    { event: { on: "said", line: "oops" }, line: "notice tcp:a: oops" },
  ];
  for (const { event, line } of told)
    test(line, () => {
      const { severity, text } = queueReport("tcp:a", event);
      expect(`${severity} ${text}`).toBe(line);
      expect(isSinkEvent(event)).toBe(false);
    });
});

test("what a spool tells is an event of its sink", () => {
  expect(queueEventOf({ on: "failing", reason: "x" })).toEqual({ on: "spool-failing", reason: "x" });
  expect(queueEventOf({ on: "working", outageMs: 2 })).toEqual({ on: "spool-working", outageMs: 2 });
  expect(queueEventOf({ on: "recovered", records: 1, tornBytes: 0 })).toEqual({
    on: "recovered",
    records: 1,
    tornBytes: 0,
  });
  expect(isSinkEvent({ on: "overflowed", lost: 1 })).toBe(true);
});
