// The kernel's form of addresses: sockaddr_un, sockaddr_in and sockaddr_in6. Numbers in them are in the machine's order (little-endian on all we build
// for), ports and addresses in network order.

import { Fault } from "../base/fault.ts";
import { formatAddress, type IpAddress, tryPeerAddress } from "../base/ip-address.ts";

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** sockaddr_un.sun_path is 108 bytes, one of them for the NUL. */
const UNIX_PATH_BYTES_MAX = 107;
const IN_BYTES = 16;
const IN6_BYTES = 28;

/** Enough for any address of the three families: sockaddr_un is the longest. */
export const ADDRESS_BYTES_MAX = 110;

/**
 * family (2), path, NUL. A path that begins with `@` is an abstract name: a NUL stands for the `@`, none at its end.
 * @throws {Fault} kind "usage", code "path-length"
 */
export function unixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length > UNIX_PATH_BYTES_MAX || name.length === 0) {
    const found = `cannot use socket path ${JSON.stringify(path)}: it has ${name.length} bytes`;
    throw new Fault("usage", "path-length", `${found}, the kernel takes 1 to ${UNIX_PATH_BYTES_MAX}`);
  }
  const isAbstract = path.startsWith("@");
  const bytes = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  if (isAbstract) bytes[2] = 0;
  return bytes;
}

/** The path of a sockaddr_un; "" of an abstract name, of no name, and of other families. */
export function unixPath(bytes: Uint8Array): string {
  if ((bytes[0]! | (bytes[1]! << 8)) !== AF_UNIX) return "";
  const end = bytes.indexOf(0, 2);
  return new TextDecoder().decode(bytes.subarray(2, end < 0 ? bytes.length : end));
}

/** sockaddr_in: family (2), port (2), address (4), zeros (8). sockaddr_in6: family (2), port (2), flow (4), address (16), scope (4). */
export function inetAddress(address: IpAddress, port: number): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? IN_BYTES : IN6_BYTES);
  bytes[0] = address.family === 4 ? AF_INET : AF_INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  bytes.set(address.bytes, address.family === 4 ? 4 : 8);
  return bytes;
}

/** The host of a peer as text; IPv4 inside IPv6 as IPv4. "" where the peer has no address, as on a unix socket without a name. */
export function peerText(bytes: Uint8Array, start: number): string {
  const family = bytes[start]! | (bytes[start + 1]! << 8);
  if (family === AF_INET) return formatAddress({ family: 4, bytes: bytes.subarray(start + 4, start + 8) });
  if (family !== AF_INET6) return "";
  const text = formatAddress({ family: 6, bytes: bytes.subarray(start + 8, start + 24) });
  const address = tryPeerAddress(text);
  return address === undefined ? text : formatAddress(address);
}

/** The port of an IPv4 or IPv6 address. */
export function portOf(bytes: Uint8Array): number {
  return (bytes[2]! << 8) | bytes[3]!;
}
