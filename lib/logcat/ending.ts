// When a follow ends by itself, so that a script can wait for a line: `--until`, `--first`, `--idle`, `--for`.
//
// What a script waits for either comes (`until`, `first`: exit status 0) or does not in time. Time that runs out is no failure where nothing was waited for:
// `logcat --for 5m` is a look of five minutes. Where something was, it is (`unmet`).

export interface EndRule {
  /** A chosen record whose message matches one of them is the last. */
  readonly until: readonly RegExp[];
  /** So many chosen records, then no more; undefined: no bound. */
  readonly first: number | undefined;
  /** No chosen record for so long. */
  readonly idleMs: number | undefined;
  /** So long in all. */
  readonly forMs: number | undefined;
}

export const ENDLESS: EndRule = { until: [], first: undefined, idleMs: undefined, forMs: undefined };

/** Why it ended. */
export type EndCause =
  | "until" // the record that was waited for came
  | "first" // as many records as were asked for came
  | "idle" // nothing came for as long as was said
  | "for" // the time is over
  | "gap" // `--strict`, and a record is missing
  | "past" // an archive was all that was asked for, and it has no more
  | "stop" // a signal
  | "closed"; // whoever read the output has gone

/** Watches for the end. Time is given in: milliseconds of a clock that only goes forward. */
export class Ending {
  #taken = 0;
  #lastMs: number;

  constructor(
    readonly rule: EndRule,
    private readonly startMs: number,
  ) {
    this.#lastMs = startMs;
  }

  /** Whether the text of each chosen record has to be looked at. */
  get readsText(): boolean {
    return this.rule.until.length > 0;
  }

  /** A record was chosen. @param matches whether its message matches one of `until` */
  onRecord(nowMs: number, matches: boolean): EndCause | undefined {
    this.#taken += 1;
    this.#lastMs = nowMs;
    if (matches) return "until";
    return this.#taken === this.rule.first ? "first" : undefined;
  }

  /** Whether time has run out. */
  onTime(nowMs: number): EndCause | undefined {
    const { idleMs, forMs } = this.rule;
    if (forMs !== undefined && nowMs - this.startMs >= forMs) return "for";
    return idleMs !== undefined && nowMs - this.#lastMs >= idleMs ? "idle" : undefined;
  }

  /** When to call `onTime` next; Infinity: never. */
  get nextMs(): number {
    const { idleMs, forMs } = this.rule;
    const idle = idleMs === undefined ? Number.POSITIVE_INFINITY : this.#lastMs + idleMs;
    return forMs === undefined ? idle : Math.min(idle, this.startMs + forMs);
  }
}

/** Whether something was waited for, and has not come: then the end is a failure. With both given, `--first` only says how long to wait for `--until`. */
export function isUnmet(rule: EndRule, cause: EndCause): boolean {
  if (rule.until.length > 0) return cause !== "until";
  return rule.first !== undefined && cause !== "first";
}
