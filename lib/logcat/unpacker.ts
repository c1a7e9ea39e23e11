// From a message to its records: a batch of ours, or lines of raw text from a foreign program. Everything stays where it lies in the message's frame.
// What an archive kept of messages is unpacked here as well: the same records, by the same rules.
import type { BlockView, Entry } from "../archive/block.ts";
import { BATCH_MESSAGE_TYPE } from "../feed/batch.ts";
import { BatchView, readBatch } from "../feed/batch-reader.ts";
import { readReceived, receivedOrigin } from "../feed/received-record.ts";
import { TextLines } from "../feed/text-payload.ts";
import type { FrameView } from "../spread/frame.ts";
import { type Origin, RecordView } from "../syslog/record.ts";
import { Arrival } from "./arrival.ts";

const ORIGINS_MAX = 4_096;

export class Unpacker {
  /** The record that `next` found; good until the next call of anything here. */
  readonly record = new RecordView();
  readonly arrival = new Arrival();
  /** The batch that `open` found, where the message holds one. */
  readonly batch = new BatchView();
  readonly #origins = new Map<string, Origin>();
  #lines: TextLines | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #index = 0;
  #wallUs = 0;

  /**
   * Opens a message that came by `group`; `next` then finds its records, one by one.
   * @param wallUs when it came: microseconds since 1970, UTC
   * @returns whether it holds a batch, whose numbers are in `batch` and names in `arrival`
   * @throws {BatchError} it should be a batch, and is none that we can read
   */
  open(frame: FrameView, group: string, wallUs: number): boolean {
    const { arrival, batch } = this;
    arrival.group = group;
    arrival.sender = frame.name;
    arrival.host = "";
    arrival.incarnation = "";
    arrival.number = 0;
    this.#bytes = frame.bytes;
    this.#wallUs = wallUs;
    this.#index = 0;
    const isBatch = frame.messageType === BATCH_MESSAGE_TYPE;
    this.#lines = isBatch ? undefined : new TextLines(frame.bytes, frame.bodyStart, frame.bodyEnd);
    if (isBatch) {
      batch.count = 0;
      readBatch(frame.bytes, frame.bodyStart, frame.bodyEnd, batch);
      arrival.host = batch.host;
      arrival.incarnation = batch.incarnation;
    }
    this.record.origin = this.#originOf(group, arrival.sender, arrival.host);
    return isBatch;
  }

  /** Finds the next record; false where there is none. */
  next(): boolean {
    const lines = this.#lines;
    if (lines !== undefined) {
      if (!lines.next()) return false;
      readReceived(this.record, this.#bytes, lines.start, lines.end, true, this.#wallUs);
      return true;
    }
    const { batch } = this;
    const index = this.#index;
    if (index >= batch.count) return false;
    this.arrival.number = batch.first + index;
    readReceived(this.record, this.#bytes, batch.starts[index]!, batch.ends[index]!, false, this.#wallUs);
    this.#index += 1;
    return true;
  }

  /** Reads record `index` of a block, which is of `entry`. */
  stored(block: BlockView, entry: Entry, index: number): void {
    const { arrival } = this;
    arrival.group = entry.group;
    arrival.sender = entry.sender;
    arrival.host = entry.host;
    arrival.incarnation = entry.incarnation;
    arrival.number = entry.first === 0 ? 0 : entry.first + index - entry.from;
    this.record.origin = this.#originOf(entry.group, entry.sender, entry.host);
    const { bytes, starts } = block;
    readReceived(this.record, bytes, starts[index]!, starts[index + 1]!, entry.first === 0, entry.arrivalUs);
  }

  #originOf(group: string, sender: string, host: string): Origin {
    const key = host === "" ? `${group} ${sender}` : `${group} ${host}`;
    let found = this.#origins.get(key);
    if (found === undefined) {
      if (this.#origins.size >= ORIGINS_MAX) this.#origins.clear(); // names are the network's: no bound but this
      found = receivedOrigin(group, sender, host);
      this.#origins.set(key, found);
    }
    return found;
  }
}
