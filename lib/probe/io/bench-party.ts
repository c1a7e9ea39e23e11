// Who takes part in a bench, here or in a process of its own: the director (bench.ts) sees no difference.
import type { ReceiverOutcome, SenderOutcome } from "../bench-result.ts";

export interface SenderParty extends AsyncDisposable {
  /** Connected. */
  readonly ready: Promise<void>;
  /** Begins to send; how far it may go, `grant` says. */
  go(): void;
  /** It may have sent so many messages in all. */
  grant(limit: number): void;
  /** All is sent (or its time is over, or its session), and taken by the socket. */
  readonly done: Promise<SenderOutcome>;
  /** Ends it early. */
  stop(): void;
}

export interface ReceiverParty extends AsyncDisposable {
  /** In the group, together with all other receivers. */
  readonly ready: Promise<void>;
  /**
   * Resolves when it has this many messages of each sender, or nothing came for `quietMs`.
   * @param sent messages by sender
   */
  finish(sent: readonly number[], quietMs: number): Promise<ReceiverOutcome>;
}

/** A receiver has so many messages of a sender. */
export type OnProgress = (sender: number, received: number) => void;
