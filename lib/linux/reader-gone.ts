// Whether anybody still reads what we write to: a pipe's writer learns that only when it writes, and who waits for records may wait for long.
import { libc } from "./libc.ts";

const POLLERR = 8;
const POLLHUP = 16;
/** struct pollfd: fd (4), events (2), revents (2). */
const POLLFD_BYTES = 8;

/** Whether the last reader of the pipe or socket behind `fd` has gone. False of anything else. */
export function isReaderGone(fd: number): boolean {
  const pollfd = new Int16Array(POLLFD_BYTES / 2);
  new Int32Array(pollfd.buffer, 0, 1)[0] = fd;
  libc().poll(pollfd, 1, 0);
  return (pollfd[3]! & (POLLERR | POLLHUP)) !== 0;
}
