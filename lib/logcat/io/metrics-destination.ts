// `to = "metrics:..."`: counts of records by labels, as OpenMetrics: by HTTP at an address, or in a file that is replaced now and then (for the textfile collector of a node
// exporter). Counts begin at 0 with each run, as those of any counter do.
import type { Sample } from "../../base/counters.ts";
import { Fault } from "../../base/fault.ts";
import type { ListenAddress } from "../../base/listen-address.ts";
import { openMetrics } from "../../base/open-metrics.ts";
import { serveMetrics } from "../../run/metrics-server.ts";
import { replaceFile } from "../../run/replaced-file.ts";
import { SinkCounters } from "../../sink/sink.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Arrival } from "../arrival.ts";
import type { Destination } from "../destination.ts";
import { RecordCounts, SERIES_MAX } from "../record-counts.ts";
import type { WriteRule } from "../write-rule.ts";
import { formatWriteTarget } from "../write-target.ts";
import type { DestinationContext } from "./open-destination.ts";

const PREFIX = "spreadbox_log";
const COMMIT_MS = 5_000;
/** Who collects it may be anybody. */
const FILE_MODE = 0o644;

export class MetricsDestination implements Destination {
  readonly name: string;
  readonly counters = new SinkCounters();
  readonly waiting = 0;
  readonly isFull = false;
  readonly keepsMarks = false;
  readonly takesNotices = false;
  readonly commitEveryMs = COMMIT_MS;
  readonly #context: DestinationContext;
  readonly #counts: RecordCounts;
  readonly #path: string | undefined;
  readonly #server: Disposable | undefined;
  #isFailing = false;
  #hasToldOthers = false;

  /** @throws {Fault} kind "cannot-create": the address cannot be had */
  constructor(rule: WriteRule, at: ListenAddress | { readonly path: string }, context: DestinationContext) {
    this.name = formatWriteTarget(rule.to);
    this.#context = context;
    this.#counts = new RecordCounts(rule.labels);
    if ("path" in at) this.#path = at.path;
    else this.#server = serveMetrics(at, PREFIX, () => this.#samples());
  }

  take(record: RecordView, arrival: Arrival): void {
    this.counters.accepted += 1;
    this.counters.delivered += 1;
    this.#counts.add(record, arrival);
    if (this.#counts.others === 0 || this.#hasToldOthers) return;
    this.#hasToldOthers = true;
    const { say } = this.#context;
    say(
      "warning",
      `${this.name}: more than ${SERIES_MAX} series; what would be further ones counts in one, with "~other" for every label`,
    );
  }

  flush(): void {}

  async commit(): Promise<boolean> {
    await this.#write();
    return true; // a file that can't be written is tried again with the next records: counts lose nothing by it
  }

  reopen(): void {}

  async close(): Promise<void> {
    await this.#write();
    this.#server?.[Symbol.dispose]();
  }

  async #write(): Promise<void> {
    if (this.#path === undefined) return;
    try {
      await replaceFile(this.#path, openMetrics(PREFIX, this.#samples()), FILE_MODE);
      if (this.#isFailing) this.#context.say("notice", `${this.name}: is written again`);
      this.#isFailing = false;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (!this.#isFailing) this.#context.say("err", `${this.name}: ${error.message}; trying again`);
      this.#isFailing = true;
    }
  }

  #samples(): readonly Sample[] {
    return this.#counts.samples();
  }
}
