// The daemon's sockets. Whatever happens in one turn of the event loop is collected: frames for one client go out in one write when the turn ends.
//
// A tick: sessions that have work left get a turn each, then every queue that was filled is flushed. It runs by `setImmediate`, so that sockets which
// became readable at the same time share it, and only when there is something to do: idle, nothing runs at all. There are two timers, each only while it
// is wanted: for handshakes that take too long, and for those who wait for a reader.
import type { SocketHandler } from "bun";
import type { MonotonicMs } from "../../base/brand.ts";
import type { Fault } from "../../base/fault.ts";
import { tryPeerAddress } from "../../base/ip-address.ts";
import type { Log } from "../../base/log.ts";
import { peerCredentials } from "../../linux/peer-credentials.ts";
import { SystemError } from "../../linux/system-error.ts";
import { setPeerTimeout } from "../../linux/tcp-timeout.ts";
import type { Clock } from "../../run/clock.ts";
import type { PrivateGroup } from "../../spread/names.ts";
import { Daemon } from "../daemon.ts";
import type { DaemonSettings } from "../daemon-settings.ts";
import type { Engine } from "../engine.ts";
import { CHECK_MS } from "../flow-control.ts";
import type { Peer } from "../peer.ts";
import type { QueueLevel, Rim } from "../rim.ts";
import type { SessionEnd } from "../session-core.ts";
import { TalkLimit } from "../talk-limit.ts";
import { type ClientSocket, Connection } from "./connection.ts";
import { TlsDoor } from "./tls-door.ts";

export interface ServerSettings {
  readonly daemon: DaemonSettings;
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
  readonly queueTotalMax: number;
  readonly handshakeTimeoutMs: number;
}

/** A queue with more than this part of what it may hold makes its senders wait. */
const SOFT_PART = 1 / 16;
/** A queue that has come to this within one tick is written at once. */
const FLUSH_BYTES = 262_144;
/** What a queue that waits may pin of others' pieces; nothing where so many wait that it would come to much. */
const PINNED_BYTES = 1_048_576;
/** How long a client that was refused may take to read why, and how many may at a time. */
const LINGER_MS = 1_000;
const LINGERING_MAX = 64;
/** Lines on clients that were refused or closed, in so much time. */
const TALK_LINES = 20;
const TALK_MS = 10_000;

/** Serves clients on sockets that are accepted elsewhere (`handler`). */
export class Server implements Rim {
  readonly daemon: Daemon;
  /** What Bun is to call for sockets of clients. */
  readonly unixHandler: SocketHandler<Connection | undefined>;
  readonly tcpHandler: SocketHandler<Connection | undefined>;
  readonly tlsHandler: SocketHandler<Connection | undefined>;
  readonly #connections: (Connection | undefined)[] = [];
  readonly #softMessages: number;
  readonly #softBytes: number;
  /** Bytes in all queues. */
  #queuedBytes = 0;
  /** Connections that the kernel takes nothing for. */
  #blockedCount = 0;
  #dirty: Connection[] = [];
  #ready: Connection[] = [];
  #isTickComing = false;
  /** Refused clients that may still read why. */
  readonly #lingering = new Set<ClientSocket>();
  readonly #talk: TalkLimit;
  readonly #door: TlsDoor;
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #watchers = new Set<() => void>();
  readonly #firstRing = Promise.withResolvers<void>();
  /** The engine has given a ring: there is something to serve. Rejected where it can't. */
  readonly firstRing = this.#firstRing.promise;

