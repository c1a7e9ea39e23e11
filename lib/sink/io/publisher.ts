// Lines on their way to groups, and to a file besides: what `publish` does with each, and how long its writer may be kept waiting.
//
// While there is room in the queue a line is taken at once. Where there is none the writer waits, at most `blockMaxMs`; when that is over, it is kept waiting no more until
// there was room again, and what the full queue refuses is lost, counted, and told when the flow resumes.
import { formatDuration } from "../../base/duration.ts";
import type { Log } from "../../base/log.ts";
import type { RecordView } from "../../syslog/record.ts";
import { type GroupPattern, LineAddress } from "../line-address.ts";
import { LineRecord, type LineSource, PlainLine } from "../line-record.ts";
import { type OwnQueueEvent, queueReport } from "../queue-event.ts";
import type { Outlet, Sink, SinkEvent } from "../sink.ts";
import type { FileSink } from "./file-sink.ts";
import { GroupSink, type GroupSinkOptions } from "./group-sink.ts";

/** Below what a group sink can hold. */
const GROUPS_MAX = 8_000;
/** How often it is looked whether there is room, while somebody waits. */
const LOOK_MS = 5;

export interface PublisherOptions {
  readonly group: GroupPattern;
  /** What makes records of lines, numbered; without it text passes as it is. */
  readonly records: { readonly source: LineSource; readonly pri: number } | undefined;
  readonly sink: Omit<GroupSinkOptions, "payload" | "onEvent" | "onSpoolEvent">;
  /** A file that gets every line as it came. */
  readonly tee: ((onEvent: (event: SinkEvent) => void) => FileSink) | undefined;
  /** 0: nobody waits. */
  readonly blockMaxMs: number;
  readonly wallUs: () => number;
  readonly log: Log;
}

/**
 * What became of the lines: all are where they should be; some wait in the spool, for a daemon or, with acks, for recorders; some are lost.
 */
export type PublishEnd = "delivered" | "spooled" | "lost";

