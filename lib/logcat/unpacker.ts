// From a message to its records: a batch of ours, or lines of raw text from a foreign program. Everything stays where it lies in the message's frame.
import { BATCH_MESSAGE_TYPE } from "../feed/batch.ts";
import { BatchView, readBatch } from "../feed/batch-reader.ts";
import { TextLines } from "../feed/text-payload.ts";
import type { FrameView } from "../spread/frame.ts";
import { parseMessage } from "../syslog/parse.ts";
import { DEFAULT_RULES, OWN_RULES, type ParseRules } from "../syslog/parse-rules.ts";
import { type Origin, origin, RecordView } from "../syslog/record.ts";
import { Arrival } from "./arrival.ts";

const ORIGINS_MAX = 4_096;
/** Raw text is not interpreted... */
const TEXT_RULES: ParseRules = { ...DEFAULT_RULES, read: "nothing" };

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
    const { arrival } = this;
    arrival.group = group;
    arrival.sender = frame.name;
    arrival.host = "";
    arrival.incarnation = "";
    arrival.number = 0;
    this.#bytes = frame.bytes;
    this.#wallUs = wallUs;
    this.#index = 0;
    if (frame.messageType !== BATCH_MESSAGE_TYPE) {
      // A session is #name#daemon, and a daemon mostly has its host's name: the best that is known of where a text is from.
      this.record.origin = this.#originOf(arrival.sender.slice(arrival.sender.lastIndexOf("#") + 1), group);
      this.#lines = new TextLines(frame.bytes, frame.bodyStart, frame.bodyEnd);
      return false;
    }
    this.#lines = undefined;
    this.batch.count = 0;
    readBatch(frame.bytes, frame.bodyStart, frame.bodyEnd, this.batch);
    arrival.host = this.batch.host;
    arrival.incarnation = this.batch.incarnation;
    this.record.origin = this.#originOf(arrival.host, group);
    return true;
  }

  /** Finds the next record; false where there is none. */
  next(): boolean {
    const lines = this.#lines;
    const bytes = this.#bytes;
    if (lines !== undefined) {
      if (!lines.next()) return false;
      this.#read(lines.start, lines.end, hasPri(bytes, lines.start, lines.end) ? DEFAULT_RULES : TEXT_RULES);
      return true;
    }
    const { batch } = this;
    if (this.#index >= batch.count) return false;
    this.arrival.number = batch.first + this.#index;
    this.#read(batch.starts[this.#index]!, batch.ends[this.#index]!, OWN_RULES);
    this.#index += 1;
    return true;
  }

  #read(start: number, end: number, rules: ParseRules): void {
    const { record } = this;
    record.receivedUs = this.#wallUs;
    record.pid = -1;
    record.uid = -1;
    parseMessage(record, this.#bytes, start, end, rules);
  }

  #originOf(host: string, group: string): Origin {
    const key = `${host} ${group}`;
    let found = this.#origins.get(key);
    if (found === undefined) {
      if (this.#origins.size >= ORIGINS_MAX) this.#origins.clear(); // names are the network's: no bound but this
      found = origin("group", host, "", group);
      this.#origins.set(key, found);
    }
    return found;
  }
}

/** ...unless it begins as a syslog message does: "<13>". */
function hasPri(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 2 && bytes[start] === 0x3c && bytes[start + 1]! >= 0x30 && bytes[start + 1]! <= 0x39;
}
