import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../lib/base/random.ts";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { parseGroupName, parsePrivateGroup } from "../../lib/spread/names.ts";
import { Ping } from "../../lib/spread/ping.ts";
import { Sending, type UnsentPolicy } from "../../lib/spread/sending.ts";

const self = parsePrivateGroup("#a#one");
const other = parsePrivateGroup("#r12-3#two");
const g = parseGroupName("g");
const h = parseGroupName("h");

function begin(policy: UnsentPolicy) {
  const ping = new Ping(seededRandom(1));
  const sending = new Sending(policy, 1_000, (frame) => ping.is(frame));
  /** Takes up to `most` bytes; each request as "name kind body". */
  const take = (most = Number.POSITIVE_INFINITY) => {
    const pieces: Uint8Array[] = [];
    sending.outbox.flush((bytes, at, length) => {
      const some = Math.min(length, most);
      pieces.push(bytes.slice(at, at + some));
      most -= some;
      return some;
    });
    const stream = Buffer.concat(pieces);
    const view = new FrameView();
    const words: string[] = [];
    for (let at = 0; at < stream.length; ) {
      const took = readRequest(stream, at, stream.length, view);
      if (took === 0) {
        words.push("cut");
        break;
      }
      words.push(`${view.name} ${view.kind} ${view.kind === "message" ? Buffer.from(view.body()) : view.group(0)}`);
      at += took;
    }
    return words;
  };
  return { sending, ping, take };
}

describe("with a connection", () => {
  test("the groups are joined first, in the order in which they were asked for", () => {
    const { sending, take } = begin("keep");
    sending.join(h);
    sending.join(g);
    sending.message("g", "m");
    sending.stand(self);
    expect(take()).toEqual(["#a#one join h", "#a#one join g", "#a#one message m"]);
  });

  test("a group that was left is not joined again", () => {
    const { sending, take } = begin("keep");
    sending.stand(self);
    sending.join(g);
    sending.join(h);
    sending.leave(g);
    expect(take()).toEqual(["#a#one join g", "#a#one join h", "#a#one leave g"]);
    sending.fall();
    sending.stand(self);
    expect(take()).toEqual(["#a#one join h"]);
    expect([...sending.groups]).toEqual([h]);
  });
});

describe("messages that no socket took", () => {
  test("are kept whole, in order, and sent in the new name behind the joins; pings and joins are not", () => {
    const { sending, ping, take } = begin("keep");
    sending.stand(self);
    sending.join(g);
    sending.message("g", "one");
    expect(take()).toHaveLength(2);
    sending.message("g", "two");
    ping.send(sending.requests, self);
    sending.leave(h);
    sending.message("g", "three");
    expect(take(40)).toEqual(["cut"]); // half of "two" is gone
    sending.fall();
    sending.message("g", "four");
    expect(sending.outbox.frames).toBe(5); // until there is a connection all of them wait
    sending.stand(other);
    expect(take()).toEqual([
      "#r12-3#two join g",
      "#r12-3#two message two",
      "#r12-3#two message three",
      "#r12-3#two message four",
    ]);
    expect(sending.takeDropped()).toBe(0);
  });

  test("are dropped and counted, where that is the policy, also while there is no connection", () => {
    const { sending, ping, take } = begin("drop");
    sending.message("g", "before");
    sending.stand(self);
    sending.join(g);
    sending.message("g", "one");
    ping.send(sending.requests, self);
    sending.message("g", "two");
    sending.fall();
    expect(sending.drops).toBe(true);
    sending.message("g", "three");
    expect(sending.takeDropped()).toBe(4);
    expect(sending.takeDropped()).toBe(0);
    sending.stand(self);
    expect(take()).toEqual(["#a#one join g"]);
  });

  test("leave no room above the bound", () => {
    const { sending, take } = begin("keep");
    sending.stand(self);
    while (sending.hasRoom) sending.message("g", "0123456789");
    expect(sending.outbox.bytes).toBeGreaterThanOrEqual(1_000);
    expect(sending.outbox.bytes).toBeLessThan(1_000 + 90);
    take();
    expect(sending.outbox.bytes).toBe(0);
    expect(sending.hasRoom as boolean).toBe(true);
  });
});

test("a ping is known among messages of the same type, and of the same length", () => {
  const { sending, ping } = begin("keep");
  ping.send(sending.requests, self);
  sending.requests.message(self, new Uint8Array(16), { messageType: 0x7069, service: "reliable" });
  sending.requests.message(self, new Uint8Array(15), { messageType: 0x7069, service: "reliable" });
  const view = new FrameView();
  const known = sending.outbox.takeUnsent().map((frame) => {
    readRequest(frame, 0, frame.length, view);
    return ping.is(view);
  });
  expect(known).toEqual([true, false, false]);
});
