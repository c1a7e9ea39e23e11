// What a session promises, against a daemon that does what the test wants.
import { describe, expect, test } from "bun:test";
import { chownSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import {
  ConnectError,
  connect,
  FrameError,
  LimitError,
  LostError,
  openSession,
  RejectError,
  type Session,
  SessionError,
  type SessionEvent,
  type SessionOptions,
} from "../../lib/spread/index.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { ScriptedDaemon } from "./scripted-daemon.ts";

const QUICK = { firstMs: 5, mostMs: 20, jitter: 0.5 };

/** A daemon at a path of its own, and a session with it. */
async function begin(options: SessionOptions = {}) {
  const scratch = temporaryDirectory();
  const daemon = new ScriptedDaemon(join(scratch.path, "spread.sock"));
  const session = await connect({ servers: daemon.server, name: "alice", backOff: QUICK, ...options });
  return {
    daemon,
    session,
    path: scratch.path,
    async [Symbol.asyncDispose]() {
      await session.close();
      daemon[Symbol.dispose]();
      scratch[Symbol.dispose]();
    },
  };
}

/** The next events, as one word or two each. */
async function take(session: Session, count: number): Promise<string[]> {
  const words: string[] = [];
  if (count === 0) return words;
  for await (const event of session) {
    words.push(wordOf(event));
    if (words.length === count) break;
  }
  return words;
}

function wordOf(event: SessionEvent): string {
  switch (event.kind) {
    case "message":
      return `message ${Buffer.from(event.body)}`;
    case "view":
      return `view ${event.cause} ${event.members.join(",")}`;
    case "lost":
      return `lost ${event.reason.code} ${event.dropped}`;
    case "back":
      return `back ${event.privateGroup} ${event.dropped}`;
    default:
      return event.kind;
  }
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error) => error,
  );
}

