// The file of group-numbers.ts: there only between an orderly end and the next start, so that nobody takes an old one for the truth after a kill.
import { closeSync, fdatasyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateDirectory } from "../../run/private-directory.ts";
import { formatGroupNumbers, type GroupNumbers, tryGroupNumbers } from "../group-numbers.ts";

/** What the life before left; "unknown" where it left nothing that can be trusted. */
export function takeGroupNumbers(path: string): GroupNumbers | "unknown" {
  try {
    const found = tryGroupNumbers(readFileSync(path, "latin1"));
    unlinkSync(path); // where that can't be done, it would be there after a kill too
    return found ?? "unknown";
  } catch {
    return "unknown";
  }
}

/** Leaves them to the next life. Where that can't be done, that one doesn't know: no more. */
export function leaveGroupNumbers(path: string, numbers: GroupNumbers): void {
  try {
    makePrivateDirectory(dirname(path));
    const fd = openSync(`${path}.new`, "w", 0o600);
    try {
      writeSync(fd, formatGroupNumbers(numbers));
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(`${path}.new`, path);
  } catch {
    // a full disk, a directory that is not ours
  }
}
