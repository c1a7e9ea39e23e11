// Packet sockets: Ethernet frames as they are, sent by a device and received from all. Needs CAP_NET_RAW.
import { DatagramReader } from "./datagram-reader.ts";
import { errno, libc } from "./libc.ts";
import { type Readable, watchReadable } from "./sigio.ts";
import { attachFilter } from "./socket-filter.ts";
import { checked, SystemError } from "./system-error.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
/** An Ethernet frame with an ARP packet or an advertisement and some options; what is longer is cut. */
const FRAME_BYTES_MAX = 256;

export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

/** Sends frames; receives none. */
export class PacketSender implements Disposable {
  readonly #fd = openPacketSocket();

  /** Sends one frame without waiting. `false` where the device would not take it: it is down, gone, or its queue is full. */
  send(device: number, frame: Uint8Array): boolean {
    const to = linkAddress(0, device);
    return libc().sendto(this.#fd, frame, frame.length, MSG_DONTWAIT, to, to.length) >= 0;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

/** Gets frames of one type from all devices, those that pass the filter. */
export class PacketReceiver implements Disposable, Readable {
  readonly fd = openPacketSocket();
  readonly queueMax = 64;
  readonly readMax: number;
  readonly #reader: DatagramReader;
  readonly #watch: Disposable;

  /** @param received one frame: good until it returns. It must not throw */
  constructor(
    etherType: number,
    program: Uint8Array,
    private readonly received: (device: number, bytes: Uint8Array, start: number, end: number) => void,
  ) {
    attachFilter(this.fd, program); // it is bound to nothing before that, so nothing unwanted is in its queue
    const name = linkAddress(etherType, 0);
    if (libc().bind(this.fd, name, name.length) < 0) {
      const number = errno();
      libc().close(this.fd);
      throw new SystemError("bind a packet socket", number);
    }
    this.#reader = new DatagramReader(this.fd, FRAME_BYTES_MAX);
    this.readMax = this.#reader.readMax;
    this.#watch = watchReadable(this);
  }

  filter(program: Uint8Array): void {
    attachFilter(this.fd, program);
  }

  readOnce(): number {
    const reader = this.#reader;
    const count = Math.max(0, reader.receive());
    for (let at = 0; at < count; at++) this.received(reader.device(at), reader.bytes, reader.start(at), reader.end(at));
    return count;
  }

  turnEnded(): void {}

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    libc().close(this.fd);
  }
}

function openPacketSocket(): number {
  const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  return checked(libc().socket(AF_PACKET, type, 0), "open a packet socket");
}

/** sockaddr_ll: family (2), protocol in network order (2), device (4), hardware type (2), packet type (1), length (1), address (8). */
function linkAddress(etherType: number, device: number): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes[0] = AF_PACKET;
  bytes[2] = etherType >> 8;
  bytes[3] = etherType & 255;
  new DataView(bytes.buffer).setInt32(4, device, true);
  return bytes;
}