describe("a session", () => {
  test("joins, is told the view, sends, receives, leaves, and is told that too", async () => {
    await using run = await begin();
    const { session } = run;
    expect(session.state).toEqual({
      at: "connected",
      server: run.daemon.server,
      privateGroup: "#alice#dmn",
      version: "5.0.1",
    } as never);
    await session.join("chat");
    await session.multicast("chat", "hello");
    await session.leave("chat");
    expect(await take(session, 3)).toEqual(["view join #alice#dmn", "message hello", "selfLeave"]);
  });

  test("takes leave when it is closed, behind what it sent, and its iteration ends", async () => {
    await using run = await begin();
    const { session, daemon } = run;
    const events = Array.fromAsync(session);
    for (let index = 0; index < 100; index++) void session.multicast("chat", `m${index}`);
    await session.close();
    expect(await events).toEqual([]);
    expect(daemon.log.slice(-2)).toEqual(["#alice#dmn message chat m99", "#alice#dmn kill #alice#dmn"]);
    expect(session.state.at).toBe("closed");
    expect(await errorOf(session.multicast("chat", "late"))).toBeInstanceOf(SessionError);
    expect(await errorOf(session.join("chat"))).toBeInstanceOf(SessionError);
    expect(session.trySend("chat", "late")).toBe(false);
    await session.close(); // once more does no harm
  });

  test("sends what still waits for room before it takes leave", async () => {
    await using run = await begin({ unsentBytes: 10_000 });
    for (let index = 0; index < 1_000; index++) void run.session.multicast("chat", `m${index}`);
    expect(run.session.unsent.frames).toBe(1_000);
    await run.session.close();
    expect(run.daemon.log).toHaveLength(1_001);
    expect(run.daemon.log.slice(-2)).toEqual(["#alice#dmn message chat m999", "#alice#dmn kill #alice#dmn"]);
  });

  test("makes few writes of many sends", async () => {
    await using run = await begin();
    const { session, daemon } = run;
    await Promise.all(Array.from({ length: 100 }, (_, index) => session.multicast("chat", `m${index}`)));
    await daemon.until(() => daemon.log.length === 100);
    expect(daemon.clients[0]!.chunks.length).toBeLessThan(4);
  });

  test("hands out frames where they lie, to a callback, but its own pings", async () => {
    const bodies: string[] = [];
    const seen = Promise.withResolvers<void>();
    await using run = await begin({
      silenceMs: 80,
      onFrame: (frame) => {
        bodies.push(`${frame.kind} ${Buffer.from(frame.body())}`);
        if (bodies.length === 2) seen.resolve();
      },
    });
    await run.daemon.until(() => run.daemon.log.length >= 2); // two pings
    expect(run.daemon.log[0]).toContain("#alice#dmn message #alice#dmn");
    run.session.trySend("#alice#dmn", "one");
    run.session.trySend(["#alice#dmn", "#alice#dmn"], "two");
    await seen.promise;
    expect(bodies).toEqual(["message one", "message two"]);
  });

  test("hands out nothing more once its callback has closed it", async () => {
    const seen: string[] = [];
    await using run = await begin({
      onFrame: (frame) => {
        seen.push(Buffer.from(frame.body()).toString());
        void run.session.close();
      },
    });
    for (const body of ["one", "two", "three"]) run.session.trySend("#alice#dmn", body);
    await run.daemon.until(() => run.daemon.log.at(-1) === "#alice#dmn kill #alice#dmn");
    await run.session.close();
    expect(seen).toEqual(["one"]);
  });

  test("hands out nothing while it is paused, and all of it in order afterwards", async () => {
    const seen: string[] = [];
    const paused = Promise.withResolvers<void>();
    const last = Promise.withResolvers<void>();
    await using run = await begin({
      onFrame: (frame) => {
        seen.push(Buffer.from(frame.body()).toString());
        if (seen.length === 2) {
          run.session.pause();
          paused.resolve();
        }
        if (seen.length === 50) last.resolve();
      },
    });
    for (let index = 0; index < 50; index++) run.session.trySend("#alice#dmn", `m${index}`);
    await Promise.all([paused.promise, run.daemon.until(() => run.daemon.log.length === 50)]);
    expect(seen).toEqual(["m0", "m1"]); // though all of it has been sent, and most of it has come
    run.session.resume();
    await last.promise;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => `m${index}`));
  });

  test("rejects what breaks a limit, and goes on", async () => {
    await using run = await begin();
    const { session } = run;
    expect(await errorOf(session.multicast("chat", new Uint8Array(200_000)))).toBeInstanceOf(LimitError);
    expect(() => session.trySend(Array(44).fill("g"), "x")).toThrow(LimitError);
    expect(await errorOf(session.join("#a#b"))).toMatchObject({ code: "name" });
    await session.multicast("#alice#dmn", "still here");
    expect(await take(session, 1)).toEqual(["message still here"]);
  });

  test("closes when its signal says so, and a signal before ends the attempt", async () => {
    const stop = new AbortController();
    await using run = await begin({ signal: stop.signal });
    const events = Array.fromAsync(run.session);
    stop.abort();
    expect(await events).toEqual([]);
    await run.session.close();
    expect(run.session.state.at).toBe("closed");
    const error = await errorOf(
      connect({ servers: run.daemon.server, signal: AbortSignal.abort(new Error("enough")) }),
    );
    expect(String(error)).toBe("Error: enough");
  });
});

