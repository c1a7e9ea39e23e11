// Takes connections over TCP and on unix stream sockets, and reads them as streams of messages.
//
// Nothing is ever sent to a client. A client that sends faster than a disk writes is held back by its own kernel (flow-gate.ts).
import { chmodSync } from "node:fs";
import type { Socket, TCPSocketListener, UnixSocketListener } from "bun";
import { Fault } from "../../base/fault.ts";
import { formatAddress, networkContains, tryPeerAddress } from "../../base/ip-address.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { removeStale } from "../../linux/datagram-socket.ts";
import { peerCredentials } from "../../linux/peer-credentials.ts";
import { SystemError } from "../../linux/system-error.ts";
import { setPeerTimeout } from "../../linux/tcp-timeout.ts";
import { type Origin, origin } from "../../syslog/record.ts";
import type { HandedConnection } from "../handover.ts";
import type { Conversation, Reception } from "./reception.ts";

/** A peer that is gone without a word (its host lost power) keeps its place for so long. */
const DEAD_PEER_MS = 120_000;

/** What listens, and what it has taken. Closing it lets what was sent before be read. */
export interface StreamSource {
  readonly name: string;
  readonly reception: Reception;
  /** Takes no more connections. */
  stop(): void;
  /** Ends those there are. */
  endConnections(): void;
  /** The descriptor that it listens on, -1 where it can't be passed on. */
  readonly fd: number;
  /** Reads no more from anybody: what is sent from now on waits in the kernel. */
  pause(): void;
  /** The connections as they are, for another process. Once, after `pause`. */
  connections(): readonly Omit<HandedConnection, "key">[];
}

/** Smaller ones are not worth it. */
const GIVEN_UP_BYTES_MIN = 16_384;

/** Who a connection is from; `undefined` where it was turned away. */
type Identify = (socket: Client) => { readonly origin: Origin; readonly pid: number; readonly uid: number } | undefined;

interface Client extends Socket<Conversation | undefined> {
  /** Bun has it on its sockets, and not in its types. */
  readonly fd: number;
}

/** How to listen: by an address, or on a descriptor that somebody else has bound. */
export type StreamPlace =
  | { readonly by: "tcp"; readonly hostname: string; readonly port: number; readonly isIpv6Only: boolean }
  | { readonly by: "stream"; readonly path: string }
  | { readonly by: "descriptor"; readonly fd: number; readonly isUnix: boolean };

/**
 * @param host   of messages on a unix socket that name none
 * @param handed connections that another process has begun to read
 * @throws {Fault} where the place cannot be had
 */
export function listenForStreams(
  place: StreamPlace,
  reception: Reception,
  host: string,
  handed: readonly HandedConnection[] = [],
): StreamSource {
  const isUnix = place.by === "stream" || (place.by === "descriptor" && place.isUnix);
  const clients = new Set<Client>();
  const handlers = handlersOf(reception, clients, isUnix ? unixPeers(host) : tcpPeers(reception));
  const listening = open(place, handlers);
  for (const one of handed) goOn(one, reception, clients, handlers, isUnix ? host : undefined);
  return {
    name: reception.options.name,
    reception,
    fd: (listening as Listening & { readonly fd?: number }).fd ?? -1,
    stop: () => listening.stop(),
    pause() {
      for (const client of clients) client.pause();
    },
    connections: () =>
      [...clients].flatMap((client) => {
        const { data: conversation, fd } = client;
        if (conversation === undefined || fd < 0) return [];
        const { origin, pid, uid, reader } = conversation;
        return { fd, peer: origin.peer, pid, uid, reader };
      }),
    endConnections() {
      for (const client of clients) {
        client.data?.end();
        client.terminate();
      }
      listening.stop(true);
    },
  };
}

/** A connection that another process has begun to read. Where it has ended meanwhile, what it had begun is a message all the same. */
function goOn(
  { fd, peer, pid, uid, reader }: HandedConnection,
  reception: Reception,
  clients: Set<Client>,
  handlers: Handlers,
  unixHost: string | undefined,
): void {
  const from = unixHost === undefined ? origin("tcp", peer, peer) : origin("unix", unixHost);
  const conversation = reception.open(from, pid, uid, reader);
  const adopted = {
    fd,
    socket: {
      ...handlers,
      open(socket: Socket<Conversation | undefined>) {
        clients.add(socket as Client);
        reception.options.gate.add(socket as Client);
        socket.data = conversation;
      },
    },
  } as unknown as Parameters<typeof Bun.connect<Conversation | undefined>>[0];
  Bun.connect<Conversation | undefined>(adopted).catch(() => conversation.end());
}

