import { expect, test } from "bun:test";
import fc from "fast-check";
import { RANGES_MAX, type StreamMarks } from "../../lib/feed/marks.ts";
import { NumberRanges } from "../../lib/feed/number-ranges.ts";
import { GapTracker } from "../../lib/logcat/gaps.ts";
import { formatMarks, parseMarks, streamState } from "../../lib/logcat/marks-text.ts";
import { cases } from "../support/fuzz.ts";

const marks = fc.record({
  host: fc.stringMatching(/^[a-z0-9.-]{1,40}$/),
  incarnation: fc.stringMatching(/^[a-z0-9]{1,32}$/),
  group: fc.stringMatching(/^[a-z.]{1,31}$/),
  sender: fc.constant("#sb-1#web1"),
  ranges: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat({ max: 20 })), { maxLength: 100 })
    .map((parts) => new NumberRanges(parts.map(([from, more]) => ({ from, to: from + more }))).ranges),
});

test("what is written is read", () => {
  fc.assert(
    fc.property(fc.array(marks, { maxLength: 20 }), fc.boolean(), (streams, isClosed) => {
      expect(parseMarks(formatMarks({ streams, isClosed }))).toEqual({ streams, isClosed });
    }),
  );
});

for (const { claim, text, line } of [
  { claim: "another head", text: "marks\n", line: 1 },
  { claim: "a line that was cut", text: "logcat-marks 1 open\nweb1 a log.mail #sb-1#web1 1-3\nweb1 a log.m", line: 3 },
  { claim: "ranges that overlap", text: "logcat-marks 1 open\nweb1 a log.mail #sb-1#web1 1-3,2-4\n", line: 2 },
  {
    claim: "more ranges than a stream may have",
    text: `logcat-marks 1 open\nweb1 a log.mail #sb-1#web1 ${Array.from({ length: RANGES_MAX + 1 }, (_, at) => at * 2 + 1).join(",")}\n`,
    line: 2,
  },
])
  test(`refused: ${claim}`, () => expect(() => parseMarks(text)).toThrow(`line ${line}: `));

test("for who watches for gaps, the same numbers are missing", () => {
  fc.assert(
    fc.property(marks, (stream: StreamMarks) => {
      const state = streamState(stream);
      if (state === undefined) return expect(stream.ranges.length).toBe(0);
      const known = new NumberRanges(stream.ranges);
      for (let number = state.floor; number < state.next; number++) {
        const gaps = new GapTracker(); // a fresh one for each: entering a number changes what is known
        gaps.restore([state]);
        const { late } = gaps.enter(stream.host, stream.incarnation, stream.group, number, 1);
        expect({ number, missing: late === 1 }).toEqual({ number, missing: !known.has(number) });
      }
    }),
    cases(30),
  );
});