describe("a lost connection", () => {
  test("is told, looked for, and told again; groups are joined anew and their views follow", async () => {
    await using run = await begin();
    const { session, daemon } = run;
    await session.join("one");
    await session.join("two");
    await session.join("three");
    await session.leave("two");
    expect(await take(session, 4)).toHaveLength(4);
    daemon.hangUp();
    expect(await take(session, 2)).toEqual(["lost ended 0", "back #alice#dmn 0"]);
    expect(await take(session, 2)).toEqual(["view join #alice#dmn", "view join #alice#dmn"]);
    expect(daemon.log.slice(-2)).toEqual(["#alice#dmn join one", "#alice#dmn join three"]);
  });

  test("says how long it was away, and leads to the first daemon that answers", async () => {
    await using run = await begin();
    const events: SessionEvent[] = [];
    const path = join(run.path, "second.sock");
    const session = await connect({ servers: [run.daemon.server, `unix:${path}`], backOff: QUICK });
    run.daemon[Symbol.dispose]();
    for await (const event of session) {
      events.push(event);
      if (event.kind === "lost") break;
    }
    expect(session.state.at).toBe("away");
    using second = new ScriptedDaemon(path, "second");
    for await (const event of session) {
      events.push(event);
      break;
    }
    expect(events.map((event) => event.kind)).toEqual(["lost", "back"]);
    expect(events[1]).toMatchObject({ server: second.server, privateGroup: "#r1#second" });
    expect((events[1] as { awayMs: number }).awayMs).toBeGreaterThan(0);
    await session.close();
  });

  test("keeps what was not sent, and sends it in order behind the joins", async () => {
    await using run = await begin();
    const { session, daemon } = run;
    await session.join("g");
    daemon.hangUp();
    await daemon.until(() => daemon.clients.length === 0);
    for await (const event of session) if (event.kind === "lost") break;
    const sent = [1, 2, 3].map((index) => session.multicast("g", `m${index}`));
    await Promise.all(sent);
    for await (const event of session)
      if (event.kind === "message" && Buffer.from(event.body).toString() === "m3") break;
    expect(daemon.log.slice(-4)).toEqual([
      "#alice#dmn join g",
      ...[1, 2, 3].map((index) => `#alice#dmn message g m${index}`),
    ]);
  });

  test("drops what is sent meanwhile and counts it, where that is the policy", async () => {
    await using run = await begin({ unsent: "drop" });
    const { session, daemon } = run;
    daemon.hangUp();
    for await (const event of session) if (event.kind === "lost") break;
    const errors = await Promise.all([1, 2].map((index) => errorOf(session.multicast("g", `m${index}`))));
    expect(errors.map((error) => (error as SessionError).reason)).toEqual(["away", "away"]);
    void session.multicast("g", "nobody waits for this one"); // and it is no error of the process
    expect(session.trySend("g", "m")).toBe(false);
    expect(await take(session, 1)).toEqual(["back #alice#dmn 3"]);
    expect(session.counters.droppedMessages).toBe(3);
  });

  test("ends the iteration where the session does not reconnect, behind what came before", async () => {
    await using run = await begin({ reconnect: false });
    const { session, daemon } = run;
    await session.join("g");
    await session.multicast("g", "last");
    await daemon.until(() => daemon.log.length === 2);
    daemon.hangUp();
    const words = (await Array.fromAsync(session)).map(wordOf);
    expect(words.slice(-2)).toEqual(["message last", "lost ended 0"]);
    expect(session.state.at).toBe("closed");
    for (const late of [session.multicast("g", "late"), session.join("h"), session.room()]) {
      const error = (await errorOf(late)) as SessionError;
      expect([error.reason, (error.cause as LostError).reason]).toEqual(["lost", "ended"]);
    }
  });

  test("is told once, however many attempts then fail", async () => {
    await using run = await begin();
    run.daemon.refuse.push("auth", "quota", "auth", "not-unique");
    run.daemon.hangUp();
    expect(await take(run.session, 2)).toEqual(["lost ended 0", "back #alice#dmn 0"]);
    expect(run.daemon.connections).toBe(6);
  });

  test("that comes back only to go again is looked for with growing waits", async () => {
    await using run = await begin({ backOff: { firstMs: 2, mostMs: 64, jitter: 0 } });
    const fromMs = performance.now();
    for (let loss = 0; loss < 6; loss++) {
      run.daemon.hangUp();
      for await (const event of run.session) if (event.kind === "back") break;
    }
    expect(performance.now() - fromMs).toBeGreaterThan(2 + 4 + 8 + 16 + 32 + 64 - 6); // timers keep whole milliseconds
  });

  test("is noticed in time where the daemon only falls silent", async () => {
    await using run = await begin({ silenceMs: 200 });
    const { session, daemon } = run;
    await using patient = await connect({ servers: daemon.server });
    await session.multicast("#alice#dmn", "alive");
    expect(await take(session, 1)).toEqual(["message alive"]);
    daemon.silent = true;
    for await (const event of session) {
      if (event.kind !== "lost") throw new Error(event.kind);
      expect(event.reason).toBeInstanceOf(LostError);
      expect(event.reason.code).toBe("silent");
      break;
    }
    expect(patient.state.at).toBe("connected"); // it waits for 15 s
    daemon.silent = false;
    expect(await take(session, 1)).toEqual(["back #alice#dmn 0"]);
  });

  test("is not suspected of a daemon that answers pings", async () => {
    await using run = await begin({ silenceMs: 60 });
    await run.daemon.until(() => run.daemon.log.length >= 8); // two seconds' worth of bounds, pings only
    expect(run.session.counters.connections).toBe(1);
    await run.session.multicast("#alice#dmn", "first");
    expect(await take(run.session, 1)).toEqual(["message first"]);
  });

  test("is our own doing where the daemon sends no frame", async () => {
    for (const onFrame of [undefined, () => {}]) {
      await using run = await begin(onFrame === undefined ? {} : { onFrame });
      run.daemon.clients[0]!.send(new Uint8Array(48));
      for await (const event of run.session) {
        if (event.kind !== "lost") throw new Error(event.kind);
        expect(event.reason).toBeInstanceOf(FrameError);
        break;
      }
      expect(await take(run.session, 1)).toEqual(["back #alice#dmn 0"]);
    }
  });
});

