// Connections over TCP and unix stream sockets, FIFOs, and who is let in.
import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { parseAddress, parseNetwork } from "../../lib/base/ip-address.ts";
import { listenUnixDatagram, openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { tryZone } from "../../lib/syslog/zone.ts";
import { type Listener, listener, parsePlace } from "../../lib/syslogd/listener.ts";
import { PLAIN_SOURCES, type SourceSettings } from "../../lib/syslogd/source-settings.ts";
import { eventually, logger, Running, sinksWith } from "./running.ts";
import { connect, connectInVain, type Sender } from "./sender.ts";

let lastPort = 25_000;
const freshPort = () => ++lastPort;

function tcpOn(port: number, more: Partial<Listener> = {}): Listener {
  return listener({ by: "tcp", address: parseAddress("127.0.0.1"), port }, more);
}

function sources(listeners: readonly Listener[], more: Partial<SourceSettings> = {}) {
  return { sources: { ...PLAIN_SOURCES, listeners, ...more } };
}

const userLines = (running: Running) => running.lines("all").filter((line) => !line.includes(" syslogd["));

test("both framings arrive by one listener, with the address of who sent them", async () => {
  const port = freshPort();
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)]));
  using sender = await connect(port);
  await sender.send("<13>app: a line\n21 <13>app: was\ncounted\n<13>app: and\0 a line\r\n");
  await running.line("all", "127.0.0.1 app: and#000 a line");
  expect(userLines(running)).toEqual([
    "127.0.0.1 app: a line",
    "127.0.0.1 app: was#012counted",
    "127.0.0.1 app: and#000 a line",
  ]);
});

test("a client that sends one byte at a time is heard, as is the end that it does not send", async () => {
  const port = freshPort();
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)]));
  using slow = await connect(port);
  const text = "<13>slow: one\n19 <13>slow: by counts<13>slow: without an end";
  for (const byte of Buffer.from(text)) {
    await slow.send(Uint8Array.of(byte));
    await new Promise((done) => setImmediate(done));
  }
  await running.line("all", "127.0.0.1 slow: by counts");
  slow.close();
  await running.line("all", "127.0.0.1 slow: without an end");
  expect(userLines(running)).toHaveLength(3);
});

test("a counted message whose connection ends in its midst is told as that, and not as too long", async () => {
  const port = freshPort();
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)]));
  using sender = await connect(port);
  await sender.send("500 <13>app: died here");
  sender.close();
  await running.line("all", "127.0.0.1 app: died here");
  const source = running.daemon.totals.sources.find(({ name }) => name.startsWith("tcp"));
  expect(source).toMatchObject({ received: 1, cut: 0, unfinished: 1 });
  await running.end();
  const told = running.said.filter((line) => line.includes("message ") && line.includes("tcp:"));
  expect(told).toEqual([`warning tcp:127.0.0.1:${port}: 1 message ended in the midst, with the connection`]);
});

test("a mebibyte without an end is one message that is cut, and what follows is whole", async () => {
  const port = freshPort();
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)]));
  using sender = await connect(port);
  await sender.send(`<13>long: ${"x".repeat(1 << 20)}\n<13>short: whole\n`);
  await running.line("all", "127.0.0.1 short: whole");
  expect(userLines(running)[0]).toBe(`127.0.0.1 long: ${"x".repeat(65_536 - "<13>long: ".length)}`);
  expect(running.daemon.totals.sources.find(({ name }) => name.startsWith("tcp:"))).toMatchObject({
    received: 2,
    cut: 1,
  });
});

