// All that a session can be told, with what it does when it is told nothing.
import { type BackOffRule, DEFAULT_BACK_OFF } from "../../base/back-off.ts";
import type { Random } from "../../base/random.ts";
import { type Clock, systemClock } from "../../run/clock.ts";
import { type AuthMethod, NULL_METHOD } from "../auth-method.ts";
import type { FrameView } from "../frame.ts";
import { type PrivateName, parsePrivateName } from "../names.ts";
import type { UnsentPolicy } from "../sending.ts";
import { DEFAULT_SERVERS, parseServer, type Server } from "../server.ts";
import { DEFAULTS, type ServerOrder } from "../table.ts";
import type { TlsIdentity } from "./tls.ts";

export interface SessionOptions {
  /** Daemons in order of preference, as text (`parseServer`) or parsed. Unless said: the sockets of this host, then localhost. */
  readonly servers?: string | Server | readonly (string | Server)[];
  /** "listed": the first that takes us; "nearest": the one that answers soonest, measured before each search. "listed" unless said. */
  readonly order?: ServerOrder;
  /** Our certificate and whom we trust, for servers by TLS. */
  readonly tls?: TlsIdentity;
  /** 1 to 10 characters, unique on its daemon. Unless said the daemon invents one. */
  readonly name?: string;
  /** Views, transitions and self-leaves are wanted: `true` unless said. */
  readonly membership?: boolean;
  /** Passed on to the daemon, which stores it without further effect. */
  readonly priority?: number;
  /** How to authenticate: one to three, NULL unless said. */
  readonly methods?: readonly AuthMethod[];
  /** For each daemon, to its acceptance. 5 s unless said. */
  readonly connectTimeoutMs?: number;
  /** A daemon that gives no sign of life is given up within this time; 0 waits for ever. 15 s unless said: a ring that forms anew may take 10. */
  readonly silenceMs?: number;
  /** Look for a daemon again when one is lost: `true` unless said. With `false` the session ends with its "lost". */
  readonly reconnect?: boolean;
  readonly backOff?: BackOffRule;
  /**
   * A lost daemon is looked for again at a moment left to chance within this time, so that all its clients do not come to the others at once. Unless
   * said 2 s where a daemon is reached by TLS, 0 elsewhere.
   */
  readonly rejoinSpreadMs?: number;
  /** What becomes of messages that no socket took: "keep" unless said. */
  readonly unsent?: UnsentPolicy;
  /** Bytes of unsent messages above which senders wait. 1 MiB unless said. */
  readonly unsentBytes?: number;
  /** Bytes received and not taken above which nothing is read. 16 MiB unless said. */
  readonly inboxBytes?: number;
  /** How long `close` waits for what is unsent. 2 s unless said. */
  readonly closeMs?: number;
  /** Closes the session, or ends the attempt to connect. */
  readonly signal?: AbortSignal;
  /**
   * Gets every frame where it lies, instead of the iteration: no copy, no object. The view is good until this returns; kinds "message", "view",
   * "transition", "selfLeave", "reject" (`readView` and its like read what they hold). Don't throw: it ends the process.
   */
  readonly onFrame?: (frame: FrameView) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Options with nothing left open. */
export interface SessionSettings {
  readonly servers: readonly Server[];
  readonly order: ServerOrder;
  readonly tls: TlsIdentity | undefined;
  readonly name: PrivateName | undefined;
  readonly membership: boolean;
  readonly priority: number;
  readonly methods: readonly AuthMethod[];
  readonly connectTimeoutMs: number;
  readonly silenceMs: number;
  readonly reconnect: boolean;
  readonly backOff: BackOffRule;
  readonly rejoinSpreadMs: number;
  readonly unsent: UnsentPolicy;
  readonly unsentBytes: number;
  readonly inboxBytes: number;
  readonly closeMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onFrame: ((frame: FrameView) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws {ServerError | NameError} what is written is no server, or no private name */
export function settingsOf(options: SessionOptions): SessionSettings {
  const { servers = DEFAULT_SERVERS, name } = options;
  const list = typeof servers === "string" || "by" in servers ? [servers] : servers;
  const parsed = list.map((server) => (typeof server === "string" ? parseServer(server) : server));
  return {
    servers: parsed,
    order: options.order ?? "listed",
    tls: options.tls,
    name: name === undefined ? undefined : parsePrivateName(name),
    membership: options.membership ?? true,
    priority: options.priority ?? 0,
    methods: options.methods ?? [NULL_METHOD],
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs,
    silenceMs: options.silenceMs ?? DEFAULTS.silenceMs,
    reconnect: options.reconnect ?? true,
    backOff: options.backOff ?? DEFAULT_BACK_OFF,
    rejoinSpreadMs: options.rejoinSpreadMs ?? (parsed.some(({ by }) => by === "tls") ? DEFAULTS.rejoinSpreadMs : 0),
    unsent: options.unsent ?? DEFAULTS.unsent,
    unsentBytes: options.unsentBytes ?? DEFAULTS.unsentBytes,
    inboxBytes: options.inboxBytes ?? DEFAULTS.inboxBytes,
    closeMs: options.closeMs ?? DEFAULTS.closeMs,
    signal: options.signal,
    onFrame: options.onFrame,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}
