// The state directory: one small file, written whole or not at all. Writing takes as long as the disk likes, so it never holds up a beat.
import { closeSync, openSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { tryLock } from "../../linux/file-lock.ts";
import { makePrivateDirectory } from "../../run/private-directory.ts";
import { type Kept, NOTHING_KEPT, readKept, writeKept } from "../stored.ts";

/** How soon what could not be written is tried again. */
const AGAIN_MS = 5_000;

export const STATE_FILE = "state.json";

interface Saved {
  readonly kept: Kept;
  readonly written: () => void;
}

export class Store implements Disposable {
  private readonly path: string;
  private lockFd = -1;
  private writing: Promise<void> = Promise.resolve();
  private next: Saved | undefined;
  private again: Timer | undefined;
  private why: string | undefined;

  /**
   * @param tell told when a write fails, once for each reason, and with `undefined` when the newest is on disk again: the service goes on
   * @param againMs how soon what could not be written is tried again
   */
  constructor(
    private readonly directory: string,
    private readonly tell: (error: Error | undefined) => void,
    private readonly againMs = AGAIN_MS,
  ) {
    this.path = join(directory, STATE_FILE);
  }

  /** Why the newest is not on disk; `undefined`: it is, or is being written for the first time. */
  get trouble(): string | undefined {
    return this.why;
  }

  /** @throws {Fault} it can't be read, the directory can't be made, or another mole has it: that one's addresses must not be taken for what a crash has left */
  load(): Kept {
    try {
      makePrivateDirectory(this.directory);
      this.lockFd = openSync(join(this.directory, "lock"), "a", 0o600);
      if (!tryLock(this.lockFd))
        throw new Fault("temporary", "in-use", `cannot use ${this.directory}: another mole runs with it (mole status)`);
      return readKept(readFileSync(this.path, "utf8"), this.path);
    } catch (error) {
      if (error instanceof Fault) throw error;
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return NOTHING_KEPT;
      const why = reasonOf(error);
      throw new Fault("cannot-create", "state", `cannot use ${this.directory}: ${why}`, { cause: error });
    }
  }

  /**
   * Keeps the newest; what is overtaken before it is written need not be.
   * @param written called when it is on disk
   */
  save(kept: Kept, written = () => {}): void {
    const isBusy = this.next !== undefined;
    this.next = { kept, written };
    clearTimeout(this.again);
    if (!isBusy) this.writing = this.writing.then(() => this.write());
  }

  /** Another may use the directory. */
  [Symbol.dispose](): void {
    clearTimeout(this.again);
    if (this.lockFd >= 0) closeSync(this.lockFd);
    this.lockFd = -1;
  }

  /** Resolves when all is on disk, or could not be written (`trouble`). */
  flushed(): Promise<void> {
    return this.writing;
  }

  private async write(): Promise<void> {
    const saved = this.next!;
    this.next = undefined;
    try {
      const file = await open(`${this.path}.new`, "w", 0o600);
      try {
        await file.writeFile(writeKept(saved.kept));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${this.path}.new`, this.path);
      const directory = await open(this.directory, "r");
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    } catch (error) {
      this.fail(error as Error, saved);
      return;
    }
    saved.written();
    if (this.why === undefined) return;
    this.why = undefined;
    this.tell(undefined);
  }

  private fail(error: Error, { kept, written }: Saved): void {
    const why = reasonOf(error);
    const isNews = this.why !== why;
    this.why = why;
    if (this.next === undefined && this.lockFd >= 0) {
      this.again = setTimeout(() => this.save(kept, written), this.againMs);
      this.again.unref();
    }
    if (isNews) this.tell(error);
  }
}
