// Makes batches of what waits in a ring: a stretch of it at a time, gathered group by group, since records of other groups lie between those of one.
import { BATCH_MESSAGE_TYPE, FLAG_AGAIN } from "../feed/batch.ts";
import { BatchWriter } from "../feed/batch-writer.ts";
import type { GroupName } from "../spread/names.ts";
import type { GroupBook, GroupEntry } from "./group-book.ts";
import { LateWriter } from "./late-writer.ts";

/** Bytes of records that are gathered at a time: with records of ten groups mixed, still a good batch for each. */
export const GATHER_BYTES = 262_144;

/** A queue, as far as batches are made from it. */
export interface NumberedRecords {
  /** Finds the next record, at [start, end) of `bytes`, with its group's place in the book and its number. */
  next(): boolean;
  /** It counts as sent. */
  take(): void;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly group: number;
  readonly number: number;
  /** Whether it was sent before, on a connection that was lost. */
  readonly nextIsAgain: boolean;
  /** Whether it has waited for longer than it should. */
  readonly nextIsLate?: boolean;
}

/** Sends a batch. Returns false where it can't be sent: then the connection is gone. */
export type SendBatch = (group: GroupName, body: Uint8Array) => boolean;

/** Bodies that stay in use after they were sent; what they lie in may not be written to until it is given back. */
export type Loan = readonly BatchWriter[];

export class Batcher {
  readonly messageType = BATCH_MESSAGE_TYPE;
  /** Batches being filled, by place in the book. */
  readonly #filling = new Map<number, BatchWriter>();
  readonly #spare: BatchWriter[] = [];
  readonly #late = new LateWriter();
  #loan: BatchWriter[] = [];

  /**
   * @param copiedBytesMax bodies up to this length may be written over as soon as they are sent
   * @param flagsOf        what each batch of a group has among its flags
   */
  constructor(
    private readonly host: string,
    private readonly incarnation: string,
    private readonly book: GroupBook,
    private readonly ring: NumberedRecords,
    private readonly copiedBytesMax: number,
    private readonly flagsOf?: (index: number) => string,
  ) {}

  /** Takes a stretch of records from the ring and sends them as batches; false where sending failed, and nobody knows how much of it went. */
  gather(send: SendBatch): boolean {
    const { ring } = this;
    const { openTo } = this.book;
    const isAgain = ring.nextIsAgain;
    let bytes = 0;
    let went = true;
    // Records that were sent before are not mixed with others: their batches are flagged.
    while (went && bytes < GATHER_BYTES && ring.nextIsAgain === isAgain && ring.next() && ring.group < openTo) {
      const entry = this.book.at(ring.group);
      if (entry === undefined) {
        ring.take(); // only what nobody waits for any more has no entry
        continue;
      }
      let writer = this.#filling.get(ring.group);
      if (writer !== undefined && (writer.isFull || writer.next !== ring.number)) {
        went = this.#send(entry, writer, isAgain, send);
        writer = undefined;
      }
      if (writer === undefined) {
        writer = this.#writerFor(entry);
        this.#filling.set(ring.group, writer);
      }
      if (ring.nextIsLate) {
        const length = this.#late.write(ring.bytes, ring.start, ring.end);
        writer.append(ring.number, this.#late.bytes, 0, length);
      } else {
        writer.append(ring.number, ring.bytes, ring.start, ring.end);
      }
      bytes += ring.end - ring.start;
      ring.take();
    }
    for (const [index, writer] of this.#filling) went = this.#send(this.book.at(index)!, writer, isAgain, send) && went;
    return went;
  }

  /** What was lent since the last call, to be given back when nobody needs it. */
  takeLoan(): Loan {
    const loan = this.#loan;
    this.#loan = [];
    return loan;
  }

  giveBack(loan: Loan): void {
    this.#spare.push(...loan);
  }

  /** Records go out under the name of the life that numbered them; whether an earlier one had sent them already, nobody knows. */
  #writerFor({ incarnation }: GroupEntry): BatchWriter {
    if (incarnation !== undefined) return new BatchWriter(this.host, incarnation);
    return this.#spare.pop() ?? new BatchWriter(this.host, this.incarnation);
  }

  #flags({ index, former }: GroupEntry, isAgain: boolean): string {
    const words = [this.flagsOf?.(index) ?? "", isAgain ? FLAG_AGAIN : "", former].filter((word) => word !== "");
    return words.length === 0 ? "-" : words.join(",");
  }

  #send(entry: GroupEntry, writer: BatchWriter, isAgain: boolean, send: SendBatch): boolean {
    const body = writer.close(this.#flags(entry, isAgain || entry.isEarlier));
    const went = send(entry.name, body);
    this.#filling.delete(entry.index);
    if (entry.incarnation !== undefined) return went; // its buffer is nobody else's
    writer.clear();
    (body.length > this.copiedBytesMax ? this.#loan : this.#spare).push(writer);
    return went;
  }
}
