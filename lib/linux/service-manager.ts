// What a service manager and its services say to each other: states (sd_notify(3)) and sockets passed at the start (sd_listen_fds(3)). Only datagrams and
// environment variables: no library of systemd's.

import { openUnixDatagram, sendUnixDatagram } from "./datagram-socket.ts";
import { libc } from "./libc.ts";
import { ADDRESS_BYTES_MAX, AF_UNIX, unixPath } from "./socket-address.ts";
import { checked } from "./system-error.ts";

type Environment = Record<string, string | undefined>;

/**
 * Tells the service manager a state: "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=...", "WATCHDOG=1"; several, each a line of its own.
 * Does nothing where no service manager listens.
 */
export function notifyServiceManager(state: string, env: Environment): void {
  const path = env["NOTIFY_SOCKET"];
  if (!path) return;
  using socket = openUnixDatagram();
  sendUnixDatagram(socket.fd, path, new TextEncoder().encode(state));
}

/** A socket that was open when we were started. */
export interface PassedSocket {
  readonly fd: number;
  /** FileDescriptorName= of its unit, else "". */
  readonly name: string;
  readonly type: "unix-datagram" | "unix-stream" | "inet-datagram" | "inet-stream" | "other";
  /** Where a unix socket is bound; "" for all others. */
  readonly path: string;
}

const FIRST_PASSED = 3;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_DOMAIN = 39;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** The sockets that the service manager passed; none where it passed none, or they are meant for another process. They are ours from here on. */
export function passedSockets(env: Environment): readonly PassedSocket[] {
  if (env["LISTEN_PID"] !== String(process.pid)) return [];
  const count = Number(env["LISTEN_FDS"] ?? 0);
  if (!Number.isInteger(count) || count < 1 || count > 1_000) return [];
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: count }, (_, at) => {
    const fd = FIRST_PASSED + at;
    checked(libc().fcntl(fd, F_SETFD, FD_CLOEXEC), `take over passed descriptor ${fd}`);
    return { fd, name: names[at] ?? "", type: typeOf(fd), path: pathOf(fd) };
  });
}

function typeOf(fd: number): PassedSocket["type"] {
  const type = socketOption(fd, SO_TYPE);
  const stem = socketOption(fd, SO_DOMAIN) === AF_UNIX ? "unix" : "inet";
  if (type === SOCK_STREAM) return `${stem}-stream`;
  return type === SOCK_DGRAM ? `${stem}-datagram` : "other";
}

function pathOf(fd: number): string {
  const bytes = new Uint8Array(ADDRESS_BYTES_MAX);
  if (libc().getsockname(fd, bytes, new Uint32Array([bytes.length])) < 0) return "";
  return unixPath(bytes);
}

/** -1 where it is no socket. */
function socketOption(fd: number, option: number): number {
  const value = new Int32Array(1);
  return libc().getsockopt(fd, SOL_SOCKET, option, value, new Uint32Array([4])) < 0 ? -1 : value[0]!;
}
