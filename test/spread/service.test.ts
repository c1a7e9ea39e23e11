import { expect, test } from "bun:test";
import {
  flagNames,
  hasOneOf,
  REQUEST_MASK,
  SERVICE_TYPES,
  serviceBit,
  tryServiceType,
} from "../../lib/spread/service.ts";

test("the six service types are the lowest six bits, weakest first", () => {
  expect(SERVICE_TYPES.map(serviceBit)).toEqual([1, 2, 4, 8, 16, 32]);
  for (const type of SERVICE_TYPES) expect(tryServiceType(serviceBit(type) | 0x40)).toBe(type);
});

test("of several forged bits the strongest counts, and without one there is no service type", () => {
  expect(tryServiceType(0x14)).toBe("agreed");
  expect(tryServiceType(0x1100)).toBeUndefined();
});

test("hasOneOf is true for exactly one bit of the mask", () => {
  expect(hasOneOf(0x10, REQUEST_MASK)).toBe(true);
  expect(hasOneOf(0x10 | 0x4000_0000, REQUEST_MASK)).toBe(true);
  for (const wrong of [0, 0x40, 0x30, 0x0001_0010, 0x0003_0000]) expect(hasOneOf(wrong, REQUEST_MASK)).toBe(false);
});

test("flags are named lowest first, and unknown ones left out", () => {
  expect(flagNames(0x0040_1151)).toEqual([
    "UNRELIABLE",
    "AGREED",
    "SELF_DISCARD",
    "CAUSED_BY_JOIN",
    "REG_MEMB",
    "REJECT",
  ]);
  expect(flagNames(0x0020_0000)).toEqual([]);
});
