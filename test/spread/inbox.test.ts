import { describe, expect, test } from "bun:test";
import { Fault } from "../../lib/base/fault.ts";
import type { Back, Lost } from "../../lib/spread/event.ts";
import { FrameError, writeHeader } from "../../lib/spread/frame.ts";
import { FrameReader } from "../../lib/spread/frame-reader.ts";
import { Inbox } from "../../lib/spread/inbox.ts";
import { SELF_LEAVE_BYTES, viewSize, writeSelfLeave, writeView } from "../../lib/spread/membership.ts";
import { nameField } from "../../lib/spread/name-field.ts";
import type { PrivateGroup } from "../../lib/spread/names.ts";
import { AGREED } from "../../lib/spread/service.ts";

const PING = 99;
const lost = (dropped = 0): Lost => ({ kind: "lost", reason: new Fault("unavailable", "ended", "gone"), dropped });
const back = (dropped = 0): Back => ({
  kind: "back",
  awayMs: 1,
  server: "s",
  privateGroup: "#a#d" as PrivateGroup,
  dropped,
});

function message(messageType: number): Uint8Array {
  const frame = new Uint8Array(48);
  writeHeader(frame, 0, AGREED, nameField("#a#d"), 0, messageType, 0);
  return frame;
}

function view(index: number): Uint8Array {
  const members = ["#a#d" as PrivateGroup];
  const fields = {
    group: "g",
    id: { daemonId: 1, time: 2, index },
    cause: "join",
    members,
    sets: [members],
    ownSet: 0,
  } as const;
  const frame = new Uint8Array(viewSize(fields));
  writeView(frame, 0, fields);
  return frame;
}

function selfLeave(): Uint8Array {
  const frame = new Uint8Array(SELF_LEAVE_BYTES);
  writeSelfLeave(frame, 0, "g");
  return frame;
}

/** An inbox with one connection open. */
function begin() {
  const inbox = new Inbox((frame) => frame.messageType === PING);
  const reader = new FrameReader();
  inbox.opened(reader);
  return { inbox, reader };
}

/** All that is there, each as one word. */
function takeAll(inbox: Inbox): string[] {
  const words: string[] = [];
  for (let event = inbox.take(); event !== undefined; event = inbox.take())
    words.push(
      event.kind === "message"
        ? `message ${event.messageType}`
        : event.kind === "view"
          ? `view ${event.id.index}`
          : event.kind,
    );
  return words;
}

describe("an inbox", () => {
  test("gives what came in order, but our own pings", () => {
    const { inbox, reader } = begin();
    reader.push(Buffer.concat([view(1), message(1), message(PING), message(2), selfLeave()]));
    expect(takeAll(inbox)).toEqual(["view 1", "message 1", "message 2", "selfLeave"]);
    reader.push(message(3));
    expect(takeAll(inbox)).toEqual(["message 3"]);
  });

  test("never gives a view of a connection that is gone; its messages it does, and before the loss", () => {
    const { inbox, reader } = begin();
    reader.push(
      Buffer.concat([message(1), view(1), message(PING), selfLeave(), message(2), message(3).subarray(0, 20)]),
    );
    inbox.over(reader);
    inbox.tell(lost());
    const next = new FrameReader();
    inbox.tell(back());
    inbox.opened(next);
    next.push(Buffer.concat([view(7), message(4)]));
    expect(takeAll(inbox)).toEqual(["message 1", "message 2", "lost", "back", "view 7", "message 4"]);
  });

  test("takes back a view that was read ahead, when its connection goes", () => {
    const { inbox, reader } = begin();
    reader.push(view(1));
    inbox.lookAhead();
    inbox.over(reader);
    inbox.tell(lost());
    expect(takeAll(inbox)).toEqual(["lost"]);
  });

  test("lets pings go that nobody takes, as long as nothing else waits", () => {
    const { inbox, reader } = begin();
    for (let ping = 0; ping < 1_000; ping++) {
      reader.push(message(PING));
      inbox.lookAhead();
    }
    expect(reader.heldBytes).toBe(0);
    reader.push(message(1));
    inbox.lookAhead();
    expect(takeAll(inbox)).toEqual(["message 1"]);
  });

  test("tells outages that nobody saw, and in which nothing came, as one", () => {
    const { inbox, reader } = begin();
    let last = reader;
    for (let outage = 0; outage < 1_000; outage++) {
      inbox.over(last);
      inbox.tell(lost(1));
      inbox.tell(back(2));
      last = new FrameReader();
      inbox.opened(last);
    }
    expect(inbox.heldBytes).toBeLessThan(10_000);
    last.push(message(5));
    const dropped = [inbox.take(), inbox.take()].map((event) => (event as Lost | Back).dropped);
    expect(dropped[0]! + dropped[1]!).toBe(3_000);
    expect(takeAll(inbox)).toEqual(["message 5"]);
  });

  test("throws where the live connection sends no frame, and passes over what a dead one left", () => {
    const broken = new Uint8Array(48);
    const { inbox, reader } = begin();
    reader.push(Buffer.concat([message(1), broken]));
    expect(inbox.take()?.kind).toBe("message");
    expect(() => inbox.take()).toThrow(FrameError);
    inbox.over(reader);
    inbox.tell(lost());
    expect(takeAll(inbox)).toEqual(["lost"]);
  });

  test("forgets all when it is cleared", () => {
    const { inbox, reader } = begin();
    reader.push(Buffer.concat([message(1), message(2)]));
    inbox.lookAhead();
    inbox.clear();
    expect(takeAll(inbox)).toEqual([]);
    expect(inbox.heldBytes).toBe(0);
  });
});
