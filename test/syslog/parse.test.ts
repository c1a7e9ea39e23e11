// What holds for every form: PRI, the end of a message, the size limit, marks.
import { describe, expect, test } from "bun:test";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { DEFAULT_RULES } from "../../lib/syslog/parse-rules.ts";
import { MARK_CUT, MARK_LATE, MARK_MALFORMED, MARK_NO_PRI, MARK_TIME_OFF } from "../../lib/syslog/record.ts";
import { encode, recordOf } from "./sample.ts";

describe("PRI", () => {
  for (const { message, pri, marks, msg } of [
    { message: "<0>a: b", pri: 0, marks: 0, msg: "b" },
    { message: "<191>a: b", pri: 191, marks: 0, msg: "b" },
    { message: "<013>a: b", pri: 13, marks: 0, msg: "b" },
    { message: "<192>a: b", pri: 13, marks: MARK_NO_PRI, msg: "b" },
    { message: "<999>a: b", pri: 13, marks: MARK_NO_PRI, msg: "b" },
    { message: "a: b", pri: 13, marks: MARK_NO_PRI, msg: "b" },
    { message: "<>a: b", pri: 13, marks: MARK_NO_PRI | MARK_MALFORMED, msg: "<>a: b" },
    { message: "<1234>a: b", pri: 13, marks: MARK_NO_PRI | MARK_MALFORMED, msg: "<1234>a: b" },
    { message: "<12", pri: 13, marks: MARK_NO_PRI | MARK_MALFORMED, msg: "<12" },
    { message: "<b>a: b", pri: 13, marks: MARK_NO_PRI, msg: "<b>a: b" },
  ])
    test(`of ${JSON.stringify(message)} is ${pri}`, () => {
      const record = recordOf(message);
      expect({ pri: record.pri, marks: record.marks, msg: record.msgText() }).toEqual({ pri, marks, msg });
    });

  test("is two numbers in one", () => {
    const record = recordOf("<165>x");
    expect([record.facility, record.severity]).toEqual([20, 5]);
  });
});

test("line feeds and NULs at the end are no part of a message, those inside are", () => {
  expect(recordOf("<13>a: b\n\0c\n\0\n").msgText()).toBe("b\n\0c");
});

describe("a message longer than the limit", () => {
  test("is cut there, with a mark", () => {
    const record = recordOf(`<13>a: ${"x".repeat(100)}`, { rules: { messageBytesMax: 20 } });
    expect(record.isMarked(MARK_CUT)).toBe(true);
    expect(record.msgText()).toBe("x".repeat(13));
  });

  test("is not cut within a character", () => {
    const record = recordOf(`<13>a: 1234567€`, { rules: { messageBytesMax: 16 } });
    expect(record.msgText()).toBe("1234567");
  });

  test("of exactly the limit is not cut", () => {
    expect(recordOf("<13>a: b\n", { rules: { messageBytesMax: 8 } }).marks).toBe(0);
  });
});

describe("a claimed time", () => {
  const rules = { timeOffMaxUs: 3_600_000_000 };
  for (const { time, marks } of [
    { time: "2026-11-23T11:00:00Z", marks: 0 },
    { time: "2026-11-23T10:59:59Z", marks: MARK_TIME_OFF },
    { time: "2026-11-23T13:00:01Z", marks: MARK_TIME_OFF },
    { time: "-", marks: 0 },
  ])
    test(`of ${time} at noon ${marks === 0 ? "is within" : "is marked beyond"} a bound of an hour`, () => {
      expect(recordOf(`<13>1 ${time} h a - - - x`, { rules }).marks).toBe(marks);
    });
});

test("a view that is used again keeps nothing of the last message", () => {
  const record = recordOf('<34>1 2003-10-11T22:14:15.003Z host app 7 ID [a b="c"] text');
  record.mark(MARK_LATE);
  const next = encode("<14>x y");
  parseMessage(record, next, 0, next.length, DEFAULT_RULES);
  expect(JSON.parse(JSON.stringify(record))).toEqual(JSON.parse(JSON.stringify(recordOf("<14>x y"))));
});

test("where no header is wanted, all behind PRI is text; where nothing is read, all is", () => {
  const message = "<34>Oct 11 22:14:15 h a: b";
  expect(recordOf(message, { rules: { read: "pri" } }).msgText()).toBe("Oct 11 22:14:15 h a: b");
  expect(recordOf(message, { rules: { read: "nothing" } }).msgText()).toBe(message);
});

test("a version that begins with 0 is none, so the message breaks no form", () => {
  const record = recordOf("<13>01 - h a - - - x");
  expect([record.marks, record.msgText()]).toEqual([0, "01 - h a - - - x"]);
});

test("where only RFC 5424 may come, all else is malformed", () => {
  const record = recordOf("<34>Oct 11 22:14:15 h a: b", { rules: { fallback3164: false } });
  expect(record.isMarked(MARK_MALFORMED)).toBe(true);
  expect(record.msgText()).toBe("Oct 11 22:14:15 h a: b");
});
