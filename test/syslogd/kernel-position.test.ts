import { expect, test } from "bun:test";
import { formatKernelPosition, KernelSequence, tryKernelPosition } from "../../lib/syslogd/kernel-position.ts";

test("a position is read as it was written, in the same life of the host alone", () => {
  const written = formatKernelPosition({ bootId: "b-1", next: 42 });
  expect(tryKernelPosition(written, "b-1")).toEqual({ bootId: "b-1", next: 42 });
  expect(tryKernelPosition(written, "b-2")).toBeUndefined();
});

for (const broken of ["", "b-1", "b-1 ", "b-1 4", "b-1 -4\n", "b-1 4x\n", "b-1 9999999999999999\n"])
  test(`${JSON.stringify(broken)} is no position`, () => expect(tryKernelPosition(broken, "b-1")).toBeUndefined());

test("what was read before is known, and a jump tells how many were missed", () => {
  const sequence = new KernelSequence(5);
  expect([3, 4, 5, 6, 9, 9, 10].map((number) => sequence.take(number))).toEqual([-1, -1, 0, 0, 2, -1, 0]);
  expect([sequence.missed, sequence.next]).toEqual([2, 11]);
});

test("the first record ever read misses nothing", () => expect(new KernelSequence(-1).take(700)).toBe(0));
