// Sends records to Spread groups, in batches, and knows what has arrived.
//
// take   a record gets the next number of its group, and a place in the queue: memory, and a spool where there is one. Where neither has room the number is gone
//        and the record lost: whoever reads the group sees the gap, and we count it.
// pump   while there is a connection and the window is open, what waits goes out in batches; behind them, before long, a mark (lib/feed/mark.ts). When the
//        mark comes back all before it is delivered, and its place in the queue is free.
// lost   what no mark has confirmed waits again, with the numbers it has, and goes out again when there is a connection: flagged, so that readers know that
//        some of it may come twice.
// ended  what a spool keeps goes out in the next life, marked late, with the number it has, under the incarnation that numbered it.
//
// An idle sink sends at once. A busy one waits a few milliseconds for more, or for a batch's worth.

import { isIncarnation } from "../../feed/batch-writer.ts";
import { MARK_MESSAGE_TYPE, tryMark, writeMark } from "../../feed/mark.ts";
import type { FrameView } from "../../spread/frame.ts";
import { type GroupName, openSession, type Session, type SessionOptions } from "../../spread/index.ts";
import { COPIED_BODY_BYTES_MAX } from "../../spread/outbox.ts";
import { groupName } from "../../syslog/group-name.ts";
import { NameCache, NameTemplate } from "../../syslog/name-template.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Template } from "../../syslog/template.ts";
import { Batcher, GATHER_BYTES, type Loan } from "../batcher.ts";
import { GroupBook, type GroupEntry } from "../group-book.ts";
import { type OwnQueueEvent, queueEventOf } from "../queue-event.ts";
import type { Mark as RingMark } from "../record-ring.ts";
import { RecordWriter } from "../record-writer.ts";
import { LINGER_MS, type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";
import { TextBatcher } from "../text-batcher.ts";
import type { SpoolPlace } from "./queued-sink.ts";
import type { SpoolEvent } from "./spool.ts";
import { SpooledQueue } from "./spooled-queue.ts";

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
  /** What goes to the groups: numbered records, unless said, or each record's text alone as a line, from which nobody can tell what is missing. */
  readonly payload?: "records" | "text";
  /** What outlives memory: records keep the identity that they got, through an end of the process too. */
  readonly spool?: SpoolPlace;
  readonly onEvent: (event: SinkEvent) => void;
  readonly onSpoolEvent?: (event: OwnQueueEvent) => void;
}

/** A mark on its way, and what its return sets free. */
interface Confirmation {
  readonly number: number;
  readonly upTo: RingMark;
  readonly loan: Loan;
}

export class GroupSink implements Sink {
  readonly name: string;
  readonly counters = new SinkCounters();
  readonly #options: GroupSinkOptions;
  readonly #session: Session;
  readonly #queue: SpooledQueue;
  readonly #book = new GroupBook(GROUPS_MAX);
  readonly #batcher: Batcher | TextBatcher;
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
  /** Of what waits, what `close` could keep nowhere. */
  #lostAtEnd = 0;
  #onEmpty: () => void = () => {};

