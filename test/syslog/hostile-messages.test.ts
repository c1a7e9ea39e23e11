// Whatever arrives, one record comes out of it, with its text, and nothing else happens.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { DEFAULT_RULES, LOCAL_RULES, OWN_RULES, type ParseRules } from "../../lib/syslog/parse-rules.ts";
import { MARK_CUT, MARK_MALFORMED, MARK_NO_PRI, NO_ORIGIN, origin, RecordView } from "../../lib/syslog/record.ts";
import { structuredData } from "../../lib/syslog/structured-data.ts";
import { tryZone } from "../../lib/syslog/zone.ts";
import { cases } from "../support/fuzz.ts";
import { anyMessage } from "./messages.ts";
import { encode, microseconds, recordOf, saidBy } from "./sample.ts";

const NOW = microseconds("2026-11-23T12:00:00Z");
const BERLIN = tryZone("Europe/Berlin")!;

const rules: fc.Arbitrary<ParseRules> = fc.constantFrom(
  DEFAULT_RULES,
  LOCAL_RULES,
  OWN_RULES,
  { ...DEFAULT_RULES, zone: BERLIN, timeOffMaxUs: 1e9 },
  { ...DEFAULT_RULES, badHost: /^h/, checkHost: false },
  { ...DEFAULT_RULES, messageBytesMax: 40 },
  { ...DEFAULT_RULES, fallback3164: false },
);

function parsed(bytes: Uint8Array, from: number, to: number, how: ParseRules): RecordView {
  const record = new RecordView();
  record.origin = origin("udp", "own.name");
  record.receivedUs = NOW;
  parseMessage(record, bytes, from, to, how);
  return record;
}

test("every message gives one record, whose parts lie in it, in order", () => {
  fc.assert(
    fc.property(anyMessage, rules, (bytes, how) => {
      const record = parsed(bytes, 0, bytes.length, how);
      expectInOrder(record, bytes);
      structuredData(record);
    }),
    cases(15_000),
  );
});

/** Plain comparisons: `expect` for each would take most of the time. */
function expectInOrder(record: RecordView, bytes: Uint8Array): void {
  const { start, end, hostStart, hostEnd, appStart, appEnd, procidStart, procidEnd } = record;
  const { msgidStart, msgidEnd, sdStart, sdEnd, msgStart, msgEnd } = record;
  const ranges = [
    [hostStart, hostEnd],
    [appStart, appEnd],
    [procidStart, procidEnd],
    [msgidStart, msgidEnd],
    [sdStart, sdEnd],
    [msgStart, msgEnd],
  ] as const;
  const problems: string[] = [];
  if (start !== 0 || end > bytes.length) problems.push("the message is elsewhere");
  if (msgEnd !== end) problems.push("the text ends before the message");
  let last = start;
  for (const [from, to] of ranges) {
    if (from > to || from < start || to > end) problems.push(`a part at ${from} to ${to} of ${end}`);
    if (from === to) continue;
    if (from < last) problems.push(`a part at ${from}, the one before it ends at ${last}`);
    last = to;
  }
  if (!(record.pri >= 0 && record.pri <= 191)) problems.push(`PRI is ${record.pri}`);
  if (record.isMarked(MARK_MALFORMED) !== record.faultAt >= 0)
    problems.push("a fault without a mark, or the other way");
  if (record.faultAt > end) problems.push(`a fault at ${record.faultAt} of ${end}`);
  const isExact = Number.isSafeInteger(record.timeUs) || record.timeUs % 1_000_000 === 0;
  if (record.hasTime && !isExact) problems.push(`time is ${record.timeUs}`);
  if (problems.length > 0) throw new Error(problems.join("; "));
}

