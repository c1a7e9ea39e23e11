// Takes messages from a datagram socket, unix or UDP, reads each where it lies and hands it on at once.
import { hostname } from "node:os";
import { DatagramReader } from "../../linux/datagram-reader.ts";
import { type DatagramSocket, droppedDatagrams } from "../../linux/datagram-socket.ts";
import { libc } from "../../linux/libc.ts";
import { type Readable, watchReadable } from "../../linux/sigio.ts";
import type { Clock } from "../../run/clock.ts";
import { parseMessage } from "../../syslog/parse.ts";
import type { ParseRules } from "../../syslog/parse-rules.ts";
import { MARK_CUT, type Origin, origin, RecordView } from "../../syslog/record.ts";

/** Where records go. */
export interface Intake {
  /** One record; good until this returns. Never throws. */
  take(record: RecordView): void;
  /** A turn has ended. */
  turnEnded(): void;
  /** A sink that works is slower than what comes in. */
  readonly isBehind: boolean;
  /** A sink will have room in a moment (`KEEPS_UP_MS`): everybody waits, since that is shorter than what programs wait for a busy processor. */
  readonly isPressed: boolean;
  /** A sink's queue is filling up: "yes"; "fails" where only of sinks that fail, which may never have room again. Asked by a pipe: everybody else goes on. */
  readonly isCrowded: "no" | "yes" | "fails";
  /** A sink has on the disk what it took before it takes more, and has not yet: everybody waits, programs that log too. */
  readonly isUnsettled: boolean;
}

const SHUT_RD = 0;

/** Who may send, by address. */
export interface Door {
  admits(peer: string): boolean;
  /** A message of a peer that is not admitted was thrown away. */
  refused(peer: string): void;
}

const OPEN_DOOR: Door = { admits: () => true, refused: () => {} };

/** Peers whose address is kept as text; a flood of forged ones must not grow us. */
const PEERS_MAX = 4_096;

export class DatagramSource implements Readable, Disposable {
  /** Datagrams taken, and of these how many were longer than the limit. */
  received = 0;
  cut = 0;
  /** What the kernel had thrown away before this was counted. */
  readonly #droppedBefore: number;
  readonly fd: number;
  #reader: DatagramReader;
  readonly #record = new RecordView();
  readonly #local: Origin;
  /** By address; `undefined`: not admitted. */
  readonly #peers = new Map<string, Origin | undefined>();
  readonly #watch: Disposable;

  constructor(
    private readonly via: "unix" | "udp",
    private readonly socket: DatagramSocket,
    private rules: ParseRules,
    private readonly clock: Clock,
    private readonly intake: Intake,
    host: string = hostname(),
    private door: Door = OPEN_DOOR,
    droppedBefore?: number,
  ) {
    this.#droppedBefore = droppedBefore ?? droppedDatagrams(socket.fd);
    this.fd = socket.fd;
    this.#local = origin(via, host);
    this.#record.origin = this.#local;
    this.#reader = new DatagramReader(socket.fd, rules.messageBytesMax);
    this.#watch = watchReadable(this);
  }

  /** Datagrams that the kernel threw away before they were read: on a unix socket none, senders wait there. */
  get missed(): number {
    return this.dropped - this.#droppedBefore;
  }

  /** The same, since the socket was made. */
  get dropped(): number {
    return droppedDatagrams(this.fd);
  }

  get readMax(): number {
    return this.#reader.readMax;
  }

  get queueMax(): number {
    return this.socket.queueMax;
  }

  get isHeld(): boolean {
    return this.intake.isUnsettled || this.intake.isPressed;
  }

  readOnce(): number {
    const reader = this.#reader;
    const count = reader.receive();
    if (count <= 0) return 0;
    const record = this.#record;
    record.receivedUs = this.clock.wallMs() * 1_000;
    let peer: Origin | undefined = this.#local;
    for (let at = 0; at < count; at++) {
      if (this.via === "udp") {
        if (at === 0 || !reader.samePeer(at, at - 1)) peer = this.#peerAt(at);
        if (peer === undefined) {
          this.door.refused(reader.peer(at));
          continue;
        }
        record.origin = peer;
      } else {
        record.pid = reader.pid(at);
        record.uid = reader.uid(at);
      }
      parseMessage(record, reader.bytes, reader.start(at), reader.end(at), this.rules);
      if (reader.isCut(at)) {
        record.mark(MARK_CUT);
        this.cut += 1;
      }
      this.intake.take(record);
    }
    this.received += count;
    return count;
  }

  turnEnded(): void {
    this.intake.turnEnded();
  }

  /** Goes on with other rules, and lets others in. */
  change(rules: ParseRules, door: Door = OPEN_DOOR): void {
    if (rules.messageBytesMax !== this.rules.messageBytesMax)
      this.#reader = new DatagramReader(this.fd, rules.messageBytesMax);
    this.rules = rules;
    this.door = door;
    this.#peers.clear();
  }

  /** Reads no more: what is sent from now on waits in the kernel, for another process. */
  pause(): void {
    this.#watch[Symbol.dispose]();
  }

  /** Senders are told from now on that nobody listens; what they sent before can still be read. Not for a socket that others hold too. */
  refuseMore(): void {
    libc().shutdown(this.fd, SHUT_RD);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.socket[Symbol.dispose]();
  }

  /** `undefined` where it is not admitted. */
  #peerAt(at: number): Origin | undefined {
    const peer = this.#reader.peer(at);
    if (this.#peers.has(peer)) return this.#peers.get(peer);
    if (this.#peers.size >= PEERS_MAX) this.#peers.clear();
    const known = this.door.admits(peer) ? origin("udp", peer, peer) : undefined;
    this.#peers.set(peer, known);
    return known;
  }
}
