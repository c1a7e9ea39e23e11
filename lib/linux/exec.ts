// Becomes another program, or a newer one of its own: the same process, with the descriptors that are to stay open. Nothing else of this one goes on.
//
// What is set on a descriptor's other end stays too, as O_ASYNC does: who watches by SIGIO ends that first, since a signal without a handler ends the process.
// For the same reason signals that a service is sent at any time are ignored from here on; the program takes them up again when it is ready.

import { closeSync, fstatSync, readFileSync, writeSync } from "node:fs";
import { address, errno, libc } from "./libc.ts";
import { signalGroup } from "./process-group.ts";
import { checked, SystemError } from "./system-error.ts";

const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1_030;
const F_GETFD = 1;
const FD_CLOEXEC = 1;
const SIG_IGN = 1;
const SIGHUP = 1;
const SIGUSR1 = 10;
const SIGUSR2 = 12;

/** Leaves a descriptor open for the program that comes. */
export function keepOpen(fd: number): void {
  checked(libc().fcntl(fd, F_SETFD, 0), `keep descriptor ${fd} open`);
}

/** Another descriptor of the same; nobody gets it who is started. @throws {SystemError} */
export function duplicate(fd: number): number {
  return checked(libc().fcntl(fd, F_DUPFD_CLOEXEC, 0), `duplicate descriptor ${fd}`);
}

/** Takes over a descriptor that was left open: no program that we start gets it. @returns false where it is not open */
export function takeOver(fd: number): boolean {
  if (libc().fcntl(fd, F_GETFD, 0) < 0) return false;
  return libc().fcntl(fd, F_SETFD, FD_CLOEXEC) >= 0;
}

/** Puts bytes where the program that comes finds them: in memory, behind a descriptor. */
export function leaveBytes(bytes: Uint8Array): number {
  const fd = checked(libc().memfd_create(terminated("handover"), 0), "make room in memory");
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return fd;
}

/** What `leaveBytes` left, once; `undefined` where there is no such thing. */
export function takeBytes(fd: number): Uint8Array | undefined {
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = readFileSync(`/proc/self/fd/${fd}`);
    closeSync(fd);
    return bytes;
  } catch {
    return undefined;
  }
}

/**
 * Becomes the program at `path`. Returns only where that fails.
 * @throws {SystemError}
 */
export function become(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): never {
  for (const signal of [SIGHUP, SIGUSR1, SIGUSR2]) libc().signal(signal, SIG_IGN as never);
  const words = new Words();
  const pathBytes = terminated(path);
  const argv = words.list(args);
  const set = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
  const envp = words.list(set);
  libc().execve(pathBytes, argv, envp);
  throw new SystemError(`start ${path}`, errno());
}

/** How often it is looked whether one of them has ended. */
const REAP_EVERY_MS = 1_000;
/** They have lost whoever was at the other end: after this long they are asked to end, after as long again they are ended. */
const GRACE_MS = 2_000;
const WNOHANG = 1;

/**
 * Takes leave of programs that this process started when it was another one: the runtime does not know them, and they would stay behind as zombies, or, where they
 * hang, for good. Those with a group of their own get SIGTERM, then SIGKILL, all of the group. To be called before anything else is started.
 */
export function reapInherited(): void {
  const left = new Set(childrenOf(process.pid));
  if (left.size === 0) return;
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of left) signalGroup(pid, signal);
  };
  setTimeout(signalAll, GRACE_MS, "SIGTERM").unref();
  setTimeout(signalAll, 2 * GRACE_MS, "SIGKILL").unref();
  const timer = setInterval(() => {
    for (const pid of left) if (libc().waitpid(pid, null as never, WNOHANG) !== 0) left.delete(pid); // it has ended, or is none of ours
    if (left.size === 0) clearInterval(timer);
  }, REAP_EVERY_MS);
  timer.unref();
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
    return text.split(" ").flatMap((word) => (/^\d+$/.test(word) ? Number(word) : []));
  } catch {
    return []; // a kernel that doesn't list them
  }
}

/** Lists of texts as C has them; they live as long as this does. */
class Words {
  readonly #kept: Uint8Array[] = [];

  list(texts: readonly string[]): BigUint64Array {
    const pointers = new BigUint64Array(texts.length + 1);
    for (const [at, text] of texts.entries()) {
      const bytes = terminated(text);
      this.#kept.push(bytes);
      pointers[at] = BigInt(address(bytes));
    }
    return pointers;
  }
}

function terminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
