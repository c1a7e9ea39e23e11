// Addresses as spread.conf writes them and as the configuration hash spells them (PROTOCOL.md 11.3, 12.1).
//
// The daemon's reader knows an address by its looks and then asks the C library whether it is one. What looks like an address and is
// none ("300.1.1.1", "010.0.0.1", nine groups of IPv6) is taken for a plain word, and later looked up as a host name.
import { type IpAddress, tryAddress } from "../base/ip-address.ts";

export interface ConfAddress {
  readonly family: 4 | 6;
  /** As written, without port and brackets; a zone ("%eth0") is kept. */
  readonly text: string;
  /** The one spelling that is hashed: IPv4 dotted decimal; IPv6 as eight groups of four lower-case digits, no zone. */
  readonly canonical: string;
  /** 0 where none is written. */
  readonly port: number;
}

/** Whether a word has the shape of an IPv4 address, be it one or not. */
export function looksLikeIpv4(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text);
}

/** Reads an IPv4 or IPv6 address without port; `undefined` where the daemon would take the word for a name. */
export function tryConfAddress(text: string, port = 0): ConfAddress | undefined {
  const zone = text.indexOf("%");
  if (zone === text.length - 1) return undefined;
  const bare = zone < 0 ? text : text.slice(0, zone);
  const address = tryAddress(bare);
  if (address === undefined) return undefined;
  // neither IPv4 with a zone nor IPv6 with IPv4 at its end is in the daemon's reader
  if (address.family === 4 ? zone >= 0 : bare.includes(".")) return undefined;
  return { family: address.family, text, canonical: canonical(address), port };
}

/** 0.0.0.0 or ::. */
export function isUnspecified(address: ConfAddress): boolean {
  return /^[0.:]+$/.test(address.canonical);
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(address: ConfAddress): boolean {
  if (address.family === 6) return address.canonical.startsWith("ff");
  const first = firstOctet(address);
  return first >= 224 && first <= 239;
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(address: ConfAddress): boolean {
  return address.family === 4 ? firstOctet(address) === 127 : /^[0:]+1$/.test(address.canonical);
}

function firstOctet(address: ConfAddress): number {
  return Number.parseInt(address.canonical, 10);
}

function canonical(address: IpAddress): string {
  if (address.family === 4) return address.bytes.join(".");
  const digits = Array.from(address.bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/(.{4})(?=.)/g, "$1:");
}
