// From the config to a daemon that listens: what the table says is looked up (names, addresses, limits of the host), then the sockets are opened.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { TCPSocketListener, UnixSocketListener } from "bun";
import { Fault } from "../../base/fault.ts";
import { formatAddress } from "../../base/ip-address.ts";
import type { Log } from "../../base/log.ts";
import { whenAborted } from "../../base/when-aborted.ts";
import type { Clock } from "../../run/clock.ts";
import type { DaemonName } from "../../spread/names.ts";
import { daemonId } from "../../spread/spread-conf-hash.ts";
import { type AccessRule, GroupPatterns } from "../access.ts";
import { daemonNameOf } from "../daemon-name.ts";
import type { DaemonSettings } from "../daemon-settings.ts";
import type { Engine } from "../engine.ts";
import { LocalEngine } from "../local-engine.ts";
import { BUILT_IN_GROUPS, DEFAULT_SOCKET, LOOPBACK, MOLE_GROUPS, type SpreaddTable } from "../table.ts";
import { groupId, knownPeerSet, userId } from "./accounts.ts";
import type { Connection } from "./connection.ts";
import { CorosyncEngine } from "./corosync-engine.ts";
import { passwordsOf } from "./password-file.ts";
import { Server } from "./server.ts";
import { codeOf, textOf } from "./system-text.ts";
import { TlsListener } from "./tls-listener.ts";
import { clearSocketPath, type SocketRights, withRights } from "./unix-path.ts";

/** Descriptors that are no session's: listeners, log, libraries, clients that are being turned away. */
const OTHER_DESCRIPTORS = 160;

type Listener = UnixSocketListener<Connection | undefined> | TCPSocketListener<Connection | undefined>;

/** A daemon that serves. */
export interface RunningDaemon {
  readonly server: Server;
  readonly name: DaemonName;
  /** Where it listens, as `parseServer` reads it: "unix:/run/spreadbox/spread.sock", "tcp:127.0.0.1:4803". */
  readonly listening: readonly string[];
  /**
   * Reads the certificates anew, for connections from now on, and takes the rules of `table`.
   * @returns what was done. @throws {Fault} what is bad: then nothing has changed
   */
  reload(table: SpreaddTable): string;
  /** Closes everything: clients hear nothing but the end (PROTOCOL.md 10). */
  stop(): void;
}

export interface ServeOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Its engine can go on no more. */
  readonly onFailed: (fault: Fault) => void;
  /** Ends the wait for the first ring: then it serves nobody. */
  readonly stopped?: AbortSignal;
}

/**
 * Starts a daemon: it listens as soon as there is a ring.
 * @throws {Fault} a socket can't be opened, a name is unknown
 */
export async function serve(
  table: SpreaddTable,
  { clock, log, onFailed, stopped }: ServeOptions,
): Promise<RunningDaemon> {
  const name = table.name ?? shortHostName(log);
  const daemon = daemonSettings(table, name, log);
  const engine = engineOf(table, name, clock, log);
  const server = new Server(
    {
      daemon,
      queueMessagesMax: table.queue_messages_max,
      queueBytesMax: table.queue_bytes_max,
      queueTotalMax: table.queue_total_max,
      handshakeTimeoutMs: table.handshake_timeout,
    },
    engine,
    clock,
    log,
    onFailed,
  );
  const listeners: Listener[] = [];
  const listening: string[] = [];
  const tls = table.tls === undefined ? undefined : new TlsListener(table.tls, server.tlsHandler, clock, log);
  const stop = () => {
    for (const listener of listeners) listener.stop();
    tls?.stop();
    server.stop();
  };
  const reload = (changed: SpreaddTable) => {
    const access = accessOf(changed);
    tls?.renew();
    const ended = server.daemon.changeAccess(access);
    const what = tls === undefined ? "the rules" : "the rules and the certificates";
    const cut =
      ended === 0 ? "" : `; ${ended} ${ended === 1 ? "session" : "sessions"} ended that no rule names any more`;
    return `read ${what} anew${cut}${wantsRestart(table, changed)}`;
  };
  try {
    await Promise.race([server.firstRing, ...(stopped === undefined ? [] : [whenAborted(stopped)])]);
    if (stopped?.aborted) return { server, name, listening, reload, stop };
    await listenOnUnix(table, server, log, listeners, listening);
    listenOnTcp(table, server, listeners, listening);
    if (tls !== undefined) listening.push(...tls.listen());
  } catch (error) {
    stop();
    throw error;
  }
  if (listening.length === 0) {
    stop();
    throw new Fault(
      "config",
      "nowhere",
      "cannot serve: there is no socket to listen on; give socket, tmp_socket or listen",
    );
  }
  return { server, name, listening, reload, stop };
}