/** The bytes of one line: [start, end). */
export interface Line {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isCut: boolean;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #sink: GroupSink;
  readonly #tee: FileSink | undefined;
  readonly #address: LineAddress<Outlet>;
  readonly #plain = new PlainLine();
  readonly #record: LineRecord | undefined;
  /** The writer has waited for as long as it may, and there was no room since. */
  #isOutOfPatience = false;
  #toldOthers = false;
  /** No daemon can be reached. */
  #isFailing = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#sink = new GroupSink({
      ...options.sink,
      payload: options.records === undefined ? "text" : "records",
      onEvent: (event) => {
        if (event.on === "failing" || event.on === "working") this.#isFailing = event.on === "failing";
        this.#tell(this.#where, event);
      },
      onSpoolEvent: (event) => this.#tellSpool(event),
    });
    this.#tee = options.tee?.((event) => this.#tell(this.#tee?.name ?? "--tee", event));
    this.#address = new LineAddress(options.group, GROUPS_MAX, (name, fullName) => this.#sink.outletTo(name, fullName));
    this.#record = options.records === undefined ? undefined : new LineRecord(options.records.source);
  }

  /** Whether a line can be taken without anybody waiting. */
  get hasRoom(): boolean {
    const hasRoom = this.#sink.hasRoom && this.#tee?.isBehind !== true;
    if (hasRoom) this.#isOutOfPatience = false;
    return hasRoom || this.#isOutOfPatience;
  }

  /** Resolves when there is room, or was none for as long as the writer may wait. */
  async room(): Promise<void> {
    this.flush();
    const untilMs = performance.now() + this.#options.blockMaxMs;
    while (!this.hasRoom && performance.now() < untilMs) await look();
    if (!this.hasRoom) this.#isOutOfPatience = true;
  }

  /** Takes a line; never waits. @param pri instead of that of the options, @param data structured data: for records */
  take(line: Line, pri?: number, data?: Uint8Array): void {
    const { bytes, start, end, isCut } = line;
    this.#tee?.take(this.#plain.fill(bytes, start, end, isCut));
    const outlet = this.#address.find(bytes, start, end);
    this.#tellOthers();
    const from = this.#address.textStart;
    if (from < end) outlet.take(this.#recordOf(bytes, from, end, isCut, pri, data));
  }

  /** What was taken may go out. */
  flush(): void {
    this.#sink.flush();
    this.#tee?.flush();
  }

  /** What the tee's file was moved away for: opens it anew. */
  reopen(): void {
    this.#tee?.reopen();
  }

  /** Gives what waits `withinMs` to arrive, and tells what did not. */
  async close(withinMs: number): Promise<PublishEnd> {
    const untilMs = performance.now() + withinMs;
    if (this.#options.sink.spool !== undefined) await this.#tryFirst(untilMs);
    const restMs = Math.max(0, untilMs - performance.now());
    await Promise.all([this.#sink.close(restMs), this.#tee?.close(restMs)]);
    const sinks: readonly [string, Sink][] = [[this.#where, this.#sink]];
    const all = this.#tee === undefined ? sinks : [...sinks, [this.#tee.name, this.#tee] as const];
    for (const [name, { counters }] of all) {
      if (counters.lost === 0) continue;
      this.#options.log.error(`${name}: ${counters.lost} of ${counters.accepted} lines were not delivered`);
    }
    if (this.#sink.waiting > 0)
      this.#options.log.notice(`${this.#where}: ${linesWere(this.#sink.waiting)} left in the spool`);
    if (all.some(([, { counters }]) => counters.lost > 0)) return "lost";
    return this.#sink.waiting > 0 ? "spooled" : "delivered";
  }

  /** With a spool the sink's end waits for no daemon; but one that was not even asked yet may be there. */
  async #tryFirst(untilMs: number): Promise<void> {
    this.flush();
    while (this.#sink.waiting > 0 && !this.#isFailing && performance.now() < untilMs) await look();
  }

  get #where(): string {
    const { before, after, hasField } = this.#options.group;
    return hasField ? `group:${before}*${after}` : `group:${before}`;
  }

  #recordOf(
    bytes: Uint8Array,
    start: number,
    end: number,
    isCut: boolean,
    pri: number | undefined,
    data: Uint8Array | undefined,
  ): RecordView {
    const { records, wallUs } = this.#options;
    if (this.#record === undefined || records === undefined) return this.#plain.fill(bytes, start, end, isCut);
    const usedPri = pri ?? records.pri;
    if (data === undefined) return this.#record.fill(usedPri, wallUs(), bytes, start, end, isCut);
    return this.#record.fillWithData(usedPri, wallUs(), data, bytes, start, end, isCut);
  }

  #tellOthers(): void {
    if (this.#toldOthers || this.#address.toOthers === 0) return;
    this.#toldOthers = true;
    this.#options.log.warn(`${this.#where}: more than ${GROUPS_MAX} groups; lines of further ones go to one, together`);
  }

  #tell(name: string, event: SinkEvent): void {
    const { log } = this.#options;
    if (event.on === "failing") log.warn(`${name}: cannot deliver: ${event.reason}; lines wait`);
    else if (event.on === "losing")
      log.warn(`${name}: still can't deliver, and lines are dropped now: ${event.reason}`);
    else if (event.on === "working") {
      const lost = event.lost === 0 ? "nothing was lost" : `${linesWere(event.lost)} dropped`;
      log.warn(`${name}: delivers again after ${formatDuration(Math.round(event.outageMs))}; ${lost}`);
    } else log.warn(`${name}: too slow for what came in: ${linesWere(event.lost)} dropped`);
  }

  #tellSpool(event: OwnQueueEvent): void {
    const { severity, text } = queueReport(this.#where, event);
    const { log } = this.#options;
    if (severity === "err") log.error(text);
    else if (severity === "warning") log.warn(text);
    else log.notice(text);
  }
}

function linesWere(count: number): string {
  return count === 1 ? "1 line was" : `${count} lines were`;
}

function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
