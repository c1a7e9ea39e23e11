// A unix socket's place in the file system. A path that is left over from a daemon that died is removed, one that somebody listens on never; nothing
// that is not a socket is ever removed. The socket appears with nobody's rights but ours, and gets its own before it is announced.
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../../base/fault.ts";
import { codeOf, textOf } from "./system-text.ts";

/** Who may connect to a socket, by its file. */
export interface SocketRights {
  readonly mode: number;
  /** -1: as it is. */
  readonly uid: number;
  readonly gid: number;
}

/** Makes way for a socket at `path`: its directory is there, and nothing else is. @throws {Fault} */
export async function clearSocketPath(path: string): Promise<void> {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket())
      throw new Fault("cannot-create", "not-a-socket", `cannot listen on ${path}: it is there, and no socket`);
    if (await isListenedOn(path))
      throw new Fault("unavailable", "in-use", `cannot listen on ${path}: ${whoListens(found.uid)}`);
    rmSync(path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("cannot-create", codeOf(error), `cannot make way for socket ${path}: ${textOf(error)}`, {
      cause: error,
    });
  }
}

/** Below /tmp anybody can be first. A real daemon may be who it is: it runs as a user of its own. */
function whoListens(uid: number): string {
  if (uid === 0 || uid === process.geteuid?.()) return "somebody listens there; is spreadd running already?";
  return `a program of user ${uid} listens there; end it, if it is no daemon of yours (ss -xlp), or listen elsewhere`;
}

/** Runs `listen`, which makes a socket at `path`, so that nobody else may connect until its rights are set. @throws {Fault} */
export function withRights<T extends { stop(): void }>(path: string, rights: SocketRights, listen: () => T): T {
  const before = process.umask(0o177);
  let listener: T | undefined;
  try {
    listener = listen();
    if (rights.uid >= 0 || rights.gid >= 0) chownSync(path, rights.uid, rights.gid);
    chmodSync(path, rights.mode);
    return listener;
  } catch (error) {
    listener?.stop();
    throw new Fault("cannot-create", codeOf(error), `cannot listen on ${path}: ${textOf(error)}`, { cause: error });
  } finally {
    process.umask(before);
  }
}

async function isListenedOn(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch (error) {
    if (codeOf(error) === "ECONNREFUSED") return false; // nobody: its daemon died
    throw error;
  }
}
