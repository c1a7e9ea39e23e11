// A pipe that we write to and somebody else reads: how much of what was written nobody has read yet, and to take that back.
import { closeSync, constants, openSync, readSync } from "node:fs";
import { address, libc } from "./libc.ts";
import { checked } from "./system-error.ts";

const F_SETFL = 4;
const F_SETPIPE_SZ = 1_031;
const O_WRONLY = 1;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const FIONREAD = 0x541b;
const CHUNK_BYTES = 65_536;

export interface Pipe {
  readonly readFd: number;
  /** Never waits: a full pipe takes nothing (EAGAIN). */
  readonly writeFd: number;
}

/** Both ends are closed in programs that we start, unless given to them. @param bytes how much it is to hold, as far as the system lets it; unless given as usual @throws {SystemError} */
export function openPipe(bytes?: number): Pipe {
  const ends = new Int32Array(2);
  checked(libc().pipe2(address(ends), O_CLOEXEC), "make a pipe");
  const [readFd, writeFd] = ends as unknown as [number, number];
  checked(libc().fcntl(writeFd, F_SETFL, O_WRONLY | O_NONBLOCK), "make a pipe that never waits");
  if (bytes !== undefined) libc().fcntl(writeFd, F_SETPIPE_SZ, bytes); // a user may have too many of that size already: then it holds less
  return { readFd, writeFd };
}

/** Bytes that were written and nobody has read. */
export function unreadBytes(writeFd: number): number {
  const count = new Int32Array(1);
  return libc().ioctl(writeFd, FIONREAD, count) < 0 ? 0 : count[0]!;
}

/** Takes out what nobody has read, so that nobody will. @returns how many bytes that were; what could not be taken is counted too */
export function takeUnread(writeFd: number): number {
  const bytes = new Uint8Array(CHUNK_BYTES);
  let taken = 0;
  let fd = -1;
  try {
    fd = openSync(`/proc/self/fd/${writeFd}`, constants.O_RDONLY | constants.O_NONBLOCK);
    // We hold the other end, so an empty pipe has no end here, but says EAGAIN.
    for (let count = 1; count > 0; taken += count) count = readSync(fd, bytes, 0, bytes.length, null);
  } catch {
    // it is empty, or /proc is not there
  }
  if (fd >= 0) closeSync(fd);
  return taken + unreadBytes(writeFd);
}
