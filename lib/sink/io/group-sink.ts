// Sends records to Spread groups, in batches, and knows what has arrived.
//
// take   a record gets the next number of its group, and a place in the ring. Where the ring is full the number is gone and the record lost: whoever reads
//        the group sees the gap, and we count it.
// pump   while there is a connection and the window is open, what waits goes out in batches; behind them, before long, a mark (lib/feed/mark.ts). When the
//        mark comes back all before it is delivered, and its place in the ring is free.
// lost   what no mark has confirmed waits again, with the numbers it has, and goes out again when there is a connection: flagged, so that readers know that
//        some of it may come twice.
//
// An idle sink sends at once. A busy one waits a few milliseconds for more, or for a batch's worth.

import { BATCH_MESSAGE_TYPE } from "../../feed/batch.ts";
import { MARK_MESSAGE_TYPE, tryMark, writeMark } from "../../feed/mark.ts";
import type { FrameView } from "../../spread/frame.ts";
import { openSession, type Session, type SessionOptions } from "../../spread/index.ts";
import { COPIED_BODY_BYTES_MAX } from "../../spread/outbox.ts";
import { groupName } from "../../syslog/group-name.ts";
import { NameCache, NameTemplate } from "../../syslog/name-template.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Template } from "../../syslog/template.ts";
import { Batcher, GATHER_BYTES, type Loan } from "../batcher.ts";
import { GroupBook, type GroupEntry } from "../group-book.ts";
import { RecordRing, type Mark as RingMark } from "../record-ring.ts";
import { RecordWriter } from "../record-writer.ts";
import { LINGER_MS, type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";

/** What may be sent and not confirmed: enough for the fastest daemon. */
const WINDOW_BYTES = 1_048_576;
/** A mark follows what it confirms after this long, so that a trickle of records is not doubled by marks; or once so much of the window is used. */
const MARK_AFTER_MS = 20;
const MARK_AFTER_BYTES = WINDOW_BYTES / 4;
/** Groups that records may go to: a group is never forgotten, so that it never begins to count anew. */
const GROUPS_MAX = 10_000;

export interface GroupSinkOptions {
  readonly session: SessionOptions;
  /** This host, as it stands in batches. */
  readonly host: string;
  /** This life of the daemon: no other on this host has the same. */
  readonly incarnation: string;
  readonly queueBytesMax: number;
  readonly onEvent: (event: SinkEvent) => void;
}

/** A mark on its way, and what its return sets free. */
interface Confirmation {
  readonly number: number;
  readonly upTo: RingMark;
  readonly loan: Loan;
}

export class GroupSink implements Sink {
  readonly name = "group:*";
  readonly counters = new SinkCounters();
  readonly #options: GroupSinkOptions;
  readonly #session: Session;
  readonly #ring: RecordRing;
  readonly #book = new GroupBook(GROUPS_MAX);
  readonly #batcher: Batcher;
  readonly #writer = new RecordWriter();
  #confirmation: Confirmation | undefined;
  #marks = 0;
  /** Connections lost: a mark of an earlier one confirms nothing. */
  #epoch = 0;
  #pumpTimer: ReturnType<typeof setTimeout> | undefined;
  #markTimer: ReturnType<typeof setTimeout> | undefined;
  #lastPumpMs = Number.NEGATIVE_INFINITY;
  #failingSinceMs: number | undefined;
  /** Of `counters.lost`, what has been told. */
  #toldLost = 0;
  #isClosed = false;
  #onEmpty: () => void = () => {};

  constructor(options: GroupSinkOptions) {
    this.#options = options;
    this.#ring = new RecordRing(options.queueBytesMax);
    this.#batcher = new Batcher(options.host, options.incarnation, this.#book, this.#ring, COPIED_BODY_BYTES_MAX);
    this.#session = openSession({
      ...options.session,
      membership: false,
      unsent: "drop", // what is not confirmed is kept here
      unsentBytes: 2 * WINDOW_BYTES, // never reached
      onFrame: (frame) => this.#onFrame(frame),
    });
    void this.#follow();
  }

  /** Where records of a rule go: each to the group that the template makes of it. */
  outlet(template: Template): Outlet {
    const groups = new NameCache<GroupEntry | undefined>(new NameTemplate(template, "group"), GROUPS_MAX, (name) =>
      this.#book.entry(groupName(name)),
    );
    return { take: (record) => this.#take(groups.get(record), record) };
  }

  get waiting(): number {
    return this.#ring.waiting + this.#ring.unconfirmed;
  }

  flush(): void {
    if (this.#pumpTimer !== undefined || this.#ring.waiting === 0) return;
    const restMs = this.#lastPumpMs + LINGER_MS - performance.now();
    if (restMs > 0 && this.#ring.waitingBytes < GATHER_BYTES) this.#pumpTimer = setTimeout(this.#pump, restMs);
    else this.#pump();
  }

  /** Nothing of it can be moved away. */
  reopen(): void {}

  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    this.#pump();
    if (this.waiting > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.counters.lost += this.waiting;
    this.#ring.clear();
    clearTimeout(this.#pumpTimer);
    clearTimeout(this.#markTimer);
    await this.#session.close();
  }

  #take(group: GroupEntry | undefined, record: RecordView): void {
    this.counters.accepted += 1;
    if (group === undefined || this.#isClosed) {
      this.counters.lost += 1;
      return;
    }
    const length = this.#writer.write(record);
    const number = group.next;
    group.next += 1;
    if (!this.#ring.push(group.index, number, this.#writer.bytes, 0, length)) this.counters.lost += 1;
  }

  readonly #pump = (): void => {
    clearTimeout(this.#pumpTimer);
    this.#pumpTimer = undefined;
    if (this.#session.state.at !== "connected") return;
    this.#lastPumpMs = performance.now();
    const ring = this.#ring;
    while (ring.waiting > 0 && ring.unconfirmedBytes < WINDOW_BYTES) {
      const went = this.#batcher.gather((group, body) =>
        this.#session.trySend(group, body, { messageType: BATCH_MESSAGE_TYPE }),
      );
      if (!went) return; // "lost" follows, and puts all of it back
    }
    this.#askForConfirmation();
  };

  #askForConfirmation(): void {
    if (this.#confirmation !== undefined || this.#ring.unconfirmed === 0) return;
    if (this.#ring.unconfirmedBytes >= MARK_AFTER_BYTES || this.#isClosed) this.#sendMark();
    else this.#markTimer ??= setTimeout(() => this.#sendMark(), MARK_AFTER_MS);
  }

  #sendMark(): void {
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    const self = this.#session.privateGroup;
    if (self === undefined || this.#confirmation !== undefined) return;
    const number = ++this.#marks;
    const body = writeMark({ epoch: this.#epoch, number });
    if (!this.#session.trySend(self, body, { messageType: MARK_MESSAGE_TYPE })) return;
    this.#confirmation = { number, upTo: this.#ring.mark(), loan: this.#batcher.takeLoan() };
  }

  /** A frame for our private group: a mark that came back, or what somebody else thinks we ought to know. */
  #onFrame(frame: FrameView): void {
    if (frame.kind !== "message" || frame.messageType !== MARK_MESSAGE_TYPE) return;
    const mark = tryMark(frame.bytes, frame.bodyStart, frame.bodyEnd);
    const confirmation = this.#confirmation;
    if (confirmation === undefined || mark?.number !== confirmation.number || mark.epoch !== this.#epoch) return;
    const before = this.#ring.unconfirmed;
    this.#ring.confirm(confirmation.upTo);
    this.counters.delivered += before - this.#ring.unconfirmed;
    this.#batcher.giveBack(confirmation.loan);
    this.#confirmation = undefined;
    this.#tellLoss();
    this.#pump();
    if (this.waiting === 0) this.#onEmpty();
  }

  async #follow(): Promise<void> {
    for await (const event of this.#session) {
      if (event.kind === "lost") this.#lost(event.reason.message);
      else if (event.kind === "back") this.#back();
    }
  }

  #lost(reason: string): void {
    this.#epoch += 1;
    if (this.#confirmation !== undefined) this.#batcher.giveBack(this.#confirmation.loan);
    this.#batcher.giveBack(this.#batcher.takeLoan());
    this.#confirmation = undefined;
    this.#ring.rewind();
    this.#failed(reason);
  }

  #back(): void {
    if (this.#failingSinceMs !== undefined) {
      const outageMs = performance.now() - this.#failingSinceMs;
      this.#failingSinceMs = undefined;
      this.#options.onEvent({ on: "working", outageMs, lost: this.#takeUntoldLoss() });
    }
    this.#pump();
  }

  #failed(reason: string): void {
    if (this.#failingSinceMs !== undefined || this.#isClosed) return;
    this.#failingSinceMs = performance.now();
    this.#options.onEvent({ on: "failing", reason });
  }

  /** The queue overran though the daemon was there: told when there is room again. */
  #tellLoss(): void {
    if (this.counters.lost === this.#toldLost || this.#ring.usedBytes > this.#ring.bytesMax / 2) return;
    this.#options.onEvent({ on: "overflowed", lost: this.#takeUntoldLoss() });
  }

  #takeUntoldLoss(): number {
    const lost = this.counters.lost - this.#toldLost;
    this.#toldLost = this.counters.lost;
    return lost;
  }
}
