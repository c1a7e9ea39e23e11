import { describe, expect, test } from "bun:test";
import { BIG_ENDIAN, FrameError } from "../../lib/spread/frame.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import {
  AGREED,
  DROP_RECV,
  FIFO,
  GROUPS,
  JOIN,
  KILL,
  LEAVE,
  REJECT,
  RELIABLE,
  SELF_DISCARD,
} from "../../lib/spread/service.ts";
import { connectRequest, frame, join, kill, leave, message, methodChoice } from "./frames.ts";
import { Bench, Client } from "./recording-rim.ts";

const ALICE = "#alice#dmn1";
const LIST = [5, ...new TextEncoder().encode("NULL ")];
const ACCEPTED = [1, 5, 0, 1, 11, ...new TextEncoder().encode(ALICE)];

function opened(bench = new Bench()): Client {
  const client = bench.connect();
  if (!(client instanceof Client)) throw new Error("turned away");
  return client;
}

describe("the handshake", () => {
  for (const { name, pieces } of [
    { name: "as the library does it", pieces: [connectRequest("alice"), methodChoice("NULL")] },
    {
      name: "byte by byte",
      pieces: [...connectRequest("alice"), ...methodChoice("NULL")].map((byte) => Uint8Array.of(byte)),
    },
    { name: "in one write", pieces: [Uint8Array.of(...connectRequest("alice"), ...methodChoice("NULL"))] },
    {
      name: "split within the name",
      pieces: [connectRequest("alice").slice(0, 7), connectRequest("alice").slice(7), methodChoice("NULL")],
    },
    { name: "with a method named thrice", pieces: [connectRequest("alice"), methodChoice("NULL", "NULL", "NULL")] },
  ]) {
    test(`${name} is accepted`, () => {
      const client = opened();
      client.send(...pieces);
      expect(client.line.replies).toEqual([...LIST, ...ACCEPTED]);
      expect(client.line.end).toBeUndefined();
    });
  }

  test("leaves what is pipelined behind it to the session", () => {
    const client = opened();
    client.send(
      Uint8Array.of(
        ...connectRequest("alice"),
        ...methodChoice("NULL"),
        ...join(ALICE, "g"),
        ...message(ALICE, ["g"], "hi"),
      ),
    );
    expect(client.told()).toEqual([`join g 1: ${ALICE} (${ALICE})`, `message from ${ALICE} to g: hi`]);
  });

  for (const { name, pieces, replies, reason } of [
    { name: "no method", pieces: [connectRequest("alice"), methodChoice()], replies: [...LIST, 0xf7], reason: "auth" },
    {
      name: "a method that is not offered",
      pieces: [connectRequest("alice"), methodChoice("NULL", "IP")],
      replies: [...LIST, 0xf7],
      reason: "auth",
    },
    { name: "a name with #", pieces: [connectRequest("a#b")], replies: [0xfb], reason: "illegal-name" },
    { name: "a name of 11", pieces: [connectRequest("elevenchars")], replies: [0xfb], reason: "illegal-name" },
    {
      name: "version 3.0",
      pieces: [connectRequest("alice", { version: [3, 0, 0] })],
      replies: [0xf9],
      reason: "version",
    },
  ] as const) {
    test(`with ${name} is refused`, () => {
      const client = opened();
      client.send(...pieces);
      expect([...client.line.replies]).toEqual([...replies]);
      expect(client.line.end).toMatchObject({ why: "refused", reason });
    });
  }

  test("that never ends is cut off after its time, with an answer where one was due", () => {
    const bench = new Bench();
    const [silent, asked, done] = [opened(bench), opened(bench), bench.session("done")];
    asked.send(connectRequest("asked"));
    bench.rim.clockMs = 5_000;
    const late = opened(bench);
    bench.daemon.expireHandshakes(bench.daemon.oldestHandshake!);
    expect(silent.line).toMatchObject({ replies: [], end: { why: "silent" } });
    expect(asked.line).toMatchObject({ replies: [...LIST, 0xf7], end: { why: "refused", reason: "auth" } });
    expect([late.line.end, done.line.end]).toEqual([undefined, undefined]);
  });
});

