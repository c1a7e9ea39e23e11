// One [[logcat.write]] at work: which records it takes, which of them are new to it, and what is missing.
import { matchesWildcard } from "../base/wildcard.ts";
import type { Acknowledger } from "../feed/acknowledger.ts";
import { FLAG_END } from "../feed/batch.ts";
import type { BatchView } from "../feed/batch-reader.ts";
import { tryFormer } from "../feed/former-life.ts";
import type { Marks } from "../feed/marks.ts";
import type { GroupName } from "../spread/names.ts";
import type { RecordView } from "../syslog/record.ts";
import type { Arrival } from "./arrival.ts";
import { Chooser } from "./choice.ts";
import type { Destination } from "./destination.ts";
import { type GapTotals, GapTracker, type Verdict } from "./gaps.ts";
import { streamState } from "./marks-text.ts";
import type { WriteRule } from "./write-rule.ts";

/** Whether a rule keeps each record of its groups, and loses none that it can help: only then may it be acknowledged. */
export function keepsAll({ choice, whenFull, to }: WriteRule): boolean {
  return whenFull === "wait" && (to.kind === "file" || to.kind === "archive") && new Chooser(choice).takesAll;
}

export class Recording {
  /** Something was taken since the last commit was begun. */
  isDirty = false;
  /** Records that were of interest. */
  chosen = 0;
  readonly #chooser: Chooser;
  readonly #gaps = new GapTracker();
  readonly #groups: Set<GroupName>;

  constructor(
    readonly rule: WriteRule,
    readonly destination: Destination,
    readonly acknowledger: Acknowledger,
  ) {
    this.#chooser = new Chooser(rule.choice);
    this.#groups = new Set(rule.groups);
    const states = [...acknowledger.marks.streams()].map(({ committed, ...names }) =>
      streamState({ ...names, ranges: committed.ranges }),
    );
    this.#gaps.restore(states.filter((state) => state !== undefined));
  }

  get marks(): Marks {
    return this.acknowledger.marks;
  }

  get gaps(): GapTotals {
    return this.#gaps.totals;
  }

  /** Whether nothing more should be read for now. */
  get mustWait(): boolean {
    return this.rule.whenFull === "wait" && this.destination.isFull;
  }

  /** Of how many records of a stream it is known that they have not come. */
  missingOf(host: string, incarnation: string, group: string): number {
    return this.#gaps.missingOf(host, incarnation, group);
  }

  wantsGroup(group: string): boolean {
    return this.#groups.has(group as GroupName);
  }

  /** Those of the rule, and those that were found by its patterns. */
  get groups(): ReadonlySet<GroupName> {
    return this.#groups;
  }

  /** A group was heard of. Returns whether it is wanted because of its name. */
  found(group: GroupName, fullName: string): boolean {
    if (!this.rule.patterns.some((pattern) => matchesWildcard(pattern, fullName))) return false;
    this.#groups.add(group);
    return true;
  }

  /** A sender says which number comes next in a group. @returns what is missing by that, if anything was known of it */
  foretell(host: string, incarnation: string, group: string, next: number): Verdict | undefined {
    return this.#gaps.foretell(host, incarnation, group, next);
  }

  /** Whether notices about that host are of interest. */
  wantsHost(host: string): boolean {
    return this.#chooser.takesHost(host);
  }

  /** The daemon was lost. */
  away(): void {
    this.#gaps.away();
  }

  /** A batch came; `isNew` then tells of its records. @returns how it fits to what came before */
  batch(sender: string, group: string, batch: BatchView): Verdict {
    this.acknowledger.batch(sender, group, batch);
    if (this.marks.newRecords > 0) this.isDirty = true;
    const { host, incarnation, first, count, flags } = batch;
    const verdict = this.#gaps.enter(host, incarnation, group, first, count, tryFormer(flags));
    if (batch.hasFlag(FLAG_END)) this.#gaps.end(host, incarnation, group);
    return verdict;
  }

  /** Whether the record of that number, of the batch that came last, did not come before. */
  isNew(number: number): boolean {
    return this.marks.isNew(number);
  }

  take(record: RecordView, arrival: Arrival): void {
    if (!this.#chooser.takes(record, arrival)) return;
    this.chosen += 1;
    this.isDirty = true;
    this.destination.take(record, arrival);
  }
}
