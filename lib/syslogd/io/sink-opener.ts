// Makes the sinks that rules ask for: what each kind needs to be told, from the settings, and nothing else.
import { join } from "node:path";
import { HOST_BYTES_MAX } from "../../feed/batch.ts";
import { ownerOf } from "../../run/accounts.ts";
import type { Clock } from "../../run/clock.ts";
import { rotationOf } from "../../sink/file-keys.ts";
import { FifoCarrier } from "../../sink/io/fifo-carrier.ts";
import { FileCare } from "../../sink/io/file-care.ts";
import { FileSet, type FileSetOptions } from "../../sink/io/file-set.ts";
import { FileSink } from "../../sink/io/file-sink.ts";
import { GroupSink, groupSinkName } from "../../sink/io/group-sink.ts";
import type { KeptTerminals } from "../../sink/io/kept-terminals.ts";
import { ProgramCarrier } from "../../sink/io/program-carrier.ts";
import { type Delivery, QueuedSink, type SpoolPlace } from "../../sink/io/queued-sink.ts";
import { StreamCarrier } from "../../sink/io/stream-carrier.ts";
import { audienceOf, TerminalCarrier } from "../../sink/io/terminal-carrier.ts";
import { tlsOptions } from "../../sink/io/tls-options.ts";
import { DATAGRAM_BYTES_MAX, UdpCarrier } from "../../sink/io/udp-carrier.ts";
import { BlockPool } from "../../sink/line-queue.ts";
import { isSinkEvent, type QueueEvent, queueReport } from "../../sink/queue-event.ts";
import type { SinkEvent } from "../../sink/sink.ts";
import { reportOf } from "../../sink/sink-report.ts";
import { spoolDirectoryName } from "../../sink/spool-name.ts";
import type { SessionOptions } from "../../spread/index.ts";
import { type FormatChoice, openFormat } from "../../syslog/format-choice.ts";
import type { SeverityName } from "../../syslog/severity.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import { type Destination, formatDestination, type QueuedDestination } from "../destination.ts";
import { keysOf, kindOf, type SinkKeys, type SinkSettings, spoolOf, usualFormat } from "../sink-settings.ts";

/** Only for those who may read the whole log. */
const FILE_MODE = 0o640;
/** Of one rule's path by template. */
const OPEN_FILES_MAX = 128;
/** In the spool directory. */
const GROUP_NUMBERS = "group-numbers";

export interface OpenerContext {
  /** This host's name in batches. */
  readonly host: string;
  readonly zone: ZoneOffset;
  readonly clock: Clock;
  readonly env: Record<string, string | undefined>;
  /** Resolves when programs may be started. */
  readonly rootDropped: Promise<void>;
  /** Consoles that stay open for when we may not open them. */
  readonly terminals: KeptTerminals;
  readonly session: SessionOptions;
  /** A disk whose calls take longer does not keep up. */
  readonly keepsUpMs: number;
  readonly say: (severity: SeverityName, text: string) => void;
  /** A sink has begun to fail, or works again. */
  readonly onTold: (severity: SeverityName, text: string, isFailure: boolean) => void;
}

export class SinkOpener {
  readonly #context: OpenerContext;
  readonly #pool = new BlockPool();
  /** By sink, why it fails, while it does. */
  readonly #failures = new Map<string, string>();

  constructor(context: OpenerContext) {
    this.#context = context;
  }

  /** Why this sink fails, as it was told when that began; `undefined` where it does not, or nobody knows. */
  failureOf(name: string): string | undefined {
    return this.#failures.get(name);
  }

  /** @throws {Fault} where it is to belong to nobody that this host knows */
  file(path: string, format: FormatChoice | undefined, keys: SinkKeys, settings: SinkSettings): FileSink {
    const name = formatDestination({ kind: "file", path });
    let sink: FileSink | undefined;
    sink = this.#newFile(path, format, keys, settings, (event) => this.#tell(name, event, sink?.waiting ?? 0));
    return sink;
  }