test("a thousand clients are served at once, those beyond the bound turned away and told", async () => {
  const port = freshPort();
  const more = { connectionsMax: 1_000 };
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)], more));
  const senders: Sender[] = [];
  for (let at = 0; at < 1_000; at++) senders.push(await connect(port));
  const tcp = () => running.daemon.totals.sources.find(({ name }) => name.startsWith("tcp:"))!;
  await eventually(
    () => tcp().connections === 1_000,
    () => `${tcp().connections} connections`,
  );
  await connectInVain(port);
  await eventually(
    () => tcp().refused === 1,
    () => "nobody was refused",
  );
  expect(running.said.join("\n")).toContain(
    `warning tcp:127.0.0.1:${port}: refused 127.0.0.1: there are 1000 connections, as many as may be`,
  );
  for (let round = 0; round < 3; round++)
    for (const [at, sender] of senders.entries())
      await sender.send(at % 2 ? `<13>app: ${at}/${round}\n` : counted(`<13>app: ${at}/${round}`));
  await eventually(
    () => tcp().received === 3_000,
    () => `${tcp().received} messages`,
  );
  for (const sender of senders) sender.close();
  await eventually(
    () => tcp().connections === 0,
    () => `${tcp().connections} connections stay`,
  );
  await running.end();
  expect(new Set(userLines(running)).size).toBe(3_000);
}, 30_000);

test("what was sent before the daemon ends is read, though the connection stays", async () => {
  const port = freshPort();
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)]));
  using sender = await connect(port);
  await sender.send(Array.from({ length: 5_000 }, (_, at) => `<13>app: ${at}\n`).join(""));
  await running.end();
  expect(userLines(running)).toHaveLength(5_000);
});

test("who connected, sent and left as the daemon ends is heard", async () => {
  const port = freshPort();
  await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port)]));
  // This process, the daemon's, stands still meanwhile: nobody accepts.
  for (let nth = 0; nth < 20; nth++)
    Bun.spawnSync([
      "logger",
      "--server",
      "127.0.0.1",
      "--tcp",
      "--port",
      `${port}`,
      "--rfc3164",
      "-t",
      "me",
      `last words ${nth}`,
    ]);
  await running.end();
  expect(userLines(running).filter((line) => line.includes("last words"))).toHaveLength(20);
});

describe("clients that send faster than a disk writes", () => {
  const [count, clients] = [20_000, 4];
  const texts = (client: number) =>
    Array.from({ length: count }, (_, at) => `<13>app: ${client}/${at} ${"x".repeat(150)}\n`).join("");
  const flood = async (port: number) => {
    const senders: Sender[] = [];
    for (let at = 0; at < clients; at++) senders.push(await connect(port));
    await Promise.all(senders.map((sender, at) => sender.send(texts(at))));
    return senders;
  };

  test("wait, and nothing is lost in a queue that is a sixteenth of what they send", async () => {
    const port = freshPort();
    await using running = new Running(["user.* -> file:%d/all"], {
      ...sources([tcpOn(port)]),
      sinks: sinksWith(1 << 20),
    });
    const senders = await flood(port);
    await eventually(
      () => running.daemon.totals.sinks[0]!.delivered === count * clients,
      () => JSON.stringify(running.daemon.totals),
    );
    expect(running.daemon.totals.sinks[0]!.lost).toBe(0);
    expect(running.lines("all").length).toBe(count * clients);
    for (const sender of senders) sender.close();
  });

  test("do not wait for a sink that takes nothing at all", async () => {
    const port = freshPort();
    await using running = new Running(
      ["user.* -> file:%d/fifo"],
      { ...sources([tcpOn(port)]), sinks: sinksWith(1 << 20) },
      (directory) => Bun.spawnSync(["mkfifo", `${directory}/fifo`]), // without a reader
    );
    const senders = await flood(port);
    await eventually(
      () => running.daemon.totals.sinks[0]!.accepted === count * clients,
      () => JSON.stringify(running.daemon.totals),
    );
    expect(running.daemon.totals.sinks[0]!.lost).toBeGreaterThan(0);
    for (const sender of senders) sender.close();
  });
});