  constructor(
    readonly settings: ServerSettings,
    engine: Engine,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly onFailed: (fault: Fault) => void,
  ) {
    this.#softMessages = Math.max(1, settings.queueMessagesMax * SOFT_PART);
    this.#softBytes = settings.queueBytesMax * SOFT_PART;
    this.#talk = new TalkLimit(TALK_LINES, TALK_MS, clock.monotonicMs());
    this.daemon = new Daemon(settings.daemon, engine, this, Math.random);
    this.#door = new TlsDoor(settings.handshakeTimeoutMs, {
      admit: (socket, peer) => this.#admit(socket, peer),
      refused: (who, why) => this.#say(`${who}: refused: ${why}`),
    });
    this.unixHandler = this.#handler((socket) => tryUnixPeer(descriptorOf(socket)));
    this.tcpHandler = this.#handler(tcpPeer);
    this.tlsHandler = this.#throughDoor(this.#handler(tcpPeer));
  }

  /** Ends all sessions. The listeners must be closed before. */
  stop(): void {
    clearTimeout(this.#handshakeTimer);
    clearTimeout(this.#checkTimer);
    this.daemon.stop();
    this.#door.stop();
    for (const socket of this.#lingering) socket.terminate();
    for (const said of this.#talk.rest()) this.log.notice(said);
  }

  // --- what the daemon asks ---

  now(): MonotonicMs {
    return this.clock.monotonicMs();
  }

  reply(slot: number, bytes: Uint8Array): void {
    const connection = this.#connections[slot];
    if (connection === undefined || connection.isGone) return;
    // some dozens of bytes on a fresh connection: if the kernel does not even take these, the client is none
    if (connection.socket.write(bytes) < bytes.length) connection.socket.terminate();
  }

  send(slot: number, bytes: Uint8Array, start: number, end: number): QueueLevel {
    const connection = this.#connections[slot];
    if (connection === undefined || connection.isGone || connection.isOverrun) return "low";
    const { queue } = connection;
    queue.push(bytes, start, end);
    this.#queuedBytes += end - start;
    if (!connection.isDirty) {
      connection.isDirty = true;
      this.#dirty.push(connection);
      this.#scheduleTick();
    }
    if (queue.bytes < FLUSH_BYTES && queue.messages <= this.#softMessages) return "low";
    this.#flush(connection);
    if (queue.bytes <= this.#softBytes && queue.messages <= this.#softMessages) return "low";
    connection.isPressed = true;
    if (queue.bytes <= this.settings.queueBytesMax && queue.messages <= this.settings.queueMessagesMax) return "high";
    connection.isOverrun = true; // what comes until it is ended would be kept for nobody
    this.#queuedBytes -= queue.bytes;
    queue.clear();
    return "full";
  }

  takenBytes(slot: number): number {
    return this.#connections[slot]?.takenBytes ?? 0;
  }

  pause(slot: number): void {
    const connection = this.#connections[slot];
    if (connection !== undefined && !connection.isGone) connection.socket.pause();
  }

  resume(slot: number): void {
    const connection = this.#connections[slot];
    if (connection === undefined) return;
    if (!connection.isGone) connection.socket.resume();
    this.#makeReady(connection);
  }

  opened(slot: number, name: PrivateGroup, timeoutMs: number): void {
    this.log.debug(`${name}: connected`);
    this.retime(slot, timeoutMs);
  }

  retime(slot: number, timeoutMs: number): void {
    const connection = this.#connections[slot];
    if (!connection?.isTcp || connection.isGone) return;
    try {
      setPeerTimeout(connection.fd, timeoutMs);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      connection.socket.terminate(); // it is closing: that is all the kernel can have against it
    }
  }

  close(slot: number, name: PrivateGroup | undefined, end: SessionEnd): void {
    const connection = this.#connections[slot];
    this.#tell(name ?? "a client", end);
    if (connection === undefined) return;
    this.#connections[slot] = undefined;
    if (connection.isBlocked) this.#blockedCount -= 1;
    this.#queuedBytes -= connection.queue.bytes;
    connection.queue.clear();
    connection.socket.data = undefined;
    if (!connection.isGone) {
      if (end.why === "refused") this.#linger(connection.socket);
      else connection.socket.end();
    }
    connection.isGone = true;
  }

  ringBegan(): void {
    this.#firstRing.resolve();
    this.#wakeWatchers();
  }

  notice(line: string): void {
    this.log.notice(line);
    this.#wakeWatchers();
  }

  failed(fault: Fault): void {
    this.#firstRing.reject(fault);
    this.onFailed(fault);
  }

  /** Resolves when the ring has changed, or something else that an operator wants to know has happened; or with the signal. */
  async change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#watchers.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
    this.#watchers.delete(wake);
  }

  #wakeWatchers(): void {
    for (const wake of this.#watchers) wake();
  }

  // --- what sockets tell ---

  /** Clients by TLS are let in when their certificate was found good; what they say from then on is handled as anybody's. */
  #throughDoor(handler: SocketHandler<Connection | undefined>): SocketHandler<Connection | undefined> {
    const door = this.#door;
    return {
      ...handler,
      open: (socket) => door.opened(socket),
      handshake: (socket, _success, error) => door.shaken(socket, error),
      close: (socket, error) => {
        if (!door.closed(socket)) handler.close?.(socket, error);
      },
    };
  }

  #handler(peerOf: (socket: ClientSocket) => Peer | undefined): SocketHandler<Connection | undefined> {
    return {
      binaryType: "uint8array",
      open: (socket) => this.#admit(socket, peerOf(socket)),
      data: (socket, bytes) => {
        const connection = socket.data;
        if (connection === undefined) return;
        this.daemon.receive(connection.slot, bytes);
        this.#work(connection);
      },
      drain: ({ data: connection }) => {
        if (connection === undefined) return;
        if (connection.isBlocked) this.#blockedCount -= 1;
        connection.isBlocked = false;
        if (connection.queue.bytes > 0) this.#flush(connection);
      },
      end: (socket) => {
        const { data: connection } = socket;
        if (connection === undefined) {
          socket.end(); // it has lingered long enough
          return;
        }
        connection.isEnded = true;
        this.#makeReady(connection);
      },
      close: (socket) => {
        const { data: connection } = socket;
        if (connection === undefined) {
          this.#lingering.delete(socket);
          return;
        }
        connection.isEnded = true;
        connection.isGone = true;
        this.#makeReady(connection); // not at once: this may be called from within a write, in the midst of an event
      },
      error: (socket, error) => {
        if (!("errno" in error)) throw error; // from a handler above: a mistake of ours
        socket.terminate(); // `close` comes next
      },
    };
  }

  /** @param peer `undefined`: gone before we could look who it was */
  #admit(socket: ClientSocket, peer: Peer | undefined): void {
    socket.data = undefined;
    if (peer === undefined) {
      socket.terminate();
      return;
    }
    const slot = this.daemon.accept(peer);
    if (typeof slot !== "number") {
      socket.write(slot);
      this.#linger(socket);
      return;
    }
    const isTcp = peer.by !== "unix";
    const connection = new Connection(socket, descriptorOf(socket), slot, isTcp);
    socket.data = connection;
    this.#connections[slot] = connection;
    if (isTcp) {
      socket.setNoDelay(true);
      this.retime(slot, this.settings.daemon.sessionTimeoutMs);
    }
    this.#handshakeTimer ??= setTimeout(this.#expireHandshakes, this.settings.handshakeTimeoutMs);
  }

  /**
   * Closes only our side: a client that is still about to send its part would find the connection reset, and never read why. What it sends is dropped;
   * it has a second to close its own side.
   */
  #linger(socket: ClientSocket): void {
    socket.data = undefined;
    if (this.#lingering.size >= LINGERING_MAX) {
      socket.end();
      return;
    }
    socket.shutdown();
    this.#lingering.add(socket);
    setTimeout(() => {
      this.#lingering.delete(socket);
      socket.terminate();
    }, LINGER_MS);
  }

  // --- what runs ---

  readonly #tick = (): void => {
    this.#isTickComing = false;
    const ready = this.#ready;
    if (ready.length > 0) {
      this.#ready = [];
      for (const connection of ready) {
        connection.isReady = false;
        this.#work(connection);
      }
    }
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) {
      connection.isDirty = false;
      this.#flush(connection);
    }
    if (this.#queuedBytes > this.settings.queueTotalMax) this.#cutSlowest();
    if (this.daemon.isWaiting) this.#checkTimer ??= setTimeout(this.#check, CHECK_MS);
  };

  #scheduleTick(): void {
    if (this.#isTickComing) return;
    this.#isTickComing = true;
    setImmediate(this.#tick);
  }

  /** Gives a session a turn. */
  #work(connection: Connection): void {
    const { slot } = connection;
    if (this.#connections[slot] !== connection) return;
    if (this.daemon.turn(slot)) this.#makeReady(connection);
    else if (connection.isEnded && !this.daemon.hasWork(slot)) this.daemon.lost(slot);
  }

  #makeReady(connection: Connection): void {
    if (connection.isReady) return;
    connection.isReady = true;
    this.#ready.push(connection);
    this.#scheduleTick();
  }

  #flush(connection: Connection): void {
    if (connection.isGone) return;
    const wasBlocked = connection.isBlocked;
    const isCrowded = this.#blockedCount * PINNED_BYTES > this.settings.queueTotalMax / 2;
    this.#queuedBytes -= connection.flush(isCrowded ? 0 : PINNED_BYTES);
    if (connection.isBlocked && !wasBlocked) this.#blockedCount += 1;
    if (!connection.isPressed) return;
    const { queue, slot } = connection;
    if (queue.bytes * 2 > this.#softBytes || queue.messages * 2 > this.#softMessages) return;
    connection.isPressed = queue.bytes > 0;
    this.daemon.drained(slot, queue.bytes === 0);
  }

  /** All queues together hold too much. */
  #cutSlowest(): void {
    while (this.#queuedBytes > this.settings.queueTotalMax) {
      let slowest: Connection | undefined;
      for (const connection of this.#connections)
        if (connection !== undefined && connection.queue.bytes > (slowest?.queue.bytes ?? 0)) slowest = connection;
      if (slowest === undefined) return;
      this.daemon.end(slowest.slot, { why: "slow" });
    }
  }

  readonly #expireHandshakes = (): void => {
    const { handshakeTimeoutMs } = this.settings;
    this.#handshakeTimer = undefined;
    this.daemon.expireHandshakes((this.now() - handshakeTimeoutMs) as MonotonicMs);
    const oldest = this.daemon.oldestHandshake;
    if (oldest === undefined) return;
    this.#handshakeTimer = setTimeout(this.#expireHandshakes, Math.max(1, oldest + handshakeTimeoutMs - this.now()));
  };

  readonly #check = (): void => {
    this.#checkTimer = undefined;
    this.daemon.check();
    if (this.daemon.isWaiting) this.#checkTimer = setTimeout(this.#check, CHECK_MS);
  };

  /** What any client can cause is a notice, and bounded in number; that clients come and go is for whoever asks for more. */
  #tell(who: string, end: SessionEnd): void {
    const line = toldOf(end);
    if (line === undefined) this.log.debug(`${who}: ${end.why}`);
    else this.#say(`${who}: ${line}`);
  }

  #say(line: string): void {
    for (const said of this.#talk.say(line, this.now())) this.log.notice(said);
  }
}

function toldOf(end: SessionEnd): string | undefined {
  switch (end.why) {
    case "illegal":
      return `closed: ${end.fault.message}`;
    case "slow":
      return "closed: its queue is full, it does not take what it is sent";
    case "refused":
      return `refused: ${end.told ?? end.reason}`;
    case "silent":
      return "closed: it did not finish its handshake";
    default:
      return undefined;
  }
}

/** Bun has `fd` on its sockets, and not in its types. */
const descriptorOf = (socket: ClientSocket): number => (socket as ClientSocket & { readonly fd: number }).fd;

function tcpPeer(socket: ClientSocket): Peer | undefined {
  const address = tryPeerAddress(socket.remoteAddress ?? "");
  return address && { by: "tcp", address };
}

function tryUnixPeer(fd: number): Peer | undefined {
  try {
    return { by: "unix", ...peerCredentials(fd) };
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}