function handlersOf(reception: Reception, clients: Set<Client>, identify: Identify) {
  return {
    open(socket: Socket<Conversation | undefined>) {
      const client = socket as Client;
      const peer = tryIdentify(identify, client);
      if (peer === undefined) return void socket.terminate();
      if (reception.isFull) {
        reception.refuse(
          peer.origin.peer || `pid ${peer.pid}`,
          `there are ${reception.connections} connections, as many as may be`,
        );
        return void socket.terminate();
      }
      clients.add(client);
      reception.options.gate.add(client);
      socket.data = reception.open(peer.origin, peer.pid, peer.uid);
    },
    data(socket: Socket<Conversation | undefined>, chunk: Buffer) {
      // A plain view: a Buffer's own indexOf is slower, and the messages are found with it.
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      if (socket.data?.take(bytes) === false) socket.terminate();
      giveUp(chunk);
    },
    close(socket: Socket<Conversation | undefined>) {
      clients.delete(socket as Client);
      reception.options.gate.delete(socket);
      socket.data?.end();
    },
    error(socket: Socket<Conversation | undefined>, error: Error) {
      // A connection that breaks has a code. What has none is a mistake of ours: it must not pass in silence, nor end the others.
      if (!("code" in error))
        reception.refuse(socket.remoteAddress ?? "a client", `a mistake of syslogd's own: ${error.message}`);
      socket.terminate();
    },
  };
}

/** Frees what a read was put into, now: left to the collector, a flood of half a mebibyte a read would have us grow by some 60 MiB. */
function giveUp(chunk: Buffer): void {
  if (chunk.length > GIVEN_UP_BYTES_MIN) (chunk.buffer as ArrayBuffer).transfer(0);
}

type Handlers = ReturnType<typeof handlersOf>;
type Listening = TCPSocketListener<Conversation | undefined> | UnixSocketListener<Conversation | undefined>;

function open(place: StreamPlace, socket: Handlers): Listening {
  if (place.by === "stream") {
    removeStale(place.path);
    const listening = tryListen(place.path, () => Bun.listen<Conversation | undefined>({ unix: place.path, socket }));
    chmodSync(place.path, 0o666);
    return listening;
  }
  if (place.by === "descriptor") {
    // Bun takes a listening descriptor, and does not say so in its types.
    const adopted = { fd: place.fd, socket } as unknown as Parameters<typeof Bun.listen<Conversation | undefined>>[0];
    return tryListen(`descriptor ${place.fd}`, () =>
      Bun.listen<Conversation | undefined>(adopted as never),
    ) as Listening;
  }
  const { hostname, port, isIpv6Only: ipv6Only } = place;
  // Bun takes `ipv6Only` here too, and has it only in the types of connecting.
  const bound = { hostname, port, ipv6Only, exclusive: true, socket };
  return tryListen(`${hostname} port ${port}`, () => Bun.listen<Conversation | undefined>(bound));
}

function tryListen<T>(where: string, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const advice = code === "EADDRINUSE" ? "; another process listens there (ss -l shows which)" : "";
    const kind = code === "EACCES" || code === "EPERM" ? "no-permission" : "os";
    throw new Fault(kind, code, `cannot listen on ${where}: ${reasonOf(error)}${advice}`, { cause: error });
  }
}

/** A client that has gone already can't be asked for anything. */
function tryIdentify(identify: Identify, client: Client): ReturnType<Identify> {
  try {
    return identify(client);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/** The kernel tells who connected. */
function unixPeers(host: string): Identify {
  const local = origin("unix", host);
  return (client) => ({ origin: local, ...peerCredentials(client.fd) });
}

function tcpPeers(reception: Reception): Identify {
  return (client) => {
    const { allow } = reception.options;
    const address = tryPeerAddress(client.remoteAddress ?? "");
    if (address === undefined) return undefined; // it has gone already
    const peer = formatAddress(address);
    if (allow.length > 0 && !allow.some((network) => networkContains(network, address))) {
      reception.refuse(peer, "it is in none of the networks that are allowed");
      return undefined;
    }
    setPeerTimeout(client.fd, DEAD_PEER_MS);
    return { origin: origin("tcp", peer, peer), pid: -1, uid: -1 };
  };
}
