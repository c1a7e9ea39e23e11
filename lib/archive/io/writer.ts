// The recorder's end of an archive: hands blocks to the thread that writes them, and is told when they are committed.
import { Fault } from "../../base/fault.ts";
import type { StreamMarks } from "../../feed/marks.ts";
import type { Retention } from "../segment.ts";
import type { FromWorker, ToWorker } from "./worker-protocol.ts";

export interface WriterOptions {
  readonly directory: string;
  readonly retention: Retention;
  /** Whether a commit waits for the disk. */
  readonly isSynced: boolean;
  /** Of files that are made. */
  readonly mode: number;
  /** Whom they belong to; `undefined`: us. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** It can't commit, and tries again; `undefined`: it works again. */
  readonly onFailing: (reason: string | undefined) => void;
  readonly onTrouble: (text: string) => void;
}

export class ArchiveWriter {
  readonly #worker: Worker;
  readonly #options: WriterOptions;
  readonly #opened = Promise.withResolvers<readonly StreamMarks[]>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #commits: ((isCommitted: boolean) => void)[] = [];
  #isOver = false;

  /**
   * Opens the archive, and makes it where there is none.
   * @returns it, and how far each stream was committed in another run
   * @throws {Fault} kind "cannot-create"
   */
  static async open(options: WriterOptions): Promise<{ writer: ArchiveWriter; marks: readonly StreamMarks[] }> {
    const writer = new ArchiveWriter(options);
    return { writer, marks: await writer.#opened.promise };
  }

  private constructor(options: WriterOptions) {
    this.#options = options;
    this.#worker = new Worker(workerUrl(import.meta.url));
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = (event) => this.#failed(event.message);
    const { directory, retention, isSynced, mode, owner } = options;
    this.#post({ do: "open", directory, retention, isSynced, mode, owner });
  }

  /** Takes a block of records over: its bytes are gone here. */
  append(chunk: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOver) this.#post({ do: "append", chunk }, [chunk.buffer]);
  }

  /** Resolves when all that was appended before is committed, with these marks; false where that will never be. */
  commit(marks: readonly StreamMarks[]): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#commits.push(resolve);
    this.#post({ do: "commit", marks });
    return promise;
  }

  /** Ends it, within a bound. */
  async close(withinMs: number): Promise<void> {
    if (this.#isOver) return;
    this.#post({ do: "close" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#closed.promise, late]);
    clearTimeout(timer);
    this.#end();
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #hear(message: FromWorker): void {
    switch (message.is) {
      case "opened":
        this.#opened.resolve(message.marks);
        break;
      case "refused":
        this.#opened.reject(
          new Fault("cannot-create", "archive", `cannot open archive ${this.#options.directory}: ${message.reason}`),
        );
        this.#end();
        break;
      case "committed":
        this.#commits.shift()?.(true);
        break;
      case "failing":
        this.#options.onFailing(message.reason);
        break;
      case "working":
        this.#options.onFailing(undefined);
        break;
      case "trouble":
        this.#options.onTrouble(message.text);
        break;
      case "closed":
        this.#closed.resolve();
        break;
      default:
        message satisfies never;
    }
  }

  /** The thread came to its end by a mistake of ours. */
  #failed(reason: string): void {
    this.#options.onFailing(reason);
    this.#opened.reject(new Fault("os", "archive", `cannot open archive ${this.#options.directory}: ${reason}`));
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#closed.resolve();
    for (const done of this.#commits.splice(0)) done(false);
    this.#worker.terminate();
  }
}

/** Within the executable the thread's file lies where the build found it (scripts/build), below the root of what is embedded. */
function workerUrl(here: string): string {
  const embedded = /^(file:\/\/\/(?:\$bunfs|~BUN)\/root\/)/.exec(here)?.[1];
  return embedded === undefined ? new URL("./worker.ts", here).href : `${embedded}lib/archive/io/worker.ts`;
}
