import { describe, expect, test } from "bun:test";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { AGREED, JOIN, LEAVE, SELF_DISCARD } from "../../lib/spread/service.ts";
import { GroupPatterns } from "../../lib/spreadd/access.ts";
import type { Peer } from "../../lib/spreadd/peer.ts";
import { connectRequest, frame, join, kill, leave, message, methodChoice } from "./frames.ts";
import { Bench, Client } from "./recording-rim.ts";

const REMOTE: Peer = { by: "tcp", address: parseAddress("192.0.2.1") };

describe("a name", () => {
  test("in use is refused, and free when its session's end has been ordered", () => {
    const bench = new Bench();
    const first = bench.session("alice");
    const second = bench.connect() as Client;
    second.send(connectRequest("alice"));
    expect(second.line).toMatchObject({ replies: [0xfa], end: { why: "refused", reason: "not-unique" } });
    bench.daemon.lost(first.slot);
    expect(bench.session("alice").line.end).toBeUndefined();
  });

  test("is kept from the request on, before the handshake is over", () => {
    const bench = new Bench();
    (bench.connect() as Client).send(connectRequest("alice"));
    const second = bench.connect() as Client;
    second.send(connectRequest("alice"));
    expect(second.line.replies).toEqual([0xfa]);
  });

  test("is invented where none is asked for, and a new one each time", () => {
    const bench = new Bench({ sessionsMax: 2_000 });
    const names = Array.from({ length: 500 }, () => {
      const client = bench.connect() as Client;
      client.send(connectRequest(""), methodChoice("NULL"));
      return new TextDecoder().decode(Uint8Array.from(client.line.replies.slice(11)));
    });
    for (const name of names) expect(name).toMatch(/^#r\d{1,4}-\d{1,3}#dmn1$/);
    expect(new Set(names).size).toBe(500);
  });
});

describe("the number of sessions", () => {
  test("is bounded: one more is turned away before it says anything", () => {
    const bench = new Bench({ sessionsMax: 2 });
    const [first] = [bench.session("a"), bench.session("b")];
    expect(bench.connect()).toEqual(Uint8Array.of(0xfd));
    first!.send(kill("#a#dmn1"));
    expect(bench.connect()).toBeInstanceOf(Client);
  });

  test("does not keep clients out for the sake of one that is silent in its handshake for a second", () => {
    const bench = new Bench({ sessionsMax: 2 });
    bench.session("a");
    const silent = bench.connect() as Client;
    expect(bench.connect()).toEqual(Uint8Array.of(0xfd));
    bench.rim.clockMs = 1_000;
    expect(bench.connect()).toBeInstanceOf(Client);
    expect(silent.line.end).toEqual({ why: "silent" });
  });
});

describe("rules", () => {
  const bench = () =>
    new Bench({
      access: [{ from: [{ of: "unix" }], send: ["app.*", "#*"], join: ["log.*"] }],
    });

  test("refuse whom they do not name, whatever method he chooses", () => {
    const client = bench().connect(REMOTE) as Client;
    client.send(connectRequest("eve"), methodChoice("NULL"));
    expect(client.line).toMatchObject({ end: { why: "refused", reason: "auth" } });
    expect(client.line.replies.at(-1)).toBe(0xf7);
  });

  test("send back what a session may not do, with its old type and itself behind the groups (8)", () => {
    const alice = bench().session("alice");
    alice.send(
      join("#alice#dmn1", "app.x"),
      message("#alice#dmn1", ["app.x", "log.x"], "hi"),
      leave("#alice#dmn1", "app.x"),
    );
    const [refusedJoin, refusedSend] = alice.received();
    expect(refusedJoin).toMatchObject({
      kind: "reject",
      name: "#alice#dmn1",
      groups: ["app.x", "#alice#dmn1"],
      body: "",
    });
    expect(refusedSend).toMatchObject({ kind: "reject", groups: ["app.x", "log.x", "#alice#dmn1"], body: "hi" });
    const oldTypes = [refusedJoin!, refusedSend!].map(({ bytes }) => new DataView(bytes.buffer).getUint32(48, true));
    expect(oldTypes).toEqual([0x8000_0180, (AGREED | 0x8000_0080) >>> 0]);
  });

  test("tell the operator of a refusal once for each peer and group, whoever asks again", () => {
    const bench_ = bench();
    for (const name of ["alice", "bob"]) {
      const self = `#${name}#dmn1`;
      const again = [join(self, "app.x"), message(self, ["app.x", "log.x"], "hi")];
      bench_.session(name).send(join(self, "log.y"), ...again, ...again);
    }
    expect(bench_.rim.notices.filter((line) => line.startsWith("refused"))).toEqual([
      "refused user 1000 on the unix socket: may not join app.x, no [[spreadd.allow]] says that it may",
      "refused user 1000 on the unix socket: may not send to log.x, no [[spreadd.allow]] says that it may",
    ]);
  });

  test("say nothing to one who discards its own", () => {
    const alice = bench().session("alice");
    alice.send(message("#alice#dmn1", ["log.x"], "hi", AGREED | SELF_DISCARD));
    expect(alice.told()).toEqual([]);
  });

  test("let through what they allow", () => {
    const one = bench();
    const [alice, bob] = [one.session("alice"), one.session("bob")];
    alice.send(join("#alice#dmn1", "log.x"), message("#alice#dmn1", ["#bob#dmn1"], "hi"));
    expect(alice.told()).toEqual(["join log.x 1: #alice#dmn1 (#alice#dmn1)"]);
    expect(bob.told()).toEqual(["message from #alice#dmn1 to #bob#dmn1: hi"]);
  });

  test("let a session send to its own private group, whatever they say, and to no other's", () => {
    const one = new Bench({ access: [{ from: [{ of: "unix" }], send: [], join: [] }] });
    const alice = one.session("alice");
    one.session("bob");
    alice.send(message("#alice#dmn1", ["#alice#dmn1"], "a mark"), message("#alice#dmn1", ["#bob#dmn1"], "hi"));
    const [own, others] = alice.received();
    expect(own).toMatchObject({ kind: "message", groups: ["#alice#dmn1"], body: "a mark" });
    expect(others).toMatchObject({ kind: "reject", groups: ["#bob#dmn1", "#alice#dmn1"] });
  });

  test("send a message to a hundred groups back with the last of them replaced", () => {
    const alice = bench().session("alice");
    alice.send(
      message(
        "#alice#dmn1",
        Array.from({ length: 100 }, (_, at) => `g${at}`),
      ),
    );
    const [refused] = alice.received();
    expect(refused!.groups).toEqual([...Array.from({ length: 99 }, (_, at) => `g${at}`), "#alice#dmn1"]);
  });
});

test("a session can be in so many groups and no more, and a leave makes room", () => {
  const alice = new Bench({ sessionGroupsMax: 2 }).session("alice");
  for (const group of ["a", "b", "c"]) alice.send(join("#alice#dmn1", group));
  expect(alice.received().map(({ kind }) => kind)).toEqual(["view", "view", "reject"]);
  alice.send(leave("#alice#dmn1", "a"), join("#alice#dmn1", "c"));
  expect(alice.received().map(({ kind }) => kind)).toEqual(["selfLeave", "view"]);
});

describe("the time in which a dead peer is noticed", () => {
  const bench = () => new Bench({ groupTimeouts: [{ groups: new GroupPatterns(["mole*"]), timeoutMs: 1_000 }] });

  test("is shorter in a group with a time of its own, from the join to the leave", () => {
    const alice = bench().session("alice");
    expect(alice.line.timeoutMs).toBe(10_000);
    alice.send(join("#alice#dmn1", "mole.ring"), join("#alice#dmn1", "other"));
    expect(alice.line.timeoutMs).toBe(1_000);
    alice.send(leave("#alice#dmn1", "other"));
    expect(alice.line.timeoutMs).toBe(1_000);
    alice.send(leave("#alice#dmn1", "mole.ring"));
    expect(alice.line.timeoutMs).toBe(10_000);
  });

  test("stays in other groups", () => {
    const alice = bench().session("alice");
    alice.send(join("#alice#dmn1", "molten"));
    expect(alice.line.timeoutMs).toBe(10_000);
  });
});

describe("one that does not take what it is sent", () => {
  test("makes its senders wait, and just them, until it has drained", () => {
    const bench = new Bench();
    const [reader, sender, other] = [bench.session("reader"), bench.session("sender"), bench.session("other")];
    reader.line.level = "high";
    sender.send(message("#sender#dmn1", ["#reader#dmn1"], "1"), message("#sender#dmn1", ["#reader#dmn1"], "2"));
    other.send(message("#other#dmn1", ["#sender#dmn1"]));
    expect([sender.line.isPaused, other.line.isPaused]).toEqual([true, false]);
    expect(reader.received().map(({ body }) => body)).toEqual(["1"]);
    reader.line.level = "low";
    bench.daemon.drained(reader.slot, true);
    expect(sender.line.isPaused).toBe(false);
    sender.send();
    expect(reader.received().map(({ body }) => body)).toEqual(["2"]);
  });

  test("is waited for no longer than patience lasts", () => {
    const bench = new Bench();
    const [reader, sender] = [bench.session("reader"), bench.session("sender")];
    reader.line.level = "high";
    sender.send(message("#sender#dmn1", ["#reader#dmn1"]));
    while (bench.daemon.isWaiting && bench.rim.clockMs < 10_000) {
      bench.rim.clockMs += 50;
      bench.daemon.check();
    }
    expect(sender.line.isPaused).toBe(false);
    expect(bench.rim.clockMs).toBe(250); // 200 ms, refilled by a tenth while they run
  });

  test("ends when its queue is full, after the others have got the message and before they see it gone", () => {
    const bench = new Bench();
    const sessions = ["a", "slow", "z"].map((name) => bench.session(name));
    for (const [at, name] of ["a", "slow", "z"].entries()) sessions[at]!.send(join(`#${name}#dmn1`, "g"));
    const [a, slow, z] = sessions as [Client, Client, Client];
    for (const session of sessions) session.told();
    slow.line.level = "full";
    a.send(message("#a#dmn1", ["g"], "too much"));
    expect(slow.line.end).toEqual({ why: "slow" });
    for (const other of [a, z])
      expect(other.told()).toEqual([
        "message from #a#dmn1 to g: too much",
        "disconnect g 4: #a#dmn1 #z#dmn1 (#slow#dmn1)",
      ]);
    expect(bench.daemon.counters.slow).toBe(1);
  });

  test("and others whom its end overruns go one after the other, and all who are left see the same", () => {
    const bench = new Bench();
    const names = ["a", "b", "c", "d", "e"];
    const sessions = names.map((name) => bench.session(name));
    for (const [at, name] of names.entries()) sessions[at]!.send(join(`#${name}#dmn1`, "g"));
    for (const session of sessions) session.told();
    for (const at of [1, 2, 3]) sessions[at]!.line.level = "full";
    sessions[0]!.send(message("#a#dmn1", ["g"]));
    const told = [0, 4].map((at) => sessions[at]!.told());
    expect(told[0]).toHaveLength(4);
    expect(told[0]).toEqual(told[1]!);
    expect(told[0]!.at(-1)).toStartWith("disconnect g 8: #a#dmn1 #e#dmn1 (");
    expect(bench.daemon.sessionCount).toBe(2);
  });
});

test("20,000 sessions, each overrun by the end of the one before, all end", () => {
  const bench = new Bench({ sessionsMax: 20_000 });
  const clients = Array.from({ length: 20_000 }, (_, at) => bench.session(`c${at}`));
  for (const [at, client] of clients.entries()) {
    const name = `#c${at}#dmn1`;
    client.send(join(name, `g${at}`), join(name, `g${at + 1}`));
  }
  for (const { line } of clients) line.level = "full";
  clients[1]!.send(message("#c1#dmn1", ["#c0#dmn1"]));
  expect(clients.filter(({ line }) => line.end?.why === "slow")).toHaveLength(20_000);
  expect([bench.daemon.sessionCount, bench.daemon.groupCount]).toEqual([0, 0]);
});

test("a daemon that stops closes every session without a word", () => {
  const bench = new Bench();
  const sessions = ["a", "b"].map((name) => bench.session(name));
  for (const [at, name] of ["a", "b"].entries())
    sessions[at]!.send(frame({ service: JOIN, sender: `#${name}#dmn1`, groups: ["g"] }));
  for (const session of sessions) session.told();
  bench.daemon.stop();
  for (const session of sessions) {
    expect(session.told()).toEqual([]);
    expect(session.line.end).toEqual({ why: "stopped" });
  }
});

test("leaving a group one is not in brings nothing, not even to one who may do nothing", () => {
  const alice = new Bench({ access: [{ from: [{ of: "all" }], send: [], join: [] }] }).session("alice");
  alice.send(frame({ service: LEAVE, sender: "#alice#dmn1", groups: ["g"] }));
  expect(alice.told()).toEqual([]);
});
