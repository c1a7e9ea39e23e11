// Puts addresses on and takes them off, by the facts of the kernel (the model, section 2). Knows no vip that is held: that is the driver's.
import { formatNetwork, type IpAddress, networkContains, tryAddress } from "../../base/ip-address.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../../linux/netlink-message.ts";
import {
  type AddressOrder,
  type AddressRecord,
  type LinkRecord,
  writeDeleteAddress,
  writeNewAddress,
} from "../../linux/rtnetlink.ts";
import { EADDRNOTAVAIL, EEXIST, ENODEV, SystemError } from "../../linux/system-error.ts";
import type { Definition } from "../definition.ts";
import { labelOn, type Placed, tryPlaced } from "../placement.ts";
import type { StandingAddress } from "../standing.ts";
import { deviceSetting, type HostNetwork, MARK } from "./host-network.ts";

/** An address and the device that it goes to. */
export interface Place {
  readonly placed: Placed;
  readonly order: AddressOrder;
  readonly deviceName: string;
}

interface Written {
  readonly leaseS: number | undefined;
  readonly hasNoRoute: boolean;
  readonly message: Uint8Array;
}

export class AddressWriter {
  /** The last order of each place: a renewal is the same bytes, but for its number. */
  readonly #written = new WeakMap<Place, Written>();
  /** All addresses that were ever put on: where the kernel keeps no marks, they are none of the host's. */
  readonly #everPut = new Set<string>();

  constructor(private readonly network: HostNetwork) {}

  /**
   * Where the addresses would go.
   * @param isHeld whether we hold this address: then it may stand there already
   * @returns text: why they can't
   */
  place(definition: Definition, isHeld: (text: string) => boolean): readonly Place[] | string {
    const placed = tryPlaced(definition);
    if (placed === undefined) return "its addresses can't be read";
    const places: Place[] = [];
    for (const one of placed) {
      const { address, text, prefixBits, label } = one;
      const link = this.linkFor(one);
      if (link === undefined) return this.noDevice(one);
      const conflict = this.conflict(text, isHeld) ?? this.noHostAddress(one);
      if (conflict !== undefined) return conflict;
      if (address.family === 4 && prefixBits < 32 && !promotesSecondaries(link.name)) {
        const setting = `net.ipv4.conf.${link.name}.promote_secondaries`;
        return `${text}/${prefixBits} needs ${setting}=1: without it the end of one address takes others of its subnet along`;
      }
      const own = label === undefined ? undefined : labelOn(link.name, label);
      const order = { address, prefixBits, device: link.device, label: own, mark: MARK };
      places.push({ placed: one, order, deviceName: link.name });
    }
    return places;
  }

  /** Who has the address already on this host, where that is not us. */
  conflict(text: string, isHeld: (text: string) => boolean): string | undefined {
    const other = isHeld(text) ? undefined : this.network.standing(text)[0];
    if (other === undefined) return undefined;
    const where = this.network.link(other.device)?.name ?? `device ${other.device}`;
    return `${text}/${other.prefixBits} is on ${where} already, and not ours: remove it there, or from the config`;
  }

  /**
   * An address that we hold and that stands on this host a second time, with another prefix or on another device, without our doing: when ours goes, this host answers for it still.
   * Told only where the kernel keeps marks: else ours looks like any other.
   */
  strayBeside(text: string, isHeld: (text: string) => boolean): string | undefined {
    const stray = isHeld(text) && this.network.hasMarks ? this.network.standing(text)[0] : undefined;
    if (stray === undefined) return undefined;
    const where = this.network.link(stray.device)?.name ?? `device ${stray.device}`;
    return `${text}/${stray.prefixBits} is on ${where} as well, and not ours: once another host takes the vip, both answer for it; remove it there, or from the config`;
  }

