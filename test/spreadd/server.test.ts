// The daemon's sockets: where they are, who may use them, what becomes of clients that are slow, silent, hostile or gone.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join as joinPath } from "node:path";
import fc from "fast-check";
import type { FrameView } from "../../lib/spread/frame.ts";
import { start, WAIT_MS } from "../support/child.ts";
import { cases, fuzzFactor } from "../support/fuzz.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { connectRequest, frame, message, methodChoice } from "./frames.ts";
import { RawClient, startDaemon } from "./running-daemon.ts";

const PORT = 24_250;
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("SKIP: rules by user need root\n");
const hasPython = Bun.which("python3") !== null;

describe("sockets", () => {
  test("are where the config says, TCP on both loopback addresses and no other", async () => {
    await using daemon = await startDaemon({ port: PORT });
    const said = daemon.child.stdout.text;
    expect(said).toContain(`unix:${daemon.unix.path} unix:/tmp/${PORT} tcp:127.0.0.1:${PORT}`);
    for (const server of [daemon.unix, { by: "unix", path: `/tmp/${PORT}` }, daemon.tcp] as const)
      (await RawClient.connect(server, "a")).close();
    const { stdout } = await start(["/bin/cat", "/proc/net/tcp"]).result();
    const listening = stdout
      .split("\n")
      .filter((line) => line.includes(`:${PORT.toString(16).toUpperCase()} 00000000:0000 0A`));
    expect(listening.map((line) => line.trim().split(/\s+/)[1])).toEqual([
      `0100007F:${PORT.toString(16).toUpperCase()}`,
    ]);
  });

  test("on port 0 are the unix socket alone", async () => {
    await using daemon = await startDaemon();
    expect(daemon.child.stdout.text.trim()).toBe(`listening on unix:${daemon.unix.path}`);
  });

  test("have the mode, the owner and the group of the config, and are gone when the daemon has ended", async () => {
    await using daemon = await startDaemon({
      socket_mode: "0620",
      ...(isRoot ? { socket_owner: "1", socket_group: "daemon" } : {}),
    });
    const { mode, uid, gid } = lstatSync(daemon.unix.path);
    expect(mode & 0o777).toBe(0o620);
    if (isRoot) expect([uid, gid]).toEqual([1, 1]);
    daemon.child.signal("SIGTERM");
    expect(await daemon.child.exited).toBe(0);
    expect(existsSync(daemon.unix.path)).toBe(false);
  });

  test("take the place of one that a daemon left behind when it was killed, in a directory that is made", async () => {
    using scratch = temporaryDirectory();
    const socket = joinPath(scratch.path, "deep/er/spread.sock");
    await using first = await startDaemon({ socket });
    first.child.signal("SIGKILL");
    await first.child.exited;
    expect(existsSync(socket)).toBe(true);
    await using second = await startDaemon({ socket });
    (await RawClient.connect(second.unix, "a")).close();
  });

  test("never take the place of one that somebody listens on", async () => {
    await using first = await startDaemon();
    await expect(startDaemon({ socket: first.unix.path })).rejects.toThrow(
      "somebody listens there; is spreadd running already?",
    );
    (await RawClient.connect(first.unix, "a")).close();
  });

  test("never take the place of anything but a socket", async () => {
    using scratch = temporaryDirectory();
    const file = joinPath(scratch.path, "precious");
    writeFileSync(file, "");
    mkdirSync(joinPath(scratch.path, "directory"));
    for (const path of [file, joinPath(scratch.path, "directory")])
      await expect(startDaemon({ socket: path })).rejects.toThrow("it is there, and no socket");
  });
});

describe("a rule by user", () => {
  test.if(isRoot)("lets in whom it names by the kernel's word, not by the client's", async () => {
    await using daemon = await startDaemon({ allow: [{ from: ["user:1"] }], socket_mode: "0666" });
    await expect(RawClient.connect(daemon.unix, "a")).rejects.toThrow("refused: -9"); // we are root
  });

  test.if(isRoot && hasPython)("lets in members of a group that is not their first", async () => {
    await using daemon = await startDaemon({ allow: [{ from: ["group:4"] }] });
    chmodSync(dirname(daemon.unix.path), 0o755);
    const asMember = (groups: string) =>
      start(["/usr/bin/env", "python3", "-c", AS_USER, daemon.unix.path, groups]).result();
    expect(await asMember("5")).toMatchObject({ stdout: "247\n", status: 0 });
    expect(await asMember("5,4")).toMatchObject({ stdout: "1\n", status: 0 });
  });
});

/** Connects as user 1 of group 1 with further groups, and prints the first byte of the answer to its method: 1, or a reject code. */
const AS_USER = `
import os, socket, sys
os.setgroups([int(group) for group in sys.argv[2].split(",")]); os.setgid(1); os.setuid(1)
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
connection.send(bytes([5, 0, 1, 0, 1, 97]))
connection.recv(6, socket.MSG_WAITALL)
connection.send(b"NULL".ljust(90, b"\\0"))
print(connection.recv(1)[0])
`;