describe("who is in none of the allowed networks", () => {
  const allow = [parseNetwork("192.0.2.0/24")];

  test("is not heard over TCP, counted, and told once", async () => {
    const port = freshPort();
    await using running = new Running(["*.* -> file:%d/all"], sources([tcpOn(port, { allow })]));
    for (let at = 0; at < 5; at++) await connectInVain(port, "<13>app: forbidden\n");
    const tcp = () => running.daemon.totals.sources.find(({ name }) => name.startsWith("tcp:"))!;
    await eventually(
      () => tcp().refused === 5,
      () => `${tcp().refused} refused`,
    );
    expect(tcp()).toMatchObject({ received: 0, connections: 0 });
    expect(running.said.filter((line) => line.includes("none of the networks"))).toEqual([
      `warning tcp:127.0.0.1:${port}: refused 127.0.0.1: it is in none of the networks that are allowed`,
    ]);
  });

  test("is not heard over UDP, and counted, while others are", async () => {
    const [port, open] = [freshPort(), freshPort()];
    const on = (at: number) => ({ by: "udp", address: parseAddress("127.0.0.1"), port: at }) as const;
    await using running = new Running(
      ["*.* -> file:%d/all"],
      sources([listener(on(port), { allow }), listener(on(open))]),
    );
    const sender = createSocket("udp4");
    const send = (text: string, to: number) => new Promise((done) => sender.send(text, to, "127.0.0.1", done));
    for (let at = 0; at < 4; at++) await send("<13>app: forbidden", port);
    await send("<13>app: allowed", open);
    await running.line("all", "127.0.0.1 app: allowed");
    sender.close();
    const udp = () => running.daemon.totals.sources.find(({ name }) => name.endsWith(`:${port}`))!;
    await eventually(
      () => udp().refused === 4,
      () => `${udp().refused} refused`,
    );
    expect(running.said.filter((line) => line.includes("none of the networks"))).toHaveLength(1);
    await running.end();
    expect(running.said.at(-1)).toEndWith("; 3 in all since this was last told");
    expect(running.lines("all").filter((line) => line.includes("forbidden"))).toEqual([]);
  });
});

test("a unix stream socket tells who wrote, and is removed at the end if it is still ours", async () => {
  await using place = new Running([]);
  const path = place.path("stream");
  await using running = new Running(["*.* -> file:%d/all"], sources([listener({ by: "stream", path })]));
  const pids: number[] = [];
  const take = running.daemon.take.bind(running.daemon);
  running.daemon.take = (record) => {
    if (record.origin.via === "unix") pids.push(record.pid, record.uid);
    take(record);
  };
  using sender = await connect(path);
  await sender.send("<13>app: by a stream\n");
  await running.line("all", "web1 app: by a stream");
  expect(pids).toEqual([process.pid, process.getuid!()]);
  await running.end();
  expect(existsSync(path)).toBe(false);
});

test("a FIFO is made, read line by line, and outlives its writers", async () => {
  await using place = new Running([]);
  const path = place.path("fifo");
  await using running = new Running(["*.* -> file:%d/all"], sources([listener(parsePlace(`fifo:${path}`))]));
  for (const text of ["<13>script: first\n<13>script: sec", "ond\nno priority at all\n"]) writeFileSync(path, text);
  await running.line("all", "web1 script: second");
  await running.line("all", /no.* priority at all/);
  writeFileSync(path, "<11>script: after\n");
  await running.line("all", "web1 script: after");
});

test("a FIFO takes a flood whole", async () => {
  await using place = new Running([]);
  const path = place.path("fifo");
  const more = { ...sources([listener(parsePlace(`fifo:${path}`))]), sinks: sinksWith(1 << 20) };
  await using running = new Running(["user.* -> file:%d/all"], more);
  const writer = Bun.spawn(["sh", "-c", `seq -f '<13>flood: %.0f' 100000 >${path}`]);
  await running.line("all", "web1 flood: 100000");
  expect(await writer.exited).toBe(0);
  expect(running.lines("all")).toEqual(Array.from({ length: 100_000 }, (_, at) => `web1 flood: ${at + 1}`));
}, 20_000);

