// What came late, summed up: a sender sends again in hundreds of batches what an outage kept back, and its reader wants one line of it.
import type { Recording } from "./recording.ts";

/** After so long without more of it, what came late is told. */
const QUIET_US = 3_000_000;
/** What does not come to an end is told as often. */
const LONGEST_US = 60_000_000;
/** Streams that are summed up at a time; of further ones the first are told. */
const SUMS_MAX = 1_024;

/** Of one stream, as one recording has it. */
export interface LateSum {
  readonly recording: Recording;
  readonly host: string;
  readonly incarnation: string;
  readonly group: string;
  records: number;
  readonly sinceUs: number;
  lastUs: number;
}

export class LateSums {
  readonly #sums = new Map<Recording, Map<string, LateSum>>();
  #size = 0;

  /** @param tell gets each sum, when it is over */
  constructor(private readonly tell: (sum: LateSum, wallUs: number) => void) {}

  add(
    recording: Recording,
    { host, incarnation, group }: Pick<LateSum, "host" | "incarnation" | "group">,
    records: number,
    wallUs: number,
  ): void {
    const key = `${host} ${incarnation} ${group}`;
    const sums = this.#sums.get(recording) ?? new Map<string, LateSum>();
    this.#sums.set(recording, sums);
    const sum = sums.get(key);
    if (sum !== undefined) {
      sum.records += records;
      sum.lastUs = wallUs;
      return;
    }
    if (this.#size >= SUMS_MAX) this.tick(Number.POSITIVE_INFINITY, wallUs);
    sums.set(key, { recording, host, incarnation, group, records, sinceUs: wallUs, lastUs: wallUs });
    this.#size += 1;
  }

  /** Tells of what is over at `untilUs`. A clock that was set back makes it later, no more. */
  tick(untilUs: number, wallUs = untilUs): void {
    for (const [recording, sums] of this.#sums) {
      for (const [key, sum] of sums) {
        if (untilUs - sum.lastUs < QUIET_US && untilUs - sum.sinceUs < LONGEST_US) continue;
        sums.delete(key);
        this.#size -= 1;
        this.tell(sum, wallUs);
      }
      if (sums.size === 0) this.#sums.delete(recording);
    }
  }
}
