// ARP in Ethernet frames: how IPv4 addresses are announced, asked for, and seen to be elsewhere.
//
//    0 destination (6)  6 source (6)  12 type (2) = 0806
//   14 hardware (2) = 1  16 protocol (2) = 0800  18 lengths (2) = 6, 4  20 operation (2)
//   22 sender's MAC (6)  28 sender's address (4)  32 target's MAC (6)  38 target's address (4)
//
// A Linux client ignores for 1 s after its entry was confirmed whatever is not gratuitous by its own definition; it always believes a request whose sender and
// target are the same address, and a reply of that kind whose target's MAC is the sender's.
import type { Mac } from "./mac.ts";

const FRAME_BYTES = 42;
const BROADCAST: Mac = new Uint8Array(6).fill(0xff);
const NOBODY: Mac = new Uint8Array(6);
const REQUEST = 1;
const REPLY = 2;

/** "I have `address`", to all or to one: the form that is always believed. */
export function gratuitousRequest(mac: Mac, address: Uint8Array, to: Mac = BROADCAST): Uint8Array {
  return frame(to, REQUEST, mac, address, NOBODY, address);
}

/** The same as a reply, for gear that learns from replies only. */
export function gratuitousReply(mac: Mac, address: Uint8Array, to: Mac = BROADCAST): Uint8Array {
  return frame(to, REPLY, mac, address, mac, address);
}

/** "Who has `target`? Tell `address`": whoever has it learns where `address` is, and answers. */
export function arpQuestion(mac: Mac, address: Uint8Array, target: Uint8Array): Uint8Array {
  return frame(BROADCAST, REQUEST, mac, address, NOBODY, target);
}

/** "Does anybody have `address`?" from somebody who has none, so that nobody's table changes (RFC 5227). */
export function arpProbe(mac: Mac, address: Uint8Array): Uint8Array {
  return frame(BROADCAST, REQUEST, mac, new Uint8Array(4), NOBODY, address);
}

export interface Claim {
  readonly address: Uint8Array;
  readonly mac: Mac;
}

/** Who says in this frame that it has an address. `undefined`: it is no ARP, or nobody says so. */
export function tryArpClaim(bytes: Uint8Array, start: number, end: number): Claim | undefined {
  if (end - start < FRAME_BYTES) return undefined;
  const head = [8, 6, 0, 1, 8, 0, 6, 4, 0];
  if (head.some((byte, at) => bytes[start + 12 + at] !== byte)) return undefined;
  const address = bytes.slice(start + 28, start + 32);
  if (address.every((byte) => byte === 0)) return undefined;
  return { address, mac: bytes.slice(start + 22, start + 28) };
}

function frame(to: Mac, operation: number, mac: Mac, address: Uint8Array, targetMac: Mac, target: Uint8Array) {
  const bytes = new Uint8Array(FRAME_BYTES);
  bytes.set(to, 0);
  bytes.set(mac, 6);
  bytes.set([8, 6, 0, 1, 8, 0, 6, 4, 0, operation], 12);
  bytes.set(mac, 22);
  bytes.set(address, 28);
  bytes.set(targetMac, 32);
  bytes.set(target, 38);
  return bytes;
}
