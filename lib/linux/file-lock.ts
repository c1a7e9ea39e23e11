// A lock on a file, for as long as its descriptor is open: the kernel gives it up when the process ends, however it ends. flock(2).
import { errno, libc } from "./libc.ts";
import { EAGAIN, SystemError } from "./system-error.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Locks the file for this process alone; false where another has it. @throws {SystemError} where there can be no lock */
export function tryLock(fd: number): boolean {
  if (libc().flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const number = errno();
  if (number === EAGAIN) return false;
  throw new SystemError("lock a file", number);
}