  constructor(options: GroupSinkOptions) {
    this.#options = options;
    this.name = options.payload === "text" ? "group:* as text" : "group:*";
    this.#queue = this.#openQueue();
    this.counters.accepted = this.#queue.records; // of an earlier life
    this.#batcher =
      options.payload === "text"
        ? new TextBatcher(this.#book, this.#queue, COPIED_BODY_BYTES_MAX)
        : new Batcher(options.host, options.incarnation, this.#book, this.#queue, COPIED_BODY_BYTES_MAX);
    this.#session = openSession({
      ...options.session,
      membership: false,
      unsent: "drop", // what is not confirmed is kept here
      unsentBytes: Number.POSITIVE_INFINITY, // the window is the bound: as messages it is some times its bytes, and none of them may be refused
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

  /** The same for one group, whatever the record. Where the book is full, its records are lost. */
  outletTo(name: GroupName): Outlet {
    const group = this.#book.entry(name);
    return { take: (record) => this.#take(group, record) };
  }

  /** Whether the queue has room for more than a few records: who can wait, takes no more where it has not. */
  get hasRoom(): boolean {
    return this.#queue.hasRoom;
  }

  /** Whether what waits outlives an end of the process. */
  get outlives(): boolean {
    return this.#queue.outlives;
  }

  get waiting(): number {
    return this.#queue.records - this.#lostAtEnd;
  }

  flush(): void {
    this.#queue.refill();
    if (this.#pumpTimer !== undefined || this.#queue.waiting === 0) return;
    const restMs = this.#lastPumpMs + LINGER_MS - performance.now();
    if (restMs > 0 && this.#queue.waitingBytes < GATHER_BYTES) this.#pumpTimer = setTimeout(this.#pump, restMs);
    else this.#pump();
  }

  /** Nothing of it can be moved away. */
  reopen(): void {}

  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    this.#pump();
    // While the daemon is away nothing is gained by waiting: what has a spool is kept.
    if (this.waiting > 0 && !(this.#queue.outlives && this.#session.state.at !== "connected")) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearTimeout(this.#pumpTimer);
    clearTimeout(this.#markTimer);
    this.#lostAtEnd = await this.#queue.close(Math.max(500, withinMs));
    this.counters.lost += this.#lostAtEnd;
    await this.#session.close();
  }

  #openQueue(): SpooledQueue {
    const { spool, incarnation, queueBytesMax } = this.#options;
    const streamName = (index: number): string => {
      const { incarnation: earlier, name } = this.#book.at(index);
      return `${earlier ?? incarnation} ${name}`;
    };
    const streamOf = (text: string): number | undefined => {
      const [life, name] = text.split(" ", 2);
      if (!isIncarnation(life!)) return undefined;
      const group = groupName(name ?? "");
      return (life === incarnation ? this.#book.entry(group) : this.#book.earlier(group, life!))?.index;
    };
    return new SpooledQueue({
      memoryBytesMax: queueBytesMax,
      spool: spool === undefined ? undefined : { ...spool, streamName, streamOf },
      onReady: () => this.flush(),
      onEvent: (event) => this.#onSpool(event),
    });
  }

  /** Tells later: the spool may have something to say while nobody knows this sink yet. */
  #onSpool(event: SpoolEvent): void {
    if (event.on === "lost")
      this.counters.lost += event.records; // told when the flow resumes
    else queueMicrotask(() => this.#options.onSpoolEvent?.(queueEventOf(event)));
  }

  #take(group: GroupEntry | undefined, record: RecordView): void {
    this.counters.accepted += 1;
    if (group === undefined || this.#isClosed) {
      this.counters.lost += 1;
      return;
    }
    const number = group.next;
    group.next += 1;
    if (!this.#push(group.index, number, record)) this.counters.lost += 1;
  }

  #push(group: number, number: number, record: RecordView): boolean {
    if (this.#options.payload === "text")
      return this.#queue.push(group, number, record.bytes, record.msgStart, record.msgEnd);
    const length = this.#writer.write(record);
    return this.#queue.push(group, number, this.#writer.bytes, 0, length);
  }

  readonly #pump = (): void => {
    clearTimeout(this.#pumpTimer);
    this.#pumpTimer = undefined;
    if (this.#session.state.at !== "connected") return;
    this.#lastPumpMs = performance.now();
    const queue = this.#queue;
    while (queue.waiting > 0 && queue.unconfirmedBytes < WINDOW_BYTES) {
      const went = this.#batcher.gather((group, body) =>
        this.#session.trySend(group, body, { messageType: this.#batcher.messageType }),
      );
      if (!went) return; // "lost" follows, and puts all of it back
    }
    this.#askForConfirmation();
  };

  #askForConfirmation(): void {
    if (this.#confirmation !== undefined || this.#queue.unconfirmed === 0) return;
    if (this.#queue.unconfirmedBytes >= MARK_AFTER_BYTES || this.#isClosed) this.#sendMark();
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
    this.#confirmation = { number, upTo: this.#queue.mark(), loan: this.#batcher.takeLoan() };
  }

  /** A frame for our private group: a mark that came back, or what somebody else thinks we ought to know. */
  #onFrame(frame: FrameView): void {
    if (frame.kind !== "message" || frame.messageType !== MARK_MESSAGE_TYPE) return;
    const mark = tryMark(frame.bytes, frame.bodyStart, frame.bodyEnd);
    const confirmation = this.#confirmation;
    if (confirmation === undefined || mark?.number !== confirmation.number || mark.epoch !== this.#epoch) return;
    this.counters.delivered += this.#queue.confirm(confirmation.upTo);
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
    this.#queue.away();
    this.#failed(reason);
  }

  #back(): void {
    this.#queue.back();
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
    if (this.counters.lost === this.#toldLost || !this.#queue.hasRoom) return;
    this.#options.onEvent({ on: "overflowed", lost: this.#takeUntoldLoss() });
  }

  #takeUntoldLoss(): number {
    const lost = this.counters.lost - this.#toldLost;
    this.#toldLost = this.counters.lost;
    return lost;
  }
}
