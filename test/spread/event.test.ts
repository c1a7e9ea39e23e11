// Frames as events; those that no recording and no daemon at hand can show.
import { expect, test } from "bun:test";
import { EventMaker } from "../../lib/spread/event.ts";
import {
  BIG_ENDIAN,
  FrameError,
  FrameView,
  frameSize,
  readFrame,
  writeHeader,
  writeInt32,
} from "../../lib/spread/frame.ts";
import { rejectSize } from "../../lib/spread/membership.ts";
import { nameField, writeName } from "../../lib/spread/name-field.ts";
import { AGREED, CAUSED_BY_JOIN, REJECT, SELF_DISCARD } from "../../lib/spread/service.ts";

function frameOf(bytes: Uint8Array): FrameView {
  const view = new FrameView();
  expect(readFrame(bytes, 0, bytes.length, view)).toBe(bytes.length);
  return view;
}

function message(sender: string, groups: readonly string[], body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(frameSize(groups.length, body.length));
  let at = writeHeader(bytes, 0, AGREED | SELF_DISCARD, nameField(sender), groups.length, -7, body.length, BIG_ENDIAN);
  for (const group of groups) at = writeName(bytes, at, group);
  bytes.set(body, at);
  return bytes;
}

test("a message is told with all that its sender said, in whichever byte order", () => {
  const event = new EventMaker().event(frameOf(message("#bob#db", ["g", "#a#d", "g"], Uint8Array.of(1, 2))));
  expect(event).toEqual({
    kind: "message",
    service: "agreed",
    sender: "#bob#db" as never,
    groups: ["g", "#a#d", "g"],
    messageType: -7,
    selfDiscard: true,
    littleEndian: false,
    body: Uint8Array.of(1, 2),
  });
});

test("names are never those of another message, though the last ones are remembered", () => {
  const maker = new EventMaker();
  for (const name of ["a", "ab", "a", "b", "b", "ab", "abc"]) {
    const event = maker.event(frameOf(message(`#${name}#d`, [`g${name}`])));
    expect(event).toMatchObject({ sender: `#${name}#d`, groups: [`g${name}`] });
  }
});

test("groups may be of any bytes, a sender may not", () => {
  const maker = new EventMaker();
  expect(maker.event(frameOf(message("#a#d", ["\x01 \xff"])))).toMatchObject({ groups: ["\x01 \xff"] });
  expect(() => maker.event(frameOf(message("anybody", ["g"])))).toThrow(FrameError);
});

test("a refused join is told with its group, and without ourselves behind it", () => {
  const bytes = new Uint8Array(rejectSize(2, 0));
  writeHeader(bytes, 0, REJECT, nameField("#a#d"), 2, 0, 0);
  writeInt32(bytes, 48, CAUSED_BY_JOIN | 0x8000_0080, true);
  writeName(bytes, writeName(bytes, 52, "secret"), "#a#d");
  expect(new EventMaker().event(frameOf(bytes))).toEqual({
    kind: "reject",
    service: CAUSED_BY_JOIN,
    groups: ["secret"],
    messageType: 0,
    body: new Uint8Array(0),
  });
});
