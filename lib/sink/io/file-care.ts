// What a log file needs besides being written: to be synced, to belong to somebody, to be found again when it was moved away, to be put aside when it is large or old.
//
// Asked by the file sink between its writes, which are made one at a time; compression and retention run behind its back, one file at a time for all sinks.
import { createReadStream, createWriteStream } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { reasonOf } from "../../base/system-reason.ts";
import { asideName, housekeeping, isDue, type RotationRule } from "../rotation.ts";
import { files } from "./files.ts";

/** How often it is looked whether the file is still where it was. */
const LOOK_MS = 1_000;
/** A rotation that failed is tried again after this long. */
const ROTATION_RETRY_MS = 60_000;

/** When what is written is to be on the disk: whenever the system likes, this long after it was written, or before anything more is written. */
export type SyncPolicy = "never" | "each" | { readonly everyMs: number };

export interface FileCareOptions {
  readonly path: string;
  readonly sync: SyncPolicy;
  /** Of a file that we create. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly rotation?: RotationRule;
  readonly wallMs: () => number;
  /** It could not be put aside, compressed or given away; told once until it works. */
  readonly onTrouble: (reason: string) => void;
}

/** The file that is open. */
interface Open {
  readonly fd: number;
  readonly dev: number;
  readonly ino: number;
  readonly begunMs: number;
  bytes: number;
}

export class FileCare {
  readonly #options: FileCareOptions;
  /** `undefined` too for what is no regular file: it needs no care. */
  #open: Open | undefined;
  #lookedMs = 0;
  #rotationFromMs = Number.NEGATIVE_INFINITY;
  #isDirty = false;
  #syncTimer: ReturnType<typeof setTimeout> | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #syncError: unknown;
  #isInTrouble = false;
  #hasTidied = false;

  constructor(options: FileCareOptions) {
    this.#options = options;
  }

  /** Whether what was written is on the disk before more is taken. */
  get settles(): boolean {
    return this.#options.sync === "each";
  }

  /** Directories were made for it, from `first` to `last` below it: they belong to whom the file does, who is to make others in them. */
  async madeDirectory(first: string, last: string): Promise<void> {
    const { owner } = this.#options;
    if (owner === undefined) return;
    for (let path = last; path.startsWith(first); path = dirname(path))
      await this.#attempt(files.chown(path, owner.uid, owner.gid));
  }

  /** It was opened. */
  async opened(fd: number): Promise<void> {
    const { owner } = this.#options;
    const found = await files.fstat(fd);
    this.#open = undefined;
    if (!found.isFile()) return;
    if (owner !== undefined && found.size === 0 && (found.uid !== owner.uid || found.gid !== owner.gid))
      await this.#attempt(files.fchown(fd, owner.uid, owner.gid));
    const begunMs = found.birthtimeMs > 0 ? found.birthtimeMs : found.mtimeMs;
    this.#open = { fd, dev: found.dev, ino: found.ino, begunMs, bytes: found.size };
    this.#lookedMs = performance.now();
    if (this.#options.rotation !== undefined && !this.#hasTidied) this.#tidy();
  }

  /** Whether it is to be opened anew before the next write: it was moved away, or has just been put aside. */
  async mustReopen(): Promise<boolean> {
    const file = this.#open;
    if (file === undefined) return false;
    if (performance.now() - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = performance.now();
      if (!(await this.#isInPlace(file))) return true;
    }
    return await this.#rotate(file);
  }

  /** So much was written. Resolves when more may be. @param isUrgent be it on the disk then. @throws where it can't be synced */
  async written(bytes: number, isUrgent = false): Promise<void> {
    const file = this.#open;
    const { sync } = this.#options;
    if (file === undefined) return;
    file.bytes += bytes;
    if (sync === "never" && !isUrgent) return;
    this.#isDirty = true;
    if (sync === "never" || sync === "each" || isUrgent) await this.sync();
    else this.#syncTimer ??= setTimeout(() => void this.sync().catch((error) => this.#noteSync(error)), sync.everyMs);
    const error = this.#syncError;
    this.#syncError = undefined;
    if (error !== undefined) throw error;
  }

  /** It will be closed. */
  async leaving(): Promise<void> {
    clearTimeout(this.#syncTimer);
    await this.#syncing.catch(() => {});
    if (this.#isDirty) await this.sync().catch(() => {});
    this.#open = undefined;
  }

  /** Brings what was written to the disk, unless it is never to be synced. One at a time; what is written meanwhile is synced by the next. */
  sync(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const file = this.#open;
    if (file === undefined || !this.#isDirty) return this.#syncing;
    this.#isDirty = false;
    const synced = this.#syncing.catch(() => {}).then(() => files.fdatasync(file.fd));
    this.#syncing = synced;
    synced.catch(() => {
      this.#isDirty = true; // the next try is a new one
    });
    return synced;
  }

  #noteSync(error: unknown): void {
    this.#syncError = error;
  }

  async #isInPlace(file: Open): Promise<boolean> {
    try {
      const found = await files.stat(this.#options.path);
      return found.ino === file.ino && found.dev === file.dev;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ENOENT"; // who can't look doesn't know
    }
  }

  async #rotate(file: Open): Promise<boolean> {
    const { path, rotation, wallMs } = this.#options;
    if (rotation === undefined || performance.now() < this.#rotationFromMs) return false;
    if (!isDue(rotation, file.bytes, file.begunMs, wallMs())) return false;
    if (!(await this.#isInPlace(file))) return true;
    const rotated = await this.#attempt(putAside(path, wallMs()));
    if (rotated) this.#tidy();
    else this.#rotationFromMs = performance.now() + ROTATION_RETRY_MS;
    return rotated;
  }

  /** Compresses and removes, when those before have. */
  #tidy(): void {
    const { path, rotation, wallMs } = this.#options;
    this.#hasTidied = true;
    if (rotation !== undefined) inTurn(() => this.#attempt(tidy(path, rotation, wallMs())));
  }

  /** Whether it worked; where it did not, that is told once. */
  async #attempt(work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
      this.#isInTrouble = false;
      return true;
    } catch (error) {
      if (!this.#isInTrouble) this.#options.onTrouble(reasonOf(error));
      this.#isInTrouble = true;
      return false;
    }
  }
}

let queue: Promise<unknown> = Promise.resolve();

/** One file at a time: compression is not to take the machine. */
function inTurn(work: () => Promise<unknown>): void {
  queue = queue.then(work, work);
}

async function putAside(path: string, wallMs: number): Promise<void> {
  const directory = dirname(path);
  const name = asideName(basename(path), wallMs, await files.readdir(directory));
  await files.rename(path, join(directory, name));
}

async function tidy(path: string, rotation: RotationRule, nowMs: number): Promise<void> {
  const directory = dirname(path);
  const { remove, compress } = housekeeping(rotation, basename(path), await files.readdir(directory), nowMs);
  for (const name of remove) await files.unlink(join(directory, name));
  for (const name of compress) await compressFile(join(directory, name));
}

/** Leaves either the plain file or the whole compressed one, whenever it is cut short. */
async function compressFile(path: string): Promise<void> {
  const { mode, uid, gid } = await files.stat(path);
  const part = `${path}.gz.part`;
  const out = createWriteStream(part, { flags: "wx", mode: mode & 0o777 });
  await pipeline(createReadStream(path), createGzip(), out);
  const fd = await files.open(part, "r", 0);
  try {
    await files.fchown(fd, uid, gid).catch(() => {}); // without privileges it stays ours
    await files.fdatasync(fd);
  } finally {
    await files.close(fd);
  }
  await files.rename(part, `${path}.gz`);
  await files.unlink(path);
}
