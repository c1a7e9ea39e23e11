// Datagram sockets as a log daemon needs them: unix ones that tell who sent, UDP ones with room for a burst.
import { chmodSync, lstatSync, readFileSync, type Stats, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../base/fault.ts";
import { formatAddress, type IpAddress } from "../base/ip-address.ts";
import { reasonOf } from "../base/system-reason.ts";
import { errno, libc } from "./libc.ts";
import { removeIfOurs } from "./own-file.ts";
import { ADDRESS_BYTES_MAX, AF_INET, AF_INET6, AF_UNIX, inetAddress, portOf, unixAddress } from "./socket-address.ts";
import { checked, EADDRINUSE, ECONNREFUSED, SystemError } from "./system-error.ts";

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_PASSCRED = 16;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
/** Its place among the numbers of SO_MEMINFO: SK_MEMINFO_DROPS of linux/sock_diag.h. */
const MEMINFO_DROPS = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** An open socket. Dispose of it when nobody watches it any more. */
export interface OpenSocket extends Disposable {
  readonly fd: number;
}

/** A socket to read from, and what there is to tell of it. */
export interface DatagramSocket extends OpenSocket {
  /** Messages that wait for us before senders have to, or theirs are lost. */
  readonly queueMax: number;
  /** What could not be had as it ought to be, each a line for the operator. */
  readonly shortcomings: readonly string[];
}

/** Where queue length of unix datagram sockets is set, for the whole network namespace. */
const QUEUE_SYSCTL = "/proc/sys/net/unix/max_dgram_qlen";
/** What systemd sets. With the kernel's own 10, sender and receiver take turns: a quarter of the throughput. */
const QUEUE_LENGTH = 512;
/** What a message costs the buffer of a UDP socket, about: its own bytes and the kernel's book-keeping. */
const UDP_MESSAGE_BYTES = 1_024;

/**
 * Listens on a unix datagram socket at `path` (`@NAME`: abstract), open to all; the kernel tells each sender's pid and uid.
 *
 * What a daemon that died left at the path is replaced: a socket to which nobody listens. Anything else there is left alone.
 * Disposing closes the socket, and removes it from where it stands if it is still ours.
 * @param removeFrom where it stands at the end, if somebody renames it in between
 * @throws {SystemError} "EADDRINUSE": another process listens there
 * @throws {Fault} "not-a-socket": something else stands at the path
 */
export function listenUnixDatagram(path: string, removeFrom = path): DatagramSocket {
  const address = unixAddress(path);
  const isFile = !path.startsWith("@");
  if (isFile) removeStale(path, address);
  const { fd, queueMax, shortcomings } = openWithLongQueue();
  try {
    setOption(fd, SOL_SOCKET, SO_PASSCRED, 1, `ask for credentials on ${path}`);
    if (libc().bind(fd, address, address.length) < 0) throw bindError(path, errno());
    if (isFile) chmodSync(path, 0o666);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  const made = isFile ? lstatSync(path) : undefined;
  return {
    fd,
    queueMax,
    shortcomings,
    [Symbol.dispose]() {
      libc().close(fd);
      if (made !== undefined) removeIfOurs(removeFrom, made);
    },
  };
}

/**
 * Listens on a UDP port. The wildcard address of IPv6 takes IPv4 too, unless `isIpv6Only`.
 * @param receiveBytes the kernel's buffer; more than the system allows is had with CAP_NET_ADMIN only, and what falls short is told
 */
export function listenUdp(
  address: IpAddress,
  port: number,
  receiveBytes: number,
  isIpv6Only = false,
): DatagramSocket & { readonly port: number } {
  const name = `udp:${address.family === 6 ? `[${formatAddress(address)}]` : formatAddress(address)}:${port}`;
  const fd = openSocket(address.family === 4 ? AF_INET : AF_INET6);
  try {
    const shortcomings = enlargeReceiveBuffer(fd, receiveBytes, name);
    const isWildcard = address.bytes.every((byte) => byte === 0);
    if (address.family === 6)
      setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, isWildcard && !isIpv6Only ? 0 : 1, `bind ${name}`);
    const bytes = inetAddress(address, port);
    if (libc().bind(fd, bytes, bytes.length) < 0) throw bindError(name, errno());
    const queueMax = Math.floor(receiveBytes / UDP_MESSAGE_BYTES);
    return {
      fd,
      queueMax,
      shortcomings,
      port: portOf(boundAddress(fd)),
      [Symbol.dispose]: () => void libc().close(fd),
    };
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * Has the kernel tell who sent, on a unix datagram socket that was open when we were started.
 * @param path where it stands, if it is ours to remove
 */
export function adoptUnixDatagram(fd: number, path = ""): DatagramSocket {
  const made = path.startsWith("/") ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
  setOption(fd, SOL_SOCKET, SO_PASSCRED, 1, `ask for credentials on descriptor ${fd}`);
  // What the sysctl said when the socket was made can't be asked for; who passes sockets has not changed it since.
  const queueMax = Number(readFileSync(QUEUE_SYSCTL, "latin1"));
  return {
    fd,
    queueMax,
    shortcomings: [],
    [Symbol.dispose]() {
      libc().close(fd);
      if (made !== undefined) removeIfOurs(path, made);
    },
  };
}

/** Gives room for a burst to a UDP socket that somebody else bound for us. */
export function adoptUdp(fd: number, receiveBytes: number): DatagramSocket {
  const shortcomings = enlargeReceiveBuffer(fd, receiveBytes, `descriptor ${fd}`);
  const queueMax = Math.floor(receiveBytes / UDP_MESSAGE_BYTES);
  return { fd, queueMax, shortcomings, [Symbol.dispose]: () => void libc().close(fd) };
}

/** How many datagrams the kernel threw away at this socket since it was made, having no room for them, or finding them damaged; 0 where it does not tell (before Linux 4.12). */
export function droppedDatagrams(fd: number): number {
  const numbers = new Uint32Array(MEMINFO_DROPS + 1);
  const told = libc().getsockopt(fd, SOL_SOCKET, SO_MEMINFO, numbers, new Uint32Array([numbers.byteLength]));
  return told === 0 ? numbers[MEMINFO_DROPS]! : 0;
}

/** Sends one datagram without waiting. False where it could not be taken now, or nobody is there. */
export function sendUnixDatagram(fd: number, to: string, bytes: Uint8Array): boolean {
  const address = unixAddress(to);
  return libc().sendto(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length) >= 0;
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** An unnamed unix datagram socket to send from. */
export function openUnixDatagram(): OpenSocket {
  const fd = openSocket(AF_UNIX);
  return { fd, [Symbol.dispose]: () => void libc().close(fd) };
}

function openSocket(family: number): number {
  return checked(libc().socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "open a datagram socket");
}

/**
 * Removes the socket at `path` if nobody listens to it: what a daemon that died left behind, of datagrams or of streams.
 * @throws {Fault} "not-a-socket": something else stands there; "ENOTDIR", "EACCES" and the like: nothing can, or it is not ours to remove
 */
export function removeStale(path: string, address: Uint8Array = unixAddress(path)): void {
  const found = whatStandsAt(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    const kind = found.isSymbolicLink() ? "a symbolic link" : found.isDirectory() ? "a directory" : "a file";
    throw new Fault(
      "cannot-create",
      "not-a-socket",
      `cannot listen on ${path}: ${kind} stands there; remove it, or choose another path`,
    );
  }
  const probe = openSocket(AF_UNIX);
  const result = libc().connect(probe, address, address.length);
  const number = result < 0 ? errno() : 0;
  libc().close(probe);
  if (number === ECONNREFUSED) removeDead(path, found);
}

/** @throws {Fault} "EACCES", "EPERM": it is another user's */
function removeDead(path: string, { uid }: Stats): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    const isForbidden = code === "EACCES" || code === "EPERM";
    const whose = `a socket of the user with number ${uid} was left there, and nobody listens on it`;
    const advice = isForbidden ? "this user may not remove it: remove it, or choose another path" : reasonOf(cause);
    const kind = isForbidden ? "no-permission" : "cannot-create";
    throw new Fault(kind, code, `cannot listen on ${path}: ${whose}; ${advice}`, { cause });
  }
}

/** @throws {Fault} where that can't be found out: its directory is a file, or is closed to us */
function whatStandsAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "ENOTDIR")
      throw new Fault("cannot-create", code, `cannot listen on ${path}: ${dirname(path)} is no directory`, { cause });
    if (code === "EACCES")
      throw new Fault("no-permission", code, `cannot listen on ${path}: ${dirname(path)} is closed to this user`, {
        cause,
      });
    throw new Fault("cannot-create", code, `cannot listen on ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * A socket's queue length is copied from the sysctl when the socket is made: so it is raised for that moment, and put back. The host's setting stays as its
 * operator left it, and no daemon started later depends on us.
 */
function openWithLongQueue(): { fd: number; queueMax: number; shortcomings: string[] } {
  const before = readFileSync(QUEUE_SYSCTL, "latin1").trim();
  if (Number(before) >= QUEUE_LENGTH) return { fd: openSocket(AF_UNIX), queueMax: Number(before), shortcomings: [] };
  try {
    writeFileSync(QUEUE_SYSCTL, String(QUEUE_LENGTH));
  } catch {
    const advice = `sysctl -w net.unix.max_dgram_qlen=${QUEUE_LENGTH} before the start would let programs log in bursts`;
    const shortcomings = [`the socket's queue takes ${before} messages: ${advice}`];
    return { fd: openSocket(AF_UNIX), queueMax: Number(before), shortcomings };
  }
  try {
    return { fd: openSocket(AF_UNIX), queueMax: QUEUE_LENGTH, shortcomings: [] };
  } finally {
    writeFileSync(QUEUE_SYSCTL, before);
  }
}

