// Files that are written together or not at all: nothing is touched until all may be written, and each appears whole, with its mode.
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../base/fault.ts";
import type { PlannedFile } from "../plan.ts";

/**
 * Writes the files below `root`.
 * @param force in place of those that are there
 * @throws {Fault} kind "cannot-create"; without `force` nothing was written where one of them exists
 */
export function writeFiles(files: readonly PlannedFile[], root: string, force: boolean): void {
  const there = files.map(({ path }) => join(root, path)).filter((path) => lstatSync(path, { throwIfNoEntry: false }));
  if (!force && there.length > 0)
    throw new Fault(
      "cannot-create",
      "exists",
      `cannot write ${there.join(", ")}: ${there.length === 1 ? "it exists" : "they exist"}, and nothing was changed; --force overwrites`,
    );
  for (const file of files) writeWhole(join(root, file.path), file, force);
}

function writeWhole(path: string, { bytes, mode }: PlannedFile, force: boolean): void {
  const beside = `${path}.new-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(beside, bytes, { flag: "wx", mode });
    chmodSync(beside, mode); // whatever the umask is
    if (force) renameSync(beside, path);
    else linkSync(beside, path); // fails where somebody else made it meanwhile
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Fault("cannot-create", code, `cannot write ${path}: ${WHY[code] ?? code}`, { cause: error });
  } finally {
    rmSync(beside, { force: true });
  }
}

const WHY: Readonly<Record<string, string>> = {
  EACCES: "permission denied; run as root, or write below another directory: --root DIR",
  EPERM: "permission denied; run as root, or write below another directory: --root DIR",
  EEXIST: "something else is there",
  ENOTDIR: "a part of its path is no directory",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
};
