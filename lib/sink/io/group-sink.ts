// Sends records to Spread groups, in batches, and knows what has arrived.
//
// What is sent when, and when it has arrived, is decided in group-sender.ts; here are the session, the clock and what is told.
//
// take   a record gets the next number of its group, and a place in the queue: memory, and a spool where there is one. Where neither has room the number is gone
//        and the record lost: whoever reads the group sees the gap, and we count it.
// ended  what a spool keeps goes out in the next life, marked late, with the number it has, under the incarnation that numbered it.
//
// acks   with `acks = N` records stay in the spool until N hosts have committed them, and are on disk before they are sent (acked-queue.ts).
//
// An idle sink sends at once. A busy one waits a few milliseconds for more, or for a batch's worth.

import { BATCH_MESSAGE_TYPE, FLAG_END } from "../../feed/batch.ts";
import { writeEmptyBatch } from "../../feed/batch-writer.ts";
import { YoungGarbage } from "../../run/young-garbage.ts";
import type { FrameView } from "../../spread/frame.ts";
import { type GroupName, openSession, type Session, type SessionOptions } from "../../spread/index.ts";
import { COPIED_BODY_BYTES_MAX } from "../../spread/outbox.ts";
import { groupName } from "../../syslog/group-name.ts";
import { NameCache, NameTemplate } from "../../syslog/name-template.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Template } from "../../syslog/template.ts";
import { ROUND_MS } from "../ack-rounds.ts";
import { AckedQueue } from "../acked-queue.ts";
import { GATHER_BYTES } from "../batcher.ts";
import { GroupBook, type GroupEntry, noEntry } from "../group-book.ts";
import { type GroupLink, GroupSender } from "../group-sender.ts";
import { GroupStreams } from "../group-streams.ts";
import { LossWatch } from "../loss-watch.ts";
import { type OwnQueueEvent, queueEventOf, whyLost } from "../queue-event.ts";
import { RecordWriter } from "../record-writer.ts";
import { type AckStanding, RecorderWatch } from "../recorder-watch.ts";
import { RefusedMessages } from "../refused-messages.ts";
import { LINGER_MS, type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";
import { GroupAnnouncer } from "./group-announcer.ts";
import { leaveGroupNumbers, takeGroupNumbers } from "./group-numbers-file.ts";
import type { SpoolPlace } from "./queued-sink.ts";
import { Spool, type SpoolEvent } from "./spool.ts";
import { PENDING_BYTES_LEAST, SpooledQueue } from "./spooled-queue.ts";

/** A mark follows what it confirms after this long, so that a trickle of records is not doubled by marks. */
const MARK_AFTER_MS = 20;
/** Groups that are remembered at a time, unless said. */
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
  /** Of how many hosts the recorders have to commit a record before it is let go; 0 unless said. Needs a spool, and records. */
  readonly acks?: number;
  /** Where the spool can't be had there is no sink: with `acks`, instead of one that waits for no acknowledgement. */
  readonly needsSpool?: boolean;
  /** What outlives memory: records keep the identity that they got, through an end of the process too. */
  readonly spool?: SpoolPlace;
  /** Where an orderly end leaves how far the groups are numbered, for the next life to announce; "": it announces that it doesn't know. Left out: nothing is announced. */
  readonly numbersPath?: string;
  /** Groups that are remembered at a time; 10,000 unless said. */
  readonly groupsMax?: number;
  readonly onEvent: (event: SinkEvent) => void;
  readonly onSpoolEvent?: (event: OwnQueueEvent) => void;
}

export class GroupSink implements Sink {
  readonly name: string;
  readonly counters = new SinkCounters();
  readonly #options: GroupSinkOptions;
  readonly #session: Session;
  readonly #queue: SpooledQueue | AckedQueue;
  /** The same queue, where records are kept until recorders have them. */
  readonly #acked: AckedQueue | undefined;
  readonly #book: GroupBook;
  readonly #sender: GroupSender;
  readonly #writer = new RecordWriter();
  readonly #announcer: GroupAnnouncer;
  readonly #streams: GroupStreams;
  readonly #recorderWatch = new RecorderWatch();
  readonly #refused = new RefusedMessages();
  #rounds: ReturnType<typeof setInterval> | undefined;
  #pumpTimer: ReturnType<typeof setTimeout> | undefined;
  #markTimer: ReturnType<typeof setTimeout> | undefined;
  #lastPumpMs = Number.NEGATIVE_INFINITY;
  #failingSinceMs: number | undefined;
  /** Of `counters.lost`, what has been told. */
  #toldLost = 0;
  readonly #losses = new LossWatch();
  #isClosed = false;
  #hasToldRename = false;
  /** Of what waits, what `close` could keep nowhere. */
  #lostAtEnd = 0;
  #onProgress: () => void = () => {};