describe("back-pressure", () => {
  test("counts a kept message as sent when the new connection has taken it, not before", async () => {
    const scratch = temporaryDirectory();
    const path = join(scratch.path, "s");
    await using session = openSession({ servers: `unix:${path}`, backOff: QUICK, unsentBytes: 10_000_000 });
    let sent = 0;
    const all = Array.from({ length: 40 }, () => session.multicast("g", new Uint8Array(100_000)).then(() => sent++));
    await take(session, 1); // "lost": the first attempt has failed
    using daemon = new ScriptedDaemon(path);
    daemon.deaf = true;
    await take(session, 1);
    await new Promise(setImmediate);
    expect(session.unsent.frames).toBeGreaterThan(0);
    expect(sent).toBe(0);
    daemon.deaf = false;
    await Promise.all(all);
    await daemon.until(() => daemon.log.length === 40);
    scratch[Symbol.dispose]();
  });

  test("makes senders wait above the bound, in order, while the daemon reads nothing", async () => {
    await using run = await begin({ unsentBytes: 50_000 });
    const { session, daemon } = run;
    const [client] = daemon.clients;
    client!.socket.pause();
    const body = new Uint8Array(1_000);
    const sent = Array.from({ length: 2_000 }, (_, index) => {
      body[0] = index;
      return session.multicast("g", Uint8Array.from(body), { messageType: index });
    });
    expect(session.unsent.bytes).toBeLessThan(52_000); // the rest waits outside
    expect(session.trySend("g", "x")).toBe(false);
    const room = session.room();
    client!.socket.resume();
    await Promise.all(sent);
    await room;
    expect(session.trySend("g", "last")).toBe(true);
    await daemon.until(() => daemon.log.length === 2_001);
    expect(session.unsent).toEqual({ frames: 0, bytes: 0 });
    expect(session.counters.sentFrames).toBe(2_001);
  });

  test("stops reading while nobody takes events, and misses none of them", async () => {
    await using run = await begin({ inboxBytes: 100_000 });
    await using sender = await connect({ servers: run.daemon.server, name: "bob" });
    await run.session.join("g");
    expect(await take(run.session, 1)).toHaveLength(1);
    const count = 3_000; // 3 MB: more than the sockets between hold
    for (let index = 0; index < count; index++)
      await sender.multicast("g", new Uint8Array(1_000), { messageType: index });
    expect(run.session.counters.receivedBytes).toBeLessThan(1_000_000); // the bound, and what one read may bring
    let next = 0;
    for await (const event of run.session) {
      if (event.kind !== "message") throw new Error(event.kind);
      expect(event.messageType).toBe(next++);
      if (next === count) break;
    }
    expect(run.session.counters.connections).toBe(1);
  });

  test("does not hold up close where the inbox is full", async () => {
    await using run = await begin({ inboxBytes: 10_000, closeMs: 60_000 });
    for (let index = 0; index < 100; index++) await run.session.multicast("#alice#dmn", new Uint8Array(10_000));
    await run.daemon.until(() => run.daemon.log.length === 100);
    await run.session.close(); // or the test's own time runs out
    expect(run.session.counters.receivedBytes).toBeGreaterThan(10_000);
  });

  test("is no silence: a daemon that takes bytes lives, though it answers nothing", async () => {
    await using run = await begin({ silenceMs: 200, unsentBytes: 200_000 });
    run.daemon.silent = true;
    const untilMs = performance.now() + 800;
    const body = new Uint8Array(100_000);
    while (performance.now() < untilMs)
      await Promise.all(Array.from({ length: 20 }, () => run.session.multicast("g", body)));
    expect(run.session.counters.connections).toBe(1);
    expect(await take(run.session, 1)).toEqual(["lost silent 0"]);
    run.daemon.silent = false;
  });

  test("does not hold up close, which gives up after its time", async () => {
    await using run = await begin({ closeMs: 50 });
    run.daemon.clients[0]!.socket.pause();
    const waits = session100kB(run.session);
    await run.session.close();
    expect((await waits).some((error) => error instanceof SessionError)).toBe(true);
  });
});

