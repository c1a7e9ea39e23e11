// Syslog over UDP (RFC 5426): a datagram each. Nothing tells whether it has arrived; but where nobody listens, the other host's system says so a moment later.
// So the first datagrams after a failure, and at the start, are given that moment before they count as arrived; and what was sent just before a refusal is uncertain.
import { lookup } from "node:dns/promises";
import { cutAtCharacter } from "../../syslog/utf8.ts";
import { type Carrier, formatHost } from "../carrier.ts";
import { RecentTally } from "../recent-tally.ts";
import type { Shipment } from "../shipment.ts";

/** Time for a refusal to come back. */
const REFUSAL_MS = 100;
/** What every receiver should take (RFC 5426 section 3.2). */
export const DATAGRAM_BYTES_MAX = 2_048;

export interface UdpOptions {
  readonly host: string;
  readonly port: number;
  /** A longer record is cut. */
  readonly datagramBytesMax: number;
}

type UdpSocket = Bun.udp.ConnectedSocket<"buffer">;

export class UdpCarrier implements Carrier {
  readonly name: string;
  readonly #options: UdpOptions;
  readonly #recent = new RecentTally(1_000);
  #socket: UdpSocket | undefined;
  #isTrusted = false;
  /** One send at a time, so that they end in order. */
  #last: Promise<unknown> = Promise.resolve();
  #fail: (error: Error) => void = () => {};
  #failed: Promise<never> = new Promise(() => {});
  #onDrain: () => void = () => {};

  constructor(options: UdpOptions) {
    this.#options = options;
    this.name = `udp:${formatHost(options.host)}:${options.port}`;
  }

  async open(onBroken: (reason: Error) => void): Promise<void> {
    const { host, port } = this.#options;
    const { address } = await lookup(host);
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(onBroken);
    const fail = this.#fail;
    this.#isTrusted = false;
    this.#socket = await Bun.udpSocket({
      connect: { hostname: address, port },
      socket: {
        error: (error: unknown, reason?: unknown) => fail(errorOf(reason ?? error)),
        drain: () => this.#onDrain(),
      },
    });
  }

  send(shipment: Shipment): Promise<number> {
    const failed = this.#failed;
    const sent = this.#last.then(() => Promise.race([this.#sendAll(shipment), failed]));
    this.#last = sent.catch(() => {});
    return sent;
  }

  takeUncertain(): number {
    return this.#recent.take(performance.now());
  }

  close(): void {
    this.#fail(new Error("closed"));
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #sendAll(shipment: Shipment): Promise<number> {
    const socket = this.#socket;
    if (socket === undefined) throw new Error("closed");
    const datagrams = this.#datagramsOf(shipment);
    for (let sent = 0; sent < datagrams.length; ) {
      const took = socket.sendMany(sent === 0 ? datagrams : datagrams.slice(sent));
      sent += took;
      if (sent < datagrams.length)
        await new Promise<void>((resolve) => {
          this.#onDrain = resolve;
        });
    }
    if (!this.#isTrusted) await new Promise((resolve) => setTimeout(resolve, REFUSAL_MS));
    this.#isTrusted = true;
    this.#recent.add(performance.now(), shipment.records);
    return 0;
  }

  #datagramsOf(shipment: Shipment): Uint8Array[] {
    const datagrams: Uint8Array[] = [];
    let start = 0;
    for (let index = 0; index < shipment.records; index++) {
      const end = shipment.ends[index]!;
      const limit = start + this.#options.datagramBytesMax;
      datagrams.push(shipment.bytes.subarray(start, end > limit ? cutAtCharacter(shipment.bytes, start, limit) : end));
      start = end;
    }
    return datagrams;
  }
}

/** Bun's types say that the handler gets the socket first; Bun 1.4.5 gives the error alone. */
function errorOf(given: unknown): Error {
  return given instanceof Error ? given : new Error(String(given));
}
