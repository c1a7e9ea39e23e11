// rtnetlink sockets: one to ask and to order, one that is told of changes.
//
// The kernel carries out an order inside of the system call that sends it, and has put its answer into the socket's queue when the call returns. So all of this is
// synchronous, costs some 10 us an order, and no answer is ever waited for.
import { address, errno, libc } from "./libc.ts";
import {
  NetlinkReader,
  NetlinkWriter,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./netlink-message.ts";
import { writeDump } from "./rtnetlink.ts";
import { type Readable, watchReadable } from "./sigio.ts";
import { attachFilter } from "./socket-filter.ts";
import { checked, EINTR, ENOBUFS, SystemError } from "./system-error.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
/** The kernel's parts of a dump are at most 32 KiB. */
const RECEIVE_BYTES = 65_536;
/** A dump that is disturbed by changes time and again is taken as it is. */
const DUMP_TRIES = 3;

export const RTMGRP_LINK = 0x1;
export const RTMGRP_IPV4_ADDRESS = 0x10;
export const RTMGRP_IPV6_ADDRESS = 0x100;

const KERNEL = Uint8Array.of(AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** Orders of one write. Each is numbered by `sequence`; that number tells whose an error is. */
export class NetlinkRequester implements Disposable {
  readonly writer = new NetlinkWriter();
  readonly #reader = new NetlinkReader();
  readonly #bytes = new Uint8Array(RECEIVE_BYTES);
  readonly #fd: number;
  #sequence = 0;

  constructor() {
    this.#fd = openNetlink(0, 1_048_576);
  }

  /** The number of the next message that is written. */
  sequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /**
   * Sends what was written since the last time, as one write. The last message has to ask for an answer (NLM_F_ACK); a refusal is told in any case.
   * @returns the `errno` of each message that was refused, by its number
   * @throws {SystemError} the write itself was refused: nothing was done
   */
  order(): ReadonlyMap<number, number> {
    const last = this.#sequence;
    const refused = new Map<number, number>();
    this.#send();
    this.#receive((reader) => {
      if (reader.type !== NLMSG_ERROR) return false;
      const number = -reader.i32(0);
      if (number !== 0) refused.set(reader.sequence, number);
      return reader.sequence === last;
    });
    return refused;
  }

  /** Asks for all of a kind (RTM_GETADDR and the like), and gives what `read` makes of each part of the answer. */
  dump<T>(type: number, read: (reader: NetlinkReader) => T | undefined): readonly T[] {
    for (let tries = 1; ; tries++) {
      const found: T[] = [];
      let isDisturbed = false;
      let error = 0;
      this.writer.clear();
      const sequence = this.sequence();
      writeDump(this.writer, type, NLM_F_DUMP, sequence);
      this.#send();
      this.#receive((reader) => {
        if (reader.sequence !== sequence) return false;
        if ((reader.flags & NLM_F_DUMP_INTR) !== 0) isDisturbed = true;
        if (reader.type === NLMSG_ERROR) error = -reader.i32(0);
        if (reader.type === NLMSG_DONE || reader.type === NLMSG_ERROR) return true;
        const one = read(reader);
        if (one !== undefined) found.push(one);
        return false;
      });
      if (error !== 0) throw new SystemError("read the kernel's network tables", error);
      if (!isDisturbed || tries >= DUMP_TRIES) return found;
    }
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }

  #send(): void {
    const { bytes } = this.writer;
    // Whatever an order that went wrong may have left in the queue is none of the next one's answers.
    while (libc().recv(this.#fd, this.#bytes, RECEIVE_BYTES, MSG_DONTWAIT) > 0);
    const sent = libc().sendto(this.#fd, bytes, bytes.length, 0, KERNEL, KERNEL.length);
    this.writer.clear();
    checked(Number(sent), "ask the kernel by netlink");
  }

  /** Reads answers until `take` says that this was the last. All are there already, but for the later parts of a dump, which reading makes. */
  #receive(take: (reader: NetlinkReader) => boolean): void {
    for (;;) {
      const length = Number(libc().recv(this.#fd, this.#bytes, RECEIVE_BYTES, MSG_DONTWAIT | MSG_TRUNC));
      if (length < 0) {
        const number = errno();
        if (number === EINTR) continue;
        throw new SystemError("read the kernel's answer by netlink", number);
      }
      if (length === 0) return;
      const reader = this.#reader;
      reader.open(this.#bytes, 0, Math.min(length, RECEIVE_BYTES));
      let isLast = false;
      while (!isLast && reader.next()) isLast = take(reader);
      if (isLast) return;
    }
  }
}

/** What is told of changes. */
export interface NetlinkListener {
  /** One message: RTM_NEWLINK and the like. Copy what is kept. */
  changed(reader: NetlinkReader): void;
  /** The queue ran over, so changes are missing: ask for everything anew. */
  lost(): void;
  /** A turn of reading has ended. */
  turnEnded(): void;
}

/** Tells of changes, woken by the kernel. */
export class NetlinkMonitor implements Disposable, Readable {
  readonly fd: number;
  readonly readMax = 1;
  readonly queueMax = 4_096;
  readonly #reader = new NetlinkReader();
  readonly #bytes = new Uint8Array(RECEIVE_BYTES);
  readonly #listener: NetlinkListener;
  readonly #watch: Disposable;

  /**
   * @param groups  RTMGRP_… of what to be told
   * @param program what of it is not wanted: `allButMarked`
   */
  constructor(groups: number, program: Uint8Array, listener: NetlinkListener) {
    this.#listener = listener;
    this.fd = openNetlink(groups, 4 * 1_048_576);
    attachFilter(this.fd, program);
    this.#watch = watchReadable(this);
  }

  /** Reads all that is there now: what happened before this call has been told when it returns. */
  drain(): void {
    while (this.readOnce() > 0);
  }

  readOnce(): number {
    const length = Number(libc().recv(this.fd, this.#bytes, RECEIVE_BYTES, MSG_DONTWAIT));
    if (length < 0) {
      const number = errno();
      if (number === ENOBUFS) this.#listener.lost();
      return number === ENOBUFS || number === EINTR ? 1 : 0;
    }
    this.#reader.open(this.#bytes, 0, length);
    while (this.#reader.next()) this.#listener.changed(this.#reader);
    return length > 0 ? 1 : 0;
  }

  turnEnded(): void {
    this.#listener.turnEnded();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    libc().close(this.fd);
  }
}

function openNetlink(groups: number, receiveBytes: number): number {
  const fd = checked(
    libc().socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE),
    "open a netlink socket",
  );
  const size = new Int32Array([receiveBytes]);
  if (libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) < 0)
    libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
  const name = new Uint8Array(12);
  name[0] = AF_NETLINK;
  new DataView(name.buffer).setUint32(8, groups, true);
  if (libc().bind(fd, address(name), name.length) < 0) {
    const number = errno();
    libc().close(fd);
    throw new SystemError("bind a netlink socket", number);
  }
  return fd;
}
