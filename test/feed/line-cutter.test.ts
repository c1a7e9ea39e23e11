import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LineCutter } from "../../lib/feed/line-cutter.ts";
import { cases } from "../support/fuzz.ts";

const BOUND = 8;

interface Cut {
  readonly lines: readonly string[];
  readonly cut: number;
}

/** What the cutter makes of an input that comes in these pieces. */
function cut(pieces: readonly Uint8Array[], bound = BOUND): Cut {
  const cutter = new LineCutter(bound);
  const lines: string[] = [];
  const keep = () =>
    lines.push(
      `${Buffer.from(cutter.bytes.subarray(cutter.start, cutter.end)).toString("latin1")}${cutter.isCut ? "!" : ""}`,
    );
  for (const piece of pieces) {
    cutter.room().set(piece);
    cutter.took(piece.length);
    while (cutter.next()) keep();
  }
  if (cutter.last()) keep();
  return { lines, cut: cutter.cutLines };
}

const bytesOf = (text: string) => Buffer.from(text, "latin1");

for (const { name, input, lines } of [
  { name: "lines, without their ends", input: "a\nbc\n", lines: ["a", "bc"] },
  { name: "a last one without an end", input: "a\nbc", lines: ["a", "bc"] },
  { name: "CR LF is one end, a CR inside is text", input: "a\r\nb\rc\r\n", lines: ["a", "b\rc"] },
  { name: "an empty one is none", input: "\n\r\n\na\n\n", lines: ["a"] },
  { name: "nothing at all", input: "", lines: [] },
  { name: "one as long as may be", input: "12345678\nb\n", lines: ["12345678", "b"] },
  { name: "the same with CR LF", input: "12345678\r\nb\n", lines: ["12345678", "b"] },
  { name: "one that is longer is cut, and the rest of it skipped", input: "123456789\nb\n", lines: ["12345678!", "b"] },
  { name: "one that never ends is cut once", input: "x".repeat(50_000), lines: ["xxxxxxxx!"] },
  { name: "NULs and bytes of no character are text", input: "a\0b\xff\n", lines: ["a\0b\xff"] },
  { name: "a character is not cut in two", input: "1234567\xc3\xa4\n", lines: ["1234567!"] },
])
  test(`cuts ${name}`, () => expect(cut([bytesOf(input)]).lines).toEqual(lines));

describe("however the input comes in pieces", () => {
  const text = fc.string({
    unit: fc.constantFrom("\n", "\n", "\r", "a", "b", "\0", "\xc3", "\xa4", "1234567", "12345678"),
    maxLength: 60,
  });

  test("the lines are the same as of the whole", () => {
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 })), (input, sizes) => {
        const whole = bytesOf(input);
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) {
          if (at >= whole.length) break;
          pieces.push(whole.subarray(at, at + size));
          at += size;
        }
        pieces.push(whole.subarray(at));
        expect(cut(pieces)).toEqual(cut([whole]));
      }),
      cases(500),
    );
  });

  test("each line of the input is a line, as far as the bound goes, and each longer one is counted", () => {
    fc.assert(
      fc.property(text, (input) => {
        const wanted = input
          .split("\n")
          .map((line) => line.replace(/\r$/, ""))
          .filter((line) => line !== "");
        const { lines, cut: counted } = cut([bytesOf(input)]);
        expect(lines.length).toBe(wanted.length);
        expect(counted).toBe(wanted.filter((line) => line.length > BOUND).length);
        for (const [at, line] of lines.entries()) {
          const isLong = wanted[at]!.length > BOUND;
          if (isLong) expect(wanted[at]).toStartWith(line.slice(0, -1));
          else expect(line).toBe(wanted[at]!);
        }
      }),
      cases(500),
    );
  });
});

test("an input of a thousand pieces needs no more memory than one", () => {
  const cutter = new LineCutter(BOUND);
  const { bytes } = cutter;
  for (let piece = 0; piece < 1_000; piece++) {
    const room = cutter.room();
    expect(room.length).toBeGreaterThanOrEqual(65_536);
    room.fill(0x61);
    cutter.took(room.length);
    cutter.next();
  }
  expect(cutter.bytes).toBe(bytes);
  expect(cutter.cutLines).toBe(1);
});
