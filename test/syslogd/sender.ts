// A client that sends over TCP or a unix stream socket, and waits until the kernel has taken it all.

import type { Socket } from "node:net";
import { connect as connectTo } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

export interface Sender extends Disposable {
  send(bytes: string | Uint8Array): Promise<void>;
  close(): void;
  /** When the other end has closed, or broken off. */
  readonly closed: Promise<void>;
}

/** @param to a TCP port on the loopback, or the path of a unix socket */
export function connect(to: number | string): Promise<Sender> {
  const socket = typeof to === "number" ? connectTo(to, "127.0.0.1") : connectTo(to);
  return opened(socket, "connect");
}

/** Connects where it is going to be broken off, maybe before it knows that it was connected; resolves when that is over. */
export async function connectInVain(port: number, text = ""): Promise<void> {
  const sender = await connect(port).catch(() => undefined);
  await sender?.send(text);
  await sender?.closed;
}

export function connectByTls(port: number, options: ConnectionOptions): Promise<Sender> {
  return opened(connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }), "secureConnect");
}

function opened(socket: Socket, event: "connect" | "secureConnect"): Promise<Sender> {
  const { promise: closed, resolve: noteClosed } = Promise.withResolvers<void>();
  socket.on("close", () => noteClosed());
  socket.resume();
  const sender: Sender = {
    send: (bytes) => new Promise((done) => void socket.write(bytes, () => done())),
    close: () => void socket.end(),
    closed,
    [Symbol.dispose]: () => void socket.destroy(),
  };
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once(event, () => resolve(sender));
  });
}
