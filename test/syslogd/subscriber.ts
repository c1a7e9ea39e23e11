// Who reads groups beside a syslogd under test: joins, reads batches, and keeps the books.
import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { BatchView, readBatch } from "../../lib/feed/batch-reader.ts";
import { GapTracker } from "../../lib/logcat/gaps.ts";
import { openSession, type Session } from "../../lib/spread/index.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { RecordView } from "../../lib/syslog/record.ts";
import { eventually } from "./running.ts";

export class Subscriber implements AsyncDisposable {
  readonly gaps = new GapTracker();
  /** Of every batch, its header: "GROUP HOST FIRST+COUNT". */
  readonly batches: string[] = [];
  /** Records as they came, without those that came twice: "GROUP facility.severity HOST APP[PROCID]: TEXT". */
  readonly records: string[] = [];
  incarnations = new Set<string>();
  away = 0;
  readonly #session: Session;
  #back = 0;

  constructor(
    server: string,
    private readonly wanted: readonly string[],
  ) {
    // Looks for a lost daemon at short intervals, to be there before those it listens to.
    this.#session = openSession({ servers: server, backOff: { firstMs: 5, mostMs: 20, jitter: 0.5 } });
    for (const group of wanted) void this.#session.join(group);
    void this.#follow();
  }

  /** Waits until the daemon has let us into every group. */
  async joined(times = 1): Promise<void> {
    await eventually(
      () => this.#back >= times * this.wanted.length,
      () => `not in all of ${this.wanted.join(", ")}`,
    );
  }

  async record(pattern: RegExp): Promise<string> {
    return await eventually(
      () => this.records.findLast((one) => pattern.test(one)),
      () => `no record ${pattern} among ${this.records.length}, the last: ${this.records.slice(-5).join("\n")}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
  }

  async #follow(): Promise<void> {
    const view = new BatchView();
    const record = new RecordView();
    for await (const event of this.#session) {
      if (event.kind === "lost") {
        this.away += 1;
        this.gaps.away();
      }
      if (event.kind === "view" && event.cause === "join") this.#back += 1;
      if (event.kind !== "message" || event.messageType !== BATCH_MESSAGE_TYPE) continue;
      const group = event.groups[0]!;
      readBatch(event.body, 0, event.body.length, view);
      this.incarnations.add(view.incarnation);
      this.batches.push(`${group} ${view.host} ${view.first}+${view.count}`);
      this.gaps.enter(view.host, view.incarnation, group, view.first, view.count);
      for (let at = 0; at < view.count; at++) {
        if (this.gaps.isRepeated(view.first + at)) continue;
        parseMessage(record, event.body, view.starts[at]!, view.ends[at]!, OWN_RULES);
        const procid = record.procidText();
        const tag = procid === "" ? record.appText() : `${record.appText()}[${procid}]`;
        this.records.push(
          `${group} ${record.facility}.${record.severity} ${record.hostText()} ${tag}: ${record.msgText()}`,
        );
      }
    }
  }
}