describe("a client that is silent in its handshake", () => {
  test("keeps nobody else waiting, and is cut off in time", async () => {
    await using daemon = await startDaemon({ handshake_timeout: "2s" });
    const silent = await RawConnection.connect(daemon.unix, WAIT_MS);
    const stuck = await RawConnection.connect(daemon.unix, WAIT_MS);
    await stuck.write(connectRequest("stuck"));
    const client = await RawClient.connect(daemon.unix, "quick");
    expect([silent.isEnded, stuck.isEnded]).toEqual([false, false]);
    await silent.ended();
    expect(silent.unread).toBe(0);
    await stuck.ended();
    expect([...(await stuck.read(7))].at(-1)).toBe(0xf7);
    await client.send(message(client.name, [client.name], "alive"));
    expect(await client.told()).toEqual([`message from ${client.name} to ${client.name}: alive`]);
    client.close();
  });
});

describe("a client that takes nothing", () => {
  test("is cut off at its bound in bytes; the others get everything, in order, and see it vanish", async () => {
    await using daemon = await startDaemon({ queue_bytes_max: "1MiB" });
    const [sender, reader, stuck] = [
      await RawClient.connect(daemon.unix, "sender"),
      await RawClient.connect(daemon.unix, "reader"),
      await RawClient.connect(daemon.unix, "stuck"),
    ];
    for (const client of [reader, stuck]) await client.join("g");
    await reader.told();
    stuck.connection.pause();
    const count = 6_000;
    // The reader keeps up: once the stuck one has used up the daemon's patience, it would be cut off too where the machine holds it up for long.
    const body = "x".repeat(1_000);
    let next = 0;
    let vanished = 0;
    const take = (view: FrameView) => {
      if (view.kind === "view") vanished += 1;
      else if (new TextDecoder().decode(view.body()).startsWith(`${next} `)) next += 1;
    };
    for (let sent = 0; sent < count; sent += 200) {
      await sender.send(...Array.from({ length: 200 }, (_, at) => message(sender.name, ["g"], `${sent + at} ${body}`)));
      while (next < sent + 200) await reader.frames(1, take);
    }
    while (vanished === 0) await reader.frames(1, take);
    expect([next, vanished]).toEqual([count, 1]);
    expect(await daemon.state()).toMatchObject({ sessions: 2, slow: 1 });
    stuck.connection.resume();
    await stuck.connection.ended(); // it can still read what the kernel held
    for (const client of [sender, reader]) client.close();
  });

  test("is cut off at its bound in messages", async () => {
    await using daemon = await startDaemon({ queue_messages_max: 1_000, reader_patience: "0" });
    const [sender, stuck] = [
      await RawClient.connect(daemon.unix, "sender"),
      await RawClient.connect(daemon.unix, "stuck"),
    ];
    stuck.connection.pause();
    for (let round = 0; round < 40 && (await daemon.state()).slow === 0; round++)
      await sender.send(...Array.from({ length: 250 }, () => message(sender.name, [stuck.name], "x".repeat(1_000))));
    expect(await daemon.until(({ slow }) => slow > 0)).toMatchObject({ sessions: 1 });
    for (const client of [sender, stuck]) client.close();
  });

  test(
    "costs bounded memory, as do many of them",
    async () => {
      await using daemon = await startDaemon({ queue_bytes_max: "1MiB", queue_total_max: "4MiB" });
      const sender = await RawClient.connect(daemon.unix, "sender");
      const stuck = await Promise.all(
        Array.from({ length: 20 }, (_, at) => RawClient.connect(daemon.unix, `stuck${at}`)),
      );
      for (const client of stuck) {
        await client.join("g");
        client.connection.pause();
      }
      const before = (await daemon.state()).rssBytes;
      for (let round = 0; round < 30; round++)
        await sender.send(...Array.from({ length: 100 }, () => message(sender.name, ["g"], "x".repeat(1_000))));
      const after = await daemon.until(({ slow }) => slow >= 16);
      expect(after.rssBytes - before).toBeLessThan(60_000_000); // 20 x 3 MB were sent
      for (const client of [sender, ...stuck]) client.close();
    },
    WAIT_MS * 2,
  );
});

