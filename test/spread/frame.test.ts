// What the recordings can't show of frames: genuine REJECTs, the limits, and every frame that may be written.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BIG_ENDIAN,
  type FrameError,
  type FrameOrder,
  FrameView,
  frameBytes,
  frameSize,
  LITTLE_ENDIAN,
  readFrame,
  readRequest,
  rewriteHeader,
  writeHeader,
  writeInt32,
} from "../../lib/spread/frame.ts";
import { rejectSize } from "../../lib/spread/membership.ts";
import { nameField, writeName } from "../../lib/spread/name-field.ts";
import { AGREED, JOIN, REJECT } from "../../lib/spread/service.ts";
import { cases } from "../support/fuzz.ts";

interface Fields {
  readonly service: number;
  readonly name: string;
  readonly groups: readonly string[];
  readonly messageType: number;
  readonly body: Uint8Array;
  readonly order: FrameOrder;
}

const bytesOf = (fields: Partial<Fields>): Uint8Array => {
  const {
    service = AGREED,
    name = "#a#dmn1",
    groups = [],
    messageType = 0,
    body = new Uint8Array(0),
    order = LITTLE_ENDIAN,
  } = fields;
  const bytes = new Uint8Array(frameSize(groups.length, body.length));
  let at = writeHeader(bytes, 0, service, nameField(name), groups.length, messageType, body.length, order);
  for (const group of groups) at = writeName(bytes, at, group);
  bytes.set(body, at);
  return bytes;
};

const legalName = (most: number) =>
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: most });
const orders = fc.record({ littleEndian: fc.boolean(), hintLittleEndian: fc.boolean() });
const anyMessage = fc.record({
  service: fc
    .tuple(fc.constantFrom(1, 2, 4, 8, 16, 32), fc.constantFrom(0, 0x40, 0x0100_0000, 0x2000, 0x0040_0000))
    .map(([a, b]) => a | b),
  name: legalName(31),
  groups: fc.array(legalName(31), { maxLength: 100 }),
  messageType: fc.integer({ min: -0x8000, max: 0x7fff }),
  body: fc.uint8Array({ maxLength: 300 }),
  order: orders,
});

describe("any message that may be written", () => {
  for (const [side, read] of [
    ["client", readFrame],
    ["daemon", readRequest],
  ] as const)
    test(`is read by a ${side} as the same`, () => {
      const view = new FrameView();
      fc.assert(
        fc.property(anyMessage, fc.nat(40), (fields, at) => {
          const frame = bytesOf(fields);
          const bytes = new Uint8Array(at + frame.length + 7).fill(0xff);
          bytes.set(frame, at);
          expect(read(bytes, at, at + frame.length - 1, view)).toBe(0);
          expect(frameBytes(bytes, at, at + 48)).toBe(frame.length);
          expect(read(bytes, at, bytes.length, view)).toBe(frame.length);
          expect({
            service: view.service,
            name: view.name,
            groups: view.groups(),
            messageType: view.messageType,
            body: view.copyBody(),
            order: { littleEndian: view.littleEndian, hintLittleEndian: view.hintLittleEndian },
          }).toEqual({ ...fields, body: fields.body.slice() });
          expect(view.kind).toBe("message");
        }),
        cases(1_000),
      );
    });

  test("is passed on by a daemon of either order with hint, groups and body untouched", () => {
    fc.assert(
      fc.property(anyMessage, fc.boolean(), (fields, little) => {
        const frame = bytesOf(fields);
        const view = new FrameView();
        readRequest(frame, 0, frame.length, view);
        rewriteHeader(view, little);
        expect(frame).toEqual(bytesOf({ ...fields, order: { ...fields.order, littleEndian: little } }));
        expect(view.littleEndian).toBe(little);
      }),
      cases(500),
    );
  });
});

test("a daemon ends a sender's name at its last byte", () => {
  const frame = bytesOf({});
  frame.fill(0x78, 4, 36);
  const view = new FrameView();
  readRequest(frame, 0, frame.length, view);
  rewriteHeader(view, true);
  expect(view.name).toBe("x".repeat(31));
});

test("a body that was copied is one's own, also where the bytes came as a Buffer", () => {
  const frame = Buffer.from(bytesOf({ body: Uint8Array.of(1, 2, 3) }));
  const view = new FrameView();
  readFrame(frame, 0, frame.length, view);
  const copy = view.copyBody();
  frame.fill(0);
  expect([...copy]).toEqual([1, 2, 3]);
  expect([...view.body()]).toEqual([0, 0, 0]);
});

