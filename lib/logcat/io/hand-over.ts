// `to = "exec:..."` and `to = "syslog:..."`: records to a command's stdin, or to a server, by the sinks that syslogd has: started or connected again after a back-off,
// with a queue in memory and a spool behind it.
//
// What was handed over counts as committed when the other side's system has taken it: what a command or a server does with it, nobody tells us.
import { join } from "node:path";
import type { Carrier } from "../../sink/carrier.ts";
import type { Frame } from "../../sink/frame-writer.ts";
import { ProgramCarrier } from "../../sink/io/program-carrier.ts";
import { QueuedSink } from "../../sink/io/queued-sink.ts";
import { StreamCarrier } from "../../sink/io/stream-carrier.ts";
import { tlsOptions } from "../../sink/io/tls-options.ts";
import { DATAGRAM_BYTES_MAX, UdpCarrier } from "../../sink/io/udp-carrier.ts";
import { isSinkEvent, type QueueEvent, queueReport } from "../../sink/queue-event.ts";
import type { SinkCounters } from "../../sink/sink.ts";
import { reportOf } from "../../sink/sink-report.ts";
import { spoolDirectoryName } from "../../sink/spool-name.ts";
import type { Format } from "../../syslog/format.ts";
import { openFormat } from "../../syslog/format-choice.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Arrival } from "../arrival.ts";
import type { Destination } from "../destination.ts";
import { MadeFormat, MadeRecords } from "../made-record.ts";
import { lookOfRule } from "../rule-look.ts";
import { takesNotices, type WriteRule } from "../write-rule.ts";
import { formatWriteTarget, type WriteTarget } from "../write-target.ts";
import type { DestinationContext } from "./open-destination.ts";

const COMMIT_MS = 1_000;
/** How often it is looked whether all has gone, while a commit waits for that. */
const LOOK_MS = 50;

type HandOverTarget = Extract<WriteTarget, { kind: "exec" | "syslog" }>;

/** What gets records to a target, and in what form. */
interface Delivery {
  readonly carrier: Carrier;
  readonly format: Format;
  readonly frame: Frame;
  /** Makes of a record what waits. */
  readonly prepare: (record: RecordView, arrival: Arrival) => RecordView;
}

export function openHandOver(rule: WriteRule, to: HandOverTarget, context: DestinationContext): HandOver {
  return new HandOver(rule, to.kind === "exec" ? toCommand(rule, to, context) : toServer(rule, to, context), context);
}

function toCommand(rule: WriteRule, to: HandOverTarget & { kind: "exec" }, context: DestinationContext): Delivery {
  const { zone, env, say, wallMs } = context;
  const name = formatWriteTarget(to);
  const onLine = (line: string): void => say("notice", `${name}: ${line}`);
  const made = new MadeRecords(lookOfRule(rule, zone, wallMs));
  return {
    carrier: new ProgramCarrier({ command: to.command, env, onLine }),
    format: new MadeFormat(),
    frame: "lines",
    prepare: (record, arrival) => made.of(record, arrival),
  };
}

function toServer(rule: WriteRule, to: HandOverTarget & { kind: "syslog" }, context: DestinationContext): Delivery {
  const { zone, wallMs } = context;
  const format = openFormat({ by: rule.format === "rfc5424" ? "rfc5424" : "rfc3164" }, zone);
  const prepare = (record: RecordView) => record;
  switch (to.by) {
    case "udp":
      return {
        carrier: new UdpCarrier({ ...to, datagramBytesMax: DATAGRAM_BYTES_MAX }),
        format,
        frame: "none",
        prepare,
      };
    case "tcp": {
      const frame = rule.framing === "octet-counted" ? "octets" : "lines";
      return { carrier: new StreamCarrier(to), format, frame, prepare };
    }
    case "tls": {
      const carrier = new StreamCarrier({ ...to, tls: () => tlsOptions(rule.tls, wallMs) });
      return { carrier, format, frame: "octets", prepare };
    }
    default:
      return to.by satisfies never;
  }
}

export class HandOver implements Destination {
  readonly name: string;
  readonly keepsMarks = false;
  readonly takesNotices: boolean;
  readonly commitEveryMs = COMMIT_MS;
  readonly #context: DestinationContext;
  readonly #delivery: Delivery;
  readonly #sink: QueuedSink;
  readonly #rewritesTime: boolean;
  #isClosed = false;

  constructor(rule: WriteRule, delivery: Delivery, context: DestinationContext) {
    const { spool, bufferBytes } = rule;
    this.name = formatWriteTarget(rule.to);
    this.takesNotices = takesNotices(rule);
    this.#rewritesTime = rule.rewriteTime !== undefined;
    this.#context = context;
    this.#delivery = delivery;
    this.#sink = new QueuedSink({
      ...delivery,
      queueBytesMax: bufferBytes,
      spool:
        spool.bytesMax === 0
          ? undefined
          : {
              ...spool,
              directory: join(context.stateDirectory, "spool", spoolDirectoryName(this.name)),
              whenFull: "drop-oldest",
              wallMs: context.wallMs,
            },
      incarnation: context.incarnation,
      onEvent: (event) => this.#tell(event),
    });
  }

  get counters(): Readonly<SinkCounters> {
    return this.#sink.counters;
  }

  get uncertain(): number {
    return this.#sink.counters.uncertain;
  }

  get waiting(): number {
    return this.#sink.waiting;
  }

  get isFull(): boolean {
    return !this.#sink.hasRoom;
  }

  take(record: RecordView, arrival: Arrival): void {
    const { timeUs } = record;
    if (this.#rewritesTime) record.timeUs = this.#context.wallMs() * 1_000;
    this.#sink.take(this.#delivery.prepare(record, arrival));
    record.timeUs = timeUs;
  }

  flush(): void {
    this.#sink.flush();
  }

  async commit(): Promise<boolean> {
    const { counters } = this.#sink;
    const taken = counters.accepted;
    const isDone = () => counters.delivered + counters.lost >= taken;
    while (!isDone() && !this.#isClosed) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return isDone();
  }

  reopen(): void {
    this.#sink.reopen();
  }

  async close(withinMs: number): Promise<void> {
    await this.#sink.close(withinMs);
    this.#isClosed = true;
  }

  #tell(event: QueueEvent): void {
    const { severity, text } = isSinkEvent(event)
      ? reportOf(this.name, event, this.waiting)
      : queueReport(this.name, event);
    this.#context.say(severity === "err" || severity === "warning" ? severity : "notice", text);
    if ((event.on === "working" || event.on === "overflowed") && event.lost > 0) this.#context.onLost(text);
  }
}
