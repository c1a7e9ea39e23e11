// One socket to one daemon: opened, taken through the handshake, read, written, closed. What the bytes mean is in connection.ts; what
// becomes of it all, the session decides.
import type { Socket } from "bun";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { ClientHandshakeOptions } from "../client-handshake.ts";
import { Connection } from "../connection.ts";
import type { Outbox } from "../outbox.ts";
import { formatServer, type Server } from "../server.ts";
import { ConnectError, type ConnectReason, LostError } from "../session-error.ts";
import { checkSocketOwner } from "./socket-trust.ts";
import { type TlsIdentity, tlsOptions, whyDistrusted, whyTurnedAway } from "./tls.ts";

/** What a session wants to know of its link. */
export interface LinkUser {
  /** Bytes came: frames may be read from `connection.reader`. */
  received(link: Link, bytes: number): void;
  /** The socket has room again. */
  drained(link: Link): void;
  /** It is over; told once, and only of a link that was accepted. */
  gone(link: Link, reason: Fault): void;
}

export interface DialOptions {
  readonly handshake: ClientHandshakeOptions;
  readonly tls: TlsIdentity | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Connects to one daemon, up to and with its acceptance.
 * @throws {ConnectError} it could not be reached in time, or refused the session
 */
export async function dial(server: Server, options: DialOptions, user: LinkUser): Promise<Link> {
  if (server.by === "unix") await checkSocketOwner(server.path);
  options.signal.throwIfAborted();
  const tls = server.by === "tls" ? { tls: tlsOptions(server, options.tls) } : {};
  const link = new Link(server, new Connection(options.handshake), user, options.tls);
  const timer = setTimeout(() => link.fail("timeout", `no answer within ${options.timeoutMs} ms`), options.timeoutMs);
  const abort = () => link.fail("failed", "given up", options.signal.reason);
  options.signal.addEventListener("abort", abort, { once: true });
  try {
    const connected =
      server.by === "unix"
        ? Bun.connect({ unix: server.path, data: link, socket: HANDLERS })
        : Bun.connect({ hostname: server.host, port: server.port, ...tls, data: link, socket: HANDLERS });
    connected.catch((error) => link.refused(error));
    await link.accepted;
    return link;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", abort);
  }
}

type State =
  | { readonly at: "dialling" }
  | { readonly at: "handshake"; readonly socket: Socket<Link> }
  | { readonly at: "open"; readonly socket: Socket<Link> }
  | { readonly at: "over" };

/** Of a session by TLS that was rejected though the daemon trusts the certificate. */
const UNNAMED = "; it needs a [[spreadd.allow]] there for a name in our certificate (tls:NAME); its log has the names";

export class Link {
  #state: State = { at: "dialling" };
  readonly #accepted = Promise.withResolvers<void>();
  #paused = false;

  constructor(
    readonly server: Server,
    readonly connection: Connection,
    private readonly user: LinkUser,
    /** What we showed of ourselves, by TLS. */
    private readonly identity?: TlsIdentity,
  ) {}

