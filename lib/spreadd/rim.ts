import type { MonotonicMs } from "../base/brand.ts";
import type { Fault } from "../base/fault.ts";
import type { PrivateGroup } from "../spread/names.ts";
import type { SessionEnd } from "./session-core.ts";

/** How full a session's queue is: below its soft bound, above it, or above a hard one, so that the session has to end. */
export type QueueLevel = "low" | "high" | "full";

/** What the daemon asks of the world: sockets and a clock. Sessions are named by their slots. `io/` has the real one, the tests have one of arrays. */
export interface Rim {
  now(): MonotonicMs;
  /** Sends bytes of the handshake. */
  reply(slot: number, bytes: Uint8Array): void;
  /** Queues a frame: bytes that will never change. After "full" it queues nothing more for that session, and answers "low". */
  send(slot: number, bytes: Uint8Array, start: number, end: number): QueueLevel;
  /** All bytes that a session's socket has ever taken. */
  takenBytes(slot: number): number;
  /** Reads no more from a session until `resume`: its bytes stay where they are. */
  pause(slot: number): void;
  /** Reads again, and lets the session work through what it has. */
  resume(slot: number): void;
  /** A session's handshake is over. @param timeoutMs how long its peer may be dead unnoticed */
  opened(slot: number, name: PrivateGroup, timeoutMs: number): void;
  /** How long a session's peer may be dead unnoticed has changed. */
  retime(slot: number, timeoutMs: number): void;
  /** Closes a session's connection and drops what is queued for it. @param name its private group, once it has one */
  close(slot: number, name: PrivateGroup | undefined, end: SessionEnd): void;
  /** There is a ring, the first or another. */
  ringBegan(): void;
  /** Something that the operator wants to know. */
  notice(line: string): void;
  /** The engine can go on no more. */
  failed(fault: Fault): void;
}
