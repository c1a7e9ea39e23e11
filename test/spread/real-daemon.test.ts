// Our client on the real Spread 5 daemon: what the recordings and the scripted daemon can't show together.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type ConnectError,
  connect,
  equalGroupIds,
  SERVICE_TYPES,
  type Session,
  type SessionEvent,
  type View,
} from "../../lib/spread/index.ts";
import { hasRealSpread, type RealSpread, startRealSpread } from "../support/real-spread.ts";

const PORT = 24_100;
const SLOW_MS = 40_000;

/** The next event of a kind; others before it are passed over. */
async function next<Kind extends SessionEvent["kind"]>(session: Session, kind: Kind) {
  for await (const event of session) if (event.kind === kind) return event as Extract<SessionEvent, { kind: Kind }>;
  throw new Error(`the session ended before a ${kind}`);
}

describe.if(hasRealSpread)("on the real daemon", () => {
  let daemon: RealSpread;
  beforeAll(async () => {
    // its default of 1000 queued messages is for clients with a core of their own
    daemon = await startRealSpread({ port: PORT, config: "MaxSessionMessages = 50000" });
  }, SLOW_MS);
  afterAll(async () => await daemon[Symbol.asyncDispose]());

  for (const [way, server] of [
    ["TCP", `${PORT}@127.0.0.1`],
    ["the unix socket", `${PORT}`],
  ] as const)
    test(`over ${way}: views of joins, leaves and disconnects, at every member the same`, async () => {
      await using alice = await connect({ servers: server, name: "alice", priority: 1 });
      const bob = await connect({ servers: server, name: "bob" });
      const group = `views-${way.length}`;
      await alice.join(group);
      const first = await next(alice, "view");
      expect(first).toMatchObject({
        group,
        cause: "join",
        members: ["#alice#dmn1"],
        sets: [["#alice#dmn1"]],
        ownSet: 0,
      });
      await bob.join(group);
      const [second, same] = [await next(alice, "view"), await next(bob, "view")];
      expect(second).toEqual(same);
      expect(second.members as readonly string[]).toEqual(["#alice#dmn1", "#bob#dmn1"]);
      expect(second.sets as unknown).toEqual([["#bob#dmn1"]]);
      expect(second.id).toEqual({ ...first.id, index: first.id.index + 1 });
      expect(equalGroupIds(second.id, same.id)).toBe(true);
      expect(equalGroupIds(first.id, second.id)).toBe(false);
      await alice.leave(group);
      expect(await next(alice, "selfLeave")).toEqual({ kind: "selfLeave", group });
      expect(await next(bob, "view")).toMatchObject({ cause: "leave", members: ["#bob#dmn1"] });
      await alice.join(group);
      expect(await next(alice, "view")).toMatchObject({ cause: "join" });
      await bob.close();
      const gone: View = await next(alice, "view");
      expect(gone).toMatchObject({ cause: "disconnect", members: ["#alice#dmn1"], sets: [["#bob#dmn1"]] });
    });

  test("every service type arrives as it was sent, with its type and groups", async () => {
    await using session = await connect({ servers: daemon.tcp, name: "services" });
    await session.join("svc");
    await next(session, "view");
    for (const service of SERVICE_TYPES) {
      await session.multicast(["svc", "nobody-here"], service, { service, messageType: -5 });
      expect(await next(session, "message")).toMatchObject({
        service,
        sender: "#services#dmn1",
        groups: ["svc", "nobody-here"],
        messageType: -5,
        selfDiscard: false,
        littleEndian: true,
        body: new TextEncoder().encode(service),
      });
    }
  });

  test("SELF_DISCARD keeps a message from its sender, and a private group reaches one session", async () => {
    await using one = await connect({ servers: daemon.unix, name: "one" });
    await using two = await connect({ servers: daemon.unix, name: "two" });
    for (const session of [one, two]) await session.join("discard");
    await next(two, "view");
    await one.multicast("discard", "not for me", { selfDiscard: true });
    await one.multicast(["#one#dmn1", "#two#dmn1"], "for both");
    expect(await next(two, "message")).toMatchObject({ selfDiscard: true, groups: ["discard"] });
    expect((await next(one, "message")).groups).toEqual(["#one#dmn1", "#two#dmn1"]);
  });

  test("43 groups are routed, and each member gets one copy", async () => {
    await using session = await connect({ servers: daemon.unix, name: "many" });
    const groups = Array.from({ length: 43 }, (_, index) => `many-${index}`);
    await session.join("many-0");
    await session.join("many-42");
    await session.multicast(groups, "once");
    await session.multicast("many-0", "end");
    expect((await next(session, "message")).groups).toEqual(groups);
    expect(new TextDecoder().decode((await next(session, "message")).body)).toBe("end");
  });

  test("the largest safe message survives the way, in one piece and in several", async () => {
    await using session = await connect({ servers: daemon.tcp, name: "large" });
    await session.join("large");
    const body = Uint8Array.from({ length: 143_151 - 32 }, (_, index) => index * 7);
    await session.multicast("large", body);
    await session.multicast("large", [body.subarray(0, 50_000), body.subarray(50_000, 50_001), body.subarray(50_001)]);
    for (const _ of [1, 2]) expect(Buffer.from((await next(session, "message")).body).equals(body)).toBe(true);
  });

  test("a session without membership gets messages, and no views", async () => {
    await using session = await connect({ servers: daemon.tcp, name: "plain", membership: false });
    await session.join("plain");
    await session.multicast("plain", "only this");
    for await (const event of session) {
      expect(event.kind).toBe("message");
      break;
    }
  });

  test("a name that is in use is refused, and free again when its session has closed", async () => {
    const first = await connect({ servers: daemon.tcp, name: "unique" });
    const error = (await connect({ servers: daemon.tcp, name: "unique", connectTimeoutMs: 2_000 }).catch(
      (reason) => reason,
    )) as ConnectError;
    expect([error.code, error.kind]).toEqual(["not-unique", "temporary"]);
    await first.close();
    await (await connect({ servers: daemon.tcp, name: "unique" })).close();
  });

  test("a name is invented where none is given", async () => {
    await using session = await connect({ servers: daemon.tcp });
    expect(session.privateGroup as string | undefined).toMatch(/^#r\d+-\d+#dmn1$/);
  });

  for (const receivers of [1, 10])
    test(
      `10,000 messages of 200 bytes reach ${receivers} receivers: none lost, none out of order`,
      async () => {
        const group = `flood-${receivers}`;
        const count = 10_000;
        const sessions = await Promise.all(
          Array.from({ length: receivers }, () => connect({ servers: daemon.tcp, membership: true })),
        );
        for (const session of sessions) await session.join(group);
        await viewOf(sessions[0]!, receivers);
        const received = sessions.map(async (session) => {
          let nextNumber = 0;
          for await (const event of session) {
            if (event.kind === "lost") throw event.reason;
            if (event.kind !== "message") continue;
            if (new DataView(event.body.buffer).getUint32(0) !== nextNumber || event.body.length !== 200)
              throw new Error(`message ${nextNumber} is missing`);
            nextNumber += 1;
            if (nextNumber === count) return nextNumber;
          }
          return nextNumber;
        });
        await using sender = await connect({ servers: daemon.unix, name: `send-${receivers}` });
        for (let number = 0; number < count; number++) {
          const body = new Uint8Array(200);
          new DataView(body.buffer).setUint32(0, number);
          const sent = sender.multicast(group, body);
          if (number % 100 === 99) await sent;
        }
        expect(await Promise.all(received)).toEqual(sessions.map(() => count));
        await Promise.all(sessions.map((session) => session.close()));
      },
      SLOW_MS,
    );
});

/** Waits until a view has so many members. */
async function viewOf(session: Session, members: number): Promise<void> {
  for (let view = await next(session, "view"); view.members.length < members; ) view = await next(session, "view");
}

describe.if(hasRealSpread)("a real daemon that goes", () => {
  test(
    "by SIGKILL: the session says so, is back with its groups at the next one, and sends what it kept",
    async () => {
      const port = PORT + 2;
      const first = await startRealSpread({ port });
      await using session = await connect({ servers: first.tcp, name: "stays" });
      await session.join("g");
      const before = await next(session, "view");
      await first[Symbol.asyncDispose]();
      expect((await next(session, "lost")).reason.kind).toBe("unavailable");
      const kept = session.multicast("g", "kept");
      await using _second = await startRealSpread({ port });
      const back = await next(session, "back");
      expect(back.privateGroup as string).toBe("#stays#dmn1");
      const after = await next(session, "view");
      expect(after.members as readonly string[]).toEqual(["#stays#dmn1"]);
      expect(equalGroupIds(before.id, after.id)).toBe(false);
      await kept;
      expect(new TextDecoder().decode((await next(session, "message")).body)).toBe("kept");
    },
    SLOW_MS,
  );

  test(
    "silent, frozen by SIGSTOP: it is noticed within the time that was said, and nothing is told while it only idles",
    async () => {
      await using daemon = await startRealSpread({ port: PORT + 4 });
      await using session = await connect({ servers: daemon.tcp, name: "watches", silenceMs: 400 });
      await using patient = await connect({ servers: daemon.tcp, name: "patient" });
      await session.join("g");
      await next(session, "view");
      const stillThere = Promise.withResolvers<void>();
      setTimeout(stillThere.resolve, 1_200); // three times the bound, with pings only
      await stillThere.promise;
      expect(session.counters.connections).toBe(1);
      expect(session.counters.sentFrames).toBeGreaterThan(5);
      daemon.signal("SIGSTOP");
      expect((await next(session, "lost")).reason.code).toBe("silent");
      expect(patient.state.at).toBe("connected"); // it waits for 15 s
      daemon.signal("SIGCONT");
      expect((await next(session, "back")).privateGroup as string).toBe("#watches#dmn1");
      await next(session, "view");
    },
    SLOW_MS,
  );
});
