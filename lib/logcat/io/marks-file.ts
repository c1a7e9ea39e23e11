// Where a recorder notes how far a destination that keeps no marks itself is committed: after the records, so that a crash leaves a record twice, but never not at all.
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { crc32c } from "../../base/crc32c.ts";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { STREAMS_MAX, type StreamMarks } from "../../feed/marks.ts";
import { replaceFile } from "../../run/replaced-file.ts";
import { formatMarks, parseMarks } from "../marks-text.ts";

export class MarksFile {
  /** By stream: what is committed. The one that was heard last comes last. */
  readonly #streams = new Map<string, StreamMarks>();
  /** How the last run ended; `undefined`: there was none. */
  readonly endedInOrder: boolean | undefined;
  /** What was wrong with the file that was there, and where it is now. */
  readonly damage: string | undefined;

  /**
   * Reads what the last run left. A file that is damaged is set aside.
   * @throws {Fault} kind "cannot-create": the directory can't be made, or the file not be read
   */
  constructor(readonly path: string) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      const { streams, isClosed } = parseMarks(readFileSync(path, "utf8"));
      for (const marks of streams) this.#set(marks);
      this.endedInOrder = isClosed;
    } catch (error) {
      if (error instanceof Fault) {
        renameSync(path, `${path}.damaged`);
        this.damage = `${path} was damaged, and is ${path}.damaged now: ${error.message}`;
        this.endedInOrder = false;
      } else if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) {
        throw new Fault("cannot-create", "marks", `cannot use ${path}: ${reasonOf(error)}`, { cause: error });
      }
    }
  }

  get streams(): Iterable<StreamMarks> {
    return this.#streams.values();
  }

  /** These streams are committed that far. @throws {Fault} kind "cannot-create": it can't be written now */
  async save(streams: readonly StreamMarks[], isClosed = false): Promise<void> {
    for (const marks of streams) this.#set(marks);
    await replaceFile(this.path, formatMarks({ streams: this.#streams.values(), isClosed }), 0o600);
  }

  #set(marks: StreamMarks): void {
    const key = `${marks.host} ${marks.incarnation} ${marks.group}`;
    this.#streams.delete(key);
    this.#streams.set(key, marks);
    if (this.#streams.size <= STREAMS_MAX) return;
    const [oldest] = this.#streams.keys();
    if (oldest !== undefined) this.#streams.delete(oldest);
  }
}

/** A file's name for a destination: readable, and another one for another destination. */
export function marksName(destination: string): string {
  const bytes = new TextEncoder().encode(destination);
  const digest = crc32c(bytes, 0, bytes.length).toString(16).padStart(8, "0");
  const words = destination.replace(/[^0-9A-Za-z]+/g, "-").replace(/^-|-$/g, "");
  return `${words.slice(-60)}-${digest}.marks`;
}
