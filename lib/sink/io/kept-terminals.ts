// Terminals that were opened while this process might: who has stopped being root may not open the console any more, and writes to what it has open.
import { closeSync, constants, fstatSync, openSync } from "node:fs";

/** Never waits, never becomes ours, and is no link of somebody else's. */
export const TERMINAL_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW;

/** A terminal, and its descriptor. */
export interface KeptTerminal {
  readonly path: string;
  readonly fd: number;
}

export class KeptTerminals {
  readonly #fds = new Map<string, number>();

  /** @param inherited of the process that this one was */
  constructor(inherited: Iterable<KeptTerminal> = []) {
    for (const { path, fd } of inherited) this.#fds.set(path, fd);
  }

  /** Opens it, unless it is open. @throws what the system says; an error of ours where it is no terminal */
  keep(path: string): void {
    if (this.#fds.has(path)) return;
    this.#fds.set(path, openTerminal(path));
  }

  /** Its descriptor, which stays open; `undefined` where it is not kept. */
  fdOf(path: string): number | undefined {
    return this.#fds.get(path);
  }

  get all(): readonly KeptTerminal[] {
    return [...this.#fds].map(([path, fd]) => ({ path, fd }));
  }

  /** Closes those that are not among `paths`. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const [path, fd] of this.#fds) {
      if (paths.has(path)) continue;
      closeSync(fd);
      this.#fds.delete(path);
    }
  }
}

function openTerminal(path: string): number {
  const fd = openSync(path, TERMINAL_FLAGS);
  if (fstatSync(fd).isCharacterDevice()) return fd;
  closeSync(fd);
  throw new Error(`${path} is no terminal`);
}
