// What this host's kernel says of its network: devices, addresses that are not ours, subnets. Read once, and kept true by the kernel's notifications, which have
// been queued by the time that a system call which caused them returns: after `drain` it is as it is now.
//
// Our own addresses bear a mark (IFA_PROTO, kernels from 5.18), and the notifications of their renewals are filtered out in the kernel. An older kernel has no mark:
// there a lease on an address of a known vip is taken for one of ours.
import { readFileSync } from "node:fs";
import { type IpAddress, type IpNetwork, networkContains, tryAddress } from "../../base/ip-address.ts";
import type { NetlinkReader } from "../../linux/netlink-message.ts";
import {
  NetlinkMonitor,
  NetlinkRequester,
  RTMGRP_IPV4_ADDRESS,
  RTMGRP_IPV6_ADDRESS,
  RTMGRP_LINK,
} from "../../linux/netlink-socket.ts";
import {
  type AddressRecord,
  type LinkRecord,
  type NeighbourRecord,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_NEWADDR,
  RTM_NEWLINK,
  readAddress,
  readLink,
  readNeighbour,
} from "../../linux/rtnetlink.ts";
import { allButMarked } from "../../linux/socket-filter.ts";

/** "m": whose an address is. `ip address` shows it as `proto 109`. */
export const MARK = 109;

export interface NetworkUser {
  /** An address has gone: ours or another's. */
  addressGone(record: AddressRecord): void;
  /** Devices or subnets have changed; told at the end of a turn. */
  changed(): void;
  /** Notifications were lost; all has been read anew. */
  lost(): void;
}

export class HostNetwork implements Disposable {
  readonly requester = new NetlinkRequester();
  /** Whether the kernel keeps our mark. */
  readonly hasMarks: boolean;
  readonly #monitor: NetlinkMonitor;
  readonly #links = new Map<number, LinkRecord>();
  readonly #names = new Map<string, number>();
  /** By address: what stands on this host and bears no mark of ours. */
  readonly #addresses = new Map<string, AddressRecord[]>();
  #subnets: readonly Subnet[] | undefined;
  #hasChanged = false;

