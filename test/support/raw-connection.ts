import type { Socket } from "bun";
import type { Server } from "../../lib/spread/server.ts";

/** A connection to a daemon, spoken to by hand: bytes out, bytes awaited. */
export class RawConnection {
  #received = Buffer.alloc(0);
  #isEnded = false;
  #isFull = false;
  isDestroyed = false;
  readonly #wakers = new Set<() => void>();
  #socket: Socket | undefined;

  /** @param waitMs bound of each wait */
  private constructor(private readonly waitMs: number) {}

  static async connect(server: Server, waitMs: number): Promise<RawConnection> {
    const client = new RawConnection(waitMs);
    const end = () => {
      client.#isEnded = true;
      client.#wake();
    };
    const socket = {
      data(_: Socket, bytes: Buffer) {
        client.#received = Buffer.concat([client.#received, bytes]);
        client.#wake();
      },
      drain() {
        client.#isFull = false;
        client.#wake();
      },
      end,
      close: end,
      error: end,
    };
    client.#socket =
      server.by === "unix"
        ? await Bun.connect({ unix: server.path, allowHalfOpen: true, socket })
        : await Bun.connect({ hostname: server.host, port: server.port, allowHalfOpen: true, socket });
    return client;
  }

  /** Bytes that have come and were not read. */
  get unread(): number {
    return this.#received.length;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Takes nothing from the socket until `resume`. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** What has come so far, left where it is. */
  peek(): Uint8Array {
    return this.#received;
  }

  /** In one write, as far as the kernel takes it; what the daemon no longer wants is lost, as it was in the recording. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isEnded; ) {
      const took = this.#socket?.write(bytes, at, bytes.length - at) ?? -1;
      if (took < 0) return;
      at += took;
      if (at === bytes.length) return;
      this.#isFull = true;
      await this.#until(() => !this.#isFull || this.#isEnded, "room to send");
    }
  }

  /** Waits for so many bytes. */
  async read(length: number): Promise<Uint8Array> {
    await this.#until(() => this.#received.length >= length || this.#isEnded, `${length} bytes`);
    if (this.#received.length < length)
      throw new Error(`closed after ${this.#received.length} of ${length} bytes: ${this.#received.toString("hex")}`);
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes;
  }

  /** Waits until more comes than there is. */
  async more(): Promise<void> {
    const { length } = this.#received;
    await this.#until(() => this.#received.length > length || this.#isEnded, "more");
    if (this.#received.length === length) throw new Error(`closed with ${length} bytes unread`);
  }

  /** Waits until the daemon has closed. */
  async ended(): Promise<void> {
    if (!this.isDestroyed) await this.#until(() => this.#isEnded, "the daemon to close");
  }

  /** Closes our side; the daemon's is still read. */
  shutDown(): void {
    if (!this.#isEnded) this.#socket?.shutdown();
  }

  destroy(): void {
    this.isDestroyed = true;
    this.#socket?.terminate();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + this.waitMs;
    while (!holds()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0)
        throw new Error(`waited ${this.waitMs} ms for ${what}; unread: ${this.#received.toString("hex", 0, 200)}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakers.add(resolve);
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
  }
}
