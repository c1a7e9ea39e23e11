import { expect, test } from "bun:test";
import { ClaimBook } from "../../lib/mole/claim-book.ts";

const MINUTE = 60_000;

test("a claim of what we hold is told once a minute of each claimant", () => {
  const book = new ClaimBook();
  const told = (mac: string, atMs: number, isHeld = true) => book.note("192.0.2.1", mac, isHeld, atMs);
  expect(told("a", 0)).toBe(true);
  expect(told("a", MINUTE - 1)).toBe(false);
  expect(told("a", MINUTE)).toBe(true);
  expect(told("b", MINUTE + 1)).toBe(true);
  expect(told("a", MINUTE + 2)).toBe(true);
});

test("a claim of what we do not hold is kept, and told when we hold it", () => {
  const book = new ClaimBook();
  expect(book.note("192.0.2.1", "a", false, 0)).toBe(false);
  expect(book.of("192.0.2.1")).toEqual({ mac: "a", atMs: 0 });
  expect(book.note("192.0.2.1", "a", true, 1)).toBe(true);
});

test("an address is disputed for a minute after a claim", () => {
  const book = new ClaimBook();
  expect(book.isDisputed("192.0.2.1", 0)).toBe(false);
  book.note("192.0.2.1", "a", true, 5);
  expect([book.isDisputed("192.0.2.1", MINUTE + 4), book.isDisputed("192.0.2.1", MINUTE + 5)]).toEqual([true, false]);
  book.clear();
  expect([book.isDisputed("192.0.2.1", 6), book.of("192.0.2.1")]).toEqual([false, undefined]);
});

test("claims of more and more addresses are forgotten rather than kept without end", () => {
  const book = new ClaimBook();
  const name = (nth: number) => `192.0.${nth >> 8}.${nth & 255}`;
  for (let nth = 0; nth < 5_000; nth++) book.note(name(nth), "a", false, 0);
  const kept = Array.from({ length: 5_000 }, (_, nth) => book.of(name(nth))).filter((claim) => claim !== undefined);
  expect(kept.length).toBeLessThanOrEqual(1_024);
  expect(book.of(name(4_999))).toBeDefined();
});