describe("an illegal request ends the session, with a typed reason, and the others see it vanish:", () => {
  const patched = (bytes: Uint8Array, at: number, ...values: number[]) => {
    bytes.set(values, at);
    return bytes;
  };
  const unterminated = patched(message(ALICE, ["g"]), 48, ...new Array(32).fill(0x61));
  for (const { name, bytes, field } of [
    { name: "no service", bytes: frame({ service: 0, sender: ALICE }), field: "type" },
    { name: "two services", bytes: frame({ service: FIFO | RELIABLE, sender: ALICE }), field: "type" },
    {
      name: "a service and a join",
      bytes: frame({ service: JOIN | FIFO, sender: ALICE, groups: ["g"] }),
      field: "type",
    },
    {
      name: "forged membership bits (9.4)",
      bytes: frame({ service: AGREED | 0x1100, sender: ALICE, groups: ["g"] }),
      field: "type",
    },
    {
      name: "the bit that kills the real daemon (9.4)",
      bytes: frame({ service: AGREED | GROUPS, sender: ALICE, groups: ["g"] }),
      field: "type",
    },
    {
      name: "a join that is rejected already (9.4)",
      bytes: frame({ service: JOIN | REJECT, sender: ALICE, groups: ["g"] }),
      field: "type",
    },
    {
      name: "a data message that is rejected already",
      bytes: frame({ service: AGREED | REJECT, sender: ALICE, groups: ["g"] }),
      field: "type",
    },
    {
      name: "a bit that means nothing",
      bytes: frame({ service: AGREED | 0x4000_0000, sender: ALICE, groups: ["g"] }),
      field: "type",
    },
    { name: "another's name", bytes: message("#bob#dmn1", ["g"]), field: "name" },
    { name: "a name that begins as its own", bytes: message("#alice#dmn1x", ["g"]), field: "name" },
    { name: "no name", bytes: message("", ["g"]), field: "name" },
    { name: "-1 groups", bytes: patched(message(ALICE, ["g"]), 36, 0xff, 0xff, 0xff, 0xff), field: "groups" },
    { name: "101 groups", bytes: message(ALICE, new Array(101).fill("g")), field: "groups" },
    { name: "a hint with low bits", bytes: patched(message(ALICE, ["g"]), 40, 0x81), field: "hint" },
    { name: "a body of -1", bytes: patched(message(ALICE, ["g"]), 44, 0xff, 0xff, 0xff, 0xff), field: "length" },
    { name: "a body of 144,001", bytes: patched(message(ALICE, []), 44, 0x81, 0x32, 0x02, 0), field: "length" },
    {
      name: "body and groups of 143,953",
      bytes: patched(message(ALICE, ["g"]), 44, 0x31, 0x32, 0x02, 0),
      field: "size",
    },
    { name: "a join of nothing", bytes: frame({ service: JOIN, sender: ALICE }), field: "groups" },
    { name: "a leave of nothing", bytes: frame({ service: LEAVE, sender: ALICE }), field: "groups" },
    { name: "a group's name that does not end (4)", bytes: unterminated, field: "name" },
  ]) {
    test(name, () => {
      const bench = new Bench();
      const [alice, bob] = [bench.session("alice"), bench.session("bob")];
      alice.send(join(ALICE, "g"));
      bob.send(join("#bob#dmn1", "g"));
      bob.told();
      alice.send(bytes);
      const { end } = alice.line;
      expect(end?.why === "illegal" && end.fault instanceof FrameError && end.fault.field).toBe(field as never);
      expect(bob.told()).toEqual([`disconnect g 3: #bob#dmn1 (${ALICE})`]);
      expect(bench.daemon.counters.illegal).toBe(1);
    });
  }

  test("as soon as its header is there, whether or not that came in one piece", () => {
    const eve = new Bench().session("eve");
    eve.send(message("#bob#dmn1", ["g"], "long").subarray(0, 60));
    expect(eve.line.end).toMatchObject({ why: "illegal" });
    const alice = new Bench().session("alice");
    alice.send(message("#bob#dmn1", ["g"], "long").subarray(0, 47));
    expect(alice.line.end).toBeUndefined();
    alice.send(message("#bob#dmn1", ["g"], "long").subarray(47, 48));
    expect(alice.line.end).toMatchObject({ why: "illegal" });
  });
});