test("no text is lost: what is not in a field is PRI, a time, or what stands between", () => {
  fc.assert(
    fc.property(anyMessage, (bytes) => {
      const record = parsed(bytes, 0, bytes.length, DEFAULT_RULES);
      const kept = new Uint8Array(bytes.length);
      for (const [from, to] of [
        [record.hostStart, record.hostEnd],
        [record.appStart, record.appEnd],
        [record.procidStart, record.procidEnd],
        [record.msgStart, record.end],
      ] as const)
        kept.fill(1, from, to);
      if (record.form === "5424") return; // its header has nothing but fields
      const rest = String.fromCharCode(...bytes.subarray(0, record.end).filter((_, index) => kept[index] === 0));
      const header =
        /^(<\d{1,3}>)?( *(\d*: |: )?(: )?[*.]?(\d{4}-\d\d-\d\d[Tt ][\d:]{8}([.,]\d*)?([Zz]|[+-][\d:]{2,5})?|(\d{4} )?[A-Za-z]{3} +\d+ (\d{4} )?[\d:]{8}(\.\d*)?( \d{4}| [A-Z]{2,5}( \d{4})?)?):? *(Message forwarded from )?:?[-: ]*)?[-[\]: ]*$/;
      if (!header.test(rest)) throw new Error(`lost ${JSON.stringify(rest)} of ${JSON.stringify(record.rawText())}`);
    }),
    cases(8000),
  );
});

test("what lies before and behind a message in the buffer changes nothing", () => {
  const around = fc.tuple(anyMessage, anyMessage);
  fc.assert(
    fc.property(anyMessage, around, rules, (bytes, [before, behind], how) => {
      const alone = parsed(bytes, 0, bytes.length, how);
      const at = before.length;
      const arena = Uint8Array.from([...before, ...bytes, ...behind]);
      const among = parsed(arena, at, at + bytes.length, how);
      for (const [key, value] of Object.entries(alone)) {
        if (typeof value !== "number") continue;
        const isOffset = /(Start|End|start|end|Tail)$/.test(key) || (key === "faultAt" && value >= 0);
        const found = (among as unknown as Record<string, number>)[key]! - (isOffset ? at : 0);
        if (!Object.is(found, value)) throw new Error(`${key} is ${found} among others, ${value} alone`);
      }
      if (among.form !== alone.form) throw new Error(`form is ${among.form} among others, ${alone.form} alone`);
    }),
    cases(8000),
  );
});

for (const { message, behind } of [
  { message: "<13>Nov 23 06:34:11 asa ", behind: ": %ASA-6-1: x" },
  { message: "<13>Nov 23 2007 06:3", behind: "4:11 h a: x" },
  { message: '<13>1 - h a - - [a b="\\', behind: '"] x' },
  { message: "<13>2026-11-23T06:34:11+01", behind: ":00 h a: x" },
  { message: "<13>1 2026-11-23T06:34:11+0", behind: "1:00 h a - - - x" },
  { message: "<1", behind: "3>x" },
])
  test(`${JSON.stringify(message)} is not completed by what lies behind it`, () => {
    const bytes = encode(message);
    const arena = encode(message + behind);
    const [alone, among] = [bytes, arena].map((buffer) => {
      const record = parsed(buffer, 0, bytes.length, DEFAULT_RULES);
      const { faultAt, marks, msgStart, msgEnd } = record;
      return { ...saidBy(record), faultAt, marks, msgStart, msgEnd };
    });
    expect(among!).toEqual(alone!);
  });

test("a message cut by the limit is marked, and its text is a beginning of what was sent", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat({ max: 100 }), (bytes, messageBytesMax) => {
      const record = parsed(bytes, 0, bytes.length, { ...DEFAULT_RULES, messageBytesMax });
      const wholeEnd = parsed(bytes, 0, bytes.length, DEFAULT_RULES).end;
      if (record.end > messageBytesMax || record.end < Math.min(wholeEnd, messageBytesMax - 3))
        throw new Error("cut elsewhere");
      if (record.isMarked(MARK_CUT) !== wholeEnd > messageBytesMax)
        throw new Error("cut without a mark, or the other way");
    }),
    cases(2000),
  );
});

test("a record that nobody has filled has an origin and no fields", () => {
  const record = new RecordView();
  expect(record.origin).toBe(NO_ORIGIN);
  expect(record.hostText()).toBe("-");
  expect(recordOf("x").isMarked(MARK_NO_PRI)).toBe(true);
});
