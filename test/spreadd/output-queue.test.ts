import { expect, test } from "bun:test";
import fc from "fast-check";
import { OutputQueue } from "../../lib/spreadd/output-queue.ts";
import { cases } from "../support/fuzz.ts";
import { message } from "./frames.ts";

/** Frames back to back in a piece, as they are received. */
function pieceOf(count: number, bodyBytes: number): { piece: Uint8Array; frameBytes: number } {
  const frames = Array.from({ length: count }, (_, at) => message("#a#d", ["g"], new Uint8Array(bodyBytes).fill(at)));
  return { piece: new Uint8Array(Buffer.concat(frames)), frameBytes: 80 + bodyBytes };
}

const step = fc.oneof(
  fc.record({
    do: fc.constant("push" as const),
    count: fc.integer({ min: 1, max: 5 }),
    skip: fc.boolean(),
    body: fc.integer({ min: 0, max: 40 }),
  }),
  fc.record({ do: fc.constant("take" as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ do: fc.constant("settle" as const), min: fc.constantFrom(0, 100, 1_000) }),
);

test("what is pushed comes out in order, however it is taken, and both counts are right all the time", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const queue = new OutputQueue();
      let expected = Buffer.alloc(0);
      let ends: number[] = []; // where each waiting message ends, counted from the head
      for (const next of steps) {
        if (next.do === "push") {
          const { piece, frameBytes } = pieceOf(next.count, next.body);
          for (let at = 0; at < piece.length; at += frameBytes) {
            if (next.skip && at === frameBytes) continue; // not every session gets every frame
            queue.push(piece, at, at + frameBytes);
            expected = Buffer.concat([expected, piece.subarray(at, at + frameBytes)]);
            ends.push(expected.length);
          }
        } else if (next.do === "take") {
          const taken = Math.floor(expected.length * next.part);
          queue.take(taken);
          expected = expected.subarray(taken);
          ends = ends.map((end) => end - taken).filter((end) => end > 0);
        } else queue.settle(next.min);
        expect([queue.bytes, queue.messages]).toEqual([expected.length, ends.length]);
        const all = new Uint8Array(expected.length + 1);
        expect(queue.gather(all)).toBe(expected.length);
        expect(Buffer.compare(all.subarray(0, expected.length), expected)).toBe(0);
        if (expected.length === 0) continue;
        expect(queue.headPiece.subarray(queue.headStart, queue.headStart + queue.headBytes)).toEqual(
          new Uint8Array(expected.subarray(0, queue.headBytes)),
        );
      }
    }),
    cases(1_000),
  );
});

test("frames that lie one behind the other are one stretch", () => {
  const { piece, frameBytes } = pieceOf(10, 20);
  const queue = new OutputQueue();
  for (let at = 0; at < piece.length; at += frameBytes) queue.push(piece, at, at + frameBytes);
  expect(queue.isOneStretch).toBe(true);
  expect(queue.headPiece).toBe(piece);
  expect([queue.headStart, queue.headBytes, queue.messages]).toEqual([0, piece.length, 10]);
});

test("a queue that waits lets go of pieces of which it wants little, and keeps those of which it wants most", () => {
  const { piece, frameBytes } = pieceOf(1_000, 200);
  const queue = new OutputQueue();
  queue.push(piece, 0, frameBytes);
  queue.settle(0);
  expect(queue.headPiece).not.toBe(piece);
  queue.clear();
  queue.push(piece, 0, frameBytes);
  for (let at = frameBytes; at < piece.length; at += frameBytes) queue.push(piece, at, at + frameBytes);
  queue.settle(0);
  expect(queue.headPiece).toBe(piece);
  queue.take(piece.length - frameBytes);
  queue.settle(0);
  expect(queue.headPiece).not.toBe(piece); // most of it is sent by now
  expect(queue.bytes).toBe(frameBytes);
});

test("a queue that waits copies nothing while it pins little", () => {
  const { piece, frameBytes } = pieceOf(1_000, 200);
  const queue = new OutputQueue();
  queue.push(piece, 0, frameBytes);
  queue.settle(piece.length + 1);
  expect(queue.headPiece).toBe(piece);
  queue.push(piece, 10 * frameBytes, 11 * frameBytes); // the same piece again: pinned once
  queue.settle(piece.length + 1);
  expect(queue.headPiece).toBe(piece);
  queue.push(pieceOf(1, 20).piece, 0, 100);
  queue.settle(piece.length + 1);
  expect(queue.headPiece).not.toBe(piece);
});

test("what is copied fills more than one room, and comes out in order", () => {
  const queue = new OutputQueue();
  let expected = Buffer.alloc(0);
  for (let at = 0; at < 200; at++) {
    const { piece, frameBytes } = pieceOf(10, 200);
    queue.push(piece, (at % 10) * frameBytes, ((at % 10) + 1) * frameBytes);
    expected = Buffer.concat([expected, piece.subarray((at % 10) * frameBytes, ((at % 10) + 1) * frameBytes)]);
    queue.settle(0);
  }
  const all = new Uint8Array(expected.length);
  expect(queue.gather(all)).toBe(expected.length); // 56,000 bytes: four rooms
  expect(Buffer.compare(all, expected)).toBe(0);
});

test("a piece that was kept, and is wanted again, counts as pinned", () => {
  const { piece, frameBytes } = pieceOf(10, 200);
  const queue = new OutputQueue();
  queue.push(piece, 0, 8 * frameBytes);
  queue.settle(0);
  queue.push(piece, 9 * frameBytes, 10 * frameBytes);
  queue.settle(piece.length);
  queue.take(8 * frameBytes);
  expect(queue.headPiece).not.toBe(piece);
});
