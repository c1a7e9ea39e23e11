// The parts of rtnetlink that a fail-over needs: addresses with lifetimes, links with their carrier, neighbours.
//
//   ifaddrmsg (8):  family, prefix length, flags, scope (1 each), interface (4)
//   ifinfomsg (16): family (1), -, type (2), interface (4), flags (4), change (4)
//   ndmsg (12):     family (1), -, interface (4) at 4, state (2) at 8, flags (1), type (1)
//   ifa_cacheinfo:  preferred (4), valid (4) in seconds; created, updated (4 each) in hundredths of a second
import { formatAddress, type IpAddress } from "../base/ip-address.ts";
import type { NetlinkReader, NetlinkWriter } from "./netlink-message.ts";
import { AF_INET, AF_INET6 } from "./socket-address.ts";

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWNEIGH = 28;
export const RTM_GETNEIGH = 30;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
const IFA_F_NODAD = 0x02;
const IFA_F_NOPREFIXROUTE = 0x200;
const RT_SCOPE_UNIVERSE = 0;
const FOREVER = 0xffff_ffff;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;

const NDA_DST = 1;
const NDA_LLADDR = 2;
/** Reachable, stale, delayed, probed, permanent: there is somebody, or was lately. */
const NUD_KNOWN = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;

/** An address to put on a device, or to take off it. */
export interface AddressOrder {
  readonly address: IpAddress;
  readonly prefixBits: number;
  /** Index of the device. */
  readonly device: number;
  /** IPv4 alone. */
  readonly label?: string | undefined;
  /** Whose it is: kernels from 5.18 keep it with the address. */
  readonly mark: number;
  /** IPv6 alone: the route to its subnet is not made with it, nor ended with it. */
  readonly hasNoRoute?: boolean | undefined;
}

/** An address as the kernel tells it. */
export interface AddressRecord {
  readonly text: string;
  readonly prefixBits: number;
  readonly device: number;
  readonly label: string | undefined;
  /** 0 where nobody left one, and on kernels before 5.18. */
  readonly mark: number;
  /** What was left when it was told; `undefined`: for good. */
  readonly validMs: number | undefined;
}

export interface LinkRecord {
  readonly device: number;
  readonly name: string;
  readonly isUp: boolean;
  /** It is up, and so is what is at the other end. */
  readonly hasCarrier: boolean;
  readonly isLoopback: boolean;
  /** There is no ARP on it: a tunnel, a loopback. */
  readonly isNoArp: boolean;
  /** Of 6 bytes where it is an Ethernet. */
  readonly mac: Uint8Array;
  /** Index of the bridge or bond that it is a part of. */
  readonly master: number | undefined;
}

export interface NeighbourRecord {
  readonly text: string;
  readonly device: number;
  readonly mac: Uint8Array;
}

/**
 * IPv6: preferred lifetime 0, so that the host's own connections don't start from it, and no duplicate detection, which would keep it from use for a second.
 * @param leaseS whole seconds until the kernel removes it; `undefined`: never
 */
export function writeNewAddress(
  to: NetlinkWriter,
  order: AddressOrder,
  leaseS: number | undefined,
  flags: number,
  sequence: number,
): void {
  begin(to, RTM_NEWADDR, order, flags, sequence);
  const isIpv6 = order.address.family === 6;
  if (order.label !== undefined && !isIpv6) to.attribute(IFA_LABEL, terminated(order.label));
  to.attribute(IFA_CACHEINFO, words(isIpv6 ? 0 : (leaseS ?? FOREVER), leaseS ?? FOREVER, 0, 0));
  // A /128 has its local route anyway; a second one in the main table made each deletion twice as long.
  const hasNoRoute = order.hasNoRoute === true || order.prefixBits === 128;
  if (isIpv6) to.attribute(IFA_FLAGS, words(hasNoRoute ? IFA_F_NODAD | IFA_F_NOPREFIXROUTE : IFA_F_NODAD));
  to.attribute(IFA_PROTO, Uint8Array.of(order.mark));
}

export function writeDeleteAddress(to: NetlinkWriter, order: AddressOrder, flags: number, sequence: number): void {
  begin(to, RTM_DELADDR, order, flags, sequence);
}

