// A sink with a queue and what it says, for tests of carriers.
import type { Carrier } from "../../lib/sink/carrier.ts";
import { QueuedSink, type QueuedSinkOptions } from "../../lib/sink/io/queued-sink.ts";
import type { QueueEvent } from "../../lib/sink/queue-event.ts";
import { TraditionalFormat } from "../../lib/syslog/format-3164.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";

export const MB = 1 << 20;

/** A place to spool in `directory`. */
export const spoolAt = (directory: string): NonNullable<QueuedSinkOptions["spool"]> => ({
  directory,
  bytesMax: 64 * MB,
  ageMaxMs: Number.POSITIVE_INFINITY,
  whenFull: "drop-newest",
  wallMs: () => Date.now(),
});

export class SinkRig {
  readonly events: QueueEvent[] = [];
  readonly sink: QueuedSink;
  readonly #record = new RecordView();
  readonly #waiters = new Set<() => void>();

  constructor(carrier: Carrier, more: Partial<QueuedSinkOptions> = {}) {
    this.#record.origin = origin("unix", "web1");
    this.#record.receivedUs = Date.UTC(2026, 10, 23, 15, 20, 38) * 1_000;
    this.sink = new QueuedSink({
      carrier,
      format: new TraditionalFormat(),
      frame: "lines",
      queueBytesMax: MB,
      spool: undefined,
      incarnation: "1a",
      backOff: { firstMs: 20, mostMs: 50, jitter: 0 },
      onEvent: (event) => {
        this.events.push(event);
        for (const waiter of [...this.#waiters]) waiter();
      },
      ...more,
    });
  }

  log(...texts: string[]): void {
    for (const text of texts) {
      const bytes = new TextEncoder().encode(`<13>app: ${text}`);
      parseMessage(this.#record, bytes, 0, bytes.length, LOCAL_RULES);
      this.sink.take(this.#record);
    }
    this.sink.flush();
  }

  /** The `nth` event of a kind. */
  async heard(on: QueueEvent["on"], nth = 1): Promise<QueueEvent> {
    for (;;) {
      const found = this.events.filter((event) => event.on === on);
      if (found.length >= nth) return found[nth - 1]!;
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.#waiters.delete(waiter);
          resolve();
        };
        this.#waiters.add(waiter);
      });
    }
  }

  /** Waits until nothing waits. */
  async settled(): Promise<void> {
    while (this.sink.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  get ledger(): { accepted: number; delivered: number; lost: number; waiting: number } {
    const { accepted, delivered, lost } = this.sink.counters;
    return { accepted, delivered, lost, waiting: this.sink.waiting };
  }

  /** What was accepted is somewhere. */
  get balance(): number {
    const { accepted, delivered, lost, waiting } = this.ledger;
    return accepted - delivered - lost - waiting;
  }
}

export const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => `m${from + at}`);

/** The texts of traditional lines. */
export const textsOf = (lines: string): string[] =>
  lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.slice(line.indexOf(" app: ") + 6));
