// What others say on the wire about our addresses: claims to one that we hold, and answers to our probes. The kernel passes on only frames about the addresses
// that are watched.
import { formatAddress } from "../../base/ip-address.ts";
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, PacketReceiver, type PacketSender } from "../../linux/packet-socket.ts";
import { advertisementsOf, arpFrom } from "../../linux/socket-filter.ts";
import { arpProbe, type Claim, tryArpClaim } from "../arp.ts";
import type { Claimant } from "../claim-book.ts";
import { formatMac, type Mac } from "../mac.ts";
import { solicitationProbe, tryAdvertisement } from "../neighbour-discovery.ts";
import type { HostNetwork } from "./host-network.ts";

/** How long a probe waits after each time it asked: on the wire an answer takes less than a millisecond, and a vip may wait for this uncovered. */
const PATIENCE_MS = [25, 35, 40];

/** Somebody else says that an address is theirs. */
export interface ForeignClaim {
  readonly address: string;
  readonly device: number;
  readonly mac: Mac;
  readonly by: "arp" | "nd";
}

/** What to ask for, and where. */
export interface Question {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly device: number;
}

export class WireWatch implements Disposable {
  #arp: PacketReceiver | undefined;
  #nd: PacketReceiver | undefined;
  readonly #asked = new Map<string, Set<(mac: Mac) => void>>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /** @param claimed told of every claim by somebody else; in no order of importance, and as often as it is made */
  constructor(
    private readonly network: HostNetwork,
    private readonly sender: PacketSender,
    private readonly claimed: (claim: ForeignClaim) => void,
  ) {}

  /** The addresses that count from now on. */
  watch(addresses: readonly Uint8Array[]): void {
    const four = addresses.filter((bytes) => bytes.length === 4);
    const six = addresses.filter((bytes) => bytes.length === 16);
    if (this.#arp !== undefined) this.#arp.filter(arpFrom(four));
    else if (four.length > 0) this.#arp = this.#receiver(ETHERTYPE_ARP, arpFrom(four), "arp", tryArpClaim);
    if (this.#nd !== undefined) this.#nd.filter(advertisementsOf(six));
    else if (six.length > 0) this.#nd = this.#receiver(ETHERTYPE_IPV6, advertisementsOf(six), "nd", tryAdvertisement);
  }

  /** Asks whether somebody has one of these addresses, which must be among the watched. Ends early with the first answer. */
  async probe(questions: readonly Question[]): Promise<boolean> {
    let isAnswered = false;
    await this.#inquire(questions, () => (isAnswered = true));
    return isAnswered;
  }

  /** Who has them: all who answer in the time of a probe, each by its MAC once for an address. They must be among the watched. */
  async claimants(questions: readonly Question[]): Promise<readonly Claimant[]> {
    const found = new Map<string, Claimant>();
    await this.#inquire(questions, (address, mac) => {
      const text = formatMac(mac);
      found.set(`${address} ${text}`, { address, mac: text });
      return false;
    });
    return [...found.values()];
  }

  /** @param hears an answer. @returns whether that is enough */
  #inquire(questions: readonly Question[], hears: (text: string, mac: Mac) => boolean): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isOver = false;
      const listeners = new Map(
        questions.map(({ text }) => [
          text,
          (mac: Mac): void => {
            if (!isOver && hears(text, mac)) end();
          },
        ]),
      );
      const end = (): void => {
        isOver = true;
        if (timer !== undefined) this.#clear(timer);
        for (const [text, answered] of listeners) {
          const waiting = this.#asked.get(text);
          waiting?.delete(answered);
          if (waiting?.size === 0) this.#asked.delete(text);
        }
        resolve();
      };
      for (const [text, answered] of listeners) {
        const waiting = this.#asked.get(text) ?? new Set();
        this.#asked.set(text, waiting.add(answered));
      }
      // Each wait counts from when it was asked: where this process is held up, so are all that follow.
      const ask = (nth: number): void => {
        const patienceMs = PATIENCE_MS[nth];
        // Timers are looked at before sockets: the answer may be there.
        this.#read();
        if (isOver) return;
        if (patienceMs === undefined) {
          end();
          return;
        }
        this.ask(questions);
        timer = this.#after(patienceMs, () => ask(nth + 1));
      };
      ask(0);
    });
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#arp?.[Symbol.dispose]();
    this.#nd?.[Symbol.dispose]();
  }

  #read(): void {
    for (const receiver of [this.#arp, this.#nd]) receiver?.readOnce();
  }

  /** Sends the questions; answers come as claims. Costs a system call for each. */
  ask(questions: readonly Question[]): void {
    for (const { bytes, device } of questions) {
      const mac = this.network.link(device)?.mac;
      if (mac?.length !== 6) continue;
      this.sender.send(device, bytes.length === 4 ? arpProbe(mac, bytes) : solicitationProbe(mac, bytes));
    }
  }

  #receiver(
    etherType: number,
    program: Uint8Array,
    by: "arp" | "nd",
    read: (bytes: Uint8Array, start: number, end: number) => Claim | undefined,
  ): PacketReceiver {
    return new PacketReceiver(etherType, program, (device, bytes, start, end) => {
      const claim = read(bytes, start, end);
      if (claim === undefined || this.network.isOwnMac(claim.mac)) return;
      const text = formatAddress({ family: by === "arp" ? 4 : 6, bytes: claim.address });
      for (const answered of this.#asked.get(text) ?? []) answered(claim.mac);
      this.claimed({ address: text, device, mac: claim.mac, by });
    });
  }

  #after(ms: number, happening: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      happening();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #clear(timer: ReturnType<typeof setTimeout>): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}
