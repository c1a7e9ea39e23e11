// What a process leaves to the one that it becomes (`syslogd restart`): its sockets, its connections, and where each of these was in the midst of a message.
// Text, JSON, in memory that is passed on; its first line is a version, since the one that comes may be a newer one.
import type { Leftovers } from "../sink/leftovers.ts";
import type { ReaderState } from "../syslog/framing.ts";

/** One that was bound, or listens. `key`: what it is called in both processes. */
export interface HandedPlace {
  readonly key: string;
  readonly fd: number;
  /** Of datagrams: how many the kernel had thrown away there, and the process that leaves it knew of. */
  readonly dropped?: number;
}

export interface HandedConnection {
  /** Of which place. */
  readonly key: string;
  readonly fd: number;
  /** The other end's address, "" on a unix socket. */
  readonly peer: string;
  readonly pid: number;
  readonly uid: number;
  readonly reader: ReaderState;
}

/** What waited in a sink's memory; its bytes are in memory behind a descriptor of their own. */
export interface HandedQueue extends Omit<Leftovers, "bytes"> {
  /** As rules name the sink. */
  readonly name: string;
  readonly fd: number;
}

/** A console that is open. */
export interface HandedTerminal {
  readonly path: string;
  readonly fd: number;
}

/** Records that could not be handed over. */
export interface HandedLoss {
  readonly name: string;
  readonly records: number;
}

export interface Handover {
  readonly places: readonly HandedPlace[];
  readonly connections: readonly HandedConnection[];
  /** Who asked for it, on the control socket, and waits; -1: nobody. */
  readonly answerFd: number;
  /** When it was begun, by the clock that only goes forward: senders have waited since. */
  readonly sinceMs: number;
  /** Where the number of the process stands already; left out where it stands nowhere, and by programs before this was handed over. */
  readonly pidFile?: string;
  /** Left out by programs before these were handed over. */
  readonly queues?: readonly HandedQueue[];
  readonly losses?: readonly HandedLoss[];
  /** Consoles that the process that comes may not open; left out by programs before these were handed over. */
  readonly terminals?: readonly HandedTerminal[];
}

/** Where its descriptor stands in the environment. */
export const HANDOVER_VARIABLE = "SPREADBOX_SYSLOGD_HANDOVER";

const HEAD = "syslogd-handover 1\n";

export function formatHandover(handover: Handover): string {
  const connections = handover.connections.map(({ reader, ...more }) => ({
    ...more,
    reader: { ...reader, held: textOf(reader.held) },
  }));
  return HEAD + JSON.stringify({ ...handover, connections });
}

/** `undefined` where it is of a version that we don't know, or none. What it holds was written by this program: its shape is not looked at again. */
export function tryHandover(text: string): Handover | undefined {
  if (!text.startsWith(HEAD)) return undefined;
  const found = JSON.parse(text.slice(HEAD.length)) as Omit<Handover, "connections"> & {
    readonly connections: readonly (Omit<HandedConnection, "reader"> & {
      readonly reader: Omit<ReaderState, "held"> & { readonly held: string };
    })[];
  };
  const connections = found.connections.map(({ reader, ...more }) => ({
    ...more,
    reader: { ...reader, held: bytesOf(reader.held) },
  }));
  return { ...found, connections };
}

/** Bytes as text, a character each. */
function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
