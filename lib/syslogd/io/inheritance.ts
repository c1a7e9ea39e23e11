// What the process that we were left us: taken place by place as sources open, and closed where nobody wants it any more.
import { closeSync, writeSync } from "node:fs";
import { leaveBytes, reapInherited, takeBytes, takeOver } from "../../linux/exec.ts";
import type { Leftovers } from "../../sink/leftovers.ts";
import {
  formatHandover,
  HANDOVER_VARIABLE,
  type HandedConnection,
  type HandedLoss,
  type HandedQueue,
  type HandedTerminal,
  type Handover,
  tryHandover,
} from "../handover.ts";

type Environment = Record<string, string | undefined>;

export class Inheritance {
  readonly #places = new Map<string, number>();
  readonly #dropped = new Map<string, number>();
  readonly #connections = new Map<string, HandedConnection[]>();
  readonly #queues: readonly HandedQueue[];
  /** Consoles that it had open. */
  readonly terminals: readonly HandedTerminal[];
  readonly #answerFd: number;
  readonly sinceMs: number;
  /** Whether there is any. */
  readonly isSome: boolean;
  /** How many of each were there. */
  readonly placesCount: number;
  readonly connectionsCount: number;
  /** Records that waited in memory. */
  readonly recordsCount: number;
  /** What waited too, and could not be handed over. */
  readonly losses: readonly HandedLoss[];
  /** Where the number of this process stands already; "": nowhere that is known. */
  readonly pidFile: string;

  private constructor(handover: Handover | undefined) {
    const { places = [], connections = [], answerFd = -1, sinceMs = 0, pidFile = "" } = handover ?? {};
    const { queues = [], losses = [], terminals = [] } = handover ?? {};
    this.isSome = handover !== undefined;
    for (const { key, fd, dropped } of places) {
      if (takeOver(fd)) this.#places.set(key, fd);
      if (dropped !== undefined) this.#dropped.set(key, dropped);
    }
    for (const one of connections) {
      if (!takeOver(one.fd)) continue;
      const others = this.#connections.get(one.key);
      if (others === undefined) this.#connections.set(one.key, [one]);
      else others.push(one);
    }
    this.#answerFd = answerFd >= 0 && takeOver(answerFd) ? answerFd : -1;
    this.sinceMs = sinceMs;
    this.pidFile = pidFile;
    this.#queues = queues;
    this.losses = losses;
    this.terminals = terminals.filter(({ fd }) => takeOver(fd));
    this.recordsCount = queues.reduce((sum, { records }) => sum + records, 0);
    this.placesCount = this.#places.size;
    this.connectionsCount = connections.length;
  }

  /** Of this process, once: the variable is taken out of the environment. */
  static take(env: Environment): Inheritance {
    const text = env[HANDOVER_VARIABLE];
    delete env[HANDOVER_VARIABLE];
    const bytes = text === undefined || !/^\d{1,6}$/.test(text) ? undefined : takeBytes(Number(text));
    if (bytes !== undefined) reapInherited();
    return new Inheritance(bytes === undefined ? undefined : tryHandover(new TextDecoder().decode(bytes)));
  }

  static none(): Inheritance {
    return new Inheritance(undefined);
  }

  /** The descriptor that was this place's. */
  takePlace(key: string): number | undefined {
    const fd = this.#places.get(key);
    this.#places.delete(key);
    return fd;
  }

  /** How many datagrams the kernel had thrown away there that were counted before; `undefined` where that was not told. */
  takeDropped(key: string): number | undefined {
    const found = this.#dropped.get(key);
    this.#dropped.delete(key);
    return found;
  }

  hasPlace(key: string): boolean {
    return this.#places.has(key);
  }

  takeConnections(key: string): readonly HandedConnection[] {
    const found = this.#connections.get(key) ?? [];
    this.#connections.delete(key);
    return found;
  }

  /** What waited in the memory of sinks, once. */
  *takeQueues(): Generator<Leftovers & { readonly name: string }> {
    for (const { fd, ...more } of this.#queues) {
      const bytes = takeOver(fd) ? takeBytes(fd) : undefined;
      if (bytes !== undefined) yield { ...more, bytes };
    }
  }

  /** What there was, for people. */
  get summary(): string {
    const records = this.recordsCount === 1 ? "1 record that waited" : `${this.recordsCount} records that waited`;
    const more = this.recordsCount === 0 ? "" : `, and ${records}`;
    return `${this.placesCount} sockets and ${this.connectionsCount} connections handed over${more}`;
  }

  /** What nobody took is closed: the configuration names it no more. */
  closeRest(): void {
    for (const fd of this.#places.values()) closeSync(fd);
    for (const { fd } of [...this.#connections.values()].flat()) closeSync(fd);
    this.#places.clear();
    this.#connections.clear();
  }

  /** To who asked for the restart, if that was somebody. */
  answer(line: string): void {
    if (this.#answerFd < 0) return;
    try {
      writeSync(this.#answerFd, line);
      closeSync(this.#answerFd);
    } catch {
      // has gone
    }
  }
}

/** The environment of the process that comes. */
export function environmentWith(handover: Handover, env: Environment): Environment {
  return { ...env, [HANDOVER_VARIABLE]: String(leaveBytes(new TextEncoder().encode(formatHandover(handover)))) };
}

/** Leaves what waited in a sink where the process that comes finds it. @throws {SystemError} where there is no room */
export function leaveQueue(name: string, { bytes, ...more }: Leftovers): HandedQueue {
  return { ...more, name, fd: leaveBytes(bytes) };
}