  /** Where the address stands on this host without our doing. @param isHeld as above: where the kernel keeps no marks, ours looks like any other */
  standing(text: string, isHeld: (text: string) => boolean): readonly StandingAddress[] {
    if (!this.network.hasMarks && isHeld(text)) return [];
    return this.network.standing(text).map(({ device, prefixBits }) => ({
      address: text,
      prefixBits,
      device: this.network.link(device)?.name ?? `device${device}`,
    }));
  }

  /** The device that is named, or that has the subnet. */
  linkFor({ device, address }: { readonly device: string | undefined; readonly address: IpAddress }) {
    if (device !== undefined) return this.network.linkNamed(device);
    const found = this.network.deviceFor(address);
    return found === undefined ? undefined : this.network.link(found);
  }

  /** Why there is none, and what to do. */
  noDevice({ device, text, address }: Placed): string {
    if (device !== undefined) return `there is no device ${device} for ${text}`;
    const off =
      address.family === 4 ? [] : [...this.network.links()].filter((link) => !link.isLoopback).filter(hasNoIpv6);
    if (off.length === 0) return `no device has the subnet of ${text}: name the device in the config`;
    const names = off.map(({ name }) => name);
    return `no device has the subnet of ${text}, and IPv6 is off on ${names.join(", ")}: set net.ipv6.conf.${names[0]}.disable_ipv6=0 where it belongs, or name a device that has it in the config`;
  }

  /** Where no host can have the address: it is the first or the last one of an IPv4 subnet of its device, which mean the subnet and all hosts in it. */
  noHostAddress(placed: Placed): string | undefined {
    const { address, text } = placed;
    const link = address.family === 4 ? this.linkFor(placed) : undefined;
    if (link === undefined) return undefined;
    for (const { address: own, prefixBits } of this.network.subnetsOf(link.device)) {
      if (own.family !== 4 || prefixBits > 30) continue;
      const rest = 2 ** (32 - prefixBits) - 1;
      const first = (wordOf(own.bytes) & ~rest) >>> 0;
      const word = wordOf(address.bytes);
      if (word !== first && word !== first + rest) continue;
      const subnet = formatNetwork({ address: { family: 4, bytes: bytesOf(first) }, prefixBits });
      const what = word === first ? "the address of the subnet itself" : "the broadcast address of the subnet";
      return `${text} is ${what}, ${subnet} on ${link.name}: give the vip another one`;
    }
    return undefined;
  }

