import { expect, test } from "bun:test";
import { tryMark, writeMark } from "../../lib/feed/mark.ts";

const read = (text: string) => {
  const bytes = new TextEncoder().encode(`..${text}..`);
  return tryMark(bytes, 2, bytes.length - 2);
};

test("a mark comes back as it went out", () => {
  const bytes = writeMark({ epoch: 3, number: 2 ** 40 });
  expect(new TextDecoder().decode(bytes)).toBe("sb1 mark 3 1099511627776");
  expect(tryMark(bytes, 0, bytes.length)).toEqual({ epoch: 3, number: 2 ** 40 });
});

for (const text of ["", "sb1 mark 1", "sb1 mark 1 x", "sb2 mark 1 1", "sb1 mark 1 1 ", `sb1 mark 1 ${"9".repeat(100)}`])
  test(`${JSON.stringify(text)} is none`, () => expect(read(text)).toBeUndefined());
