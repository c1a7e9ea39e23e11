// Takes messages from a datagram socket, unix or UDP, reads each where it lies and hands it on at once.
import { hostname } from "node:os";
import { DatagramReader } from "../../linux/datagram-reader.ts";
import type { DatagramSocket } from "../../linux/datagram-socket.ts";
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
}

/** Peers whose address is kept as text; a flood of forged ones must not grow us. */
const PEERS_MAX = 4_096;

export class DatagramSource implements Readable, Disposable {
  /** Datagrams taken, and of these how many were longer than the limit. */
  received = 0;
  cut = 0;
  readonly fd: number;
  readonly #reader: DatagramReader;
  readonly #record = new RecordView();
  readonly #local: Origin;
  readonly #peers = new Map<string, Origin>();
  readonly #watch: Disposable;

  constructor(
    private readonly via: "unix" | "udp",
    private readonly socket: DatagramSocket,
    private readonly rules: ParseRules,
    private readonly clock: Clock,
    private readonly intake: Intake,
    host: string = hostname(),
  ) {
    this.fd = socket.fd;
    this.#local = origin(via, host);
    this.#record.origin = this.#local;
    this.#reader = new DatagramReader(socket.fd, rules.messageBytesMax);
    this.#watch = watchReadable(this);
  }

  get readMax(): number {
    return this.#reader.readMax;
  }

  get queueMax(): number {
    return this.socket.queueMax;
  }

  readOnce(): number {
    const reader = this.#reader;
    const count = reader.receive();
    if (count <= 0) return 0;
    const record = this.#record;
    record.receivedUs = this.clock.wallMs() * 1_000;
    for (let at = 0; at < count; at++) {
      if (this.via === "udp") {
        if (at === 0 || !reader.samePeer(at, at - 1)) record.origin = this.#peerAt(at);
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

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.socket[Symbol.dispose]();
  }

  #peerAt(at: number): Origin {
    const peer = this.#reader.peer(at);
    let known = this.#peers.get(peer);
    if (known === undefined) {
      if (this.#peers.size >= PEERS_MAX) this.#peers.clear();
      known = origin("udp", peer, peer);
      this.#peers.set(peer, known);
    }
    return known;
  }
}
