// Tells the network where an address is now. By broadcast in the forms that clients believe (arp.ts), at once, after 1.1 s, when clients that had just confirmed the
// old holder listen again, and a few times more; and in person to those the operator named, to the neighbours of all hosts, and to networks one address after
// the other, with a bound on frames a second.
import { formatAddress, type IpNetwork, tryAddress } from "../../base/ip-address.ts";
import type { PacketSender } from "../../linux/packet-socket.ts";
import { arpQuestion, gratuitousReply, gratuitousRequest } from "../arp.ts";
import type { VipId } from "../definition.ts";
import { type Mac, tryMac } from "../mac.ts";
import { advertisement, solicitation } from "../neighbour-discovery.ts";
import type { NeighbourPool } from "../neighbours.ts";
import { deviceSetting, type HostNetwork } from "./host-network.ts";

/** After the first one. */
const AGAIN_MS = [1_100, 2_500, 5_000, 10_000];
/** How many times everybody is told in person. */
const PERSONAL_ROUNDS = 2;
/** Between two packets, or handfuls of them, to those who are told in person. */
const PACE_MS = 20;
/** Of a network, so many addresses at most: a /64 has no end. */
const NETWORK_ADDRESSES_MAX = 65_536;

/** An address where it is. */
export interface Announced {
  readonly bytes: Uint8Array;
  readonly device: number;
  readonly deviceName: string;
}

interface Announcement {
  readonly addresses: readonly Announced[];
  round: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Those to be told in person who have not been yet. */
  personal: Iterator<() => void> | undefined;
}

export interface AnnouncerOptions {
  readonly notify: readonly IpNetwork[];
  readonly notifyPerSecond: number;
}

export class Announcer implements Disposable {
  readonly #running = new Map<VipId, Announcement>();
  #pace: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly options: AnnouncerOptions,
    private readonly network: HostNetwork,
    private readonly sender: PacketSender,
    private readonly pool: NeighbourPool,
    /** Asked directly before each packet: a process that was stopped finds its timers late, and others hold by then what it is about to claim. */
    private readonly isStillOurs: (vip: VipId) => boolean,
  ) {}

  start(vip: VipId, addresses: readonly Announced[]): void {
    this.stop(vip);
    const announcement: Announcement = { addresses, round: 0, timer: undefined, personal: undefined };
    this.#running.set(vip, announcement);
    this.#tell(vip, announcement);
  }

  stop(vip: VipId): void {
    const announcement = this.#running.get(vip);
    if (announcement === undefined) return;
    clearTimeout(announcement.timer);
    this.#running.delete(vip);
  }

  /** To all, once, beside whatever goes on. */
  once(addresses: readonly Announced[]): void {
    for (const address of addresses) this.#broadcast(address);
  }

  [Symbol.dispose](): void {
    for (const vip of [...this.#running.keys()]) this.stop(vip);
    clearInterval(this.#pace);
  }

  #tell(vip: VipId, announcement: Announcement): void {
    if (this.isStillOurs(vip)) for (const address of announcement.addresses) this.#broadcast(address);
    if (announcement.round < PERSONAL_ROUNDS) {
      announcement.personal = this.#personal(announcement.addresses);
      this.#pace ??= setInterval(() => this.#tellPersons(), this.#paceMs);
    }
    const dueMs = AGAIN_MS[announcement.round++];
    if (dueMs === undefined) return; // what is left to be told in person goes on
    const beforeMs = AGAIN_MS[announcement.round - 2] ?? 0;
    announcement.timer = setTimeout(() => this.#tell(vip, announcement), dueMs - beforeMs);
  }

  #broadcast({ bytes, device, deviceName }: Announced): void {
    const mac = this.#mac(device);
    if (mac === undefined) return;
    if (bytes.length === 4) {
      this.sender.send(device, gratuitousRequest(mac, bytes));
      this.sender.send(device, gratuitousReply(mac, bytes));
    } else this.sender.send(device, advertisement(mac, bytes, isRouter(deviceName)));
  }

  /** One step each: everybody who may be told in person, for each address that is on their wire. */
  *#personal(addresses: readonly Announced[]): Generator<() => void> {
    const known = new Map(this.pool.all().map(({ address, mac }) => [address, mac]));
    for (const network of this.options.notify)
      for (const text of addressesOf(network)) if (!known.has(text)) known.set(text, "");
    for (const [text, mac] of known)
      for (const address of addresses) yield () => this.#tellOne(address, text, tryMac(mac));
  }

  #tellOne({ bytes, device, deviceName }: Announced, text: string, toMac: Mac | undefined): void {
    const to = tryAddress(text);
    const mac = this.#mac(device);
    if (to === undefined || mac === undefined || to.bytes.length !== bytes.length) return;
    if (this.network.deviceFor(to) !== device) return;
    if (bytes.length === 4)
      this.sender.send(
        device,
        toMac === undefined ? arpQuestion(mac, bytes, to.bytes) : gratuitousRequest(mac, bytes, toMac),
      );
    else
      this.sender.send(
        device,
        toMac === undefined
          ? solicitation(mac, bytes, to.bytes)
          : advertisement(mac, bytes, isRouter(deviceName), { mac: toMac, address: to.bytes }),
      );
  }

  /** A rate that is lower than one packet in `PACE_MS` is one packet in a longer time. */
  get #paceMs(): number {
    return Math.max(PACE_MS, 1_000 / this.options.notifyPerSecond);
  }

  #tellPersons(): void {
    let left = Math.max(1, Math.floor((this.options.notifyPerSecond * this.#paceMs) / 1_000));
    for (let isAnybodyLeft = true; left > 0 && isAnybodyLeft; ) {
      isAnybodyLeft = false;
      for (const [vip, announcement] of this.#running) {
        if (!this.isStillOurs(vip)) announcement.personal = undefined;
        const next = announcement.personal?.next();
        if (next === undefined) continue;
        if (next.done === true) announcement.personal = undefined;
        else {
          isAnybodyLeft = true;
          next.value();
          if (--left <= 0) return;
        }
      }
    }
    if (left <= 0) return;
    clearInterval(this.#pace);
    this.#pace = undefined;
  }

  #mac(device: number): Mac | undefined {
    const link = this.network.link(device);
    return link === undefined || link.isNoArp || link.mac.length !== 6 ? undefined : link.mac;
  }
}

function isRouter(deviceName: string): boolean {
  return deviceSetting(6, deviceName, "forwarding") === 1;
}

/** The addresses of a network, without its first and last where it is one of IPv4 with more than two. */
function* addressesOf({ address, prefixBits }: IpNetwork): Generator<string> {
  const hostBits = address.bytes.length * 8 - prefixBits;
  const count = hostBits >= 16 ? NETWORK_ADDRESSES_MAX : 2 ** hostBits;
  const hasEnds = address.family === 4 && hostBits > 1;
  const bytes = address.bytes.slice();
  for (let nth = 0; nth < count; nth++) {
    if (!(hasEnds && (nth === 0 || nth === 2 ** hostBits - 1))) yield formatAddress({ family: address.family, bytes });
    for (let at = bytes.length - 1; at >= 0; at--) {
      bytes[at] = (bytes[at]! + 1) & 255;
      if (bytes[at] !== 0) break;
    }
  }
}
