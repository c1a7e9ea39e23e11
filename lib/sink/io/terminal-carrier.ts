// Terminals: those of users who are logged in now, or the console. Each is opened for each message and never waited for: one that is stopped (^S) misses it.
// Only where we may not open the console, as another user than root, what was opened of it before is written to (kept-terminals.ts).
// A console that can't be opened is a failure as of any sink: its records wait, and it is tried again. So are users' terminals when we may open none of them.
// The format makes control characters visible; a terminal obeys nobody but its user.
import { join } from "node:path";
import { isForbidden } from "../../base/system-reason.ts";
import type { Carrier } from "../carrier.ts";
import type { Shipment } from "../shipment.ts";
import { readUtmp, terminalsOf } from "../utmp.ts";
import { files } from "./files.ts";
import { type KeptTerminals, TERMINAL_FLAGS } from "./kept-terminals.ts";

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
  readonly #kept: KeptTerminals | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param kept what is written to where we may not open the console */
  constructor(audience: Audience, kept?: KeptTerminals) {
    this.#audience = audience;
    this.#kept = kept;
    if (audience.to === "console") this.name = audience.path === CONSOLE.path ? "console" : `console:${audience.path}`;
    else this.name = audience.users === "all" ? "users:*" : `users:${audience.users.join(",")}`;
  }

  async open(): Promise<void> {
    if (this.#audience.to !== "console") return;
    const { path } = this.#audience;
    await this.#givenBack(path, await this.#open(path));
  }

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
    const took = await Promise.all(paths.map((path) => this.#writeTo(path, bytes)));
    if (paths.length === 0 || took.includes("took")) return 0;
    const failure = took.find((one) => one instanceof Error);
    // A line of utmp whose terminal has gone is nobody's; one that we may not write to is somebody's.
    const isOurs = this.#audience.to === "console" || failure?.code === "EACCES";
    if (failure !== undefined && isOurs && !took.includes("missed")) throw failure;
    return shipment.records;
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

  /** Whether the terminal took all of it; why where it can't be opened. */
  async #writeTo(path: string, bytes: Uint8Array): Promise<"took" | "missed" | NodeJS.ErrnoException> {
    let fd = -1;
    try {
      fd = await this.#open(path);
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
    try {
      return (await files.write(fd, bytes, 0, bytes.length, null)) === bytes.length ? "took" : "missed";
    } catch {
      return "missed"; // it is stopped, or hung up just now
    } finally {
      await this.#givenBack(path, fd);
    }
  }

  async #open(path: string): Promise<number> {
    try {
      return await openTerminal(path);
    } catch (error) {
      const kept = isForbidden(error) ? this.#kept?.fdOf(path) : undefined;
      if (kept === undefined) throw error;
      return kept;
    }
  }

  async #givenBack(path: string, fd: number): Promise<void> {
    if (fd !== this.#kept?.fdOf(path)) await closed(fd);
  }
}

async function openTerminal(path: string): Promise<number> {
  const fd = await files.open(path, TERMINAL_FLAGS, 0);
  if ((await files.fstat(fd)).isCharacterDevice()) return fd;
  await closed(fd);
  throw new Error(`${path} is no terminal`);
}

async function closed(fd: number): Promise<void> {
  await files.close(fd).catch(() => {});
}
