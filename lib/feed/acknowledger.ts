// What a recorder tells its senders. It keeps the marks (marks.ts), and decides whom to tell what, and when:
//
//   committed           the ranges of each commit, to the senders that want to know (FLAG_ACK), one message each
//   came again          what is committed already is acknowledged again: the first acknowledgement was lost, or the sender has a new name
//   asked               with all of what is committed in the asked span, once everything received before the ask is committed
//   back from an absence a greeting to every sender that is known, who then asks
//
//   frame ──> batch() ──> isNew(number) ? store it
//   begin() ──> store the records and `commit.streams` in one transaction ──> done() or failed() ──> takeMessages() ──> send
//
// Nothing that was not committed is ever acknowledged. What can't be sent is forgotten: senders ask again.

import { ACK_RANGES_MAX, type AckLine, FLAG_ACK, tryAsk, writeAcks } from "./ack.ts";
import type { BatchView } from "./batch-reader.ts";
import type { Commit, MarkedStream, Marks } from "./marks.ts";
import { type NumberRange, NumberRanges } from "./number-ranges.ts";

/** Asks and repeated acknowledgements that wait for their turn; further ones are dropped, and come again. */
const WAITING_MAX = 65_536;
/** Senders that are greeted. */
const GREETED_MAX = 4_096;

export interface AckMessage {
  /** A private group. */
  readonly to: string;
  readonly body: Uint8Array;
}

interface WaitingAsk extends NumberRange {
  readonly number: number;
  readonly stream: MarkedStream;
  readonly sender: string;
  /** The commit behind which it is answered. */
  readonly commit: number;
}

export interface AcknowledgerOptions {
  /** Kept in the store; checked by `isRecorderId`. */
  readonly recorder: string;
  /** This host; checked by `isBatchHost`. */
  readonly host: string;
  readonly marks: Marks;
}

export class Acknowledger {
  readonly marks: Marks;
  readonly #options: AcknowledgerOptions;
  /** Streams whose senders want to know. */
  readonly #wanted = new WeakSet<MarkedStream>();
  #asks: WaitingAsk[] = [];
  /** What is to be told, by whom it is for. */
  readonly #lines = new Map<string, AckLine[]>();
  #lineCount = 0;
  readonly #greetings = new Set<string>();
  #doneCommit: number;

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.marks = options.marks;
    this.#doneCommit = options.marks.nextCommit - 1;
  }

  /** A batch came, by `readBatch`, from `sender`, its private group. Afterwards `marks.isNew` tells of each record whether it is to be stored. */
  batch(sender: string, group: string, batch: BatchView): MarkedStream {
    const { host, incarnation, first, count, flags } = batch;
    const stream = this.marks.receive(sender, host, incarnation, group, first, count);
    if (flags === "-" || !batch.hasFlag(FLAG_ACK)) return stream;
    this.#wanted.add(stream);
    if (this.marks.newRecords < count) this.#again(stream, first, first + count - 1);
    const ask = count === 0 ? tryAsk(flags) : undefined;
    if (ask !== undefined && first > ask.from) this.#ask(stream, ask.number, ask.from, first - 1);
    return stream;
  }

  /** What was received since the last call is to be committed, with these marks. */
  begin(): Commit {
    return this.marks.begin();
  }

  /** It is committed. */
  done(commit: Commit): void {
    for (const { stream, ranges } of this.marks.done(commit)) {
      if (!this.#wanted.has(stream)) continue;
      for (let at = 0; at < ranges.length; at += ACK_RANGES_MAX)
        this.#tell(stream, stream.sender, undefined, ranges.slice(at, at + ACK_RANGES_MAX));
    }
    this.#doneCommit = Math.max(this.#doneCommit, commit.id);
    const due = this.#asks.filter(({ commit: behind }) => behind <= this.#doneCommit);
    if (due.length === 0) return;
    this.#asks = this.#asks.filter(({ commit: behind }) => behind > this.#doneCommit);
    for (const ask of due) this.#answer(ask);
  }

  /** It could not be committed, nor can what was begun since. Nobody is told: who asked asks again, and has it sent then. */
  failed(): void {
    this.marks.failed();
    this.#asks = [];
    this.#doneCommit = this.marks.nextCommit - 1;
  }

  /** The session is there (again), and the groups are joined. */
  greet(): void {
    for (const { sender } of this.marks.streams()) {
      if (this.#greetings.size >= GREETED_MAX) return;
      if (sender !== "") this.#greetings.add(sender);
    }
  }

  /** Whether `takeMessages` has something. */
  get hasMessages(): boolean {
    return this.#lineCount > 0 || this.#greetings.size > 0;
  }

  /** What is to be sent now. */
  takeMessages(): AckMessage[] {
    const { recorder, host } = this.#options;
    const messages: AckMessage[] = [];
    for (const to of this.#greetings) messages.push(...writeAcks(recorder, host, []).map((body) => ({ to, body })));
    for (const [to, lines] of this.#lines)
      messages.push(...writeAcks(recorder, host, lines).map((body) => ({ to, body })));
    this.#greetings.clear();
    this.#lines.clear();
    this.#lineCount = 0;
    return messages;
  }

  #ask(stream: MarkedStream, number: number, from: number, to: number): void {
    if (this.#asks.length >= WAITING_MAX) return;
    // What came before the ask is in a commit that is not done, or waits for the next, or is committed: the commit behind which that is so.
    const commit = stream.fresh.size > 0 ? this.marks.nextCommit : stream.isCommitted ? 0 : this.marks.nextCommit - 1;
    const ask = { number, stream, sender: stream.sender, from, to, commit };
    if (commit <= this.#doneCommit) this.#answer(ask);
    else this.#asks.push(ask);
  }

  #answer({ number, stream, sender, from, to }: WaitingAsk): void {
    const ranges = stream.committed.within(from, to);
    const told = ranges.slice(0, ACK_RANGES_MAX);
    const isAll = told.length === ranges.length;
    this.#tell(stream, sender, { number, from, to: isAll ? to : told.at(-1)!.to }, told);
  }

  /** Of `from` to `to` all that is committed. */
  #again(stream: MarkedStream, from: number, to: number): void {
    const committed = stream.committed.within(from, to).slice(0, ACK_RANGES_MAX);
    if (committed.length > 0) this.#tell(stream, stream.sender, undefined, committed);
  }

  #tell(
    { incarnation, group }: MarkedStream,
    to: string,
    asked: AckLine["asked"],
    ranges: readonly NumberRange[],
  ): void {
    if (this.#lineCount >= WAITING_MAX) return;
    const lines = this.#lines.get(to) ?? [];
    this.#lines.set(to, lines);
    const last = lines.at(-1);
    // One stream's acknowledgements that follow each other become one.
    if (
      asked === undefined &&
      last !== undefined &&
      last.asked === undefined &&
      last.incarnation === incarnation &&
      last.group === group
    ) {
      const both = new NumberRanges([...last.ranges, ...ranges]);
      if (both.ranges.length <= ACK_RANGES_MAX) {
        lines[lines.length - 1] = { ...last, ranges: both.ranges };
        return;
      }
    }
    lines.push({ incarnation, group, asked, ranges });
    this.#lineCount += 1;
  }
}
