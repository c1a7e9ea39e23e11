// Files that are written together or not at all: nothing is touched until all may be written, and each appears whole, with its mode.
import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { PlannedFile } from "../plan.ts";

export interface WriteOptions {
  /** They are written below this directory. */
  readonly root: string;
  /** In place of those that are there, of which a copy is kept beside. */
  readonly force: boolean;
  /** Whether what is at a path is nobody's work, and may be replaced all the same. */
  readonly isFree: (path: string) => boolean;
}

/** Beside what it is a copy of; nobody reads it as a configuration. */
const COPY = ".bak";
const COPIES_MOST = 1_000;

/**
 * Writes the files. What is there and is somebody's work, and another, is kept as PATH.bak, or PATH.bak.2 and so on: no copy replaces an older one.
 * @returns where those copies are
 * @throws {Fault} kind "cannot-create"; without `force` nothing was written where one of them exists
 */
export function writeFiles(files: readonly PlannedFile[], { root, force, isFree }: WriteOptions): readonly string[] {
  const found = files.map(({ path }) => join(root, path)).filter((path) => lstatSync(path, { throwIfNoEntry: false }));
  const there = force ? [] : found.filter((path) => !isFree(path));
  if (there.length > 0)
    throw new Fault(
      "cannot-create",
      "exists",
      `cannot write ${there.join(", ")}: ${there.length === 1 ? "it exists" : "they exist"}, and nothing was changed; --force overwrites`,
    );
  const kept: string[] = [];
  for (const file of files) {
    const path = join(root, file.path);
    const replaces = found.includes(path);
    if (replaces && !isFree(path) && !holds(path, file.bytes)) kept.push(keepCopy(path));
    writeWhole(path, file, replaces);
  }
  return kept;
}

function holds(path: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false; // a link to nothing, say: kept as it is
  }
}

/** The same file by another name: owner, mode and times stay. */
function keepCopy(path: string): string {
  for (let number = 1; ; number++) {
    const copy = number === 1 ? `${path}${COPY}` : `${path}${COPY}.${number}`;
    try {
      linkSync(path, copy);
      return copy;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (code === "EEXIST" && number < COPIES_MOST) continue;
      const why = WHY[code] ?? reasonOf(error);
      throw new Fault("cannot-create", code, `cannot keep a copy of ${path} as ${copy}: ${why}`, { cause: error });
    }
  }
}

function writeWhole(path: string, { bytes, mode }: PlannedFile, replaces: boolean): void {
  const beside = `${path}.new-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(beside, bytes, { flag: "wx", mode });
    chmodSync(beside, mode); // whatever the umask is
    if (replaces) renameSync(beside, path);
    else linkSync(beside, path); // fails where somebody else made it meanwhile
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Fault("cannot-create", code, `cannot write ${path}: ${WHY[code] ?? reasonOf(error)}`, { cause: error });
  } finally {
    rmSync(beside, { force: true });
  }
}

const WHY: Readonly<Record<string, string>> = {
  EACCES: "permission denied; run as root, or write below another directory: --root DIR",
  EPERM: "permission denied; run as root, or write below another directory: --root DIR",
  EEXIST: "something else is there",
};
