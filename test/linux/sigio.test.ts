import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatagramReader } from "../../lib/linux/datagram-reader.ts";
import { listenUnixDatagram, openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { watchReadable } from "../../lib/linux/sigio.ts";

const bytes = (words: string) => new TextEncoder().encode(words);

/** Listens, reads every datagram as a number, and resolves when `count` have come. */
class Listener implements Disposable {
  readonly path = join(mkdtempSync(join(tmpdir(), "spreadbox-sigio-")), "log");
  readonly socket = listenUnixDatagram(this.path);
  readonly seen: number[] = [];
  turns = 0;
  readonly #reader = new DatagramReader(this.socket.fd, 256);
  readonly #watch = watchReadable({
    fd: this.socket.fd,
    readOnce: () => {
      const count = this.#reader.receive();
      for (let at = 0; at < count; at++)
        this.seen.push(
          Number(new TextDecoder().decode(this.#reader.bytes.subarray(this.#reader.start(at), this.#reader.end(at)))),
        );
      if (this.seen.length >= this.#awaited) this.#arrived();
      return count;
    },
    readMax: this.#reader.readMax,
    queueMax: this.socket.queueMax,
    turnEnded: () => {
      this.turns++;
    },
  });
  #awaited = Number.POSITIVE_INFINITY;
  #arrived: () => void = () => {};

  arrival(count: number): Promise<void> {
    return new Promise((arrived) => {
      this.#awaited = count;
      this.#arrived = arrived;
      if (this.seen.length >= count) arrived();
    });
  }

  stop(): void {
    this.#watch[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.stop();
    this.socket[Symbol.dispose]();
    rmSync(join(this.path, ".."), { recursive: true });
  }
}

describe("a watched socket", () => {
  test("is read when something comes, one by one", async () => {
    using listener = new Listener();
    using sender = openUnixDatagram();
    for (let at = 0; at < 50; at++) {
      sendUnixDatagram(sender.fd, listener.path, bytes(`${at}`));
      await listener.arrival(at + 1);
    }
    expect(listener.seen).toEqual(Array.from({ length: 50 }, (_, at) => at));
  });

  test("is read for what had come before it was watched", async () => {
    using sender = openUnixDatagram();
    using listener = new Listener();
    sendUnixDatagram(sender.fd, listener.path, bytes("7"));
    await listener.arrival(1);
    expect(listener.seen).toEqual([7]);
  });

  test("loses nothing of a flood from another process, keeps its order, and lets timers run meanwhile", async () => {
    const count = 200_000;
    using listener = new Listener();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const flooder = Bun.spawn({
      cmd: [process.execPath, join(import.meta.dir, "flooder.ts"), listener.path, String(count)],
      stdout: "ignore",
      stderr: "inherit",
    });
    await listener.arrival(count);
    clearInterval(timer);
    expect(await flooder.exited).toBe(0);
    expect(listener.seen.length).toBe(count);
    expect(listener.seen.every((number, at) => number === at)).toBe(true);
    expect(ticks).toBeGreaterThan(5);
    expect(listener.turns).toBeGreaterThan(10);
  }, 30_000);

  test("is left alone once it is disposed of, and others go on", async () => {
    using one = new Listener();
    using other = new Listener();
    using sender = openUnixDatagram();
    one.stop();
    sendUnixDatagram(sender.fd, one.path, bytes("1"));
    sendUnixDatagram(sender.fd, other.path, bytes("2"));
    await other.arrival(1);
    expect(one.seen).toEqual([]);
  });
});
