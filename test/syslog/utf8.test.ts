import { expect, test } from "bun:test";
import fc from "fast-check";
import { characterBytes, cutAtCharacter, textWithEscapes } from "../../lib/syslog/utf8.ts";
import { cases } from "../support/fuzz.ts";
import { encode } from "./sample.ts";

for (const { name, bytes, is } of [
  { name: "ASCII", bytes: [0x41], is: 1 },
  { name: "two bytes", bytes: [0xc3, 0xa9], is: 2 },
  { name: "three bytes", bytes: [0xe2, 0x82, 0xac], is: 3 },
  { name: "four bytes", bytes: [0xf0, 0x90, 0x8d, 0x88], is: 4 },
  { name: "cut", bytes: [0xe2, 0x82], is: 0 },
  { name: "longer than needed", bytes: [0xc0, 0xaf], is: 0 },
  { name: "longer than needed, three bytes", bytes: [0xe0, 0x9f, 0xbf], is: 0 },
  { name: "longer than needed, four bytes", bytes: [0xf0, 0x8f, 0xbf, 0xbf], is: 0 },
  { name: "a surrogate", bytes: [0xed, 0xa0, 0x80], is: 0 },
  { name: "the last before the surrogates", bytes: [0xed, 0x9f, 0xbf], is: 3 },
  { name: "beyond Unicode", bytes: [0xf4, 0x90, 0x80, 0x80], is: 0 },
  { name: "no beginning", bytes: [0x80], is: 0 },
])
  test(`${name}: ${is === 0 ? "is no character" : `is one of ${is}`}`, () =>
    expect(characterBytes(Uint8Array.from(bytes), 0, bytes.length)).toBe(is));

test("a character is what the decoder takes for one", () => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 4 }), (bytes) => {
      const length = characterBytes(bytes, 0, bytes.length);
      for (let to = 1; to <= bytes.length; to++) {
        let isText = true;
        try {
          isText = [...strict.decode(bytes.subarray(0, to))].length === 1;
        } catch {
          isText = false;
        }
        if (isText && length !== to && !(bytes[0] === 0xef && to === 3))
          throw new Error(`${length}, not ${to}: ${bytes}`);
        if (isText) return;
      }
    }),
    cases(3000),
  );
});

test("text is never cut within a character, and never by more than it has to be", () => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), fc.nat(), (text, place) => {
      const bytes = encode(text.toWellFormed());
      const cut = place % bytes.length;
      const at = cutAtCharacter(bytes, 0, cut);
      strict.decode(bytes.subarray(0, at));
      expect(cut - at).toBeLessThan(4);
      expect(cutAtCharacter(bytes, 0, at)).toBe(at);
    }),
    cases(2000),
  );
});

test("bytes that are no text are cut where the limit says", () => {
  expect(cutAtCharacter(new Uint8Array(10).fill(0x80), 0, 5)).toBe(5);
});

test("text with escapes keeps what is text and names what is not", () => {
  const bytes = Uint8Array.from([...encode("\ufeffé"), 0xf0, 0x28, 0x8c, ...encode("€")]);
  expect(textWithEscapes(bytes, 0, bytes.length)).toBe("\ufeffé\\xf0(\\x8c€");
});
