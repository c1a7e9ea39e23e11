import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameError, FrameView, writeHeader } from "../../lib/spread/frame.ts";
import { FrameReader } from "../../lib/spread/frame-reader.ts";
import { nameField } from "../../lib/spread/name-field.ts";
import { AGREED } from "../../lib/spread/service.ts";
import { cases } from "../support/fuzz.ts";

function message(bodyBytes: number, fill: number): Uint8Array {
  const frame = new Uint8Array(48 + bodyBytes).fill(fill, 48);
  writeHeader(frame, 0, AGREED, nameField("#a#d"), 0, fill, bodyBytes);
  return frame;
}

test("frames come out as they went in, however the stream is cut and whenever it is read", () => {
  const bodies = fc.array(fc.oneof(fc.nat(100), fc.nat(20_000)), { maxLength: 20 });
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 30_000 })), {
    minLength: 1,
    maxLength: 10,
  });
  fc.assert(
    fc.property(
      bodies,
      cuts,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      (bodyBytes, pieceBytes, pauses) => {
        const stream = Buffer.concat(bodyBytes.map((bytes, index) => message(bytes, index)));
        const reader = new FrameReader();
        const view = new FrameView();
        const read: number[][] = [];
        const pull = () => {
          while (reader.next(view)) {
            const body = view.copyBody();
            expect(body.every((byte) => byte === view.messageType)).toBe(true);
            read.push([view.messageType, body.length]);
          }
        };
        let at = 0;
        for (let piece = 0; at < stream.length; piece++) {
          const bytes = stream.subarray(at, at + pieceBytes[piece % pieceBytes.length]!);
          at += bytes.length;
          reader.push(bytes);
          if (!pauses[piece % pauses.length]) pull(); // else its chunks wait
        }
        pull();
        expect(read).toEqual(bodyBytes.map((bytes, index) => [index, bytes]));
        expect(reader.heldBytes).toBe(0);
      },
    ),
    cases(1_000),
  );
});

describe("a reader", () => {
  test("holds what is not read, to the byte", () => {
    const reader = new FrameReader();
    const frame = message(100, 1);
    reader.push(frame);
    reader.push(frame.subarray(0, 60));
    expect(reader.heldBytes).toBe(208);
    const view = new FrameView();
    expect(reader.next(view)).toBe(true);
    expect(reader.heldBytes).toBe(60);
    expect(reader.next(view)).toBe(false);
    expect(reader.heldBytes).toBe(60);
    reader.push(frame.subarray(60));
    expect(reader.heldBytes).toBe(148);
    expect(reader.next(view)).toBe(true);
    expect(reader.heldBytes).toBe(0);
  });

  test("does not copy a frame that lies in one chunk", () => {
    const reader = new FrameReader();
    const chunk = message(100, 1);
    reader.push(chunk);
    const view = new FrameView();
    reader.next(view);
    expect(view.bytes).toBe(chunk);
  });

  test("makes no room for a length that a header only claims", () => {
    const reader = new FrameReader();
    const view = new FrameView();
    const head = new Uint8Array(48);
    writeHeader(head, 0, 0x1100, nameField("g"), 65_536, 0, 1_000_000);
    reader.push(head);
    expect(reader.next(view)).toBe(false);
    reader.push(new Uint8Array(1_000));
    expect(reader.next(view)).toBe(false);
    expect(view.bytes.length).toBeLessThan(10_000);
  });

  test("throws where no frame is, also in the middle of a cut one", () => {
    const head = new Uint8Array(48);
    writeHeader(head, 0, AGREED, nameField("g"), -1, 0, 0);
    for (const cut of [48, 20]) {
      const reader = new FrameReader();
      const view = new FrameView();
      reader.push(head.subarray(0, cut));
      if (cut < 48) expect(reader.next(view)).toBe(false);
      reader.push(head.subarray(cut));
      expect(() => reader.next(view)).toThrow(FrameError);
    }
  });
});
