// What is sent to groups, and when it has arrived: the decisions of a group sink, without its session and its clock.
//
// pump   while the window is open, what waits goes out in batches; behind them, before long, a mark (lib/feed/mark.ts). When the mark comes back the daemon has put all
//        before it into its order, and its place in the queue is free.
// lost   what no mark has confirmed waits again, with the numbers it has, and goes out again when there is a connection: flagged, so that readers know that some of it
//        may come twice.
// acks   where the queue keeps records until recorders have committed them (acked-queue.ts), a mark frees memory only. Asks go out when they are due.
import { ACK_MESSAGE_TYPE, AckError, ackFlags, askFlags, readAck } from "../feed/ack.ts";
import { BATCH_MESSAGE_TYPE } from "../feed/batch.ts";
import { writeEmptyBatch } from "../feed/batch-writer.ts";
import { formatBehind } from "../feed/former-life.ts";
import { MARK_MESSAGE_TYPE, tryMark, writeMark } from "../feed/mark.ts";
import type { FrameView } from "../spread/frame.ts";
import type { Destination, PrivateGroup } from "../spread/names.ts";
import type { AckedQueue } from "./acked-queue.ts";
import { Batcher, type Loan, type NumberedRecords } from "./batcher.ts";
import type { GroupBook } from "./group-book.ts";
import type { Mark } from "./record-ring.ts";
import { TextBatcher } from "./text-batcher.ts";

/** What may be sent and not confirmed: enough for the fastest daemon. */
const WINDOW_BYTES = 1_048_576;
/** A mark follows what it confirms after a while, or at once when so much of the window is used. */
const MARK_AFTER_BYTES = WINDOW_BYTES / 4;

/** A longer incarnation might not fit among a batch's other flags; ours are shorter. */
const BEHIND_CHARACTERS_MAX = 18;

/** A session, as far as it is sent by. */
export interface GroupLink {
  /** Ourselves, while there is a connection. */
  readonly self: PrivateGroup | undefined;
  /** False where there is none. */
  trySend(to: Destination, body: Uint8Array, messageType: number): boolean;
}

/** A queue that is emptied in order, and knows what was confirmed. */
export interface GroupQueue extends NumberedRecords {
  readonly waiting: number;
  readonly unconfirmed: number;
  readonly unconfirmedBytes: number;
  mark(): Mark;
  /** Returns how many records have arrived where they should be by that. */
  confirm(mark: Mark): number;
  away(): void;
  back(): void;
}

export interface GroupSenderOptions {
  readonly host: string;
  readonly incarnation: string;
  readonly payload: "records" | "text";
  readonly book: GroupBook;
  readonly queue: GroupQueue;
  /** The same queue, where it waits for acknowledgements. */
  readonly acked: AckedQueue | undefined;
  readonly link: GroupLink;
  readonly copiedBytesMax: number;
}

/** A mark on its way, and what its return sets free. */
interface Confirmation {
  readonly number: number;
  readonly upTo: Mark;
  readonly loan: Loan;
}

export class GroupSender {
  /** Messages for us alone that were no acknowledgements, though they said so. */
  unreadable = 0;
  readonly #options: GroupSenderOptions;
  readonly #batcher: Batcher | TextBatcher;
  #confirmation: Confirmation | undefined;
  #marks = 0;
  /** Connections lost: a mark of an earlier one confirms nothing. */
  #epoch = 0;

  constructor(options: GroupSenderOptions) {
    this.#options = options;
    const { host, incarnation, payload, book, queue, acked, copiedBytesMax } = options;
    const flagsOf =
      acked === undefined ? undefined : (index: number) => this.#behind(index, ackFlags(acked.floorOf(index)));
    this.#batcher =
      payload === "text"
        ? new TextBatcher(book, queue, copiedBytesMax)
        : new Batcher(host, incarnation, book, queue, copiedBytesMax, flagsOf);
  }

  /** Sends what may be sent. */
  pump(): void {
    const { queue, link } = this.#options;
    const { messageType } = this.#batcher;
    while (queue.waiting > 0 && queue.unconfirmedBytes < WINDOW_BYTES) {
      const { waiting } = queue;
      const went = this.#batcher.gather((group, body) => link.trySend(group, body, messageType));
      if (!went) return; // "lost" follows, and puts all of it back
      if (queue.waiting === waiting) return; // the next goes to a group that may not be sent to yet
    }
  }

