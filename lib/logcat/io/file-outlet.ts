// `--output FILE`: lines by way of the file sink, which opens anew at SIGHUP, tries again what could not be written, and never makes us wait for a disk.
import { closeSync, constants, openSync } from "node:fs";
import { formatDuration } from "../../base/duration.ts";
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { FileSink } from "../../sink/io/file-sink.ts";
import { BlockPool } from "../../sink/line-queue.ts";
import type { SinkEvent } from "../../sink/sink.ts";
import { RecordView } from "../../syslog/record.ts";
import { LineWriter } from "../line-writer.ts";
import { MadeLine } from "../made-line.ts";
import { counted } from "../notice.ts";
import type { Outlet } from "../outlet.ts";

/** How long the file may take at the end. */
const CLOSE_MS = 5_000;
/** The sink tells nobody when it has written: asked for now and then, by who keeps a cursor. */
const WRITTEN_POLL_MS = 50;
const OPEN_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;
const MODE = 0o640;
/** The sink takes records; ours are lines already. */
const NO_RECORD = new RecordView();

export class FileOutlet implements Outlet {
  slowReason: string;
  readonly #line = new LineWriter();
  readonly #sink: FileSink;
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #log: Log;
  #flushing = false;

  /**
   * Opens the file for append, and makes it if need be.
   * @throws {Fault} kind "cannot-create": it can't be opened now. Later that is told, and tried again.
   */
  constructor(path: string, bytesMax: number, log: Log) {
    checkFile(path);
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#log = log;
    this.slowReason = `${path} is too slow`;
    this.#sink = new FileSink({
      path,
      format: new MadeLine(this.#line),
      queueBytesMax: bytesMax,
      mode: MODE,
      pool: new BlockPool(),
      onEvent: (event) => this.#tell(event),
    });
  }

  open(): LineWriter {
    this.#line.clear();
    return this.#line;
  }

  close(): boolean {
    const lost = this.#sink.counters.lost;
    this.#sink.take(NO_RECORD);
    return this.#sink.counters.lost === lost;
  }

  /** A file loses nothing by waiting. */
  takeDiscarded(): number {
    return 0;
  }

  /** Much waits. */
  get isPressing(): boolean {
    return this.#sink.queuedBytes >= this.#bytesMax / 4;
  }

  /** Lines were put in: they go out at the end of this turn. */
  wake(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#sink.flush();
    });
  }

  /** Resolves when what was put in until now is in the file, or lost. */
  async written(): Promise<void> {
    const { counters } = this.#sink;
    const taken = counters.accepted;
    while (counters.delivered + counters.lost < taken)
      await new Promise((resolve) => setTimeout(resolve, WRITTEN_POLL_MS));
  }

  /** It was moved away: goes on in a new file of the same name. */
  reopen(): void {
    this.#sink.reopen();
  }

  /** Writes what waits, within a bound. Returns how many lines are lost for good. */
  async end(): Promise<number> {
    await this.#sink.close(CLOSE_MS);
    return this.#sink.counters.lost;
  }

  #tell(event: SinkEvent): void {
    switch (event.on) {
      case "failing":
        this.slowReason = `${this.#path} could not be written: ${event.reason}`;
        this.#log.error(`cannot write ${this.#path}: ${event.reason}; trying again`);
        break;
      case "losing":
        this.#log.error(`${this.#path} still can't be written, and lines are lost now: ${event.reason}`);
        break;
      case "working":
        this.slowReason = `${this.#path} is too slow`;
        this.#log.notice(
          `${this.#path} is written again after ${formatDuration(Math.round(event.outageMs))}; ${counted(event.lost, "line")} lost`,
        );
        break;
      case "overflowed":
        this.#log.warn(`${this.#path} is too slow: ${counted(event.lost, "line")} lost`);
    }
  }
}

function checkFile(path: string): void {
  try {
    closeSync(openSync(path, OPEN_FLAGS, MODE));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENXIO") return; // a FIFO that nobody reads yet
    const reason = code === "ENOENT" ? "its directory does not exist" : reasonOf(error);
    throw new Fault("cannot-create", code, `cannot write ${path}: ${reason}`, { cause: error });
  }
}
