// Views that no honest daemon sends; what honest ones send is in the recordings.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BIG_ENDIAN, FrameError, FrameView, LITTLE_ENDIAN, readFrame, writeInt32 } from "../../lib/spread/frame.ts";
import { equalGroupIds, readView, type View, viewSize, writeView } from "../../lib/spread/membership.ts";
import { writeName } from "../../lib/spread/name-field.ts";
import type { PrivateGroup } from "../../lib/spread/names.ts";
import { cases } from "../support/fuzz.ts";

const a = "#a#one" as PrivateGroup;
const b = "#b#two" as PrivateGroup;
const merge: View = {
  kind: "view",
  group: "g",
  id: { daemonId: -1, time: 2, index: 3 },
  cause: "network",
  members: [a, b],
  sets: [[a], [b]],
  ownSet: 1,
};

/** Where the body of `merge` begins, and in it the parts. */
const BODY = 48 + 2 * 32;
const SET_COUNT = BODY + 12;
const OWN_OFFSET = BODY + 16;
const FIRST_SET = BODY + 20;

function written(view: View, order = LITTLE_ENDIAN): Uint8Array {
  const bytes = new Uint8Array(viewSize(view));
  writeView(bytes, 0, view, order);
  return bytes;
}

function read(bytes: Uint8Array): View {
  const frame = new FrameView();
  readFrame(bytes, 0, bytes.length, frame);
  return readView(frame);
}

const member = fc
  .tuple(fc.stringMatching(/^[$-~]{1,10}$/), fc.stringMatching(/^[$-~]{1,19}$/))
  .map(([name, daemon]) => `#${name}#${daemon}`.slice(0, 31) as PrivateGroup);
const anyView = fc
  .record({
    group: fc.stringMatching(/^[$-~]{1,31}$/),
    id: fc.record({ daemonId: fc.integer(), time: fc.nat(), index: fc.nat() }),
    cause: fc.constantFrom("join" as const, "leave" as const, "disconnect" as const, "network" as const),
    members: fc.array(member, { maxLength: 20 }),
    sets: fc.array(fc.array(member, { maxLength: 5 }), { minLength: 1, maxLength: 5 }),
  })
  .chain((fields) => fc.nat(fields.sets.length - 1).map((ownSet): View => ({ kind: "view", ...fields, ownSet })));

test("any view is read as it was written, in either byte order", () => {
  fc.assert(
    fc.property(anyView, fc.constantFrom(LITTLE_ENDIAN, BIG_ENDIAN), (view, order) => {
      expect(read(written(view, order))).toEqual(view);
    }),
    cases(500),
  );
});

describe("a view is refused", () => {
  for (const [what, spoil, offset] of [
    ["whose member is no private group", (bytes: Uint8Array) => writeName(bytes, 48, "alice"), 48],
    ["whose member in a set is none", (bytes: Uint8Array) => writeName(bytes, FIRST_SET + 4, "#a"), FIRST_SET + 4],
    [
      "with fewer sets than bytes for them",
      (bytes: Uint8Array) => writeInt32(bytes, SET_COUNT, 1, true),
      FIRST_SET + 36,
    ],
    ["with more", (bytes: Uint8Array) => writeInt32(bytes, SET_COUNT, 3, true), FIRST_SET + 72],
    ["with -1 sets", (bytes: Uint8Array) => writeInt32(bytes, SET_COUNT, -1, true), SET_COUNT],
    ["with 2^31 - 1 sets", (bytes: Uint8Array) => writeInt32(bytes, SET_COUNT, 0x7fff_ffff, true), SET_COUNT],
    [
      "with a set longer than the body",
      (bytes: Uint8Array) => writeInt32(bytes, FIRST_SET + 36, 2, true),
      FIRST_SET + 36,
    ],
    ["with a set of -1", (bytes: Uint8Array) => writeInt32(bytes, FIRST_SET, -1, true), FIRST_SET],
    ["whose own set begins nowhere", (bytes: Uint8Array) => writeInt32(bytes, OWN_OFFSET, 4, true), OWN_OFFSET],
  ] as const)
    test(what, () => {
      const bytes = written(merge);
      spoil(bytes);
      try {
        read(bytes);
        throw new Error("it was read");
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
        expect((error as FrameError).offset).toBe(offset);
      }
    });
});

test("group ids are equal where all three parts are", () => {
  const { id } = merge;
  expect(equalGroupIds(id, { ...id })).toBe(true);
  for (const other of [
    { ...id, daemonId: 9 },
    { ...id, time: 9 },
    { ...id, index: 9 },
  ])
    expect(equalGroupIds(id, other)).toBe(false);
});
