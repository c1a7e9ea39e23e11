// What carries records to where they belong: a connection, a program, a terminal. The queue in front of it (io/queued-sink.ts) decides when, tries again, and counts.
import type { BackOffRule } from "../base/back-off.ts";
import type { Shipment } from "./shipment.ts";

export interface Carrier {
  /** As it is written in the config: "tcp:loghost:601". */
  readonly name: string;
  /** What it has open may be another one after SIGHUP, as a path can be. */
  readonly mayMove?: boolean;
  /** Who takes the records, for people; "the other system" unless said. */
  readonly taker?: string;
  /** Between two tries, where the config does not say. */
  readonly backOff?: BackOffRule;
  /** It can be opened and take records, and still be of no use, as a command that ends each time: it works only when it was open for so long. */
  readonly provenAfterMs?: number;
  /**
   * Gets ready to send. Rejects where it can't; then, and after it broke, it is closed and opened again, later.
   * @param onBroken it ended by itself, at most once for each `open`
   * @param onEnding it will end when what was sent has arrived: nothing more is sent, and it is closed then
   */
  open(onBroken: (reason: Error) => void, onEnding: () => void): Promise<void>;
  /**
   * Sends. Resolves when all of it has arrived, as far as can be known here; called again before that, in order. The shipment is its own until then.
   * Rejects where nobody knows, or it has not: all that is not resolved is sent again.
   * @returns how many records could not be sent and never will be
   */
  send(shipment: Shipment): Promise<number>;
  /** Records that were told to have arrived, of which that is not sure now that it broke or ended. Asked once, then. */
  takeUncertain(): number;
  /** Asked once behind `close`: of what was sent and not resolved, so many records, the first ones, have arrived all the same; no other has. Left out where nobody knows. */
  takeRead?(): number;
  /** Ends what is open; unfinished sends reject. */
  close(): void;
  /** Ends what is open in order, when all was sent and at the end of the process, and waits until the other side has ended too. Left out where that says nothing. */
  finish?(withinMs: number): Promise<CarrierEnd>;
}

/** How it ended. */
export interface CarrierEnd {
  /** Records that had been told to have arrived, of which that is not sure. */
  readonly uncertain: number;
  /** Why it is not. */
  readonly reason?: string;
}

/** A host as it stands before a port. */
export function formatHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