  constructor(options: GroupSinkOptions) {
    this.#options = options;
    this.name = groupSinkName(options.payload ?? "records", options.acks ?? 0);
    const { numbersPath, payload } = options;
    const isTold = numbersPath !== undefined && payload !== "text";
    this.#book = new GroupBook(
      options.groupsMax ?? GROUPS_MAX,
      options.incarnation,
      isTold ? takeGroupNumbers(numbersPath) : undefined,
    );
    this.#acked = this.#openAcked();
    this.#queue = this.#acked ?? this.#openQueue();
    this.counters.accepted = this.#queue.records; // of an earlier life
    this.#streams = this.#openStreams();
    this.#sender = new GroupSender({
      host: options.host,
      incarnation: options.incarnation,
      payload: options.payload ?? "records",
      book: this.#book,
      queue: this.#queue,
      acked: this.#acked,
      link: this.#link,
      copiedBytesMax: COPIED_BODY_BYTES_MAX,
    });
    this.#session = openSession({
      ...options.session,
      membership: false,
      unsent: "drop", // what is not confirmed is kept here
      unsentBytes: Number.POSITIVE_INFINITY, // the window is the bound: as messages it is some times its bytes, and none of them may be refused
      onFrame: (frame) => this.#onFrame(frame),
    });
    this.#announcer = new GroupAnnouncer({
      session: this.#session,
      host: options.host,
      incarnation: options.incarnation,
      isQuiet: () => this.#queue.waiting === 0,
      onGo: this.#pump,
    });
    this.#streams.tellNew();
    void this.#follow();
    if (this.#acked !== undefined) this.#rounds = setInterval(this.#round, ROUND_MS);
  }

  /** Where records of a rule go: each to the group that the template makes of it. */
  outlet(template: Template): Outlet {
    const garbage = new YoungGarbage();
    const groups = new NameCache<GroupEntry | undefined>(new NameTemplate(template, "group"), GROUPS_MAX, (name) => {
      garbage.made();
      return this.#entry(groupName(name), name);
    });
    return { take: (record) => this.#take(groups.get(record), record) };
  }

  /** The same for one group, whatever the record. Where the book is full, its records are lost. @param fullName what the group's name was made of */
  outletTo(name: GroupName, fullName: string = name): Outlet {
    const group = this.#entry(name, fullName) ?? noEntry(name, fullName);
    return { take: (record) => this.#take(group, record) };
  }

  /** Whether the queue has room for more than a few records: who can wait, takes no more where it has not. */
  get hasRoom(): boolean {
    return this.#queue.hasRoom;
  }

  get isPressed(): boolean {
    return this.#queue.isPressed;
  }

  get isFailing(): boolean {
    return this.#failingSinceMs !== undefined;
  }

  /** Whether what waits outlives an end of the process. */
  get outlives(): boolean {
    return this.#queue.outlives;
  }

  get waiting(): number {
    return this.#queue.records - this.#lostAtEnd;
  }

  /** Who acknowledges; `undefined` where nobody has to. */
  get acks(): AckStanding | undefined {
    if (this.#acked === undefined) return undefined;
    return { wanted: this.#options.acks ?? 0, hosts: this.#acked.rounds.recorderHosts(performance.now()) };
  }

  flush(): void {
    this.#acked?.writeNow();
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
    if (this.#mayEmpty) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.#onProgress = () => {
          if (this.#mayEmpty) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearTimeout(this.#pumpTimer);
    clearTimeout(this.#markTimer);
    clearInterval(this.#rounds);
    this.#lostAtEnd = await this.#queue.close(Math.max(500, withinMs));
    this.counters.lost += this.#lostAtEnd;
    const { numbersPath = "" } = this.#options;
    if (numbersPath !== "") leaveGroupNumbers(numbersPath, this.#book.numbers());
    this.#announcer.close();
    if (this.waiting === 0) this.#sayEnd();
    await this.#session.close();
  }

  /** All has arrived: so readers need not wonder what may be missing behind. */
  #sayEnd(): void {
    if (this.#options.payload === "text") return;
    for (const entry of this.#book.entries) if (!this.#sayEndOf(entry)) return;
  }

  #sayEndOf(entry: GroupEntry): boolean {
    if (entry.isEarlier || entry.next === 1) return true;
    const incarnation = this.#book.incarnationOf(entry);
    const body = writeEmptyBatch(this.#options.host, incarnation, entry.next, FLAG_END);
    return this.#link.trySend(entry.name, body, BATCH_MESSAGE_TYPE);
  }

  #entry(name: GroupName, fullName: string): GroupEntry | undefined {
    if (name !== fullName && !this.#hasToldRename) {
      this.#hasToldRename = true;
      queueMicrotask(() => this.#options.onSpoolEvent?.({ on: "renamed", fullName, group: name }));
    }
    return this.#streams.entry(name, fullName);
  }

  #announce(entry: GroupEntry): void {
    const isNumbered = entry.incarnation === undefined && this.#options.payload !== "text";
    this.#announcer.feed(entry.fullName, entry.name, entry.index, isNumbered ? entry : undefined);
  }

  #forgotten(entries: readonly GroupEntry[]): void {
    if (this.#options.payload !== "text") for (const entry of entries) this.#sayEndOf(entry);
    for (const { index } of entries) this.#acked?.forget(index);
    this.#announcer.forget(new Set(entries.map(({ index }) => index)));
  }

  /**
   * Whether something is gained by waiting for what waits. While the daemon is away, or too few recorders are there, nothing is: what has a spool is kept.
   */
  get #mayEmpty(): boolean {
    if (this.waiting === 0) return false;
    if (!this.#queue.outlives) return true;
    if (this.#session.state.at !== "connected") return false;
    const { acks } = this;
    const isSent = this.#queue.waiting === 0 && this.#queue.unconfirmed === 0;
    return acks === undefined || acks.hosts.length >= acks.wanted || !isSent;
  }

  readonly #link: GroupLink = (() => {
    const session = () => this.#session;
    return {
      get self() {
        return session().privateGroup;
      },
      trySend: (to, body, messageType) => session().trySend(to, body, { messageType }),
    };
  })();

  #openQueue(): SpooledQueue {
    const { spool, queueBytesMax } = this.#options;
    return new SpooledQueue({
      memoryBytesMax: queueBytesMax,
      spool: spool === undefined ? undefined : { ...spool, ...this.#streamNames },
      onReady: () => this.flush(),
      onEvent: (event) => this.#onSpool(event),
    });
  }

  /**
   * Where the spool can't be had nothing can be kept, and no acknowledgement is waited for; that it can't, is told when the queue is opened without.
   * @throws where it can't, and is needed
   */
  #openAcked(): AckedQueue | undefined {
    const { spool, acks = 0, queueBytesMax } = this.#options;
    if (spool === undefined || acks === 0) return undefined;
    const open = (onEvent: (event: SpoolEvent) => void): Spool =>
      new Spool({
        ...spool,
        ...this.#streamNames,
        pendingBytesMax: Math.max(PENDING_BYTES_LEAST, queueBytesMax),
        isPrompt: true,
        onEvent,
      });
    try {
      return new AckedQueue({
        acks,
        memoryBytesMax: queueBytesMax,
        open,
        onReady: () => this.flush(),
        onEvent: (event) => this.#onSpool(event),
      });
    } catch (error) {
      if (this.#options.needsSpool === true) throw error;
      return undefined;
    }
  }

  #openStreams(): GroupStreams {
    const acked = this.#acked;
    const options = {
      book: this.#book,
      nowMs: () => performance.now(),
      hasRoom: () => this.hasRoom,
      waiting: () => this.#queue.records,
      isIdle: acked === undefined ? undefined : (index: number) => acked.isIdle(index),
      onNew: (entry: GroupEntry) => this.#announce(entry),
      onForgotten: (entries: readonly GroupEntry[]) => this.#forgotten(entries),
    };
    return new GroupStreams(options, this.#queue.records);
  }

  /** Streams are groups of a life of this host. */
  readonly #streamNames = {
    streamName: (index: number) => this.#streams.nameOf(index),
    streamOf: (text: string) => this.#streams.indexOf(text),
  };

  /** Tells later: the spool may have something to say while nobody knows this sink yet. */
  #onSpool(event: SpoolEvent): void {
    if (event.on === "lost") {
      this.#lose(event.records, whyLost(event.cause, this.#options.spool?.directory ?? ""));
      if (event.cause === "damaged") this.#streams?.lost(event.records);
    } else queueMicrotask(() => this.#options.onSpoolEvent?.(queueEventOf(event)));
  }

  /** @param found `undefined`: there is no room for its group */
  #take(found: GroupEntry | undefined, record: RecordView): void {
    this.counters.accepted += 1;
    const group = found?.isForgotten ? this.#entry(found.name, found.fullName) : found;
    if (group === undefined || this.#isClosed) {
      this.#lose(1, "there are more groups than it can keep apart");
      return;
    }
    const number = group.next;
    group.next += 1;
    if (this.#push(group.index, number, record)) this.#streams.took(group);
    else this.#lose(1, this.#whyFull);
  }

  get #whyFull(): string {
    const { spool } = this.#options;
    return spool === undefined
      ? "its queue in memory is full"
      : `its queue is full, in memory and in ${spool.directory}`;
  }

  /** Tells later: it may be in the midst of a record. */
  #lose(records: number, reason: string): void {
    this.counters.lost += records;
    if (this.#failingSinceMs === undefined || this.#isClosed) return;
    const nowMs = performance.now();
    const outageMs = nowMs - this.#failingSinceMs;
    if (this.#losses.isDue(nowMs)) queueMicrotask(() => this.#options.onEvent({ on: "losing", reason, outageMs }));
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
    this.#acked?.writeNow();
    this.#streams.tellNew();
    this.#book.openTo = this.#announcer.openTo();
    this.#lastPumpMs = performance.now();
    const unconfirmed = this.#queue.unconfirmed;
    this.#sender.pump();
    if (this.#queue.unconfirmed > unconfirmed) this.#announcer.sent();
    const { wantsMark } = this.#sender;
    if (wantsMark === "now" || (wantsMark === "soon" && this.#isClosed)) this.#sendMark();
    else if (wantsMark === "soon") this.#markTimer ??= setTimeout(() => this.#sendMark(), MARK_AFTER_MS);
  };

  readonly #round = (): void => {
    this.#sender.round(performance.now());
    this.#tellRecorders();
    this.flush();
  };

  #tellRecorders(): void {
    const { acks } = this;
    if (acks === undefined || this.#session.state.at !== "connected") return;
    const found = this.#recorderWatch.look(acks, this.waiting, performance.now());
    if (found !== undefined) this.#options.onSpoolEvent?.({ on: found, ...acks });
  }

  #sendMark(): void {
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    this.#sender.sendMark();
  }

  #onFrame(frame: FrameView): void {
    this.#announcer.frame(frame);
    if (frame.kind === "reject") this.#sentBack(frame);
    const arrived = this.#sender.frame(frame, performance.now());
    if (arrived === undefined) return;
    const refused = this.#acked === undefined ? this.#refused.outOf(arrived) : 0;
    this.counters.delivered += arrived - refused;
    this.counters.lost += refused;
    this.#toldLost += refused; // that it does not let us send there has been
    this.#tellLoss();
    this.#pump();
    this.#onProgress();
  }

  #sentBack(frame: FrameView): void {
    const group = this.#refused.take(frame);
    if (group !== undefined) this.#options.onSpoolEvent?.({ on: "refused", group, isKept: this.#acked !== undefined });
  }

  async #follow(): Promise<void> {
    for await (const event of this.#session) {
      if (event.kind === "lost") this.#lost(event.reason.message);
      else if (event.kind === "back") this.#back();
    }
  }

  #lost(reason: string): void {
    this.#sender.lost();
    this.#refused.startOver();
    this.#announcer.fell();
    this.#failed(reason);
    this.#onProgress();
  }

  #back(): void {
    this.#sender.back(performance.now());
    if (this.#failingSinceMs !== undefined) {
      const outageMs = performance.now() - this.#failingSinceMs;
      this.#failingSinceMs = undefined;
      this.#losses.reset();
      this.#options.onEvent({ on: "working", outageMs, lost: this.#takeUntoldLoss() });
    }
    this.#announcer.stood();
    this.#pump();
  }

  #failed(reason: string): void {
    if (this.#failingSinceMs !== undefined || (this.#isClosed && this.waiting === 0)) return; // what waits at the end has a reason
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

/** What the sink of all groups that are sent to in one way is called. */
export function groupSinkName(payload: "records" | "text", acks: number): string {
  if (payload === "text") return "group:* as text";
  return acks === 0 ? "group:*" : `group:* acks=${acks}`;
}
