import { expect, test } from "bun:test";
import fc from "fast-check";
import { ESCAPED_BYTES, writeLine } from "../../lib/syslog/output.ts";
import { cases } from "../support/fuzz.ts";

/** What `writeLine` is to write, byte by byte. */
function escaped(bytes: Uint8Array): number[] {
  const octal = (byte: number) => [..."#", ...byte.toString(8).padStart(3, "0")].map((digit) => digit.charCodeAt(0));
  return [...bytes].flatMap((byte, at) => {
    const before = bytes[at - 1];
    if (before === 0xc2 && byte >= 0x80 && byte <= 0x9f) return octal(byte);
    if (byte === 0xc2 && (bytes[at + 1] ?? 0) >= 0x80 && (bytes[at + 1] ?? 0) <= 0x9f) return [];
    return byte === 0x09 || (byte >= 0x20 && byte !== 0x7f) ? [byte] : octal(byte);
  });
}

const byte = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
  { weight: 1, arbitrary: fc.constantFrom(0x09, 0x0a, 0x1b, 0x7f, 0x80, 0x9f, 0xc2, 0xff) },
);

test("text is copied as it is but for control characters, wherever it lies and whatever stands in it", () => {
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 120, size: "max" }), // by itself it makes ten at most, and words begin at sixteen
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      (text, from, at) => {
        const bytes = new Uint8Array([...new Array(from).fill(0x0a), ...text, 0x0a, 0x0a]).subarray(0);
        const out = new Uint8Array(at + text.length * ESCAPED_BYTES);
        const end = writeLine(out, at, bytes, from, from + text.length);
        expect([...out.subarray(at, end)]).toEqual(escaped(new Uint8Array(text)));
        expect(out.subarray(0, at).every((one) => one === 0)).toBe(true);
        expect(out.subarray(end).every((one) => one === 0)).toBe(true);
      },
    ),
    cases(5_000),
  );
});