/** More than any socket holds. @returns what became of each message */
async function session100kB(session: Session): Promise<unknown[]> {
  return await Promise.all(Array.from({ length: 40 }, () => errorOf(session.multicast("g", new Uint8Array(100_000)))));
}

describe("connecting", () => {
  test("leaves no connection behind where it was given up meanwhile", async () => {
    using daemon = new ScriptedDaemon({ hostname: "127.0.0.1", port: 24_191 });
    const stop = new AbortController();
    const attempt = errorOf(connect({ servers: daemon.server, signal: stop.signal }));
    stop.abort();
    expect(String(await attempt)).toContain("AbortError");
    await daemon.until(() => daemon.connections === 1 && daemon.clients.length === 0);
  });

  test("works over IPv6, in brackets and without", async () => {
    using daemon = new ScriptedDaemon({ hostname: "::1", port: 24_190 });
    for (const server of ["tcp:[::1]:24190", "24190@::1", "24190@[::1]"]) {
      await using session = await connect({ servers: server });
      expect(session.state).toMatchObject({ at: "connected", server: "tcp:[::1]:24190" });
    }
    expect(daemon.connections).toBe(3);
  });

  test("tries a name again that is still in use, and a daemon that is full", async () => {
    const scratch = temporaryDirectory();
    using daemon = new ScriptedDaemon(join(scratch.path, "s"));
    daemon.refuse.push("not-unique", "quota");
    await using session = await connect({ servers: daemon.server, name: "alice", backOff: QUICK });
    expect(daemon.connections).toBe(3);
    expect(session.privateGroup as string | undefined).toBe("#alice#dmn");
    scratch[Symbol.dispose]();
  });

  test("gives up at once where the daemon refuses for good, and says why", async () => {
    const scratch = temporaryDirectory();
    using daemon = new ScriptedDaemon(join(scratch.path, "s"));
    daemon.refuse.push("auth");
    const error = (await errorOf(connect({ servers: daemon.server }))) as ConnectError;
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ reason: "rejected", code: "auth", kind: "no-permission" });
    expect(error.cause).toBeInstanceOf(RejectError);
    expect(error.message).toBe(
      `cannot reach daemon at ${daemon.server}: daemon refused the session: authentication failed (code -9)`,
    );
    scratch[Symbol.dispose]();
  });

  test("says of each daemon why it could not be reached", async () => {
    const scratch = temporaryDirectory();
    const missing = `unix:${scratch.path}/none`;
    writeFileSync(join(scratch.path, "file"), "");
    const error = (await errorOf(
      connect({ servers: [missing, `unix:${scratch.path}/file`, "24199@127.0.0.1"] }),
    )) as ConnectError;
    expect(error.all.map((one) => (one as ConnectError).reason)).toEqual(["missing", "refused", "refused"]);
    expect(error.message).toContain("no such socket; is spreadd running?");
    expect(error.message).toStartWith(`cannot reach daemon at ${missing}: no such socket`);
    // What was found at both is told once.
    expect(error.message).toMatch(/; at unix:\S+\/file and tcp:127\.0\.0\.1:24199: (?!.*cannot reach)/);
    // A label has 63 characters at most: no name server is asked, which might take its time.
    const unknown = (await errorOf(connect({ servers: `4803@${"x".repeat(64)}` }))) as ConnectError;
    expect([unknown.reason, unknown.kind]).toEqual(["unknown-host", "no-host"]);
    scratch[Symbol.dispose]();
  });

  test("does not wait for long at one that stands still where another is named behind it", async () => {
    const scratch = temporaryDirectory();
    using still = new ScriptedDaemon(join(scratch.path, "still"));
    using well = new ScriptedDaemon(join(scratch.path, "well"));
    still.silent = true;
    const stop = new AbortController();
    const alone = errorOf(connect({ servers: still.server, signal: stop.signal }));
    await using session = await connect({ servers: [still.server, well.server] });
    expect(session.state).toMatchObject({ at: "connected", server: well.server });
    stop.abort(new Error("it has waited for longer"));
    expect(String(await alone)).toBe("Error: it has waited for longer"); // the usual patience with one is 5 s
    scratch[Symbol.dispose]();
  });

  test("does not say of a host that can't be reached that nobody listens there", async () => {
    // Where there is a network, something may answer for addresses of nobody: then our own one does, where nobody listens.
    const ours = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const own4 = ours.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
    const error = await errorOf(connect({ servers: `24199@${own4 ?? "240.0.0.1"}` }));
    expect((error as ConnectError).message).toContain("connection refused, or the host can't be reached");
    const own = await errorOf(connect({ servers: "24199@127.0.0.1" }));
    expect((own as ConnectError).message).toContain("connection refused; is spreadd running?");
  });

  test("ends in time with a daemon that does not answer, or closes", async () => {
    const scratch = temporaryDirectory();
    using daemon = new ScriptedDaemon(join(scratch.path, "s"));
    daemon.silent = true;
    const late = (await errorOf(connect({ servers: daemon.server, connectTimeoutMs: 50 }))) as ConnectError;
    expect([late.reason, late.message]).toEqual([
      "timeout",
      `cannot reach daemon at ${daemon.server}: no answer within 50 ms`,
    ]);
    const closed = errorOf(connect({ servers: daemon.server }));
    while (daemon.connections < 2) await new Promise(setImmediate);
    daemon.hangUp();
    expect(((await closed) as ConnectError).reason).toBe("ended");
    scratch[Symbol.dispose]();
  });

  test("trusts no socket below /tmp that somebody else made", async () => {
    if (process.geteuid?.() !== 0) return void process.stderr.write("SKIP: only root can give a socket away\n");
    const path = "/tmp/spreadbox-test-24198";
    using _daemon = new ScriptedDaemon(path);
    chownSync(path, 12_345, 12_345);
    const error = (await errorOf(connect({ servers: `unix:${path}` }))) as ConnectError;
    expect([error.reason, error.kind]).toEqual(["untrusted", "no-permission"]);
    expect(error.message).toContain(
      "belongs to user 12345; trusted are root and user 0; if that is your daemon's user, reach it by TCP",
    );
    chownSync(path, 0, 0);
    await (await connect({ servers: `unix:${path}` })).close();
  });

  test("a session may be opened before there is a daemon: told once that there is none, then that there is", async () => {
    const scratch = temporaryDirectory();
    const path = join(scratch.path, "s");
    await using session = openSession({ servers: `unix:${path}`, name: "early", backOff: QUICK });
    await session.join("g");
    void session.multicast("g", "kept");
    expect(await take(session, 1)).toEqual(["lost missing 0"]);
    expect(session.state).toMatchObject({ at: "away", reason: { code: "missing" } });
    using _daemon = new ScriptedDaemon(path);
    expect(await take(session, 3)).toEqual(["back #early#dmn 0", "view join #early#dmn", "message kept"]);
    scratch[Symbol.dispose]();
  });
});
