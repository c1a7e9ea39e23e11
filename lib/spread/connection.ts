// One connection to a daemon without its socket: bytes in, frames out. It begins with the handshake; what it sends after that is in
// sending.ts, since it outlives the connection.
import { ClientHandshake, type ClientHandshakeOptions } from "./client-handshake.ts";
import { FrameReader } from "./frame-reader.ts";
import type { Acceptance } from "./handshake.ts";

export class Connection {
  /** Frames from the daemon, once it has accepted. */
  readonly reader = new FrameReader();
  readonly #handshake: ClientHandshake;

  constructor(options: ClientHandshakeOptions) {
    this.#handshake = new ClientHandshake(options);
  }

  /** What begins the handshake, to be sent in one write. */
  get request(): Uint8Array {
    return this.#handshake.request;
  }

  /** What the daemon granted; `undefined` while the handshake goes on. */
  get acceptance(): Acceptance | undefined {
    return this.#handshake.acceptance;
  }

  /**
   * Takes a chunk from the socket; it must stay as it is until its frames are read from `reader`.
   * @param send gets what the handshake says next, each piece in one write
   * @throws {Fault} the handshake failed: RejectError, HandshakeError, MethodError, or what an authentication method throws
   */
  receive(chunk: Uint8Array, send: (bytes: Uint8Array) => void): void {
    let at = 0;
    if (this.#handshake.acceptance === undefined) {
      at = this.#handshake.take(chunk, 0, chunk.length, send);
      if (at === chunk.length) return;
    }
    this.reader.push(at === 0 ? chunk : chunk.subarray(at));
  }
}