describe("a genuine REJECT", () => {
  for (const order of [LITTLE_ENDIAN, BIG_ENDIAN])
    test(`carries the refused message's type before its groups (${order.littleEndian ? "little" : "big"}-endian)`, () => {
      const bytes = new Uint8Array(rejectSize(2, 3));
      writeHeader(bytes, 0, REJECT, nameField("#a#dmn1"), 2, -5, 3, order);
      writeInt32(bytes, 48, order.littleEndian ? AGREED | 0x8000_0080 : AGREED, order.littleEndian);
      writeName(bytes, 52, "g1");
      writeName(bytes, 84, "#a#dmn1");
      bytes.set([1, 2, 3], 116);
      const view = new FrameView();
      for (let end = 0; end < bytes.length; end++) expect(readFrame(bytes, 0, end, view)).toBe(0);
      expect(frameBytes(bytes, 0, 48)).toBe(bytes.length);
      expect(readFrame(bytes, 0, bytes.length, view)).toBe(bytes.length);
      expect([view.kind, view.oldService, view.messageType]).toEqual(["reject", AGREED, -5]);
      expect(view.groups()).toEqual(["g1", "#a#dmn1"]);
      expect([...view.body()]).toEqual([1, 2, 3]);
    });

  test("is none where a service bit is set: then the sender set the bit, and no type follows", () => {
    const bytes = bytesOf({ service: AGREED | REJECT, groups: ["g1"] });
    const view = new FrameView();
    expect(readFrame(bytes, 0, bytes.length, view)).toBe(bytes.length);
    expect([view.kind, view.oldService]).toEqual(["message", 0]);
  });
});

describe("a header is refused before its body is waited for", () => {
  const header = (service: number, groups: number, body: number, order = LITTLE_ENDIAN) => {
    const bytes = new Uint8Array(48);
    writeHeader(bytes, 0, service, nameField("#a#d"), groups, 0, body, order);
    return bytes;
  };
  const taken = (read: typeof readFrame, bytes: Uint8Array) => {
    try {
      return read(bytes, 0, 48, new FrameView());
    } catch (error) {
      return (error as FrameError).field;
    }
  };
  for (const order of [LITTLE_ENDIAN, BIG_ENDIAN])
    for (const [name, service, groups, body, client, daemon] of [
      ["100 groups and the largest body", AGREED, 100, 140_752, 0, 0],
      ["one byte above it", AGREED, 100, 140_753, "size", "size"],
      ["101 groups", AGREED, 101, 0, "groups", "groups"],
      ["-1 groups", AGREED, -1, 0, "groups", "groups"],
      ["a body of -1", AGREED, 0, -1, "length", "length"],
      ["a body of 144001", AGREED, 0, 144_001, "length", "length"],
      ["a body of 2^31 - 1", AGREED, 0, 0x7fff_ffff, "length", "length"],
      ["2^31 - 1 groups", AGREED, 0x7fff_ffff, 0, "groups", "groups"],
      ["no bit at all", 0, 0, 0, "type", "type"],
      ["a join", JOIN, 1, 0, "type", 0],
      ["a REJECT with 101 groups, the sender appended", REJECT, 101, 0, 0, "type"],
      ["a REJECT with 102", REJECT, 102, 0, "groups", "type"],
      ["a view of 65536 members", 0x1100, 65_536, 20, 0, "type"],
      ["a view of 65537 members", 0x1100, 65_537, 20, "groups", "type"],
      ["a view with two causes", 0x1300, 1, 56, "type", "type"],
      ["a view without a cause", 0x1000, 1, 56, "type", "type"],
      ["a view that is a transition too", 0x3100, 1, 56, "type", "type"],
      ["a view without sets' head", 0x1100, 1, 19, "length", "type"],
      ["a view with more sets than members may be", 0x1800, 1, 20 + 65_536 * 36 + 1, "length", "type"],
      ["a transition with groups", 0x2000, 1, 12, "groups", "type"],
      ["a transition without group id", 0x2000, 0, 11, "length", "type"],
      ["a self-leave with a body", 0x0200, 0, 1, "length", "type"],
      ["caused by a join, but no view", 0x0100, 0, 0, "type", "type"],
    ] as const)
      test(`${name} (${order.littleEndian ? "little" : "big"}-endian)`, () => {
        expect(taken(readFrame, header(service, groups, body, order))).toBe(client);
        expect(taken(readRequest, header(service, groups, body, order))).toBe(daemon);
      });

  test("a hint with other bits, in either order", () => {
    for (const at of [40, 43])
      for (const bit of [0x01, 0x40]) {
        const bytes = header(AGREED, 0, 0);
        bytes[at]! |= bit;
        expect(taken(readRequest, bytes)).toBe("hint");
        expect(taken(readFrame, bytes)).toBe("hint");
      }
  });

  test("the error says what stands where", () => {
    const bytes = new Uint8Array(10 + 48);
    bytes.set(header(AGREED, 0, -1), 10);
    expect(() => readFrame(bytes, 10, bytes.length, new FrameView())).toThrow(
      "cannot read frame: body length is -1 at offset 54",
    );
    bytes.set(header(0x3000, 0, 0), 10);
    expect(() => readFrame(bytes, 10, bytes.length, new FrameView())).toThrow(
      "cannot read frame: type is 0x00003000 at offset 10",
    );
  });
});
