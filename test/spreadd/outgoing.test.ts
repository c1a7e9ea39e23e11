import { expect, test } from "bun:test";
import fc from "fast-check";
import { FrameView, readInt32, readRequest } from "../../lib/spread/frame.ts";
import { type Batch, Outgoing, WINDOW } from "../../lib/spreadd/outgoing.ts";
import { ENTRIES_AT } from "../../lib/spreadd/ring-message.ts";
import { cases } from "../support/fuzz.ts";
import { message } from "./frames.ts";

function request(bodyBytes: number): FrameView {
  const bytes = message("#s#h", ["g"], new Uint8Array(bodyBytes));
  const view = new FrameView();
  readRequest(bytes, 0, bytes.length, view);
  return view;
}

/** The slots in a batch: in these tests they number the requests. */
function slotsOf(batch: Batch): number[] {
  const slots: number[] = [];
  const view = new FrameView();
  const bytes = batch.whole();
  for (let at = ENTRIES_AT; at < bytes.length; ) {
    slots.push(readInt32(bytes, at, true));
    at += 4 + readRequest(bytes, at + 4, bytes.length, view);
  }
  return slots;
}

test("a lone request goes at once, and many small ones go together while others are on the way", () => {
  const outgoing = new Outgoing();
  outgoing.add(0, request(10));
  expect(slotsOf(outgoing.next(0)!)).toEqual([0]);
  outgoing.wentOut();
  for (let slot = 1; slot <= 50; slot++) outgoing.add(slot, request(10));
  expect(outgoing.next(100)).toBeUndefined();
  expect(slotsOf(outgoing.next(1)!)).toHaveLength(50);
});

test("whatever is asked for, and however it comes back: nothing is lost, doubled or out of order, and no batch is too large", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0, 1, 100, 1_000, 70_000, 143_900).map((bytes) => ({ add: bytes })) },
    { weight: 3, arbitrary: fc.constant("send" as const) },
    { weight: 2, arbitrary: fc.constant("return" as const) },
    { weight: 1, arbitrary: fc.constant("change" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const outgoing = new Outgoing();
      const done: number[] = [];
      let way: { slots: number[]; isStray: boolean }[] = [];
      let asked = 0;
      const send = () => {
        for (let batch = outgoing.next(way.length); batch !== undefined; batch = outgoing.next(way.length)) {
          expect(batch.whole().length).toBeLessThan(1_000_000);
          way.push({ slots: slotsOf(batch), isStray: false });
          outgoing.wentOut();
        }
        expect(way.length).toBeLessThanOrEqual(WINDOW);
      };
      const comeBack = () => {
        const first = way.shift();
        if (first === undefined || first.isStray) return;
        outgoing.cameBack();
        done.push(...first.slots);
      };
      for (const each of steps) {
        if (each === "send") send();
        else if (each === "return") comeBack();
        else if (each === "change") {
          outgoing.unsend();
          way = way.map(({ slots }) => ({ slots, isStray: true }));
        } else outgoing.add(asked++, request(each.add));
      }
      while (done.length < asked) {
        send();
        comeBack();
      }
      expect(done).toEqual(Array.from({ length: asked }, (_, slot) => slot));
      expect(outgoing.waitingBytes).toBe(0);
    }),
    cases(100),
  );
});
