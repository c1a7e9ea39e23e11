// What senders make up without end (names of groups, of files) costs objects for each, which are garbage a moment later. The collector lets a small heap grow by
// 32 MiB before it looks, and what it then frees goes back to the system only when the process is idle: a million names had syslogd grow by 80 MiB.
import { edenGC } from "bun:jsc";

/** One look at what is new: 1 to 4 ms, for so many names. They make some 5 MiB. */
const COLLECT_AFTER = 16_384;

/** Has what is young collected after so many. */
export class YoungGarbage {
  #made = 0;

  /** Objects for one more name were made. */
  made(): void {
    this.#made += 1;
    if (this.#made < COLLECT_AFTER) return;
    this.#made = 0;
    edenGC();
  }
}
