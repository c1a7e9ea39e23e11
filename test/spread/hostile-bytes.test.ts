// Bytes that no honest peer sends. Whatever comes, a reader answers with a number of bytes or a typed error; nothing else is thrown, nothing is
// taken that is not there.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import { NULL_METHOD } from "../../lib/spread/auth-method.ts";
import { ClientHandshake } from "../../lib/spread/client-handshake.ts";
import { DaemonHandshake } from "../../lib/spread/daemon-handshake.ts";
import { FrameError, FrameView, frameBytes, readFrame, readRequest } from "../../lib/spread/frame.ts";
import { readView, writeView } from "../../lib/spread/membership.ts";
import { cases } from "../support/fuzz.ts";
import { vectors } from "./vector.ts";

const recorded = vectors().flatMap(({ steps }) =>
  steps.filter((step) => step.bytes.length > 0).map((step) => step.bytes.subarray(0, 400)),
);
const frames = recorded.filter((bytes) => bytes.length >= 48);

/** A recorded frame with some bytes changed, some cut off, and something behind. */
const damaged = fc
  .tuple(
    fc.nat(frames.length - 1),
    fc.array(fc.tuple(fc.nat(399), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff))), { maxLength: 4 }),
    fc.nat(400),
    fc.uint8Array({ maxLength: 8 }),
  )
  .map(([index, changes, cut, behind]) => {
    const bytes = Uint8Array.of(...frames[index]!, ...behind);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return cut < 100 ? bytes.subarray(0, cut) : bytes;
  });

const anyBytes = fc.uint8Array({ maxLength: 200 });

/** Reads frames until nothing more is taken. */
function readAll(read: typeof readFrame, bytes: Uint8Array): void {
  const view = new FrameView();
  try {
    let at = 0;
    for (let took = 0; ; at += took) {
      took = read(bytes, at, bytes.length, view);
      if (took === 0) break;
      if (at + took > bytes.length) throw new Error("took bytes that are not there");
      if (view.kind === "view") checkView(view);
    }
    if (frameBytes(bytes, at, bytes.length) <= bytes.length - at) throw new Error("a whole frame was not taken");
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
  }
}

/** What was read as a view is written as the same bytes; but what stands behind a name's NUL. */
function checkView(view: FrameView): void {
  const read = readView(view);
  const order = { littleEndian: view.littleEndian, hintLittleEndian: view.hintLittleEndian };
  const bytes = new Uint8Array(view.bodyEnd - view.start);
  expect(writeView(bytes, 0, read, order)).toBe(bytes.length);
  const again = new FrameView();
  readFrame(bytes, 0, bytes.length, again);
  expect(readView(again)).toEqual(read);
}

for (const [name, arbitrary, runs] of [
  ["recorded frames, damaged", damaged, 15_000],
  ["any bytes", anyBytes, 5_000],
] as const) {
  test(`${name}: a client takes frames or throws a FrameError`, () => {
    fc.assert(
      fc.property(arbitrary, (bytes) => readAll(readFrame, bytes)),
      cases(runs),
    );
  });

  test(`${name}: a daemon takes requests or throws a FrameError`, () => {
    fc.assert(
      fc.property(arbitrary, (bytes) => readAll(readRequest, bytes)),
      cases(runs),
    );
  });
}

const handshakes = recorded.filter((bytes) => bytes.length < 106);
const damagedHandshake = fc
  .tuple(
    fc.array(fc.nat(handshakes.length - 1), { maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([indexes, changes, behind]) => {
    const bytes = Uint8Array.from([...indexes.flatMap((index) => [...handshakes[index]!]), ...behind]);
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });

test("a client's handshake ends in an acceptance or a typed error, in pieces as whole", () => {
  fc.assert(
    fc.property(damagedHandshake, fc.integer({ min: 1, max: 50 }), (bytes, pieceBytes) => {
      expect(clientOutcome(bytes, pieceBytes)).toEqual(clientOutcome(bytes, bytes.length));
    }),
    cases(10_000),
  );
});

test("a daemon's handshake never throws, in pieces as whole", () => {
  fc.assert(
    fc.property(damagedHandshake, fc.integer({ min: 1, max: 50 }), (bytes, pieceBytes) => {
      expect(daemonOutcome(bytes, pieceBytes)).toEqual(daemonOutcome(bytes, bytes.length));
    }),
    cases(10_000),
  );
});

function clientOutcome(bytes: Uint8Array, pieceBytes: number): unknown {
  const handshake = new ClientHandshake({ name: undefined, membership: true, priority: 0, methods: [NULL_METHOD] });
  const sent: string[] = [];
  let taken = 0;
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes)
      taken += handshake.take(bytes, at, Math.min(at + pieceBytes, bytes.length), (some) => sent.push(some.toString()));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [error.message, sent];
  }
  return [handshake.acceptance, taken, sent];
}

function daemonOutcome(bytes: Uint8Array, pieceBytes: number): unknown {
  const handshake = new DaemonHandshake();
  let taken = 0;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const end = Math.min(at + pieceBytes, bytes.length);
    let from = at;
    for (let took = -1; took !== 0; from += took) {
      took = handshake.take(bytes, from, end);
      taken += took;
      if (handshake.state.at !== "requested" || !handshake.state.knowsMethods) continue;
      handshake.offer(["NULL"]);
      took = took === 0 ? -1 : took;
    }
    if (from < end) break; // it stopped for good
  }
  return [handshake.state, taken];
}