function enlargeReceiveBuffer(fd: number, wantedBytes: number, name: string): string[] {
  // One that was handed over has it already; without root's power it would become smaller by asking.
  if (receiveBuffer(fd, name) >= wantedBytes) return [];
  if (libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Int32Array([wantedBytes]), 4) === 0) return [];
  setOption(fd, SOL_SOCKET, SO_RCVBUF, wantedBytes, `set the buffer of ${name}`);
  const hadBytes = receiveBuffer(fd, name);
  if (hadBytes >= wantedBytes) return [];
  return [
    `${name} has a buffer of ${hadBytes} bytes instead of ${wantedBytes}: bursts may be lost; raise net.core.rmem_max`,
  ];
}

function receiveBuffer(fd: number, name: string): number {
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  checked(libc().getsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, length), `read the buffer size of ${name}`);
  return value[0]! / 2; // the kernel doubles what is asked, for its own book-keeping
}

function setOption(fd: number, level: number, option: number, value: number, action: string): void {
  checked(libc().setsockopt(fd, level, option, new Int32Array([value]), 4), action);
}

function boundAddress(fd: number): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES_MAX);
  const length = new Uint32Array([bytes.length]);
  checked(libc().getsockname(fd, bytes, length), "read a socket's own address");
  return bytes.subarray(0, length[0]);
}

function bindError(where: string, number: number): SystemError {
  const advice = number === EADDRINUSE ? "another process listens there (ss -l shows which)" : undefined;
  return new SystemError(`listen on ${where}`, number, advice);
}