test("a time without a zone is one of the listener's zone, and one that is far off is marked", async () => {
  const port = freshPort();
  const zone = tryZone("Asia/Tokyo")!;
  const settings = sources([tcpOn(port, { zone })], { timeOffMaxUs: 3_600e6 });
  await using running = new Running(["*.* -> group:log"], settings);
  const seen: string[] = [];
  const { daemon } = running;
  const take = daemon.take.bind(daemon);
  daemon.take = (record) => {
    if (record.origin.via === "tcp") seen.push(`${new Date(record.timeUs / 1_000).toISOString()} ${record.marks}`);
    take(record);
  };
  using sender = await connect(port);
  const now = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const inTokyo = new Date(now.getTime() + 9 * 3_600_000).toISOString();
  await sender.send(`<13>${inTokyo.slice(0, 19)} host app: now there\n<13>2020-01-01T00:00:00Z host app: long ago\n`);
  await eventually(
    () => seen.length === 2,
    () => seen.join("\n"),
  );
  expect(seen).toEqual([`${now.toISOString()} 0`, "2020-01-01T00:00:00.000Z 4"]);
});

test("a mark is said at its interval", async () => {
  await using running = new Running(["syslog.info -> file:%d/all"], sources([], { markEveryMs: 20 }));
  await running.line("all", /syslogd\[\d+\]: -- MARK --$/);
});

describe("when our socket is taken away", () => {
  test("it is made again, told, and programs are heard again", async () => {
    await using running = new Running(["*.* -> file:%d/all"]);
    unlinkSync(running.socket);
    await running.line("all", /our socket was removed; made again$/);
    logger(running.socket, "-t", "me", "hello again");
    await running.line("all", "web1 me: hello again");
  });

  test("a stream socket is made again too, and connections that there are go on", async () => {
    await using place = new Running([]);
    const path = place.path("stream");
    await using running = new Running(["*.* -> file:%d/all"], sources([listener({ by: "stream", path })]));
    using before = await connect(path);
    unlinkSync(path);
    await running.line("all", /stream: our socket was removed; made again$/);
    using after = await connect(path);
    await after.send("<13>app: after\n");
    await before.send("<13>app: before\n");
    await running.line("all", "web1 app: after");
    await running.line("all", "web1 app: before");
    await running.end();
    expect(existsSync(path)).toBe(false);
  });

  test("with its directory, that is told once, and it is made again when the directory is back", async () => {
    await using place = new Running([]);
    const [directory, path] = [place.path("chroot"), place.path("chroot/log")];
    mkdirSync(directory);
    await using running = new Running(["*.* -> file:%d/all"], sources([listener({ by: "unix", path })]));
    rmSync(directory, { recursive: true });
    await running.line("all", /our socket was removed, and can't be made again yet: cannot listen on .*no such file/);
    mkdirSync(directory);
    await running.line("all", /our socket was removed; made again$/);
    logger(path, "-t", "me", "from the chroot");
    await running.line("all", "web1 me: from the chroot");
    expect(running.said.filter((line) => line.includes("can't be made again"))).toHaveLength(1);
  });

  test("it is told, and left so, where the settings say that", async () => {
    await using running = new Running(["*.* -> file:%d/all"], sources([], { restoreSockets: false }));
    unlinkSync(running.socket);
    await running.line("all", /our socket was removed: programs that start now can't log to us$/);
    expect(existsSync(running.socket)).toBe(false);
  });

  test("by a process that listens there, that is told and left alone, until it is gone", async () => {
    await using running = new Running(["*.* -> file:%d/all"]);
    unlinkSync(running.socket);
    const thief = listenUnixDatagram(running.socket);
    await running.line(
      "all",
      /our socket was replaced by another, and can't be made again yet: .*another process listens there/,
    );
    const probe = openUnixDatagram();
    expect(sendUnixDatagram(probe.fd, running.socket, new TextEncoder().encode("<13>x: to the thief"))).toBe(true);
    probe[Symbol.dispose]();
    thief[Symbol.dispose]();
    await running.line("all", /made again$/);
    logger(running.socket, "-t", "me", "back");
    await running.line("all", "web1 me: back");
    expect(running.said.filter((line) => line.includes("can't be made again"))).toHaveLength(1);
    expect(readFileSync(running.path("all"), "utf8")).not.toContain("to the thief");
  });
});

function counted(text: string): string {
  return `${Buffer.byteLength(text)} ${text}`;
}