function begin(to: NetlinkWriter, type: number, order: AddressOrder, flags: number, sequence: number): void {
  const { address, prefixBits, device } = order;
  const body = new Uint8Array(8);
  body[0] = address.family === 4 ? AF_INET : AF_INET6;
  body[1] = prefixBits;
  body[3] = RT_SCOPE_UNIVERSE;
  body.set(words(device), 4);
  to.begin(type, flags, sequence, body);
  to.attribute(IFA_LOCAL, address.bytes);
  to.attribute(IFA_ADDRESS, address.bytes);
}

/** Asks for all of a kind: RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH. */
export function writeDump(to: NetlinkWriter, type: number, flags: number, sequence: number): void {
  const bytes = type === RTM_GETLINK ? 16 : type === RTM_GETADDR ? 8 : 12;
  to.begin(type, flags, sequence, new Uint8Array(bytes));
}

/** Of RTM_NEWADDR and RTM_DELADDR. `undefined`: of a family that is not ours. */
export function readAddress(from: NetlinkReader): AddressRecord | undefined {
  let bytes: Uint8Array | undefined;
  let local: Uint8Array | undefined;
  let label: string | undefined;
  let mark = 0;
  let validS = FOREVER;
  from.attributes(8, (type, start, end) => {
    if (type === IFA_ADDRESS) bytes = from.slice(start, end);
    else if (type === IFA_LOCAL) local = from.slice(start, end);
    else if (type === IFA_LABEL) label = from.text(start, end);
    else if (type === IFA_CACHEINFO) validS = from.number(start + 4, end);
    else if (type === IFA_PROTO) mark = from.number(start, end);
  });
  const text = textOf(from.u8(0), local ?? bytes);
  if (text === undefined) return undefined;
  const validMs = validS === FOREVER ? undefined : validS * 1_000;
  return { text, prefixBits: from.u8(1), device: from.u32(4), label, mark, validMs };
}

/** Of RTM_NEWLINK and RTM_DELLINK. */
export function readLink(from: NetlinkReader): LinkRecord {
  const flags = from.u32(8);
  let name = "";
  let mac: Uint8Array = new Uint8Array(0);
  let master: number | undefined;
  from.attributes(16, (type, start, end) => {
    if (type === IFLA_IFNAME) name = from.text(start, end);
    else if (type === IFLA_ADDRESS) mac = from.slice(start, end);
    else if (type === IFLA_MASTER) master = from.number(start, end);
  });
  return {
    device: from.i32(4),
    name,
    isUp: (flags & IFF_UP) !== 0,
    hasCarrier: (flags & (IFF_UP | IFF_RUNNING)) === (IFF_UP | IFF_RUNNING),
    isLoopback: (flags & IFF_LOOPBACK) !== 0,
    isNoArp: (flags & IFF_NOARP) !== 0,
    mac,
    master,
  };
}

/** Of RTM_NEWNEIGH. `undefined`: nobody is known there. */
export function readNeighbour(from: NetlinkReader): NeighbourRecord | undefined {
  let bytes: Uint8Array | undefined;
  let mac: Uint8Array | undefined;
  from.attributes(12, (type, start, end) => {
    if (type === NDA_DST) bytes = from.slice(start, end);
    else if (type === NDA_LLADDR) mac = from.slice(start, end);
  });
  const text = textOf(from.u8(0), bytes);
  if (text === undefined || mac?.length !== 6 || (from.u16(8) & NUD_KNOWN) === 0) return undefined;
  return { text, device: from.i32(4), mac };
}

function addressOf(family: number, bytes: Uint8Array | undefined): IpAddress | undefined {
  if (family === AF_INET && bytes?.length === 4) return { family: 4, bytes };
  return family === AF_INET6 && bytes?.length === 16 ? { family: 6, bytes } : undefined;
}

function textOf(family: number, bytes: Uint8Array | undefined): string | undefined {
  const address = addressOf(family, bytes);
  return address && formatAddress(address);
}

function words(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [at, value] of values.entries()) view.setUint32(4 * at, value, true);
  return new Uint8Array(view.buffer);
}

const terminated = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);
