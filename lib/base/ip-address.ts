// IPv4 and IPv6 addresses and networks as text and as bytes in network order. Reading is strict: no octal, no short forms ("10.1"), no zone, because an
// allow-list that means something else than it says is worse than none. Writing is canonical (RFC 5952), so equal addresses have equal text.
//
// Three texts look alike and are kept apart: an address ("10.0.0.1"), a network ("10.0.0.0/8": nothing set behind the prefix; an address alone is a
// network of one) and an interface address ("10.0.0.1/8": a host's own address, with the length of its network).
import { Fault } from "./fault.ts";

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
}

/** An address and how many of its leading bits name its network. In what `tryNetwork` gives, all bits behind them are zero. */
export interface IpNetwork {
  readonly address: IpAddress;
  readonly prefixBits: number;
}

/** What the three look like, for messages and help. */
export const ADDRESS_FORM = 'an IP address such as "192.0.2.7" or "2001:db8::7"';
export const NETWORK_FORM =
  'a network such as "192.0.2.0/24" or "2001:db8::/32" (no bit set behind the prefix), or one address';
export const INTERFACE_ADDRESS_FORM = 'an address such as "192.0.2.7", "192.0.2.7/24" or "2001:db8::7/64"';

/** @throws {Fault} kind "usage", code "address" */
export function parseAddress(text: string): IpAddress {
  return tryAddress(text) ?? refuse("address", text, ADDRESS_FORM);
}

/** @throws {Fault} kind "usage", code "network" */
export function parseNetwork(text: string): IpNetwork {
  return tryNetwork(text) ?? refuse("network", text, NETWORK_FORM, networkAround(text));
}

/** An IPv4 address as four decimal numbers without leading zeros, or an IPv6 address (RFC 4291 2.2), also with IPv4 at its end. */
export function tryAddress(text: string): IpAddress | undefined {
  if (text.length > 45) return undefined; // the longest form: six groups of four, an IPv4 address at the end
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  return bytes && { family: bytes.length === 4 ? 4 : 6, bytes };
}

/**
 * A peer's address as the system's socket calls write it: a zone ("fe80::1%eth0") is dropped, and IPv4 inside IPv6 ("::ffff:192.0.2.7", what a socket
 * for both families reports) is that IPv4 address, so that the peer meets the rules written for it.
 */
export function tryPeerAddress(text: string): IpAddress | undefined {
  const zone = text.indexOf("%");
  const address = tryAddress(zone < 0 ? text : text.slice(0, zone));
  return address && unmapped(address);
}

/** "ADDRESS/BITS" with no bit set behind the prefix, or "ADDRESS" alone. */
export function tryNetwork(text: string): IpNetwork | undefined {
  const read = tryInterfaceAddress(text);
  return read !== undefined && sameBytes(masked(read).bytes, read.address.bytes) ? read : undefined;
}

/** "ADDRESS/BITS" with any bits, or "ADDRESS" alone: 32 or 128 bits. */
export function tryInterfaceAddress(text: string): IpNetwork | undefined {
  const slash = text.indexOf("/");
  const address = tryAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const most = address.bytes.length * 8;
  if (slash < 0) return { address, prefixBits: most };
  const bits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > most) return undefined;
  return { address, prefixBits: Number(bits) };
}

/** The network that the interface address lies in: what somebody meant who wrote "10.0.0.1/8" for a network. `undefined` where the text is neither. */
export function networkAround(text: string): string | undefined {
  const read = tryInterfaceAddress(text);
  return read && formatNetwork({ address: masked(read), prefixBits: read.prefixBits });
}

/** Whether the address lies in the network; IPv4 inside IPv6 (::ffff:0:0/96) counts as IPv4 on both sides. Makes no object for plain addresses. */
export function networkContains(network: IpNetwork, address: IpAddress): boolean {
  const inner = unmapped(address);
  let outer = network.address;
  let bits = network.prefixBits;
  if (bits >= 96 && isMapped(outer)) {
    outer = unmapped(outer);
    bits -= 96;
  }
  if (outer.family !== inner.family) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (outer.bytes[at] !== inner.bytes[at]) return false;
  const rest = bits & 7;
  return rest === 0 || (outer.bytes[whole]! ^ inner.bytes[whole]!) >> (8 - rest) === 0;
}

export function sameAddress(a: IpAddress, b: IpAddress): boolean {
  return sameBytes(a.bytes, b.bytes);
}

/** Writes an address in its one canonical form: RFC 5952 for IPv6 (lower case, the first longest run of zero groups as "::", IPv4 at the end where mapped). */
export function formatAddress(address: IpAddress): string {
  if (address.family === 4) return address.bytes.join(".");
  if (isMapped(address)) return `::ffff:${address.bytes.subarray(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, at) => (address.bytes[2 * at]! << 8) | address.bytes[2 * at + 1]!);
  const run = longestZeroRun(groups);
  const written = groups.map((group) => group.toString(16));
  if (run.length < 2) return written.join(":"); // RFC 5952 4.2.2: "::" never stands for a single group
  return `${written.slice(0, run.start).join(":")}::${written.slice(run.start + run.length).join(":")}`;
}

/** Writes "ADDRESS/BITS", or the address alone where the prefix is all of it. */
export function formatNetwork(network: IpNetwork): string {
  const address = formatAddress(network.address);
  return network.prefixBits === network.address.bytes.length * 8 ? address : `${address}/${network.prefixBits}`;
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined; // a leading zero is octal to some readers: refused
    bytes[at] = Number(part);
  }
  return bytes;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = ipv6Groups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? ipv6Groups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  for (const [at, group] of [...head, ...Array<number>(missing).fill(0), ...tail].entries()) {
    bytes[2 * at] = group >> 8;
    bytes[2 * at + 1] = group & 255;
  }
  return bytes;
}

/** The 16-bit groups of one side of "::". Only the last one of the address may be IPv4, and counts as two. */
function ipv6Groups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [at, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const last = atEnd && at === parts.length - 1 ? ipv4Bytes(part) : undefined;
    if (last === undefined) return undefined;
    groups.push((last[0]! << 8) | last[1]!, (last[2]! << 8) | last[3]!);
  }
  return groups;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function masked({ address, prefixBits }: IpNetwork): IpAddress {
  const bytes = address.bytes.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, prefixBits - at * 8));
    return byte & (0xff00 >> kept);
  });
  return { family: address.family, bytes };
}

function isMapped(address: IpAddress): boolean {
  if (address.family !== 6 || address.bytes[10] !== 0xff || address.bytes[11] !== 0xff) return false;
  for (let at = 0; at < 10; at++) if (address.bytes[at] !== 0) return false;
  return true;
}

function unmapped(address: IpAddress): IpAddress {
  return isMapped(address) ? { family: 4, bytes: address.bytes.slice(12) } : address;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function refuse(what: string, text: string, form: string, meant?: string): never {
  const proposal = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  throw new Fault("usage", what, `cannot read ${what} ${JSON.stringify(text)}: expected ${form}${proposal}`);
}
