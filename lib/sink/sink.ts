// Where records end. A sink has a bounded queue of its own and a hand that empties it: so one that stalls, stalls nobody else.
//
// The rule of all of them: `accepted` = `delivered` + `lost` + what waits. A full queue refuses the newest record (policy "drop-newest"): what was accepted
// into it is never taken back, so each loss is known exactly, when it happens and to the record.
import type { RecordView } from "../syslog/record.ts";
import type { Leftovers } from "./leftovers.ts";

/** What a sink counts, from its start. Refilled in place. */
export class SinkCounters {
  /** Records given to the sink. */
  accepted = 0;
  /** Records that are where they should be, as far as the sink can know. */
  delivered = 0;
  /** Records that will never be: refused by the full queue, or left in it at the end. */
  lost = 0;
}

/** What an operator should know of a sink: each is told once, not for every record. */
export type SinkEvent =
  | { readonly on: "failing"; readonly reason: string }
  /** It still fails, and records have begun to be lost; `reason`: why these can't wait. Told again each hour that it goes on. */
  | { readonly on: "losing"; readonly reason: string; readonly outageMs: number }
  /** `uncertain`: of these nobody knows, since the failure, whether they have arrived. */
  | { readonly on: "working"; readonly outageMs: number; readonly lost: number; readonly uncertain?: number }
  /** The queue was full for a while, though nothing failed: the destination is too slow. */
  | { readonly on: "overflowed"; readonly lost: number }
  /** Records asked for more files than can be open, faster than these were written, until the queue was full. */
  | { readonly on: "crowded"; readonly openFilesMax: number; readonly lost: number };

/** A way into a sink. */
export interface Outlet {
  /** Queues a record, or counts it as lost. Never waits, never throws; the record is not kept. */
  take(record: RecordView): void;
}

/** The queue of a sink, and the hand that empties it. */
export interface Sink {
  /** As it is written in the config: "file:/var/log/messages". */
  readonly name: string;
  readonly counters: Readonly<SinkCounters>;
  /** Records in the queue. */
  readonly waiting: number;
  /** It works, and is slower than what comes in: a source that can wait had better. Left out by sinks that nobody is to wait for. */
  readonly isBehind?: boolean;
  /** It is half full, and what it waits for was asked of the disk only a moment ago (`KEEPS_UP_MS`): who reads datagrams waits that moment too, rather than lose some. */
  readonly isPressed?: boolean;
  /** False where its queue is filling up, whatever it fills up for: a pipe has its writer wait then. Left out by sinks that can't tell. */
  readonly hasRoom?: boolean;
  /** It can't deliver now, and has said so. */
  readonly isFailing?: boolean;
  /** It has what it took on the disk before more is taken, and has not yet: sources that can wait do, so that a kill loses no more than what they read at a time. */
  readonly isUnsettled?: boolean;
  /** When what it writes to was opened, or it was tried once. Left out by sinks that may open it at any time. */
  readonly tried?: Promise<void>;
  /** A turn of the event loop has ended: what was taken may go out. */
  flush(): void;
  /** What the sink holds open may have been moved away (SIGHUP): opens it anew. */
  reopen(): void;
  /** Takes no more, gives the queue `withinMs` to empty, counts what is left as lost. */
  close(withinMs: number): Promise<void>;
  /** As `close`, before this process becomes another one: gives what is left, which is not counted as lost. Left out where nothing can be given: then it is. */
  handOver?(withinMs: number): Promise<readonly Leftovers[]>;
  /** Takes what the same sink of the process before gave, in its order, before anything else. */
  takeUp?(left: Leftovers): void;
}

/** A disk that answers within this keeps up: so long nobody minds to wait, and programs that log wait no longer. */
export const KEEPS_UP_MS = 50;

/** How long a sink that is busy may keep records to send them together; an idle one sends at once. */
export const LINGER_MS = 10;
