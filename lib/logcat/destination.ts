// Where a recorder's records end: a file, an archive, a program. One destination for each [[logcat.write]], with a bounded queue of its own.
//
// The recorder hands records over in the order in which they came (`take`), and asks now and then that all of it be brought where it stays (`commit`). What is
// committed survives kill -9, and only then is it noted in the marks (feed/marks.ts), and acknowledged to who sent it.
import type { StreamMarks } from "../feed/marks.ts";
import type { SinkCounters } from "../sink/sink.ts";
import type { RecordView } from "../syslog/record.ts";
import type { Arrival } from "./arrival.ts";

export interface Destination {
  /** As it is written in the config: "file:/var/log/cluster/%host%.log". */
  readonly name: string;
  readonly counters: Readonly<SinkCounters>;
  /** Of those delivered: nobody knows, since the other side broke, whether they have arrived. Left out where that can't be. */
  readonly uncertain?: number;
  /** Records in the queue. */
  readonly waiting: number;
  /** It takes a little more: a recorder that can wait reads no more until this is false. Asked for every message. */
  readonly isFull: boolean;
  /** Whether it keeps the marks with the records, so that there are both or neither; else the recorder keeps them in a file, after the records. */
  readonly keepsMarks: boolean;
  /** Whether what the recorder itself has to say belongs among the records. */
  readonly takesNotices: boolean;
  /** How long what was taken may wait for a commit. */
  readonly commitEveryMs: number;
  /** Much was taken since the last commit: the next had better begin at once. Left out where a commit is never urgent. */
  readonly isPressing?: boolean;
  /** Queues a record, or counts it as lost. Never waits, never throws; nothing of the arguments is kept. */
  take(record: RecordView, arrival: Arrival): void;
  /** A turn of the event loop has ended: what was taken may go out. */
  flush(): void;
  /**
   * Resolves when all that was taken before is where it stays. One at a time; what can't be done now is tried again, and makes it wait. Never rejects.
   * @param streams the marks that hold then, of the streams that they differ for
   * @returns false where it never will be
   */
  commit(streams: readonly StreamMarks[]): Promise<boolean>;
  /** What is open may have been moved away (SIGHUP). */
  reopen(): void;
  /** Takes no more, gives the queue `withinMs` to empty, counts what is left as lost. */
  close(withinMs: number): Promise<void>;
}

/** A destination that was opened, and what it knows of an earlier run. */
export interface OpenDestination {
  readonly destination: Destination;
  /** Where it keeps the marks: those of an earlier run. */
  readonly marks?: readonly StreamMarks[];
}

/** Tells the operator of a recorder. One line, no full stop. */
export type Say = (severity: "err" | "warning" | "notice" | "debug", text: string) => void;