  /** Whether something was sent that no mark will confirm: then one is to be sent before long, or now. */
  get wantsMark(): "no" | "soon" | "now" {
    const { queue } = this.#options;
    if (this.#confirmation !== undefined || queue.unconfirmed === 0) return "no";
    return queue.unconfirmedBytes >= MARK_AFTER_BYTES ? "now" : "soon";
  }

  sendMark(): void {
    const { link, queue } = this.#options;
    if (link.self === undefined || this.#confirmation !== undefined) return;
    const number = ++this.#marks;
    if (!link.trySend(link.self, writeMark({ epoch: this.#epoch, number }), MARK_MESSAGE_TYPE)) return;
    this.#confirmation = { number, upTo: queue.mark(), loan: this.#batcher.takeLoan() };
  }

  /**
   * A frame came for our private group: a mark that came back, an acknowledgement, or what somebody else thinks we ought to know.
   * @returns how many records have arrived by that; `undefined` where it says nothing new
   */
  frame(frame: FrameView, nowMs: number): number | undefined {
    if (frame.kind !== "message") return undefined;
    if (frame.messageType === MARK_MESSAGE_TYPE) return this.#markCame(frame);
    if (frame.messageType === ACK_MESSAGE_TYPE) return this.#ackCame(frame, nowMs);
    return undefined;
  }

  lost(): void {
    this.#epoch += 1;
    if (this.#confirmation !== undefined) this.#batcher.giveBack(this.#confirmation.loan);
    this.#batcher.giveBack(this.#batcher.takeLoan());
    this.#confirmation = undefined;
    this.#options.queue.away();
  }

  back(nowMs: number): void {
    this.#options.acked?.rounds.askAll(nowMs);
    this.#options.queue.back();
  }

  /** Asks what is to be asked. To be called every ROUND_MS where there are acknowledgements. */
  round(nowMs: number): void {
    const { acked, book, host, link } = this.#options;
    if (acked === undefined || link.self === undefined) return;
    for (const { stream, number, from, next } of acked.round(nowMs)) {
      const entry = book.at(stream);
      if (entry === undefined) continue;
      const flags = this.#behind(stream, askFlags({ number, from }));
      const body = writeEmptyBatch(host, book.incarnationOf(entry), next, flags);
      if (!link.trySend(entry.name, body, BATCH_MESSAGE_TYPE)) return;
    }
  }

  /** The flags, and that records of a life before still come, where they do. */
  #behind(index: number, flags: string): string {
    const { acked, book } = this.#options;
    const entry = book.at(index);
    if (acked === undefined || entry === undefined) return flags;
    for (const former of book.before(entry)) {
      const next = acked.openTo(former.index);
      const incarnation = book.incarnationOf(former);
      if (next > 0 && incarnation.length <= BEHIND_CHARACTERS_MAX)
        return `${flags},${formatBehind({ incarnation, next })}`;
    }
    return flags;
  }

  #markCame(frame: FrameView): number | undefined {
    const mark = tryMark(frame.bytes, frame.bodyStart, frame.bodyEnd);
    const confirmation = this.#confirmation;
    if (confirmation === undefined || mark?.number !== confirmation.number || mark.epoch !== this.#epoch)
      return undefined;
    this.#confirmation = undefined;
    this.#batcher.giveBack(confirmation.loan);
    return this.#options.queue.confirm(confirmation.upTo);
  }

  #ackCame(frame: FrameView, nowMs: number): number | undefined {
    const { acked, book } = this.#options;
    if (acked === undefined) return undefined;
    try {
      const ack = readAck(frame.bytes, frame.bodyStart, frame.bodyEnd);
      const done = acked.rounds.heard(ack, (incarnation, group) => book.find(group, incarnation)?.index, nowMs);
      acked.free();
      return done;
    } catch (error) {
      if (!(error instanceof AckError)) throw error;
      this.unreadable += 1;
      return undefined;
    }
  }
}