  /** Puts on all of them or none; what stands there already is left as it is, unless it bears our mark. @returns why not */
  put(places: readonly Place[], leaseMs: number): string | undefined {
    try {
      const refused = this.#write(places, leaseMs, NLM_F_CREATE | NLM_F_EXCL);
      const standing = places.filter((place) => refused.get(place) === EEXIST);
      if (standing.length > 0 && this.#areLeftOver(standing)) {
        for (const place of standing) refused.delete(place);
        for (const [place, number] of this.#write(standing, leaseMs, NLM_F_REPLACE)) refused.set(place, number);
      }
      for (const [{ placed, deviceName }, number] of refused) {
        this.remove(places.filter((place) => !refused.has(place)).map(({ order }) => order));
        return new SystemError(`put ${placed.text} on ${deviceName}`, number).message;
      }
      return undefined;
    } catch (error) {
      if (error instanceof SystemError) return error.message;
      throw error;
    }
  }

  /** Lengthens leases, and puts back what is gone, in one write. @returns what the kernel refused */
  lengthen<P extends Place>(places: readonly P[], leaseMs: number | undefined): ReadonlyMap<P, number> {
    return places.length === 0 ? new Map() : this.#write(places, leaseMs, NLM_F_CREATE | NLM_F_REPLACE);
  }

  /** Takes addresses off, in one write. @returns whether all of them are gone, whoever removed them */
  remove(orders: readonly AddressOrder[]): boolean {
    if (orders.length === 0) return true;
    const { requester } = this.network;
    for (const [at, order] of orders.entries()) {
      const flags = at === orders.length - 1 ? NLM_F_ACK : 0;
      writeDeleteAddress(requester.writer, order, flags, requester.sequence());
    }
    try {
      return [...requester.order().values()].every((number) => number === EADDRNOTAVAIL || number === ENODEV);
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }

  /** Addresses that bear our mark. Where the kernel keeps none: those of known vips that have a lease. */
  ours(definitions: readonly Definition[]): readonly AddressRecord[] {
    const known = new Set(
      definitions
        .flatMap((definition) => tryPlaced(definition) ?? [])
        .map(({ text, prefixBits }) => `${text}/${prefixBits}`),
    );
    const { hasMarks } = this.network;
    return this.network
      .addresses()
      .filter(({ mark, text, prefixBits, validMs }) =>
        hasMarks ? mark === MARK : validMs !== undefined && known.has(`${text}/${prefixBits}`),
      );
  }

  #write<P extends Place>(places: readonly P[], leaseMs: number | undefined, flags: number): Map<P, number> {
    const { requester } = this.network;
    const leaseS = leaseMs === undefined ? undefined : Math.max(1, Math.floor(leaseMs / 1_000));
    const numbered = new Map<number, P>();
    for (const place of places) {
      const sequence = requester.sequence();
      numbered.set(sequence, place);
      const asks = numbered.size === places.length ? flags | NLM_F_ACK : flags;
      const before = this.#written.get(place);
      const hasNoRoute = this.#hasHostsRoute(place);
      if (before !== undefined && before.leaseS === leaseS && before.hasNoRoute === hasNoRoute)
        requester.writer.again(before.message, asks, sequence);
      else {
        const start = requester.writer.length;
        writeNewAddress(requester.writer, { ...place.order, hasNoRoute }, leaseS, asks, sequence);
        this.#written.set(place, { leaseS, hasNoRoute, message: requester.writer.bytes.slice(start) });
        this.#everPut.add(place.placed.text);
      }
    }
    const refused = new Map<P, number>();
    for (const [sequence, number] of requester.order()) refused.set(numbered.get(sequence)!, number);
    return refused;
  }

  /**
   * Whether the subnet's route on that device is the host's: it has an address of its own in it. The kernel keeps one route for all IPv6 addresses of a subnet, and gives it our lease;
   * so with the lease it would end for the host as well.
   */
  #hasHostsRoute({ placed, order: { device, prefixBits } }: Place): boolean {
    const { address } = placed;
    if (address.family === 4 || prefixBits === 128) return false;
    return this.network
      .subnetsOf(device)
      .some(
        (subnet) =>
          subnet.prefixBits === prefixBits &&
          networkContains(subnet, address) &&
          (this.network.hasMarks || !this.#everPut.has(subnet.text)),
      );
  }

  /** Whether these, which are on already, are what an earlier life of ours left. */
  #areLeftOver(places: readonly Place[]): boolean {
    const ours = this.ours([]);
    return places.every(({ placed, order }) =>
      ours.some(
        ({ text, prefixBits, device }) =>
          text === placed.text && prefixBits === order.prefixBits && device === order.device,
      ),
    );
  }
}

/** To delete what was found. */
export function orderOf({ text, prefixBits, device, mark }: AddressRecord): AddressOrder {
  const address = tryAddress(text)!; // it was written by formatAddress
  return { address, prefixBits, device, mark };
}

export function isUsable(link: LinkRecord): boolean {
  return link.hasCarrier && !link.isLoopback;
}

function hasNoIpv6({ name }: LinkRecord): boolean {
  return deviceSetting(6, name, "disable_ipv6") !== 0;
}

function wordOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function bytesOf(word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

/** The kernel takes the larger of the device's and of all devices' setting. */
function promotesSecondaries(device: string): boolean {
  return [device, "all"].some((name) => deviceSetting(4, name, "promote_secondaries") === 1);
}
