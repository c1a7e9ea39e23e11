// Reads datagrams 64 at a time (recvmmsg) into memory that is made once. The records are read where they lie, so nothing is copied and nothing collected.
//
// struct mmsghdr, 64 bytes on every 64-bit Linux, glibc and musl:
//    0 name (8)     8 name length (4)  16 iov (8)    24 iov count (8)
//   32 control (8) 40 control length (8)  48 flags (4)   56 datagram length (4)
// struct iovec: base (8), length (8). Credentials arrive as one control message of 32 bytes:
//    0 length (8) = 28   8 level (4) = SOL_SOCKET  12 type (4) = SCM_CREDENTIALS  16 pid (4)  20 uid (4)  24 gid (4)
import { address, errno, libc } from "./libc.ts";
import { peerText } from "./socket-address.ts";
import { EAGAIN, EINTR } from "./system-error.ts";

const SLOTS = 64;
const HEADER_BYTES = 64;
const NAME_BYTES = 32;
const CONTROL_BYTES = 32;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SCM_CREDENTIALS = 2;

/**
 * Slots lie this much further apart than they are long: with a power of two between them, the first bytes of all 64 would fall into the same few sets of the
 * processor's cache.
 */
const STAGGER_BYTES = 64 * 5;

/** The datagrams of the last `receive`. All numbers are about slot `at`, 0 to the count it returned, less one. */
export class DatagramReader {
  /** Where the datagrams lie. Good until the next `receive`. */
  readonly bytes: Uint8Array;
  readonly #strideBytes: number;
  readonly #headers = new Uint32Array((SLOTS * HEADER_BYTES) / 4);
  readonly #names = new Uint8Array(SLOTS * NAME_BYTES);
  readonly #control = new Uint32Array((SLOTS * CONTROL_BYTES) / 4);
  readonly #iov: BigUint64Array;
  readonly #headersAt: ReturnType<typeof address>;

  /** @param slotBytes the longest datagram that is taken whole */
  constructor(
    readonly fd: number,
    slotBytes: number,
  ) {
    this.#strideBytes = Math.ceil(slotBytes / 64) * 64 + STAGGER_BYTES;
    this.bytes = new Uint8Array(SLOTS * this.#strideBytes);
    this.#iov = new BigUint64Array(SLOTS * 2);
    const headers = new BigUint64Array(this.#headers.buffer);
    for (let at = 0; at < SLOTS; at++) {
      this.#iov[at * 2] = BigInt(address(this.bytes) + at * this.#strideBytes);
      this.#iov[at * 2 + 1] = BigInt(slotBytes);
      const header = (at * HEADER_BYTES) / 8;
      headers[header] = BigInt(address(this.#names) + at * NAME_BYTES);
      headers[header + 2] = BigInt(address(this.#iov) + at * 16);
      headers[header + 3] = 1n;
      headers[header + 4] = BigInt(address(this.#control) + at * CONTROL_BYTES);
    }
    this.#headersAt = address(this.#headers);
  }

  /** How many datagrams a call takes at most: fewer means that no more waited. */
  get readMax(): number {
    return SLOTS;
  }

  /** Takes what waits, without blocking. Returns how many datagrams; 0 where there were none, or a negative `errno` for what is not the same as none. */
  receive(): number {
    const headers = this.#headers;
    for (let at = 0; at < SLOTS; at++) {
      const header = (at * HEADER_BYTES) / 4;
      headers[header + 2] = NAME_BYTES;
      headers[header + 10] = CONTROL_BYTES;
    }
    const count = libc().recvmmsg(this.fd, this.#headersAt, SLOTS, MSG_DONTWAIT, null);
    if (count >= 0) return count;
    const number = errno();
    return number === EAGAIN || number === EINTR ? 0 : -number;
  }

  start(at: number): number {
    return at * this.#strideBytes;
  }

  end(at: number): number {
    return at * this.#strideBytes + this.#headers[at * 16 + 14]!;
  }

  /** It was longer than a slot: what did not fit is lost. */
  isCut(at: number): boolean {
    return (this.#headers[at * 16 + 12]! & MSG_TRUNC) !== 0;
  }

  /** The sender's process id, or -1 where the kernel tells none. 0 is a process outside of our pid namespace. */
  pid(at: number): number {
    return this.#hasCredentials(at) ? this.#control[at * 8 + 4]! : -1;
  }

  uid(at: number): number {
    return this.#hasCredentials(at) ? this.#control[at * 8 + 5]! : -1;
  }

  /** Whether the datagram came from the same address as the one before it: then there is no need to read it. The port does not count. */
  samePeer(at: number, other: number): boolean {
    const names = this.#names;
    const a = at * NAME_BYTES;
    const b = other * NAME_BYTES;
    if (names[a] !== names[b]) return false;
    for (let byte = 4; byte < 24; byte++) if (names[a + byte] !== names[b + byte]) return false;
    return true;
  }

  /** The peer's IP address as text, "" on a unix socket. */
  peer(at: number): string {
    return peerText(this.#names, at * NAME_BYTES);
  }

  /** Of a packet socket: the index of the device that a frame came in by (sockaddr_ll: family (2), protocol (2), index (4)). */
  device(at: number): number {
    const name = at * NAME_BYTES;
    return new DataView(this.#names.buffer).getInt32(name + 4, true);
  }

  #hasCredentials(at: number): boolean {
    return (
      this.#headers[at * 16 + 10]! >= 28 &&
      this.#control[at * 8 + 2] === SOL_SOCKET &&
      this.#control[at * 8 + 3] === SCM_CREDENTIALS
    );
  }
}