  /** Resolves when the daemon has accepted; rejects with a ConnectError. */
  get accepted(): Promise<void> {
    return this.#accepted.promise;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The socket's file descriptor, while there is one. */
  get socketFd(): number | undefined {
    if (this.#state.at !== "handshake" && this.#state.at !== "open") return undefined;
    const { fd } = this.#state.socket as { readonly fd?: number }; // Bun has it; its types do not
    return fd !== undefined && fd >= 0 ? fd : undefined;
  }

  get over(): boolean {
    return this.#state.at === "over";
  }

  /** Stops reading: what the daemon sends stays in the kernel, and then with it. A link that is paused does not notice its end. */
  pause(): void {
    if (this.#state.at !== "open" || this.#paused) return;
    this.#paused = true;
    this.#state.socket.pause();
  }

  resume(): void {
    if (this.#state.at !== "open" || !this.#paused) return;
    this.#paused = false;
    this.#state.socket.resume();
  }

  /** Writes what the socket takes. @returns `false` where it took less: `drained` follows */
  write(outbox: Outbox): boolean {
    return this.#state.at !== "open" || outbox.flush(this.#write);
  }

  /** Drops the connection at once, and says so to nobody. */
  drop(): void {
    const state = this.#state;
    this.#state = { at: "over" };
    if (state.at === "handshake" || state.at === "open") state.socket.terminate();
  }

  /** Ends the connection, because of us: the user is told. */
  lose(reason: Fault): void {
    if (this.#state.at !== "open") return;
    this.drop();
    this.user.gone(this, reason);
  }

  /** Ends the attempt. */
  fail(reason: ConnectReason, text: string, cause?: unknown): void {
    if (this.#state.at !== "dialling" && this.#state.at !== "handshake") return;
    this.drop();
    this.#accepted.reject(new ConnectError(reason, formatServer(this.server), text, { cause }));
  }

  /** The system did not connect us. */
  refused(error: unknown): void {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const known = isElsewhere(this.server) && code === "ECONNREFUSED" ? REFUSED_ELSEWHERE : SYSTEM_REASONS[code];
    const [reason, text] = known ?? (["failed", error instanceof Error ? error.message : String(error)] as const);
    this.fail(reason, text, error);
  }

  opened(socket: Socket<Link>): void {
    if (this.#state.at !== "dialling") {
      socket.terminate(); // given up meanwhile
      return;
    }
    if (this.server.by !== "unix") {
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
    }
    this.#state = { at: "handshake", socket };
    if (this.server.by !== "tls") this.#say(this.connection.request);
  }

  /** TLS stands, or not: what Bun calls success may have an error beside it, and then is none. */
  secured(socket: Socket<Link>, error: Error | null): void {
    if (this.#state.at !== "handshake") return;
    if (socket.authorized && !error) this.#say(this.connection.request);
    else this.fail("untrusted", whyDistrusted(error), error ?? undefined);
  }

  received(chunk: Uint8Array): void {
    const state = this.#state;
    if (state.at !== "handshake" && state.at !== "open") return;
    try {
      this.connection.receive(chunk, this.#say);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const isUnnamed = error.code === "auth" && this.server.by === "tls";
      this.fail("rejected", isUnnamed ? `${error.message}${UNNAMED}` : error.message, error);
      return;
    }
    if (state.at === "handshake") {
      if (this.connection.acceptance === undefined || this.#state.at !== "handshake") return;
      this.#state = { at: "open", socket: state.socket };
      this.#accepted.resolve();
    }
    this.user.received(this, chunk.length);
  }

  drained(): void {
    if (this.#state.at === "open") this.user.drained(this);
  }

  closed(error: Error | undefined): void {
    const { at } = this.#state;
    this.#state = { at: "over" };
    if (at === "handshake") {
      const found =
        error === undefined ? "it closed the connection during the handshake" : `${reasonOf(error)} in the handshake`;
      const text = this.server.by === "tls" ? whyTurnedAway(this.identity) : found;
      this.#accepted.reject(new ConnectError("ended", formatServer(this.server), text, { cause: error }));
    } else if (at === "open") {
      const text = error === undefined ? "the daemon closed it" : error.message;
      this.user.gone(this, new LostError(error === undefined ? "ended" : "failed", text, error));
    }
  }

  /** A piece of the handshake: some 100 bytes on a fresh socket, which takes them whole or is broken. */
  readonly #say = (bytes: Uint8Array): void => {
    if (this.#state.at !== "handshake") return;
    if (this.#state.socket.write(bytes) !== bytes.length) this.fail("ended", "it takes no bytes during the handshake");
  };

  readonly #write = (bytes: Uint8Array, at: number, length: number): number =>
    this.#state.at === "open" ? this.#state.socket.write(bytes, at, length) : 0;
}

const SYSTEM_REASONS: Readonly<Record<string, readonly [ConnectReason, string]>> = {
  ECONNREFUSED: ["refused", "connection refused; is spreadd running? (spreadbox spread-probe connect)"],
  ENOENT: ["missing", "no such socket; is spreadd running? (spreadbox spread-probe connect)"],
  ENOTFOUND: ["unknown-host", "unknown host"],
  EAI_AGAIN: ["unknown-host", "unknown host: no name server answers"],
  EACCES: ["failed", "permission denied"],
  EPERM: ["failed", "permission denied"],
  ETIMEDOUT: ["timeout", "the host does not answer"],
  EHOSTUNREACH: ["failed", "no route to the host"],
  ENETUNREACH: ["failed", "the network is unreachable"],
};

/** Bun says "refused" of every connection that the system does not make: of a host that is not there, too. */
const REFUSED_ELSEWHERE: readonly [ConnectReason, string] = [
  "refused",
  "connection refused, or the host can't be reached; is spreadd running there, and does ping reach it?",
];

/** Whether a server is not surely on this host. */
export function isElsewhere(server: Server): boolean {
  return server.by !== "unix" && !/^(localhost|127\..*|::1)$/.test(server.host);
}

/** One set for all sockets; `socket.data` is the link. */
const HANDLERS = {
  open: (socket: Socket<Link>) => socket.data.opened(socket),
  handshake: (socket: Socket<Link>, _success: boolean, error: Error | null) => socket.data.secured(socket, error),
  data: (socket: Socket<Link>, chunk: Uint8Array) => socket.data.received(chunk),
  drain: (socket: Socket<Link>) => socket.data.drained(),
  close: (socket: Socket<Link>, error?: Error) => socket.data.closed(error),
  // Bun also hands errors thrown by the handlers above to this one; they are mistakes of ours, or of the user's callback: not to be swallowed
  error: (socket: Socket<Link>, error: Error) => {
    if (socket.data.server.by === "tls" && "code" in error && error.code === "EPROTO") return socket.data.closed(error);
    queueMicrotask(() => {
      throw error;
    });
  },
};
