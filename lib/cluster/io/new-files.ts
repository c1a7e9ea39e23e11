// Files that are written together or not at all: nothing is touched until all may be written, and each appears whole, with its mode.
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { PlannedFile } from "../plan.ts";

export interface WriteOptions {
  /** They are written below this directory. */
  readonly root: string;
  /** In place of those that are there. */
  readonly force: boolean;
  /** Whether what is at a path is nobody's work, and may be replaced all the same. */
  readonly isFree: (path: string) => boolean;
}

/**
 * Writes the files.
 * @throws {Fault} kind "cannot-create"; without `force` nothing was written where one of them exists
 */
export function writeFiles(files: readonly PlannedFile[], { root, force, isFree }: WriteOptions): void {
  const found = files.map(({ path }) => join(root, path)).filter((path) => lstatSync(path, { throwIfNoEntry: false }));
  const there = force ? [] : found.filter((path) => !isFree(path));
  if (there.length > 0)
    throw new Fault(
      "cannot-create",
      "exists",
      `cannot write ${there.join(", ")}: ${there.length === 1 ? "it exists" : "they exist"}, and nothing was changed; --force overwrites`,
    );
  for (const file of files) {
    const path = join(root, file.path);
    writeWhole(path, file, found.includes(path));
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