test("a reader that is slower than its sender for a while, but goes on, loses nothing and is not cut off", async () => {
  await using daemon = await startDaemon({ queue_bytes_max: "512KiB" });
  const [sender, reader] = [
    await RawClient.connect(daemon.unix, "sender"),
    await RawClient.connect(daemon.unix, "reader"),
  ];
  const count = 20_000;
  const flood = sender.send(
    ...Array.from({ length: count }, (_, at) => message(sender.name, [reader.name], `${at} ${"x".repeat(200)}`)),
  );
  let next = 0;
  for (let round = 0; round < 20; round++) {
    reader.connection.pause();
    await Bun.sleep(10); // a scheduler that has other things to do
    reader.connection.resume();
    await reader.frames(count / 20, (view) => {
      if (new TextDecoder().decode(view.body()).startsWith(`${next} `)) next += 1;
    });
  }
  await flood;
  expect(next).toBe(count);
  const { slow, waits } = await daemon.state();
  expect([slow, waits > 0]).toEqual([0, true]);
  for (const client of [sender, reader]) client.close();
});

test("what a client sent before it closed is delivered, though its readers made it wait", async () => {
  await using daemon = await startDaemon({ queue_bytes_max: "512KiB" });
  const [sender, reader] = [
    await RawClient.connect(daemon.unix, "sender"),
    await RawClient.connect(daemon.unix, "reader"),
  ];
  await reader.join("g");
  await sender.join("g");
  await reader.told();
  const count = 2_000;
  reader.connection.pause();
  const flood = sender.send(
    ...Array.from({ length: count }, (_, at) => message(sender.name, ["g"], `${at} ${"x".repeat(500)}`, 0x10 | 0x40)),
  );
  await Bun.sleep(50);
  reader.connection.resume();
  await flood;
  sender.connection.shutDown();
  let next = 0;
  await reader.frames(count, (view) => {
    if (new TextDecoder().decode(view.body()).startsWith(`${next} `)) next += 1;
  });
  expect(next).toBe(count);
  expect(await reader.told()).toEqual(["disconnect g 3: #reader#dmn1 (#sender#dmn1)"]);
  reader.close();
});

test("sessions are bounded: one more gets -3 at once, and a place when one is free", async () => {
  await using daemon = await startDaemon({ sessions_max: 2 });
  const [first, second] = [await RawClient.connect(daemon.unix, "a"), await RawClient.connect(daemon.unix, "b")];
  const third = await RawConnection.connect(daemon.unix, WAIT_MS);
  expect([...(await third.read(1))]).toEqual([0xfd]);
  await third.ended();
  first.close();
  await daemon.until(({ sessions }) => sessions === 1);
  (await RawClient.connect(daemon.unix, "c")).close();
  second.close();
});

test(
  "random bytes over a real socket end their sessions, and nobody else notices",
  async () => {
    await using daemon = await startDaemon({ handshake_timeout: "10s" });
    const bob = await RawClient.connect(daemon.unix, "bob");
    const prefix = fc.constantFrom(
      new Uint8Array(0),
      connectRequest("m"),
      Buffer.concat([connectRequest("m"), methodChoice("NULL")]),
      Buffer.concat([
        connectRequest("m"),
        methodChoice("NULL"),
        frame({ service: 0x10, sender: "#m#dmn1", groups: ["g"], body: "x" }),
      ]),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(prefix, fc.uint8Array({ maxLength: 300, size: "max" }), async (start, rest) => {
        const mallory = await RawConnection.connect(daemon.unix, WAIT_MS);
        await mallory.write(Buffer.concat([start, rest]));
        mallory.shutDown();
        await mallory.ended();
        mallory.destroy();
        await bob.send(message(bob.name, [bob.name], `${++count}`));
        expect(await bob.told()).toEqual([`message from ${bob.name} to ${bob.name}: ${count}`]);
      }),
      cases(300),
    );
    const { sessions, groups } = await daemon.until((state) => state.sessions === 1);
    expect([sessions, groups]).toEqual([1, 0]);
    bob.close();
  },
  WAIT_MS * 3 * fuzzFactor,
);

test("idle, with sessions in groups, it uses no CPU to speak of", async () => {
  await using daemon = await startDaemon();
  const clients = await Promise.all(Array.from({ length: 20 }, (_, at) => RawClient.connect(daemon.unix, `c${at}`)));
  for (const client of clients) await client.join("g");
  const before = (await daemon.state()).cpuMs;
  await Bun.sleep(2_000);
  expect((await daemon.state()).cpuMs - before).toBeLessThan(20); // 1 % of 2 s, and that includes telling
  for (const client of clients) client.close();
});

test("a daemon that was killed with sessions open is back on its port at once, and a second one never shares it", async () => {
  await using first = await startDaemon({ port: PORT + 1 });
  const client = await RawClient.connect(first.tcp, "a");
  await expect(startDaemon({ port: PORT + 1, tmp_socket: false })).rejects.toThrow(
    `cannot listen on 127.0.0.1 port ${PORT + 1}`,
  );
  first.child.signal("SIGTERM"); // the daemon closes first: TIME_WAIT is on its side
  await first.child.exited;
  await using second = await startDaemon({ port: PORT + 1 });
  (await RawClient.connect(second.tcp, "a")).close();
  client.close();
});
