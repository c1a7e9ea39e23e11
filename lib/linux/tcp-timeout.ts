// How soon the kernel notices that the other end of a TCP connection is gone without a word: its cable pulled, its host dead. Bytes that nobody
// acknowledges: TCP_USER_TIMEOUT ends the connection. Nothing to send: keep-alive probes ask, in whole seconds, and the same timeout judges them.
// A peer that lives and takes nothing in all that time is ended as well: its window stays shut.
import { libc } from "./libc.ts";
import { checked } from "./system-error.ts";

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;
/**
 * The kernel counts from the first retransmission, which on a fast network comes 0.2 s after the bytes went out, and its timers are late, the more so the longer they run; and
 * a cable that is pulled is felt only by the next bytes. With 250 a bound of a second was exceeded by 44 to 64 ms (a beat in each 33 ms on the way).
 */
const FIRST_RETRANSMISSION_MS = 320;

/**
 * Has a dead peer noticed within `timeoutMs`, while bytes are on their way to it; on an idle connection within that, rounded up to a second, and a second more.
 * @param fd a connected TCP socket
 */
export function setPeerTimeout(fd: number, timeoutMs: number): void {
  const seconds = Math.max(1, Math.floor(timeoutMs / 1_000));
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, Math.max(1, Math.floor(seconds / 2)));
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, Math.max(1, Math.floor(seconds / 8)));
  setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 127); // the user timeout judges, not the number of probes
  setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, Math.max(timeoutMs - FIRST_RETRANSMISSION_MS, timeoutMs / 2));
}

function setOption(fd: number, level: number, option: number, value: number): void {
  checked(libc().setsockopt(fd, level, option, new Int32Array([value]), 4), "set how long a TCP peer may be silent");
}
