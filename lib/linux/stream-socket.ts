// Listening unix stream sockets, to be served by `Bun.listen({ fd })`. Bun makes them itself, too; but then it removes at the end whatever stands at the path,
// be it ours or not.
import { chmodSync, lstatSync } from "node:fs";
import { removeStale } from "./datagram-socket.ts";
import { errno, libc } from "./libc.ts";
import { removeIfOurs } from "./own-file.ts";
import { AF_UNIX, unixAddress } from "./socket-address.ts";
import { checked, EADDRINUSE, SystemError } from "./system-error.ts";

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** Connections that wait to be accepted; the kernel takes no more than net.core.somaxconn. */
const BACKLOG = 4_096;

/** A socket that was made at a path. Disposing removes it from there, if what stands there is still it; who listens on the descriptor closes that. */
export interface ListeningSocket extends Disposable {
  readonly fd: number;
}

/**
 * Listens on a unix stream socket at `path`, open to all unless `mode` says otherwise. What a daemon that died left there is replaced; anything else is left alone.
 * @throws {SystemError} "EADDRINUSE": another process listens there
 * @throws {Fault} "not-a-socket": something else stands at the path
 */
export function listenUnixStream(path: string, mode = 0o666): ListeningSocket {
  const address = unixAddress(path);
  removeStale(path, address);
  const fd = checked(libc().socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "open a stream socket");
  try {
    if (libc().bind(fd, address, address.length) < 0) {
      const number = errno();
      const advice = number === EADDRINUSE ? "another process listens there (ss -l shows which)" : undefined;
      throw new SystemError(`listen on ${path}`, number, advice);
    }
    chmodSync(path, mode); // nobody is let in before it listens
    checked(libc().listen(fd, BACKLOG), `listen on ${path}`);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  return madeAt(path, fd);
}

/** One that stands at `path` and was ours before this process became what it is. */
export function adoptUnixStream(path: string, fd: number): ListeningSocket {
  return madeAt(path, fd);
}

function madeAt(path: string, fd: number): ListeningSocket {
  const made = lstatSync(path, { throwIfNoEntry: false });
  return {
    fd,
    [Symbol.dispose]() {
      if (made !== undefined) removeIfOurs(path, made);
    },
  };
}