function engineOf(table: SpreaddTable, name: DaemonName, clock: Clock, log: Log): Engine {
  const startedMs = clock.wallMs();
  if (table.engine === "local")
    return new LocalEngine({ name, id: daemonId(name), run: "" }, Math.floor(startedMs / 1_000));
  return new CorosyncEngine({ name, startedMs, silenceMs: table.silence, system: table.system }, clock, log);
}

function daemonSettings(table: SpreaddTable, name: DaemonName, log: Log): DaemonSettings {
  const groups = [...table.group, ...BUILT_IN_GROUPS];
  return {
    name,
    sessionsMax: sessionsMax(table, log),
    sessionGroupsMax: table.session_groups_max,
    authentication: {
      methods: table.auth,
      required: table.auth_required,
      accessIp: table.access_ip.map(knownPeerSet),
    },
    isPassword: table.password_file === undefined ? () => false : passwordsOf(table.password_file),
    access: accessOf(table),
    sessionTimeoutMs: table.session_timeout,
    groupTimeouts: groups.map(({ groups: patterns, session_timeout }) => ({
      groups: new GroupPatterns(patterns),
      timeoutMs: session_timeout,
    })),
    flow: { patienceMs: table.reader_patience },
    outside: { holds: table.outside === "hold", butNot: new GroupPatterns(MOLE_GROUPS) },
  };
}

/** @throws {Fault} a user or group is unknown */
function accessOf({ allow }: SpreaddTable): AccessRule[] {
  return allow.map(({ from, send, join }) => ({ from: from.map(knownPeerSet), send, join }));
}

/** What has changed besides the rules: it is only read at the start. */
function wantsRestart(before: SpreaddTable, after: SpreaddTable): string {
  const keys = (Object.keys({ ...before, ...after }) as (keyof SpreaddTable)[]).filter(
    (key) => key !== "allow" && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  return keys.length === 0 ? "" : `; for a change of ${keys.join(", ")} it has to be restarted`;
}

/** As many as the config says, and as the host lets us have descriptors: `accept` must never run out of them. */
function sessionsMax(table: SpreaddTable, log: Log): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  const possible = soft === undefined ? table.sessions_max : Number(soft) - OTHER_DESCRIPTORS;
  if (possible >= table.sessions_max) return table.sessions_max;
  log.warn(
    `only ${possible} sessions instead of ${table.sessions_max}: the host allows ${soft} open files (LimitNOFILE=)`,
  );
  return Math.max(1, possible);
}

function shortHostName(log: Log): DaemonName {
  const [short] = hostname().split(".");
  const name = daemonNameOf(short!);
  if (name !== short) log.notice(`the daemon's name is ${name}: ${JSON.stringify(short)} does not fit`);
  return name;
}

async function listenOnUnix(
  table: SpreaddTable,
  { unixHandler }: Server,
  log: Log,
  listeners: Listener[],
  listening: string[],
): Promise<void> {
  const rights: SocketRights = {
    mode: table.socket_mode,
    uid: table.socket_owner === undefined ? -1 : userId(table.socket_owner),
    gid: table.socket_group === undefined ? -1 : groupId(table.socket_group),
  };
  const wanted = [
    { path: table.socket ?? DEFAULT_SOCKET, isAsked: table.socket !== undefined },
    ...(table.tmp_socket && table.port > 0 ? [{ path: `/tmp/${table.port}`, isAsked: false }] : []),
  ];
  for (const { path, isAsked } of wanted) {
    try {
      await clearSocketPath(path);
      listeners.push(
        withRights(path, rights, () => Bun.listen({ unix: path, allowHalfOpen: true, socket: unixHandler })),
      );
      listening.push(`unix:${path}`);
    } catch (error) {
      if (!(error instanceof Fault) || isAsked || error.code === "in-use") throw error;
      log.warn(error.message);
    }
  }
}

function listenOnTcp(table: SpreaddTable, { tcpHandler }: Server, listeners: Listener[], listening: string[]): void {
  for (const address of table.port === 0 ? [] : (table.listen ?? LOOPBACK)) {
    const host = formatAddress(address);
    try {
      listeners.push(
        Bun.listen({ hostname: host, port: table.port, exclusive: true, allowHalfOpen: true, socket: tcpHandler }),
      );
      listening.push(host.includes(":") ? `tcp:[${host}]:${table.port}` : `tcp:${host}:${table.port}`);
    } catch (error) {
      const code = codeOf(error);
      // a host without IPv6 has no ::1; nobody asked for it by name
      if (table.listen === undefined && address.family === 6 && code !== "EADDRINUSE") continue;
      const hint = code === "EADDRINUSE" ? "; is another daemon running?" : "";
      throw new Fault("unavailable", code, `cannot listen on ${host} port ${table.port}: ${textOf(error)}${hint}`, {
        cause: error,
      });
    }
  }
}
