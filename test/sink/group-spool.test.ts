// A group sink with a spool, on the real daemon: what waits while the daemon is away, or through the end of the process, arrives with the identity it got.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { BatchView, readBatch } from "../../lib/feed/batch-reader.ts";
import { GroupSink } from "../../lib/sink/io/group-sink.ts";
import type { OwnQueueEvent } from "../../lib/sink/queue-event.ts";
import type { SinkEvent } from "../../lib/sink/sink.ts";
import { openSession, type Session } from "../../lib/spread/index.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { parseTemplate } from "../../lib/syslog/template.ts";
import { WAIT_MS } from "../support/child.ts";
import { hasRealSpread, startRealSpread } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { spoolAt } from "./queue-rig.ts";

const PORT = 24_930;
const SERVERS = `${PORT}@127.0.0.1`;
const backOff = { firstMs: 50, mostMs: 200, jitter: 0 };

class Rig {
  readonly events: (SinkEvent | OwnQueueEvent)[] = [];
  readonly sink: GroupSink;
  readonly #outlet;
  readonly #record = new RecordView();

  constructor(directory: string, incarnation: string) {
    this.#record.origin = origin("unix", "web1");
    this.#record.receivedUs = Date.UTC(2026, 10, 23) * 1_000;
    this.sink = new GroupSink({
      session: { servers: SERVERS, backOff },
      host: "web1",
      incarnation,
      queueBytesMax: 1 << 20,
      spool: spoolAt(directory),
      onEvent: (event) => this.events.push(event),
      onSpoolEvent: (event) => this.events.push(event),
    });
    this.#outlet = this.sink.outlet(parseTemplate("log.%app%"));
  }

  log(from: number, count: number): void {
    for (let at = from; at < from + count; at++) {
      const bytes = new TextEncoder().encode(`<13>${at % 2 === 0 ? "even" : "odd"}: m${at}`);
      parseMessage(this.#record, bytes, 0, bytes.length, LOCAL_RULES);
      this.#outlet.take(this.#record);
    }
    this.sink.flush();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  get ledger() {
    const { accepted, delivered, lost } = this.sink.counters;
    return { accepted, delivered, lost, waiting: this.sink.waiting };
  }
}

/** What a reader makes of it: each identity once. */
class Reader {
  /** "INCARNATION GROUP NUMBER" to the record's text. */
  readonly records = new Map<string, string>();
  readonly #session: Session;
  readonly #views = new Set<string>();

  constructor(groups: readonly string[]) {
    const view = new BatchView();
    this.#session = openSession({
      servers: SERVERS,
      backOff,
      onFrame: (frame) => {
        if (frame.kind === "view") this.#views.add(frame.name);
        if (frame.kind !== "message" || frame.messageType !== BATCH_MESSAGE_TYPE) return;
        readBatch(frame.bytes, frame.bodyStart, frame.bodyEnd, view);
        for (let at = 0; at < view.count; at++) {
          const text = new TextDecoder().decode(frame.bytes.subarray(view.starts[at], view.ends[at]));
          const group = text.includes(" even ") ? "even" : "odd";
          const identity = `${view.incarnation} ${group} ${view.first + at}`;
          if (!this.records.has(identity)) this.records.set(identity, text);
        }
      },
    });
    void follow(this.#session);
    for (const group of groups) void this.#session.join(group);
  }

  /** Whenever there are views of both groups since the last call. */
  async joined(): Promise<void> {
    while (this.#views.size < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#views.clear();
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

async function follow(session: Session): Promise<void> {
  for await (const _ of session);
}

describe.if(hasRealSpread)("on the real daemon", () => {
  test("what waited, in memory, on disk and through an end of the process, arrives in order, each number once", async () => {
    using scratch = temporaryDirectory();
    const directory = join(scratch.path, "spool");
    const reader = new Reader(["log.even", "log.odd"]);
    const before = await startRealSpread({ port: PORT, config: "MaxSessionMessages = 50000" });
    await using _before = before;
    await reader.joined();

    const first = new Rig(directory, "life1");
    first.log(0, 100);
    await first.until(() => first.sink.waiting === 0);
    expect(first.ledger).toEqual({ accepted: 100, delivered: 100, lost: 0, waiting: 0 });
    await before.kill();
    await first.until(() => first.events.some(({ on }) => on === "failing"));
    first.log(100, 5_000);
    await first.sink.close(2_000);
    expect(first.ledger).toEqual({ accepted: 5_100, delivered: 100, lost: 0, waiting: 5_000 });

    const second = new Rig(directory, "life2");
    await second.until(() => second.events.some(({ on }) => on === "failing"));
    second.log(0, 100);
    await second.sink.close(2_000);
    expect(second.events[0]).toEqual({ on: "recovered", records: 5_000, tornBytes: 0 });
    expect(second.ledger).toEqual({ accepted: 5_100, delivered: 0, lost: 0, waiting: 5_100 });

    await using _after = await startRealSpread({ port: PORT, config: "MaxSessionMessages = 50000" });
    await reader.joined();
    const third = new Rig(directory, "life3");
    third.log(0, 2);
    await third.until(() => third.sink.waiting === 0);
    expect(third.ledger).toEqual({ accepted: 5_102, delivered: 5_102, lost: 0, waiting: 0 });
    await third.until(() => reader.records.size === 5_202);

    const numbersOf = (life: string, group: string) =>
      [...reader.records.keys()]
        .filter((identity) => identity.startsWith(`${life} ${group} `))
        .map((identity) => Number(identity.split(" ")[2]));
    const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
    for (const group of ["even", "odd"]) {
      expect(numbersOf("life1", group)).toEqual(upTo(2_550));
      expect(numbersOf("life2", group)).toEqual(upTo(50));
      expect(numbersOf("life3", group)).toEqual([1]);
    }
    expect(reader.records.get("life1 odd 2550")).toMatch(/marks="late".* m5099$/);
    expect(reader.records.get("life2 even 50")).toMatch(/marks="late".* m98$/);
    expect(reader.records.get("life1 even 50")).not.toContain("late");
    await third.sink.close(WAIT_MS);
    await reader.close();
  }, 60_000);
});
