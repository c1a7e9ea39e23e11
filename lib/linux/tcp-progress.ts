// How far the other end's kernel has acknowledged what was sent on a TCP connection: all that plain TCP tells of what has arrived (struct tcp_info, linux/tcp.h).
import { libc } from "./libc.ts";

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const BYTES_MAX = 256;
/** Up to `tcpi_notsent_bytes`, Linux 4.6. */
const BYTES_LEAST = 148;

export interface TcpProgress {
  /** Since the connection was made, the handshake counts one. */
  readonly ackedBytes: number;
  /** Taken by our kernel and not acknowledged: at most this; 0 is exact. */
  readonly outstandingBytes: number;
}

const info = new DataView(new ArrayBuffer(BYTES_MAX));
const infoBytes = new Uint8Array(info.buffer);
const length = new Uint32Array(1);

/** @param fd a TCP socket. `undefined` where it is none any more, or the kernel does not tell */
export function tcpProgress(fd: number): TcpProgress | undefined {
  length[0] = BYTES_MAX;
  if (libc().getsockopt(fd, IPPROTO_TCP, TCP_INFO, infoBytes, length) < 0 || length[0]! < BYTES_LEAST) return undefined;
  const segmentBytes = info.getUint32(16, true);
  const unackedSegments = info.getUint32(24, true);
  return {
    ackedBytes: Number(info.getBigUint64(120, true)),
    outstandingBytes: unackedSegments * segmentBytes + info.getUint32(144, true),
  };
}
