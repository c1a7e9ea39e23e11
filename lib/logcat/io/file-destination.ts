// `to = "file:..."`: records as lines of a file, or of as many files as the path's template gives.

import { reasonOf } from "../../base/system-reason.ts";
import { FileCare } from "../../sink/io/file-care.ts";
import { FileSet } from "../../sink/io/file-set.ts";
import { FileSink } from "../../sink/io/file-sink.ts";
import type { BlockPool } from "../../sink/line-queue.ts";
import type { SinkCounters, SinkEvent } from "../../sink/sink.ts";
import { reportOf } from "../../sink/sink-report.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Template } from "../../syslog/template.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import type { Arrival } from "../arrival.ts";
import type { Destination, Say } from "../destination.ts";
import { LineWriter } from "../line-writer.ts";
import type { Look } from "../look.ts";
import { MadeLine } from "../made-line.ts";
import { lookOfRule } from "../rule-look.ts";
import { takesNotices, type WriteRule } from "../write-rule.ts";

/** Files are synced as often at most, if they are: the marks with them. */
const COMMIT_MS = 1_000;
/** A commit that a disk refused is tried again after this long. */
const RETRY_MS = 1_000;

export interface FileContext {
  readonly zone: ZoneOffset;
  readonly wallMs: () => number;
  readonly pool: BlockPool;
  /** Of files that we create; `undefined`: as they come. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly say: Say;
  /** A destination works again, or was too slow, and lost records: for the record of it. */
  readonly onLost: (text: string) => void;
}

export class FileDestination implements Destination {
  readonly name: string;
  readonly keepsMarks = false;
  readonly takesNotices: boolean;
  readonly commitEveryMs: number;
  readonly #rule: WriteRule;
  readonly #context: FileContext;
  readonly #line = new LineWriter();
  readonly #format = new MadeLine(this.#line);
  readonly #look: Look;
  readonly #sink: FileSink | FileSet;
  readonly #fullBytes: number;
  #isClosed = false;
  /** Of what was lost, what the last commit knew. */
  #lostBefore = 0;

  constructor(rule: WriteRule, path: Template, context: FileContext) {
    this.#rule = rule;
    this.#context = context;
    this.#look = lookOfRule(rule, context.zone, context.wallMs);
    this.takesNotices = takesNotices(rule);
    const { sync } = rule.files;
    this.commitEveryMs = typeof sync === "object" ? Math.max(COMMIT_MS, sync.everyMs) : COMMIT_MS;
    // What a turn of the event loop brings comes on top.
    this.#fullBytes = rule.bufferBytes / 2;
    const { zone } = context;
    const openFile = (one: string, onEvent: (event: SinkEvent) => void) => this.#open(one, onEvent);
    const onEvent = (event: SinkEvent) => this.#tell(event);
    this.#sink = path.isConstant
      ? this.#open(path.text.replaceAll("%%", "%"), onEvent)
      : new FileSet({
          path,
          zone,
          openFilesMax: rule.files.openFilesMax,
          format: this.#format,
          queueBytesMax: rule.bufferBytes,
          openFile,
          onEvent,
        });
    this.name = `file:${path.text}`;
  }

  get counters(): Readonly<SinkCounters> {
    return this.#sink.counters;
  }

  get waiting(): number {
    return this.#sink.waiting;
  }

  get isFull(): boolean {
    return this.#sink.queuedBytes >= this.#fullBytes;
  }

  take(record: RecordView, arrival: Arrival): void {
    this.#line.clear();
    this.#look.record(this.#line, record, arrival);
    this.#sink.take(record);
  }

  flush(): void {
    this.#sink.flush();
  }

  /** What was lost has no place, and is not committed: who sent it sends it again, with what came together with it. Where losses are wanted, they are none. */
  async commit(): Promise<boolean> {
    const { lost } = this.#sink.counters;
    const hasLost = lost > this.#lostBefore && this.#rule.whenFull === "wait";
    this.#lostBefore = lost;
    return (await this.#committed()) && !hasLost;
  }

  async #committed(): Promise<boolean> {
    while (!this.#isClosed) {
      try {
        return await this.#sink.committed();
      } catch (error) {
        this.#context.say("err", `${this.name}: cannot sync: ${reasonOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return false;
  }

  reopen(): void {
    this.#sink.reopen();
  }

  async close(withinMs: number): Promise<void> {
    await this.#sink.close(withinMs);
    this.#isClosed = true;
  }

  #open(path: string, onEvent: (event: SinkEvent) => void): FileSink {
    const { bufferBytes, files } = this.#rule;
    const { wallMs, pool, owner, say } = this.#context;
    const care = new FileCare({
      path,
      sync: files.sync,
      ...(owner === undefined ? {} : { owner }),
      ...(files.rotation === undefined ? {} : { rotation: files.rotation }),
      wallMs,
      onTrouble: (reason) => say("warning", `file:${path}: ${reason}`),
    });
    const format = this.#format;
    return new FileSink({ path, format, queueBytesMax: bufferBytes, mode: files.mode, pool, care, onEvent });
  }

  #tell(event: SinkEvent): void {
    const { severity, text } = reportOf(this.name, event, this.waiting);
    const told = severity === "err" || severity === "warning" ? severity : "notice";
    this.#context.say(told, text);
    if (event.on !== "failing" && event.on !== "losing" && event.lost > 0) this.#context.onLost(text);
  }
}
