// How much comes, and of whom: counts and rates by group, host, program and severity, for `logcat top`.
//
// Rates are smoothed: each `tick` moves a rate towards what was counted since the last one, the more so the longer that was. Names are the network's, so each
// table of them is bounded; what comes when it is full is counted as OTHERS.

import type { RecordView } from "../syslog/record.ts";
import { SEVERITY_NAMES } from "../syslog/severity.ts";
import type { Arrival } from "./arrival.ts";

/** Names that are counted apart in each table. */
export const NAMES_MAX = 10_000;
export const OTHERS = "(others)";
/** Within this time a rate covers two thirds of the way to a new one. */
const SMOOTHING_MS = 3_000;

export interface Rate {
  readonly name: string;
  readonly perSecond: number;
  readonly total: number;
}

/** Rates by one property of records. */
export class RateTable {
  readonly #counts = new Map<string, Count>();

  count(name: string): void {
    let count = this.#counts.get(name);
    if (count === undefined) {
      const known = this.#counts.size < NAMES_MAX ? name : OTHERS;
      count = this.#counts.get(known) ?? new Count();
      this.#counts.set(known, count);
    }
    count.fresh += 1;
    count.total += 1;
  }

  tick(passedMs: number): void {
    const weight = 1 - Math.exp(-passedMs / SMOOTHING_MS);
    for (const count of this.#counts.values()) {
      count.perSecond += weight * ((count.fresh * 1_000) / passedMs - count.perSecond);
      count.fresh = 0;
    }
  }

  /** The `most` busiest, the busiest first; of those that rest, those with the most records. */
  busiest(most: number): readonly Rate[] {
    return [...this.#counts]
      .map(([name, { perSecond, total }]): Rate => ({ name, perSecond: perSecond < RESTING ? 0 : perSecond, total }))
      .sort((a, b) => b.perSecond - a.perSecond || b.total - a.total || (a.name < b.name ? -1 : 1))
      .slice(0, most);
  }
}

/** A record in ten minutes: nobody's rate. */
const RESTING = 1 / 600;

class Count {
  /** Since the last tick. */
  fresh = 0;
  total = 0;
  perSecond = 0;
}

export class Rates {
  readonly all = new RateTable();
  readonly groups = new RateTable();
  readonly hosts = new RateTable();
  readonly programs = new RateTable();
  readonly severities = new RateTable();
  #lastMs: number;

  /** @param startMs of a clock that only goes forward */
  constructor(startMs: number) {
    this.#lastMs = startMs;
  }

  record(record: RecordView, arrival: Arrival): void {
    this.all.count("");
    this.groups.count(arrival.group);
    this.hosts.count(record.hostText());
    this.programs.count(record.appText() || "-");
    this.severities.count(SEVERITY_NAMES[record.severity]!);
  }

  /** Time has passed: makes rates of what was counted. */
  tick(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs;
    if (passedMs <= 0) return;
    this.#lastMs = nowMs;
    for (const table of [this.all, this.groups, this.hosts, this.programs, this.severities]) table.tick(passedMs);
  }
}