describe("a legal request", () => {
  test("of every form is answered alike whole, byte by byte, and in pieces of any size", () => {
    const requests = [
      join(ALICE, "g"),
      message(ALICE, ["g"], "x".repeat(5_000)),
      message(ALICE, [ALICE], ""),
      leave(ALICE, "g"),
      join(ALICE, "h"),
    ];
    const all = Buffer.concat(requests);
    const answers = [all.length, 1, 7, 47, 48, 49, 1_000, 5_000].map((size) => {
      const alice = new Bench().session("alice");
      for (let at = 0; at < all.length; at += size) alice.send(all.subarray(at, at + size));
      return alice.told();
    });
    expect(answers[0]).toHaveLength(5);
    for (const answer of answers) expect(answer).toEqual(answers[0]!);
  });

  test("from a big-endian client is passed on in our order, hint and body untouched", () => {
    const alice = new Bench().session("alice");
    alice.send(
      frame({ service: AGREED, sender: ALICE, groups: [ALICE], body: "hi", messageType: 4_660, order: BIG_ENDIAN }),
    );
    const [got] = alice.received();
    expect(got!.bytes).toEqual(
      frame({
        service: AGREED,
        sender: ALICE,
        groups: [ALICE],
        body: "hi",
        messageType: 4_660,
        order: { littleEndian: true, hintLittleEndian: false },
      }),
    );
  });

  test("keeps what the receive call's option set, and its own discard", () => {
    const bench = new Bench();
    const [alice, bob] = [bench.session("alice"), bench.session("bob")];
    alice.send(frame({ service: AGREED | DROP_RECV | SELF_DISCARD, sender: ALICE, groups: ["#bob#dmn1"] }));
    expect(bob.received()[0]!.service).toBe(AGREED | DROP_RECV | SELF_DISCARD);
  });

  test("may have anything in the last byte of its name, though it is 31 characters long (vector bad-sender-nonul)", () => {
    const bench = new Bench({ name: parseDaemonName("nineteen-characters") });
    const alice = bench.session("tencharact");
    const sender = "#tencharact#nineteen-characters";
    const bytes = message(sender, [sender], "hi");
    bytes[35] = 0x5a;
    alice.send(bytes);
    expect(alice.told()).toEqual([`message from ${sender} to ${sender}: hi`]);
  });

  test("of two groups to join is one for the first (6)", () => {
    const alice = new Bench().session("alice");
    alice.send(frame({ service: JOIN, sender: ALICE, groups: ["g", "h"] }));
    expect(alice.told()).toEqual([`join g 1: ${ALICE} (${ALICE})`]);
  });

  test("to end is obeyed at once, whatever its groups say, and nothing behind it counts", () => {
    const bench = new Bench();
    const [alice, bob] = [bench.session("alice"), bench.session("bob")];
    alice.send(
      Buffer.concat([
        frame({ service: KILL, sender: ALICE, groups: ["x".repeat(31), "#bob#dmn1"] }),
        message(ALICE, ["#bob#dmn1"]),
      ]),
    );
    expect(alice.line.end).toEqual({ why: "left" });
    expect(bob.told()).toEqual([]);
    expect(bench.session("alice").line.end).toBeUndefined(); // its name is free
  });
});

test("a turn ends after some bytes, and goes on where it stopped", () => {
  const bench = new Bench();
  const alice = bench.session("alice");
  const flood = Buffer.concat(new Array(1_000).fill(message(ALICE, [ALICE], "x".repeat(200))));
  bench.daemon.receive(alice.slot, flood);
  let turns = 1;
  while (bench.daemon.turn(alice.slot)) turns += 1;
  expect(turns).toBe(Math.ceil(1_000 / Math.ceil(65_536 / 280)));
  expect(alice.received()).toHaveLength(1_000);
});

test("a killed session's slot and name go to the next", () => {
  const bench = new Bench();
  const first = bench.session("alice");
  first.send(kill(ALICE));
  expect(bench.session("alice").slot).toBe(first.slot);
  expect(bench.daemon.sessionCount).toBe(1);
});
