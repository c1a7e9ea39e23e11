// Terminals: those of users who are logged in now, or the console. Each is opened for each message and never waited for: one that is stopped (^S) misses it.
// The format makes control characters visible; a terminal obeys nobody but its user.
import { constants } from "node:fs";
import { join } from "node:path";
import type { Carrier } from "../carrier.ts";
import type { Shipment } from "../shipment.ts";
import { readUtmp, terminalsOf } from "../utmp.ts";
import { files } from "./files.ts";

const FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW;

export type Audience =
  | { readonly to: "console"; readonly path: string }
  /** "all": everybody who is logged in. */
  | {
      readonly to: "users";
      readonly users: readonly string[] | "all";
      readonly utmpPath: string;
      readonly devDirectory: string;
    };

export const CONSOLE = { to: "console", path: "/dev/console" } as const satisfies Audience;

/** Everybody, or these users. */
export function audienceOf(users: readonly string[] | "all"): Audience {
  return { to: "users", users, utmpPath: "/run/utmp", devDirectory: "/dev" };
}

export class TerminalCarrier implements Carrier {
  readonly name: string;
  readonly #audience: Audience;
  #last: Promise<unknown> = Promise.resolve();

  constructor(audience: Audience) {
    this.#audience = audience;
    if (audience.to === "console") this.name = audience.path === CONSOLE.path ? "console" : `console:${audience.path}`;
    else this.name = audience.users === "all" ? "users:*" : `users:${audience.users.join(",")}`;
  }

  async open(): Promise<void> {}

  send(shipment: Shipment): Promise<number> {
    const sent = this.#last.then(() => this.#sendToAll(shipment));
    this.#last = sent.catch(() => {});
    return sent;
  }

  takeUncertain(): number {
    return 0;
  }

  close(): void {}

  /** What a terminal misses is missed; where all of them do, so has everybody. */
  async #sendToAll(shipment: Shipment): Promise<number> {
    const paths = await this.#paths();
    const bytes = shipment.bytes.subarray(0, shipment.end);
    const took = await Promise.all(paths.map((path) => writeTo(path, bytes)));
    return paths.length > 0 && !took.includes(true) ? shipment.records : 0;
  }

  async #paths(): Promise<string[]> {
    const audience = this.#audience;
    if (audience.to === "console") return [audience.path];
    const utmp = await files.readFile(audience.utmpPath).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return new Uint8Array(0); // nobody ever logged in
      throw error;
    });
    return terminalsOf(readUtmp(utmp), audience.users).map((line) => join(audience.devDirectory, line));
  }
}

/** Whether the terminal took all of it. */
async function writeTo(path: string, bytes: Uint8Array): Promise<boolean> {
  let fd = -1;
  try {
    fd = await files.open(path, FLAGS, 0);
    if (!(await files.fstat(fd)).isCharacterDevice()) return false;
    return (await files.write(fd, bytes, 0, bytes.length, null)) === bytes.length;
  } catch {
    return false;
  } finally {
    if (fd >= 0) await files.close(fd).catch(() => {});
  }
}
