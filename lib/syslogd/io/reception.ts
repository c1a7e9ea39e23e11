// What the connections of one listener have in common: the view their messages are read into, the counts, and the bounds on what they may keep.
//
// A connection keeps memory only for a message that has begun and not ended, and no more than one message is long. All of a listener's connections together
// are bounded too: the one that goes over it is closed, and what it had sent so far is given as a message that was cut.

import type { IpNetwork } from "../../base/ip-address.ts";
import type { Clock } from "../../run/clock.ts";
import { type Framing, MessageReader, type ReaderState } from "../../syslog/framing.ts";
import { parseMessage } from "../../syslog/parse.ts";
import type { ParseRules } from "../../syslog/parse-rules.ts";
import { MARK_CUT, type Origin, RecordView } from "../../syslog/record.ts";
import { Refusals } from "../refusals.ts";
import type { Intake } from "./datagram-source.ts";
import type { FlowGate } from "./flow-gate.ts";

/** Of unfinished messages, for all connections of a listener. */
const UNFINISHED_BYTES_MAX = 16 * 1_048_576;

export interface ReceptionOptions {
  /** For the operator: "tcp:0.0.0.0:601". */
  readonly name: string;
  readonly framing: Framing;
  readonly rules: ParseRules;
  readonly connectionsMax: number;
  /** The networks that it takes connections from; none: all. */
  readonly allow: readonly IpNetwork[];
  readonly clock: Clock;
  readonly intake: Intake;
  /** Shared by all listeners. */
  readonly gate: FlowGate;
  readonly say: (severity: "warning" | "notice", text: string) => void;
}

export class Reception {
  received = 0;
  receivedBytes = 0;
  /** Of these, how many were longer than the limit. */
  cut = 0;
  /** Of these, how many ended in their midst, since their connection did. */
  unfinished = 0;
  connections = 0;
  readonly refusals = new Refusals();
  readonly record = new RecordView();
  unfinishedBytes = 0;
  #isTurnOpen = false;
  readonly #endTurn = (): void => {
    this.#isTurnOpen = false;
    this.options.intake.turnEnded();
  };

  constructor(public options: ReceptionOptions) {}

  /** Goes on in another way: what has begun in the old framing ends in it. */
  change(more: Partial<ReceptionOptions>): void {
    this.options = { ...this.options, ...more };
  }

  get isFull(): boolean {
    return this.connections >= this.options.connectionsMax;
  }

  /** The messages of one connection; it counts until it has ended. */
  open(origin: Origin, pid = -1, uid = -1, reader?: ReaderState): Conversation {
    this.connections += 1;
    return new Conversation(this, origin, pid, uid, reader);
  }

  /** Somebody was turned away. */
  refuse(who: string, why: string): void {
    this.#tell(this.refusals.add(`${this.options.name}: refused ${who}: ${why}`, this.options.clock.monotonicMs()));
  }

  /** What was refused lately and not told yet; asked now and then, and at the end: Infinity. */
  tellRefusals(nowMs: number = this.options.clock.monotonicMs()): void {
    this.#tell(this.refusals.pending(nowMs));
  }

  /** At the end of this turn of the event loop the sinks may send what they were given: once for all connections that had something. */
  openTurn(): void {
    if (this.#isTurnOpen) return;
    this.#isTurnOpen = true;
    setImmediate(this.#endTurn);
  }

  #tell(line: string | undefined): void {
    if (line !== undefined) this.options.say("warning", line);
  }
}

/** One connection's messages. */
export class Conversation {
  readonly #reader: MessageReader;
  #heldBytes = 0;
  #hasEnded = false;

  constructor(
    private readonly reception: Reception,
    readonly origin: Origin,
    readonly pid: number,
    readonly uid: number,
    reader?: ReaderState,
  ) {
    const { framing, rules } = reception.options;
    this.#reader = new MessageReader(framing, rules.messageBytesMax, reader);
    this.#heldBytes = this.#reader.heldBytes;
    reception.unfinishedBytes += this.#heldBytes;
  }

  /** Where it is in its messages, for another process to go on. */
  get reader(): ReaderState {
    return this.#reader.state;
  }

  /** Takes what was read. False where there is no room for what this connection leaves unfinished: then it has to be closed. */
  take(chunk: Uint8Array): boolean {
    if (this.#hasEnded) return false;
    const { reception } = this;
    const reader = this.#reader;
    const { intake } = reception.options;
    const { length } = chunk;
    this.#aboutToTake();
    reception.receivedBytes += length;
    reader.push(chunk);
    while (reader.next()) {
      this.#read();
      if (reader.isCut) reception.cut += 1;
      intake.take(reception.record);
    }
    reception.unfinishedBytes += reader.heldBytes - this.#heldBytes;
    this.#heldBytes = reader.heldBytes;
    reception.openTurn();
    reception.options.gate.took(length);
    if (reception.unfinishedBytes <= UNFINISHED_BYTES_MAX) return true;
    reception.refuse(
      this.origin.peer || "a connection",
      "its message has no end, and all connections together may keep no more",
    );
    this.end();
    return false;
  }

  /** It was closed: what it left unfinished is a message too. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { reception } = this;
    reception.connections -= 1;
    reception.unfinishedBytes -= this.#heldBytes;
    this.#aboutToTake();
    if (!this.#reader.finish()) return;
    this.#read();
    if (this.#reader.isCut) reception.unfinished += 1;
    reception.options.intake.take(reception.record);
    reception.openTurn();
  }

  #aboutToTake(): void {
    const { record, options } = this.reception;
    record.origin = this.origin;
    record.pid = this.pid;
    record.uid = this.uid;
    record.receivedUs = options.clock.wallMs() * 1_000;
  }

  #read(): void {
    const { reception } = this;
    const reader = this.#reader;
    parseMessage(reception.record, reader.bytes, reader.start, reader.end, reception.options.rules);
    reception.received += 1;
    if (reader.isCut) reception.record.mark(MARK_CUT);
  }
}
