// Watches the unix sockets that we made: a package's script, a careless `rm` or another syslog daemon may take /dev/log away, and then programs log into
// nothing, without anybody noticing. So it is noticed and told, and made again; but never taken from a process that listens there: that would be a fight.
import { lstatSync, type Stats } from "node:fs";
import { reasonOf } from "../../base/system-reason.ts";

const LOOK_EVERY_MS = 500;

export interface GuardedSocket {
  readonly path: string;
  /** Makes it again. @throws {Fault} where that can't be done */
  readonly restore: () => void;
}

export class SocketGuard implements Disposable {
  readonly #watched: Watched[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param restores whether a lost socket is made again; else it is told, no more */
  constructor(
    public restores: boolean,
    private readonly say: (severity: "warning" | "notice" | "err", text: string) => void,
  ) {
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** @param socket was made just now */
  watch(socket: GuardedSocket): void {
    if (socket.path.startsWith("@")) return; // no file: nobody can take it away
    let made = lstatSync(socket.path, { throwIfNoEntry: false });
    if (made === undefined) {
      socket.restore(); // it was made by the process that we were, and taken away since
      made = lstatSync(socket.path);
    }
    this.#watched.push({ socket, made, told: "" });
  }

  /** The socket at this path is ours no more. */
  forget(path: string): void {
    const at = this.#watched.findIndex(({ socket }) => socket.path === path);
    if (at >= 0) this.#watched.splice(at, 1);
  }

  look(): void {
    for (const watched of this.#watched) this.#lookAt(watched);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #lookAt(watched: Watched): void {
    let what = "our socket can't be looked at";
    try {
      const found = lstatSync(watched.socket.path, { throwIfNoEntry: false });
      if (found === undefined) what = "our socket was removed";
      else if (!isSame(found, watched.made)) what = `our socket was replaced by ${kindOf(found)}`;
      else what = "";
      if (what === "") this.#isWhole(watched);
      else if (this.restores) this.#restore(watched, what);
      else this.#tell(watched, `${what}: programs that start now can't log to us`);
    } catch (error) {
      // The world is unwilling: a directory that is gone, or not ours to write to any more. It may change its mind.
      if (!(error instanceof Error && "code" in error)) throw error;
      this.#tell(watched, `${what}, and can't be made again yet: ${reasonOf(error)}`);
    }
  }

  #isWhole(watched: Watched): void {
    if (watched.told !== "") this.say("notice", `${watched.socket.path}: our socket is back`);
    watched.told = "";
  }

  #restore(watched: Watched, what: string): void {
    const { path, restore } = watched.socket;
    restore();
    watched.made = lstatSync(path);
    watched.told = "";
    this.say("warning", `${path}: ${what}; made again`);
  }

  #tell(watched: Watched, text: string): void {
    if (watched.told === text) return;
    watched.told = text;
    this.say("err", `${watched.socket.path}: ${text}`);
  }
}

interface Watched {
  readonly socket: GuardedSocket;
  made: Stats;
  /** What was told last of it; "" while all is well. */
  told: string;
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

function kindOf(found: Stats): string {
  if (found.isSocket()) return "another";
  return found.isSymbolicLink() ? "a symbolic link" : "something else";
}