  constructor(private readonly user: NetworkUser) {
    this.hasMarks = kernelAtLeast(5, 18);
    const groups = RTMGRP_LINK | RTMGRP_IPV4_ADDRESS | RTMGRP_IPV6_ADDRESS;
    this.#monitor = new NetlinkMonitor(groups, allButMarked(MARK), {
      changed: (reader) => this.#take(reader),
      lost: () => {
        this.#readAll();
        this.user.lost();
      },
      turnEnded: () => this.#endTurn(),
    });
    this.#readAll();
  }

  /** Takes in what has changed up to now. */
  drain(): void {
    this.#monitor.drain();
  }

  link(device: number): LinkRecord | undefined {
    return this.#links.get(device);
  }

  links(): Iterable<LinkRecord> {
    return this.#links.values();
  }

  linkNamed(name: string): LinkRecord | undefined {
    const device = this.#names.get(name);
    return device === undefined ? undefined : this.#links.get(device);
  }

  /** Asks the kernel itself: a notification may be on its way. */
  readLinks(): void {
    this.#links.clear();
    this.#names.clear();
    for (const link of this.requester.dump(RTM_GETLINK, readLink)) this.#keepLink(link);
  }

  /** The device whose subnet has the address; of several the narrowest. */
  deviceFor(address: IpAddress): number | undefined {
    let best: Subnet | undefined;
    for (const subnet of this.#allSubnets())
      if ((best === undefined || subnet.prefixBits > best.prefixBits) && networkContains(subnet, address))
        best = subnet;
    return best?.device;
  }

  /** What is on the wire of a device, by each address that the host has there by itself. */
  subnetsOf(device: number): readonly Subnet[] {
    return this.#allSubnets().filter((subnet) => subnet.device === device);
  }

  /** Where the address stands already, without a mark of ours. */
  standing(text: string): readonly AddressRecord[] {
    return this.#addresses.get(text) ?? [];
  }

  /** All addresses of the host, read now. */
  addresses(): readonly AddressRecord[] {
    return this.requester.dump(RTM_GETADDR, (reader) =>
      reader.type === RTM_NEWADDR ? readAddress(reader) : undefined,
    );
  }

  neighbours(): readonly NeighbourRecord[] {
    return this.requester.dump(RTM_GETNEIGH, readNeighbour);
  }

  isOwnMac(mac: Uint8Array): boolean {
    for (const link of this.#links.values())
      if (link.mac.length === 6 && link.mac.every((byte, at) => byte === mac[at])) return true;
    return false;
  }

  [Symbol.dispose](): void {
    this.#monitor[Symbol.dispose]();
    this.requester[Symbol.dispose]();
  }

  #allSubnets(): readonly Subnet[] {
    this.#subnets ??= [...this.#addresses.values()].flat().flatMap(subnetOf);
    return this.#subnets;
  }

  #readAll(): void {
    this.readLinks();
    this.#addresses.clear();
    for (const record of this.addresses()) this.#keepAddress(record);
    this.#subnets = undefined;
    this.#hasChanged = true;
  }

  #take(reader: NetlinkReader): void {
    switch (reader.type) {
      case RTM_NEWLINK:
        this.#keepLink(readLink(reader));
        break;
      case RTM_DELLINK: {
        const { device, name } = readLink(reader);
        this.#links.delete(device);
        if (this.#names.get(name) === device) this.#names.delete(name);
        break;
      }
      case RTM_NEWADDR: {
        const record = readAddress(reader);
        if (record !== undefined) this.#keepAddress(record);
        break;
      }
      case RTM_DELADDR: {
        const record = readAddress(reader);
        if (record === undefined) return;
        this.#dropAddress(record);
        this.user.addressGone(record);
        if (record.mark === MARK) return; // no subnet of the host hangs on it
        break;
      }
      default:
        return;
    }
    this.#subnets = undefined;
    this.#hasChanged = true;
  }

  #endTurn(): void {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    this.user.changed();
  }

  #keepLink(link: LinkRecord): void {
    const before = this.#links.get(link.device);
    if (before !== undefined && before.name !== link.name) this.#names.delete(before.name);
    this.#links.set(link.device, link);
    this.#names.set(link.name, link.device);
  }

  #keepAddress(record: AddressRecord): void {
    this.#dropAddress(record);
    if (record.mark === MARK) return;
    const others = this.#addresses.get(record.text) ?? [];
    this.#addresses.set(record.text, [...others, record]);
  }

  #dropAddress({ text, device, prefixBits }: AddressRecord): void {
    const rest = (this.#addresses.get(text) ?? []).filter(
      (other) => other.device !== device || other.prefixBits !== prefixBits,
    );
    if (rest.length === 0) this.#addresses.delete(text);
    else this.#addresses.set(text, rest);
  }
}

/** A subnet that the host has an address of its own in. */
export interface Subnet extends IpNetwork {
  readonly device: number;
  /** That address. */
  readonly text: string;
}

/** What else is on the wire of a device, by an address of the host itself; an address with all its bits says nothing. */
function subnetOf({ text, prefixBits, device }: AddressRecord): readonly Subnet[] {
  const address = tryAddress(text)!; // it was written by formatAddress
  return prefixBits === 0 || prefixBits === address.bytes.length * 8 ? [] : [{ address, prefixBits, device, text }];
}

/** One of a device's settings below /proc/sys/net; `undefined` where there is none. */
export function deviceSetting(family: 4 | 6, device: string, name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv${family}/conf/${device}/${name}`, "latin1"));
  } catch {
    return undefined; // the device went, or has no such protocol
  }
}

function kernelAtLeast(major: number, minor: number): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(readFileSync("/proc/sys/kernel/osrelease", "latin1")) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}
