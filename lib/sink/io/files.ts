// Files by number, every call off the main thread. Not by `FileHandle`: one of these that is collected while a call on it hangs throws where nobody can catch it.
import * as fs from "node:fs";
import { promisify } from "node:util";

export const files = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  fstat: promisify(fs.fstat),
  stat: promisify(fs.stat),
  fdatasync: promisify(fs.fdatasync),
  fchown: promisify(fs.fchown),
  chown: promisify(fs.chown),
  mkdir: promisify(fs.mkdir),
  readdir: promisify(fs.readdir),
  readFile: promisify(fs.readFile),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  /** Reads into [0, length) of `bytes` from `position` of the file, and gives how many bytes there were. */
  read(fd: number, bytes: Uint8Array, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(fd, bytes, 0, length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  },
  /** Writes [start, end) of `bytes`, at `position` or, where that is null, where the file stands; gives how many bytes it took. */
  write(fd: number, bytes: Uint8Array, start: number, end: number, position: number | null): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(fd, bytes, start, end - start, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  },
  writev(fd: number, parts: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(fd, parts, position, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  },
};

/** Reads up to `length` bytes of the file at `path` from `position`, and gives how many there were; -1 where it can't be read. */
export async function readFrom(path: string, bytes: Uint8Array, length: number, position: number): Promise<number> {
  let fd = -1;
  try {
    fd = await files.open(path, "r", 0);
    return await files.read(fd, bytes, length, position);
  } catch {
    return -1;
  } finally {
    if (fd >= 0) await files.close(fd).catch(() => {});
  }
}
