import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FRAME_BYTES_MAX, type Frame, writeFramed } from "../../lib/sink/frame-writer.ts";
import type { Format } from "../../lib/syslog/format.ts";
import { RecordView } from "../../lib/syslog/record.ts";
import { cases } from "../support/fuzz.ts";

/** Writes the whole message as it is. */
const raw: Format = {
  bound: (record) => record.end - record.start,
  write(record, out, at) {
    out.set(record.bytes.subarray(record.start, record.end), at);
    return at + record.end - record.start;
  },
};

function framed(frame: Frame, text: string, at = 3): string {
  const record = new RecordView();
  record.bytes = new TextEncoder().encode(text);
  record.end = record.bytes.length;
  const out = new Uint8Array(at + raw.bound(record) + FRAME_BYTES_MAX);
  const end = writeFramed(frame, raw, record, out, at);
  return new TextDecoder().decode(out.subarray(at, end));
}

describe("in a stream", () => {
  for (const { name, frame, text, bytes } of [
    { name: "octets: the length comes first", frame: "octets", text: "hello", bytes: "5 hello" },
    { name: "octets: of nothing", frame: "octets", text: "", bytes: "0 " },
    { name: "octets: a line feed is a byte like any other", frame: "octets", text: "a\nb", bytes: "3 a\nb" },
    { name: "octets: they are counted, not characters", frame: "octets", text: "é", bytes: "2 é" },
    { name: "lines: a line feed behind", frame: "lines", text: "hello", bytes: "hello\n" },
    {
      name: "terminal: from the left margin, on a line of its own",
      frame: "terminal",
      text: "hello",
      bytes: "\rhello\r\n",
    },
    { name: "none: as it is", frame: "none", text: "hello", bytes: "hello" },
  ] as const)
    test(name, () => expect(framed(frame, text)).toBe(bytes));
});

test("a length has as many digits as it needs, and the room for it is enough", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 110_000 }), (length) => {
      const found = framed("octets", "x".repeat(length));
      expect(found.length).toBe(length + `${length} `.length);
      expect(found.startsWith(`${length} x`.slice(0, found.length))).toBe(true);
    }),
    cases(100),
  );
});
