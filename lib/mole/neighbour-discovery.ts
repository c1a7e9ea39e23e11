// Neighbour discovery in Ethernet frames (RFC 4861): what ARP is for IPv4.
//
//    0 destination (6)  6 source (6)  12 type (2) = 86dd
//   14 version and so on (4)  18 payload length (2)  20 next header (1) = 58  21 hop limit (1) = 255  22 source (16)  38 destination (16)
//   54 type (1): 135 asks, 136 tells  55 code (1)  56 checksum (2)  58 flags (4)  62 target (16)
//   78 option (8): type (1): 1 the source's MAC, 2 the target's, length in eights (1), MAC (6)
import type { Claim } from "./arp.ts";
import type { Mac } from "./mac.ts";

const IP_START = 14;
const ICMP_START = 54;
const OPTION_START = 78;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const SOURCE_MAC = 1;
const TARGET_MAC = 2;
const ROUTER = 0x80;
const OVERRIDE = 0x20;

const NO_ADDRESS = new Uint8Array(16);
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** Whom a frame is for. */
export interface NeighbourTarget {
  readonly mac: Mac;
  readonly address: Uint8Array;
}

/**
 * "I have `address`", unasked: with the override flag, so that a MAC which is known already is replaced.
 * @param isRouter whether this host forwards: one who says no ends its clients' route through it
 * @param to       all nodes of the link if left out
 */
export function advertisement(mac: Mac, address: Uint8Array, isRouter: boolean, to?: NeighbourTarget): Uint8Array {
  const receiver = to ?? { mac: multicastMac(ALL_NODES), address: ALL_NODES };
  const flags = OVERRIDE | (isRouter ? ROUTER : 0);
  return frame(receiver, mac, address, ADVERTISEMENT, flags, address, TARGET_MAC);
}

/** "Who has `target`? I am `address`." */
export function solicitation(mac: Mac, address: Uint8Array, target: Uint8Array): Uint8Array {
  return frame(solicitedNode(target), mac, address, SOLICITATION, 0, target, SOURCE_MAC);
}

/** "Does anybody have `address`?" from somebody who has none: what a host asks before it takes one (RFC 4862). */
export function solicitationProbe(mac: Mac, address: Uint8Array): Uint8Array {
  return frame(solicitedNode(address), mac, NO_ADDRESS, SOLICITATION, 0, address, undefined);
}

/** Who says in this frame that it has an address. `undefined`: nobody does, or in no valid form. */
export function tryAdvertisement(bytes: Uint8Array, start: number, end: number): Claim | undefined {
  if (end - start < OPTION_START || bytes[start + 12] !== 0x86 || bytes[start + 13] !== 0xdd) return undefined;
  if (bytes[start + 20] !== 58 || bytes[start + 21] !== 255 || bytes[start + ICMP_START] !== ADVERTISEMENT)
    return undefined;
  const address = bytes.slice(start + 62, start + 78);
  const hasMac = end - start >= OPTION_START + 8 && bytes[start + 78] === TARGET_MAC && bytes[start + 79] === 1;
  const at = hasMac ? start + OPTION_START + 2 : start + 6;
  return { address, mac: bytes.slice(at, at + 6) };
}

/** Where those listen who have an address that ends like this. */
function solicitedNode(address: Uint8Array): NeighbourTarget {
  const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13));
  return { mac: multicastMac(group), address: group };
}

const multicastMac = (group: Uint8Array): Mac => Uint8Array.of(0x33, 0x33, ...group.subarray(12));

function frame(
  to: NeighbourTarget,
  mac: Mac,
  from: Uint8Array,
  type: number,
  flags: number,
  target: Uint8Array,
  option: number | undefined,
): Uint8Array {
  const bytes = new Uint8Array(OPTION_START + (option === undefined ? 0 : 8));
  bytes.set(to.mac, 0);
  bytes.set(mac, 6);
  bytes.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, bytes.length - ICMP_START, 58, 255], 12);
  bytes.set(from, IP_START + 8);
  bytes.set(to.address, IP_START + 24);
  bytes[ICMP_START] = type;
  bytes[ICMP_START + 4] = flags;
  bytes.set(target, 62);
  if (option !== undefined) bytes.set([option, 1, ...mac], OPTION_START);
  const sum = checksum(bytes);
  bytes[ICMP_START + 2] = sum >> 8;
  bytes[ICMP_START + 3] = sum & 255;
  return bytes;
}

/** Over the addresses, the length, the next header and the ICMPv6 message: the one's complement of the one's complement sum of 16-bit words. */
function checksum(bytes: Uint8Array): number {
  let sum = bytes.length - ICMP_START + 58;
  for (let at = IP_START + 8; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
