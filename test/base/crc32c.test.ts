import { describe, expect, test } from "bun:test";
import { crc32c } from "../../lib/base/crc32c.ts";

const ascending = Uint8Array.from({ length: 32 }, (_, at) => at);

// The vectors of RFC 3720 appendix B.4, and the check value of the catalogue of CRCs.
describe("crc32c of", () => {
  for (const { name, bytes, crc } of [
    { name: "nothing", bytes: new Uint8Array(0), crc: 0 },
    { name: '"123456789"', bytes: new TextEncoder().encode("123456789"), crc: 0xe3069283 },
    { name: "32 zeros", bytes: new Uint8Array(32), crc: 0x8a9136aa },
    { name: "32 ones", bytes: new Uint8Array(32).fill(0xff), crc: 0x62a8ab43 },
    { name: "32 ascending", bytes: ascending, crc: 0x46dd794e },
    { name: "32 descending", bytes: ascending.toReversed(), crc: 0x113fdb5c },
  ])
    test(`${name} is ${crc.toString(16)}`, () => expect(crc32c(bytes, 0, bytes.length)).toBe(crc));
});

test("crc32c is that of the range alone, wherever it begins and however long it is", () => {
  const text = new TextEncoder().encode("the quick brown fox jumps over the lazy dog");
  for (let start = 0; start < 9; start++)
    for (let end = start; end < text.length; end++) {
      const alone = text.slice(start, end);
      expect(crc32c(text, start, end)).toBe(crc32c(alone, 0, alone.length));
    }
});