  /** A file for each path. @throws {Fault} as `file` */
  files(
    to: Extract<Destination, { kind: "files" }>,
    format: FormatChoice | undefined,
    keys: SinkKeys,
    settings: SinkSettings,
  ): FileSet {
    const openFile: FileSetOptions["openFile"] = (path, onEvent) =>
      this.#newFile(path, format, keys, settings, onEvent);
    const sink: FileSet = new FileSet({
      path: to.path,
      zone: this.#context.zone,
      openFilesMax: keys.open_files ?? OPEN_FILES_MAX,
      format: openFormat(format ?? usualFormat("file"), this.#context.zone),
      queueBytesMax: keys.queue ?? settings.queueBytesMax,
      openFile,
      onEvent: (event) => this.#tell(sink.name, event, sink.waiting),
    });
    return sink;
  }

  /** What has a carrier. */
  queued(to: QueuedDestination, format: FormatChoice | undefined, settings: SinkSettings): QueuedSink {
    const { clock } = this.#context;
    const keys = keysOf(to, settings);
    const name = formatDestination(to);
    const sink: QueuedSink = new QueuedSink({
      ...this.delivery(to, format, settings),
      queueBytesMax: keys.queue ?? settings.queueBytesMax,
      spool: this.#spool(to, keys, name, settings),
      incarnation: incarnationAt(clock.wallMs()),
      onEvent: (event) => this.#tell(name, event, sink?.waiting ?? 0),
    });
    return sink;
  }

  /** How records get to a destination: what of its sink can be another while it runs. */
  delivery(to: QueuedDestination, choice: FormatChoice | undefined, settings: SinkSettings): Delivery {
    const { zone, clock, env, rootDropped, say } = this.#context;
    const keys = keysOf(to, settings);
    const format = openFormat(choice ?? usualFormat(kindOf(to)), zone);
    switch (to.kind) {
      case "udp": {
        const datagramBytesMax = keys.datagram ?? DATAGRAM_BYTES_MAX;
        return { carrier: new UdpCarrier({ ...to, datagramBytesMax }), format, frame: "none" };
      }
      case "tcp":
        return { carrier: new StreamCarrier(to), format, frame: keys.framing === "octet-counted" ? "octets" : "lines" };
      case "tls": {
        const carrier = new StreamCarrier({ ...to, tls: () => tlsOptions(keys, () => clock.wallMs()) });
        return { carrier, format, frame: "octets" };
      }
      case "fifo":
        return { carrier: new FifoCarrier(to.path), format, frame: "lines" };
      case "program": {
        const name = formatDestination(to);
        const onLine = (line: string): void => say("notice", `${name}: ${line}`);
        return {
          carrier: new ProgramCarrier({ command: to.command, env, mayStart: rootDropped, onLine }),
          format,
          frame: "lines",
        };
      }
      case "users":
        return { carrier: new TerminalCarrier(audienceOf(to.users)), format, frame: "terminal" };
      case "console":
        return {
          carrier: new TerminalCarrier({ to: "console", path: to.path }, this.#context.terminals),
          format,
          frame: "terminal",
        };
      default:
        return to satisfies never;
    }
  }

  /** One session, with one queue, serves all groups that are sent to in the same way. */
  groups(payload: "records" | "text", acks: number, keys: SinkKeys, settings: SinkSettings): GroupSink {
    const { host, clock, session } = this.#context;
    const name = groupSinkName(payload, acks);
    const spool = this.#spoolPlace("group", keys, name, settings);
    const sink: GroupSink = new GroupSink({
      session,
      host: host.slice(0, HOST_BYTES_MAX),
      incarnation: incarnationAt(clock.wallMs()),
      queueBytesMax: keys.queue ?? settings.queueBytesMax,
      payload,
      ...(spool === undefined ? {} : { spool }),
      ...(payload === "text" ? {} : { numbersPath: numbersPath(settings, acks), acks }),
      onEvent: (event) => this.#tell(name, event, sink.waiting),
      onSpoolEvent: (event) => this.#tell(name, event, sink.waiting),
    });
    return sink;
  }

  #newFile(
    path: string,
    choice: FormatChoice | undefined,
    keys: SinkKeys,
    { queueBytesMax }: SinkSettings,
    onEvent: (event: SinkEvent) => void,
  ): FileSink {
    const { zone, clock, keepsUpMs, say } = this.#context;
    const rotation = rotationOf(keys);
    const owner = keys.owner === undefined ? {} : { owner: ownerOf(keys.owner) };
    const care = new FileCare({
      path,
      sync: keys.sync ?? "never",
      ...owner,
      ...(rotation === undefined ? {} : { rotation }),
      wallMs: () => clock.wallMs(),
      onTrouble: (reason) => say("warning", `file:${path}: ${reason}`),
    });
    return new FileSink({
      path,
      format: openFormat(choice ?? usualFormat("file"), zone),
      queueBytesMax: keys.queue ?? queueBytesMax,
      mode: keys.mode ?? FILE_MODE,
      pool: this.#pool,
      care,
      syncSeverity: keys.sync_severity ?? -1,
      keepsUpMs,
      onEvent,
    });
  }

  #spool(to: Destination, keys: SinkKeys, name: string, settings: SinkSettings): SpoolPlace | undefined {
    return this.#spoolPlace(kindOf(to), keys, name, settings);
  }

  #spoolPlace(
    kind: ReturnType<typeof kindOf>,
    keys: SinkKeys,
    name: string,
    { spoolDirectory }: SinkSettings,
  ): SpoolPlace | undefined {
    const limits = spoolOf(kind, keys, spoolDirectory);
    if (limits === undefined) return undefined;
    const { clock, keepsUpMs } = this.#context;
    const directory = join(spoolDirectory, spoolDirectoryName(name));
    return { ...limits, directory, keepsUpMs, wallMs: () => clock.wallMs() };
  }

  #tell(name: string, event: QueueEvent, waiting: number): void {
    if (event.on === "failing") this.#failures.set(name, event.reason);
    else if (event.on === "working") this.#failures.delete(name);
    const { severity, text } = isSinkEvent(event) ? reportOf(name, event, waiting) : queueReport(name, event);
    this.#context.onTold(severity, text, event.on === "failing" || event.on === "losing");
  }
}

function numbersPath({ spoolDirectory }: SinkSettings, acks: number): string {
  return spoolDirectory === "" ? "" : join(spoolDirectory, acks === 0 ? GROUP_NUMBERS : `${GROUP_NUMBERS}-${acks}`);
}

/** A name for this life of the daemon: its time, and some chance for a clock that was set back. */
export function incarnationAt(wallMs: number): string {
  const chance = Math.floor(Math.random() * 36 ** 3)
    .toString(36)
    .padStart(3, "0");
  return `${Math.floor(wallMs).toString(36)}${chance}`;
}
