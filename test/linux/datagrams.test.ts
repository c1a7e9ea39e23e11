import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { DatagramReader } from "../../lib/linux/datagram-reader.ts";
import {
  type DatagramSocket,
  listenUdp,
  listenUnixDatagram,
  openUnixDatagram,
  sendUnixDatagram,
} from "../../lib/linux/datagram-socket.ts";
import { libc } from "../../lib/linux/libc.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (words: string) => new TextEncoder().encode(words);

const directory = mkdtempSync(join(tmpdir(), "spreadbox-datagrams-"));
afterAll(() => rmSync(directory, { recursive: true }));
const open: Disposable[] = [];
function kept<T extends Disposable>(it: T): T {
  open.push(it);
  return it;
}
afterEach(() => {
  for (const it of open.splice(0)) it[Symbol.dispose]();
  for (const name of ["log"]) rmSync(join(directory, name), { force: true });
});

function pair(path = join(directory, "log"), slotBytes = 1024) {
  const socket = kept(listenUnixDatagram(path));
  const sender = kept(openUnixDatagram());
  return {
    path,
    socket,
    reader: new DatagramReader(socket.fd, slotBytes),
    send: (what: Uint8Array) => sendUnixDatagram(sender.fd, path, what),
  };
}

describe("a unix datagram socket", () => {
  test("tells what was sent, and by whom", () => {
    const { reader, send } = pair();
    expect(send(bytes("one"))).toBe(true);
    expect(send(bytes("and another"))).toBe(true);
    expect(reader.receive()).toBe(2);
    expect([0, 1].map((at) => text(reader.bytes.subarray(reader.start(at), reader.end(at))))).toEqual([
      "one",
      "and another",
    ]);
    expect([reader.pid(1), reader.uid(1), reader.peer(1), reader.isCut(1)]).toEqual([
      process.pid,
      process.getuid!(),
      "",
      false,
    ]);
    expect(reader.receive()).toBe(0);
  });

  test("takes an empty datagram for a datagram, not for an end", () => {
    const { reader, send } = pair();
    send(new Uint8Array(0));
    send(bytes("x"));
    expect(reader.receive()).toBe(2);
    expect([reader.end(0) - reader.start(0), reader.end(1) - reader.start(1)]).toEqual([0, 1]);
  });

  test("says of a datagram that was too long that it was cut", () => {
    const { reader, send } = pair(undefined, 64);
    send(new Uint8Array(65).fill(65));
    send(new Uint8Array(64).fill(66));
    expect(reader.receive()).toBe(2);
    expect([reader.isCut(0), reader.end(0) - reader.start(0)]).toEqual([true, 64]);
    expect([reader.isCut(1), reader.end(1) - reader.start(1)]).toEqual([false, 64]);
  });

  test("says it again for a slot that was used before, in either case", () => {
    const { reader, send } = pair(undefined, 64);
    send(new Uint8Array(65));
    reader.receive();
    send(bytes("short"));
    expect(reader.receive()).toBe(1);
    expect([reader.isCut(0), reader.end(0) - reader.start(0), reader.pid(0)]).toEqual([false, 5, process.pid]);
  });

  test("has a queue that takes a burst of 500, and leaves the host's setting as it was", async () => {
    const setting = () => Bun.file("/proc/sys/net/unix/max_dgram_qlen").text();
    const before = await setting();
    const { path, reader, socket } = pair();
    if (socket.shortcomings.length > 0) return expect(socket.shortcomings[0]).toContain("net.unix.max_dgram_qlen=512");
    const senders = Array.from({ length: 5 }, () => kept(openUnixDatagram())); // one alone is stopped by its own send buffer
    for (let at = 0; at < 500; at++) expect(sendUnixDatagram(senders[at % 5]!.fd, path, bytes(`${at}`))).toBe(true);
    expect(await setting()).toBe(before);
    const taken = Array.from({ length: 9 }, () => reader.receive());
    expect(taken).toEqual([64, 64, 64, 64, 64, 64, 64, 52, 0]);
  });

  test("stands at an abstract name too", () => {
    const { reader, send } = pair(`@spreadbox-test-${process.pid}`);
    send(bytes("abstract"));
    expect(reader.receive()).toBe(1);
  });

  test("is open to all, and its path goes when it is closed", () => {
    const { path, socket } = pair();
    expect(statSync(path).mode & 0o777).toBe(0o666);
    socket[Symbol.dispose]();
    open.length = 0;
    expect(existsSync(path)).toBe(false);
  });

  test("replaces what a dead daemon left, and nothing else", () => {
    const path = join(directory, "log");
    libc().close(listenUnixDatagram(path).fd); // as a kill -9: the file stays
    expect(existsSync(path)).toBe(true);
    const { reader, send } = pair(path);
    send(bytes("alive"));
    expect(reader.receive()).toBe(1);
    expect(() => listenUnixDatagram(path)).toThrow(/cannot listen on .*log: address already in use; another process/);
    send(bytes("still alive"));
    expect(reader.receive()).toBe(1);
  });

  test("is refused where a file stands, and the file stays", () => {
    const path = join(directory, "log");
    writeFileSync(path, "precious");
    expect(() => listenUnixDatagram(path)).toThrow(/a file stands there/);
    expect(statSync(path).size).toBe(8);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "what another user's daemon left, and this user may not remove, is told",
    () => {
      const shared = join(directory, "shared");
      mkdirSync(shared, { mode: 0o1777 });
      chmodSync(shared, 0o1777); // whatever the umask
      chmodSync(directory, 0o755);
      const path = join(shared, "log");
      const dead = listenUnixDatagram(path);
      libc().close(dead.fd);
      process.seteuid!(65_534);
      try {
        expect(() => listenUnixDatagram(path)).toThrow(
          expect.objectContaining({
            kind: "no-permission",
            message: `cannot listen on ${path}: a socket of the user with number 0 was left there, and nobody listens on it; this user may not remove it: remove it, or choose another path`,
          }),
        );
      } finally {
        process.seteuid!(0);
      }
    },
  );

  test("does not remove at its end a socket that took its place", () => {
    const path = join(directory, "log");
    const first = listenUnixDatagram(path);
    rmSync(path);
    kept(listenUnixDatagram(path));
    first[Symbol.dispose]();
    expect(existsSync(path)).toBe(true);
  });

  test("cannot have a path that is too long", () => {
    expect(() => listenUnixDatagram(`/${"x".repeat(107)}`)).toThrow(/has 108 bytes, the kernel takes 1 to 107/);
  });
});

describe("a UDP socket", () => {
  for (const { listen, from, peer } of [
    { listen: "127.0.0.1", from: "udp4", peer: "127.0.0.1" },
    { listen: "::1", from: "udp6", peer: "::1" },
    { listen: "::", from: "udp4", peer: "127.0.0.1" },
  ] as const)
    test(`on ${listen} tells the peer's address ${peer}`, async () => {
      let socket: DatagramSocket & { port: number };
      try {
        socket = kept(listenUdp(parseAddress(listen), 0, 4 << 20));
      } catch (error) {
        if (listen.includes(":") && String(error).includes("not available")) return; // a host without IPv6
        throw error;
      }
      const reader = new DatagramReader(socket.fd, 2048);
      const sender = createSocket(from);
      const port = (socket as { port: number }).port;
      const to = from === "udp4" ? "127.0.0.1" : "::1";
      for (const what of ["a", "bb"]) await new Promise((done) => sender.send(what, port, to, done));
      sender.close();
      expect(reader.receive()).toBe(2);
      expect([reader.peer(0), reader.pid(0), reader.samePeer(1, 0)]).toEqual([peer, -1, true]);
      expect(text(reader.bytes.subarray(reader.start(1), reader.end(1)))).toBe("bb");
    });
});
