// `to = "archive:..."`: records as they came, for who searches them later.
import { BlockBuilder, entryName } from "../../archive/block.ts";
import { ArchiveWriter } from "../../archive/io/writer.ts";
import type { Retention } from "../../archive/segment.ts";
import { formatDuration } from "../../base/duration.ts";
import type { StreamMarks } from "../../feed/marks.ts";
import { SinkCounters } from "../../sink/sink.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Arrival } from "../arrival.ts";
import type { Destination, OpenDestination, Say } from "../destination.ts";

/** A search finds what came so long ago. */
const COMMIT_MS = 1_000;
/** Records that go to the other thread together. */
const CHUNK_RECORDS = 1_024;
/** So much is committed at once: the session waits for no longer than that takes. */
const PRESSING_BYTES = 1_048_576;
/** What a record costs besides its bytes, about. */
const RECORD_BYTES = 32;

export interface ArchiveOptions {
  readonly directory: string;
  readonly retention: Retention;
  readonly isSynced: boolean;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly bufferBytes: number;
  /** The rule wants every record: one that is lost makes a commit fail. */
  readonly waits: boolean;
  readonly say: Say;
  /** There is much to commit: it had better be soon. */
  readonly onPressing: () => void;
  readonly monotonicMs: () => number;
}

export class ArchiveDestination implements Destination {
  readonly name: string;
  readonly counters = new SinkCounters();
  readonly keepsMarks = true;
  /** What is missing is known by the numbers, and told to who reads. */
  readonly takesNotices = false;
  readonly commitEveryMs = COMMIT_MS;
  readonly #options: ArchiveOptions;
  readonly #chunk = new BlockBuilder(CHUNK_RECORDS);
  readonly #last = { group: "", sender: "", host: "", incarnation: "", name: "" };
  #writer: ArchiveWriter | undefined;
  /** Since the last commit was asked for, and those it asked for that are not done. */
  #freshBytes = 0;
  #waitingBytes = 0;
  #fresh = 0;
  #failingSinceMs: number | undefined;
  #isPressing = false;
  /** Since the last commit was asked for. */
  #hasLost = false;
  #isClosed = false;

  /** @throws {Fault} kind "cannot-create" */
  static async open(options: ArchiveOptions): Promise<OpenDestination> {
    const destination = new ArchiveDestination(options);
    const { directory, retention, isSynced, mode, owner, say } = options;
    const { writer, marks } = await ArchiveWriter.open({
      directory,
      retention,
      isSynced,
      mode,
      owner,
      onFailing: (reason) => destination.#onFailing(reason),
      onTrouble: (text) => say("warning", `${destination.name}: ${text}`),
    });
    destination.#writer = writer;
    return { destination, marks };
  }

  private constructor(options: ArchiveOptions) {
    this.#options = options;
    this.name = `archive:${options.directory}`;
  }

  get waiting(): number {
    return this.counters.accepted - this.counters.delivered - this.counters.lost;
  }

  get isPressing(): boolean {
    return this.#isPressing;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= this.#options.bufferBytes / 2;
  }

  take(record: RecordView, arrival: Arrival): void {
    this.counters.accepted += 1;
    if (this.#isClosed || this.#waitingBytes >= this.#options.bufferBytes) {
      this.counters.lost += 1;
      this.#hasLost = true;
      return;
    }
    const chunk = this.#chunk;
    if (chunk.isFull) this.#send();
    const { bytes, start, end, msgStart, pri } = record;
    const name = this.#nameOf(arrival);
    chunk.append(name, arrival.number, record.receivedUs, record.bestTimeUs, pri, bytes, start, end, msgStart);
    this.#waitingBytes += end - start + RECORD_BYTES;
    this.#freshBytes += end - start + RECORD_BYTES;
    this.#fresh += 1;
    if (this.#freshBytes < Math.min(PRESSING_BYTES, this.#options.bufferBytes / 8) || this.#isPressing) return;
    this.#isPressing = true;
    this.#options.onPressing();
  }

  flush(): void {}

  async commit(streams: readonly StreamMarks[]): Promise<boolean> {
    if (this.#writer === undefined) return false;
    this.#send();
    const records = this.#fresh;
    const bytes = this.#freshBytes;
    this.#fresh = 0;
    this.#freshBytes = 0;
    this.#isPressing = false;
    const hasLost = this.#hasLost && this.#options.waits;
    this.#hasLost = false;
    const isCommitted = await this.#writer.commit(hasLost ? [] : streams);
    this.#waitingBytes -= bytes;
    if (isCommitted) this.counters.delivered += records;
    else this.counters.lost += records;
    return isCommitted && !hasLost; // what was lost is not to be acknowledged: it comes again, with what came together with it
  }

  reopen(): void {}

  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    await this.#writer?.close(withinMs);
    this.counters.lost += this.#fresh;
    this.#fresh = 0;
  }

  #send(): void {
    if (this.#chunk.isEmpty) return;
    this.#writer?.append(this.#chunk.encode());
    this.#chunk.clear();
  }

  #nameOf({ group, sender, host, incarnation }: Arrival): string {
    const last = this.#last;
    if (group !== last.group || sender !== last.sender || host !== last.host || incarnation !== last.incarnation)
      Object.assign(last, { group, sender, host, incarnation, name: entryName({ group, sender, host, incarnation }) });
    return last.name;
  }

  #onFailing(reason: string | undefined): void {
    const { say, monotonicMs } = this.#options;
    if (reason !== undefined) {
      this.#failingSinceMs ??= monotonicMs();
      say("err", `${this.name}: ${reason}; ${this.waiting} records wait, and will be tried again`);
      return;
    }
    const outageMs = monotonicMs() - (this.#failingSinceMs ?? monotonicMs());
    this.#failingSinceMs = undefined;
    say("notice", `${this.name}: works again after ${formatDuration(Math.round(outageMs))}, nothing lost`);
  }
}
