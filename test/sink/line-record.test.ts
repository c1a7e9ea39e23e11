import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { commandEndData, commandEndText } from "../../lib/sink/command-end.ts";
import { KeptLines } from "../../lib/sink/kept-lines.ts";
import { LineRecord, PlainFormat, PlainLine } from "../../lib/sink/line-record.ts";
import { RecordWriter } from "../../lib/sink/record-writer.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { MARK_CUT, origin, RecordView } from "../../lib/syslog/record.ts";
import { structuredData } from "../../lib/syslog/structured-data.ts";
import { cases } from "../support/fuzz.ts";

const SOURCE = { origin: origin("stdin", "h1.example"), app: "backup", procid: "311" };
const NOW_US = Date.UTC(2026, 10, 23, 12) * 1_000;
const utf8 = (text: string) => new TextEncoder().encode(text);

/** The record of a line as a subscriber reads it. */
function received(line: Uint8Array, options: { data?: string; isCut?: boolean } = {}): RecordView {
  const record = new LineRecord(SOURCE);
  record.fill(0, NOW_US, utf8("one before"), 0, 10, false);
  const view = record.fillWithData(83, NOW_US, utf8(options.data ?? ""), line, 0, line.length, options.isCut ?? false);
  const writer = new RecordWriter();
  const length = writer.write(view);
  const read = new RecordView();
  parseMessage(read, writer.bytes.slice(0, length), 0, length, OWN_RULES);
  return read;
}

describe("the record of a line", () => {
  test("arrives with all that is known of it", () => {
    const read = received(utf8("disk full"));
    expect([read.pri, read.hostText(), read.appText(), read.procidText(), read.msgText()]).toEqual([
      83,
      "h1.example",
      "backup",
      "311",
      "disk full",
    ]);
    expect([read.form, read.timeUs, read.receivedUs, read.marks]).toEqual(["5424", NOW_US, NOW_US, 0]);
  });

  test("is whole where the line is longer than any before it", () => {
    const read = received(utf8("x".repeat(20_000)));
    expect([read.appText(), read.procidText(), read.msgText().length]).toEqual(["backup", "311", 20_000]);
  });

  test("says that it was cut", () => expect(received(utf8("x"), { isCut: true }).isMarked(MARK_CUT)).toBe(true));

  test("bears structured data beside what is ours", () => {
    const read = received(utf8("x"), { data: '[a@1 b="c"]' });
    expect(structuredData(read)).toEqual({ "a@1": { b: "c" } });
  });

  test("has the line's bytes, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6_000 }), (bytes) => {
        const line = bytes.map((byte) => (byte === 10 ? 11 : byte));
        if (line.at(-1) === 0) line[line.length - 1] = 1; // NULs at the end are left out by whoever reads a message
        const read = received(line);
        expect(Buffer.compare(read.bytes.subarray(read.msgStart, read.msgEnd), line)).toBe(0);
      }),
      cases(200),
    );
  });
});

test("a plain line is its bytes, and says at its end where it was cut", () => {
  const plain = new PlainLine();
  const format = new PlainFormat();
  const text = (isCut: boolean): string => {
    const record = plain.fill(utf8("..a line.."), 2, 8, isCut);
    const out = new Uint8Array(format.bound(record));
    return new TextDecoder().decode(out.subarray(0, format.write(record, out, 0)));
  };
  expect([text(false), text(true)]).toEqual(["a line", "a line [cut]"]);
});

describe("how a command ended is said in text and as data", () => {
  const ended = { status: 0, signal: undefined, durationMs: 2_345.4, failure: undefined };
  for (const { name, end, text, data } of [
    {
      name: "a status",
      end: { ...ended, status: 3 },
      text: "exited with status 3 after 2.345 s",
      data: { status: "3", seconds: "2.345", lines: "7" },
    },
    {
      name: "a signal",
      end: { ...ended, status: 137, signal: "SIGKILL" },
      text: "was ended by SIGKILL after 2.345 s",
      data: { status: "137", seconds: "2.345", lines: "7", signal: "SIGKILL" },
    },
    {
      name: "no start",
      end: { ...ended, status: 127, failure: "no such file" },
      text: "could not be started: no such file",
      data: { status: "127", seconds: "2.345", lines: "7" },
    },
  ])
    test(name, () => {
      const read = received(utf8(commandEndText(end)), { data: commandEndData(end, 7, 0) });
      expect(read.msgText()).toBe(text);
      expect(structuredData(read)).toEqual({ "command@32473": data });
    });

  test("with the lines for which there was no room", () => {
    expect(commandEndData(ended, 9, 2)).toBe('[command@32473 status="0" seconds="2.345" lines="9" dropped="2"]');
  });
});

test("lines are kept from the first on, within the bound, and each further one is counted", () => {
  const kept = new KeptLines<number>(1_200);
  const bytes = new Uint8Array(200).fill(0x61);
  for (let line = 0; line < 10; line++) kept.push(line, bytes, 0, 200, false);
  kept.push(10, bytes, 0, 1, false); // it would fit, but something before it is missing
  bytes.fill(0);
  expect(kept.lines.map(({ kind }) => kind)).toEqual([0, 1, 2]);
  expect(kept.lost).toBe(8);
  expect(kept.lines[2]!.bytes[199]).toBe(0x61);
});
