// A file that we made and remove at the end: a socket, while it is still ours.
import { lstatSync, type Stats, unlinkSync } from "node:fs";

/** Removes `path` if it is still the file that was `made` there. A user that we became later may not: then it stays, and who listens next finds it dead. */
export function removeIfOurs(path: string, made: Stats): void {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.ino === made.ino && found.dev === made.dev) unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM")))
      throw error;
  }
}
