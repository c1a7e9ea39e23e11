// Where a vip's addresses go, and how a definition says so. The text is a part of the vip's id: two hosts that would put an address elsewhere don't agree on it.
//
//   DEVICE[/BITS] for each address in order, joined by "+", the empty one for "found by subnet, all bits"; then ";LABEL" if there is one: "eth0/24++eth1;eth0:web"
import { formatAddress, type IpAddress, tryAddress } from "../base/ip-address.ts";
import { type Definition, define } from "./definition.ts";
import type { HostName } from "./member.ts";

/** One address and where it goes. */
export interface Placed {
  readonly address: IpAddress;
  /** Its one canonical text. */
  readonly text: string;
  /** `undefined`: the device that has its subnet. */
  readonly device: string | undefined;
  /** 32 and 128 unless the operator wants otherwise: only then a host's route to the subnet hangs on the vip, and with it on `promote_secondaries`. */
  readonly prefixBits: number;
  /** IPv4 only: as ifconfig shows it. */
  readonly label: string | undefined;
}

/** What the config says of one vip. */
export interface VipText {
  readonly name: string;
  readonly addresses: readonly { readonly address: IpAddress; readonly prefixBits: number; readonly device?: string }[];
  /** For the addresses that name none. */
  readonly device?: string | undefined;
  readonly label?: string | undefined;
  readonly prefer?: readonly HostName[] | undefined;
  readonly only?: readonly HostName[] | undefined;
  readonly weight?: number | undefined;
  readonly allFailed?: "keep" | "drop" | undefined;
}

/** The definition that the config's text of a vip makes. */
export function defineVip({ name, addresses, device, label, prefer, only, weight, allFailed }: VipText): Definition {
  const places = addresses.map((one) => {
    const bits = one.prefixBits === one.address.bytes.length * 8 ? "" : `/${one.prefixBits}`;
    return `${escaped(one.device ?? device ?? "")}${bits}`;
  });
  const isPlain = label === undefined && places.every((place) => place === "");
  return define({
    name,
    addresses: addresses.map(({ address }) => formatAddress(address)),
    placement: isPlain ? "" : `${places.join("+")}${label === undefined ? "" : `;${label}`}`,
    ...(weight !== undefined && { weight }),
    ...(prefer !== undefined && { prefer }),
    ...(only !== undefined && { only }),
    ...(allFailed !== undefined && { allFailed }),
  });
}

/** Reads a definition's addresses and placement. `undefined` where they fit no such text: a definition may have come from another host. */
export function tryPlaced({ addresses, placement }: Definition): readonly Placed[] | undefined {
  const semicolon = placement.indexOf(";");
  const label = semicolon < 0 ? undefined : placement.slice(semicolon + 1);
  const list = semicolon < 0 ? placement : placement.slice(0, semicolon);
  const places = list === "" && addresses.length !== 1 ? addresses.map(() => "") : list.split("+");
  if (places.length !== addresses.length || (label !== undefined && !LABEL.test(label))) return undefined;
  const placed: Placed[] = [];
  for (const [at, text] of addresses.entries()) {
    const address = tryAddress(text);
    const match = PLACE.exec(places[at]!);
    if (address === undefined || match === null) return undefined;
    const most = address.bytes.length * 8;
    const prefixBits = match[2] === undefined ? most : Number(match[2]);
    if (prefixBits > most) return undefined;
    const device = match[1] === "" ? undefined : plain(match[1]!);
    placed.push({ address, text, device, prefixBits, label: address.family === 4 ? label : undefined });
  }
  return placed;
}

/**
 * A vip's label on the device where an address goes: a label begins with its device's name, so that of "eth0:web" on eth1 is "eth1:web".
 * @returns `undefined`: none, for it would be too long there
 */
export function labelOn(device: string, label: string): string | undefined {
  const colon = label.indexOf(":");
  const own = colon < 0 ? device : `${device}${label.slice(colon)}`;
  return new TextEncoder().encode(own).length <= LABEL_BYTES_MAX ? own : undefined;
}

/** IFNAMSIZ less its NUL. */
const LABEL_BYTES_MAX = 15;
/** Labels, as `[mole]` in the config takes them. */
const LABEL = /^[!-.0-~]{1,15}$/;
/** A device's name, of at most 15 characters, and a prefix. */
const PLACE = /^((?:%[0-9A-F]{2}|[!-$&-*,-.0-:<-~]){0,15})(?:\/(0|[1-9]\d{0,2}))?$/;

/** The three characters that a device's name may have and that mean something here. */
const escaped = (device: string) =>
  device.replace(/[%+;]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
const plain = (text: string) =>
  text.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
