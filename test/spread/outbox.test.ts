// The outbox's one promise: the bytes that sockets take are the frames in their order, and what no socket took whole comes back whole.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BLOCK_BYTES, COPIED_BODY_BYTES_MAX, Outbox } from "../../lib/spread/outbox.ts";
import { cases } from "../support/fuzz.ts";

/** Appends a frame of `length` bytes, all of value `fill`; a large one in two pieces, the second not copied. */
function append(outbox: Outbox, length: number, fill: number): Uint8Array {
  const frame = new Uint8Array(length).fill(fill);
  if (length <= COPIED_BODY_BYTES_MAX) {
    const at = outbox.reserve(length);
    outbox.block.set(frame, at);
    outbox.append(length, true);
    return frame;
  }
  const at = outbox.reserve(100);
  outbox.block.fill(fill, at, at + 100);
  outbox.append(100, false);
  outbox.appendBody(frame.subarray(100), true);
  return frame;
}

/** A socket that takes up to `most` bytes a write, and remembers them. */
function socket(most: () => number) {
  const taken: Uint8Array[] = [];
  const write = (bytes: Uint8Array, at: number, length: number) => {
    const some = Math.min(length, most());
    if (some > 0) taken.push(bytes.slice(at, at + some));
    return some;
  };
  return { taken, write };
}

const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40_000 }));
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("append" as const), bytes: sizes }),
    fc.record({ do: fc.constant("flush" as const), most: fc.oneof(fc.constant(0), fc.constant(-1), fc.nat(100_000)) }),
  ),
  { maxLength: 40 },
);

test("sockets get the frames in order, whole or cut, and what is left comes back whole", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const outbox = new Outbox();
      const frames: Uint8Array[] = [];
      let budget = 0;
      const { taken, write } = socket(() => {
        const most = budget;
        budget = 0; // the first write takes some, the next finds the socket full
        return most;
      });
      for (const step of script) {
        if (step.do === "append") frames.push(append(outbox, step.bytes, frames.length % 251));
        else {
          budget = step.most;
          expect(outbox.flush(write)).toBe(!outbox.pending);
        }
        expect(outbox.framesAppended).toBe(frames.length);
      }
      const stream = Buffer.concat(frames);
      const sent = Buffer.concat(taken);
      expect(sent.equals(stream.subarray(0, sent.length))).toBe(true);
      let position = 0;
      const unsent = frames.filter((frame) => {
        position += frame.length;
        return position > sent.length;
      });
      expect(outbox.frames).toBe(unsent.length);
      expect(outbox.bytes).toBe(unsent.reduce((sum, frame) => sum + frame.length, 0));
      expect(outbox.framesSent).toBe(frames.length - unsent.length);
      expect(outbox.takeUnsent().map((frame) => Buffer.from(frame).toString("hex"))).toEqual(
        unsent.map((frame) => Buffer.from(frame).toString("hex")),
      );
      expect([outbox.bytes, outbox.frames, outbox.pending]).toEqual([0, 0, false]);
    }),
    cases(400),
  );
});

describe("an outbox", () => {
  test("makes one write of many small frames", () => {
    const outbox = new Outbox();
    for (let index = 0; index < 100; index++) append(outbox, 200, 1);
    const { taken, write } = socket(() => Number.POSITIVE_INFINITY);
    expect(outbox.flush(write)).toBe(true);
    expect(taken.map((bytes) => bytes.length)).toEqual([20_000]);
  });

  test("says when a block is full", () => {
    const outbox = new Outbox();
    while (!outbox.full) append(outbox, 1_000, 1);
    expect(outbox.bytes).toBe(Math.ceil(BLOCK_BYTES / 1_000) * 1_000);
  });

  test("remembers where thousands of frames end", () => {
    const outbox = new Outbox();
    const { write } = socket(() => Number.POSITIVE_INFINITY);
    for (let index = 0; index < 700; index++) append(outbox, 10, 1);
    outbox.flush(write);
    for (let index = 0; index < 5_000; index++) append(outbox, 10 + (index % 3), index % 251);
    const frames = outbox.takeUnsent();
    expect(frames.every((frame, index) => frame.length === 10 + (index % 3) && frame[9] === index % 251)).toBe(true);
    expect(frames).toHaveLength(5_000);
  });

  test("does not copy a large body", () => {
    const outbox = new Outbox();
    const body = new Uint8Array(100_000);
    outbox.appendBody(body, true);
    const offered: Uint8Array[] = [];
    outbox.flush((bytes, _at, length) => {
      offered.push(bytes);
      return length;
    });
    expect(offered[0]).toBe(body);
  });

  test("uses its blocks again: a million frames through it make no thousand blocks", () => {
    const outbox = new Outbox();
    const blocks = new Set<Uint8Array>();
    for (let index = 0; index < 100_000; index++) {
      append(outbox, 200, 1);
      blocks.add(outbox.block);
      if (outbox.full) outbox.flush((_bytes, _at, length) => length);
    }
    expect(blocks.size).toBeLessThan(8);
  });
});
