// Watches the unix sockets that we made: a package's script, a careless `rm` or another syslog daemon may take /dev/log away, and then programs log into
// nothing, without anybody noticing. So it is noticed and told, and made again; but never taken from a process that listens there: that would be a fight.
import { lstatSync, type Stats } from "node:fs";
import { Fault } from "../../base/fault.ts";

const LOOK_EVERY_MS = 1_000;

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
    private readonly restores: boolean,
    private readonly say: (severity: "warning" | "notice" | "err", text: string) => void,
  ) {
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** @param socket was made just now */
  watch(socket: GuardedSocket): void {
    if (socket.path.startsWith("@")) return; // no file: nobody can take it away
    this.#watched.push({ socket, made: lstatSync(socket.path), told: "" });
  }

  look(): void {
    for (const watched of this.#watched) this.#lookAt(watched);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #lookAt(watched: Watched): void {
    const { socket, made } = watched;
    const found = lstatSync(socket.path, { throwIfNoEntry: false });
    if (found !== undefined && found.ino === made.ino && found.dev === made.dev) {
      if (watched.told !== "") this.say("notice", `${socket.path}: our socket is back`);
      watched.told = "";
      return;
    }
    const what = found === undefined ? "our socket was removed" : `our socket was replaced by ${kindOf(found)}`;
    if (!this.restores) {
      this.#tell(watched, `${what}: programs that start now can't log to us`);
      return;
    }
    try {
      socket.restore();
      watched.made = lstatSync(socket.path);
      watched.told = "";
      this.say("warning", `${socket.path}: ${what}; made again`);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#tell(watched, `${what}, and can't be made again yet: ${error.message}`);
    }
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

function kindOf(found: Stats): string {
  if (found.isSocket()) return "another";
  return found.isSymbolicLink() ? "a symbolic link" : "something else";
}
