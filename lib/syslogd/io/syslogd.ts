// The daemon: sources, rules and sinks put together. Everything that decides is elsewhere; here values meet sockets and files.
//
//   source (datagram-source, kernel-source) -> parseMessage -> Router -> sinks (lib/sink)
//
// All of it runs on one thread, record by record, and nothing on the way waits. A turn of the event loop takes what is at hand; at its end the sinks send.
import { hostname } from "node:os";
import { formatDuration } from "../../base/duration.ts";
import { HOST_BYTES_MAX } from "../../feed/batch.ts";
import type { Clock } from "../../run/clock.ts";
import { FileSet, type FileSetOptions } from "../../sink/io/file-set.ts";
import { FileSink } from "../../sink/io/file-sink.ts";
import { GroupSink } from "../../sink/io/group-sink.ts";
import { BlockPool } from "../../sink/line-queue.ts";
import type { Outlet, Sink, SinkCounters, SinkEvent } from "../../sink/sink.ts";
import { describeFormat, type FormatChoice, openFormat } from "../../syslog/format-choice.ts";
import { parseMessage } from "../../syslog/parse.ts";
import { LOCAL_RULES, type ParseRules } from "../../syslog/parse-rules.ts";
import { origin, RecordView } from "../../syslog/record.ts";
import type { SeverityName } from "../../syslog/severity.ts";
import type { Template } from "../../syslog/template.ts";
import { tryZone, UTC, type ZoneOffset } from "../../syslog/zone.ts";
import { type Destination, formatDestination } from "../destination.ts";
import type { DirectedRule } from "../directed-rule.ts";
import { ownMessage } from "../own-message.ts";
import { RateLimit } from "../rate-limit.ts";
import { Repeats, type Summary } from "../repeats.ts";
import { Router } from "../router.ts";
import type { Totals } from "../samples.ts";
import type { Settings } from "../settings.ts";
import { reportOf } from "../sink-report.ts";
import type { Intake } from "./datagram-source.ts";
import { openSources, type Sources } from "./sources.ts";

/** Only for those who may read the whole log. */
const FILE_MODE = 0o640;
/** Of one rule's path by template. */
const OPEN_FILES_MAX = 128;
const TELL_HELD_EVERY_MS = 1_000;
/** A file system that hangs must not keep us from logging elsewhere. */
const OPEN_WITHIN_MS = 2_000;
/** A sink that no rule names any more may take so long to be empty. */
const RETIRE_MS = 60_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly env: Record<string, string | undefined>;
  /** Own messages, besides their way through the rules. */
  readonly onOwnMessage: (severity: SeverityName, text: string) => void;
}

export class Syslogd implements Intake {
  readonly #surroundings: Surroundings;
  readonly #host: string;
  readonly #zone: ZoneOffset;
  readonly #ownRules: ParseRules;
  readonly #ownRecord = new RecordView();
  readonly #pool = new BlockPool();
  readonly #sinks: Sink[] = [];
  #groups: GroupSink | undefined;
  /** The sinks of the rules in effect, by name and form. */
  #outlets: ReadonlyMap<string, Outlet> = new Map();
  /** Sinks that no rule names any more, until they are empty. */
  readonly #retiring = new Map<Sink, Promise<void>>();
  readonly #rate: RateLimit | undefined;
  readonly #repeats: Repeats | undefined;
  /** Whether either is asked for. */
  readonly #checks: boolean;
  readonly #summaryRecord = new RecordView();
  #telling: ReturnType<typeof setInterval> | undefined;
  #settings: Settings;
  #router: Router;
  /** Missing while they are being opened: they may have something to say already. */
  readonly #sources: Sources | undefined;
  /** Resolves when stdin has ended, where that was read. */
  readonly inputEnded: Promise<void>;
  #received = 0;
  #unrouted = 0;
  #isClosing = false;

  /** Opens the sinks, then the sources: the first record finds its way. @throws where a source that was asked for cannot be had */
  constructor(settings: Settings, surroundings: Surroundings) {
    this.#settings = settings;
    this.#rate = settings.rate && new RateLimit(settings.rate);
    this.#repeats = settings.summariseRepeats ? new Repeats() : undefined;
    this.#checks = this.#rate !== undefined || this.#repeats !== undefined;
    this.#surroundings = surroundings;
    this.#host = settings.host || hostname();
    this.#zone = tryZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? UTC;
    this.#ownRules = { ...LOCAL_RULES, zone: this.#zone };
    this.#ownRecord.origin = origin("internal", this.#host);
    this.#router = this.#route(settings.rules);
    const { clock, env } = surroundings;
    const { promise: inputEnded, resolve: onInputEnd } = Promise.withResolvers<void>();
    this.inputEnded = inputEnded;
    const say = this.say.bind(this);
    const context = { host: this.#host, zone: this.#zone, clock, env, intake: this, say, onInputEnd };
    this.#sources = openSources(settings, context);
    if (this.#checks) this.#telling = setInterval(() => this.#tellHeld(false), TELL_HELD_EVERY_MS).unref();
    this.say("notice", `started: listens on ${this.listensOn.join(", ")}`);
  }

  /** What we listen on. */
  get listensOn(): readonly string[] {
    return this.#sources?.names ?? [];
  }

  /** Resolves when all sources listen, and it was tried to open every file. @throws {Fault} where one that was asked for cannot be had */
  async ready(): Promise<void> {
    await this.#sources?.ready();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, OPEN_WITHIN_MS);
    });
    await Promise.race([Promise.all(this.#sinks.map((sink) => sink.tried)), late]);
    clearTimeout(timer);
  }

  take(record: RecordView): void {
    this.#received += 1;
    if (this.#checks && !this.#passes(record)) return;
    if (this.#router.route(record) === 0) this.#unrouted += 1;
  }

  /** False where a record is held back: beyond its sender's rate, or said already. */
  #passes(record: RecordView): boolean {
    const { via } = record.origin;
    if (via === "internal") return true;
    const nowMs = record.receivedUs / 1_000;
    if (this.#rate?.admits(senderOf(record), nowMs) === false) return false;
    return this.#repeats?.isRepeat(record, nowMs, this.#onSummary) !== true;
  }

  readonly #onSummary = ({ bytes, origin, pid, uid }: Summary): void => {
    const record = this.#summaryRecord;
    Object.assign(record, { origin, pid, uid, receivedUs: this.#surroundings.clock.wallMs() * 1_000 });
    parseMessage(record, bytes, 0, bytes.length, this.#ownRules);
    if (this.#router.route(record) === 0) this.#unrouted += 1;
  };

  /** What was held back lately. @param isEnd tell all of it */
  #tellHeld(isEnd: boolean): void {
    const { clock } = this.#surroundings;
    const rate = this.#rate;
    for (const { sender, records } of rate?.due(isEnd ? Number.POSITIVE_INFINITY : clock.wallMs()) ?? [])
      this.say(
        "warning",
        `${sender}: ${records} records were held back, beyond ${rate!.rule.recordsMax} in ${formatDuration(rate!.rule.withinMs)}`,
      );
    this.#repeats?.due(clock.wallMs(), this.#onSummary, isEnd);
    this.turnEnded();
  }

  turnEnded(): void {
    for (const sink of this.#sinks) sink.flush();
  }

  get isBehind(): boolean {
    return this.#sinks.some((sink) => sink.isBehind);
  }

  /** A message of the daemon's own: through the rules as any other. */
  say(severity: SeverityName, text: string): void {
    if (!this.#sources?.echoesStderr) this.#surroundings.onOwnMessage(severity, text);
    if (this.#isClosing) return; // the sinks take no more
    const record = this.#ownRecord;
    const bytes = ownMessage(severity, process.pid, text);
    record.receivedUs = this.#surroundings.clock.wallMs() * 1_000;
    record.pid = process.pid;
    parseMessage(record, bytes, 0, bytes.length, this.#ownRules);
    this.take(record);
    this.turnEnded();
  }

  /** SIGHUP: files may have been moved away, certificates renewed. */
  reopen(): void {
    for (const sink of this.#sinks) sink.reopen();
    this.#sources?.reload();
    this.say("notice", "opened its files anew");
  }

  /** What is in effect. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Goes on with other rules. A sink that both name goes on with its queue; one that none names any more is emptied, and closed. */
  reload({ rules }: Settings): void {
    const before = new Set(this.#outlets.values());
    this.#settings = { ...this.#settings, rules };
    this.#router = this.#route(rules);
    const now = new Set(this.#outlets.values());
    for (const outlet of before) if (!now.has(outlet)) this.#retire(outlet);
    if (this.#groups !== undefined && !rules.some(({ to }) => to?.kind === "group")) {
      this.#retire(this.#groups);
      this.#groups = undefined;
    }
  }

  get totals(): Totals {
    const sinks = [...this.#sinks, ...this.#retiring.keys()];
    return {
      received: this.#received,
      unrouted: this.#unrouted,
      heldBack: this.#rate?.held ?? 0,
      repeated: this.#repeats?.held ?? 0,
      sources: this.#sources?.totals() ?? [],
      sinks: sinks.map((sink) => ({ name: sink.name, ...countsOf(sink.counters), waiting: sink.waiting })),
    };
  }

  /** Ends in order: takes what still waits in the sockets, closes them, and gives the sinks `withinMs` to get rid of their queues. */
  async close(withinMs: number): Promise<void> {
    this.say("notice", `ends after ${this.#received} records`);
    await this.#sources?.close();
    clearInterval(this.#telling);
    if (this.#checks) this.#tellHeld(true);
    this.#isClosing = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, withinMs);
    });
    const retired = Promise.race([Promise.all(this.#retiring.values()), late]);
    await Promise.all([retired, ...this.#sinks.map((sink) => sink.close(withinMs))]);
    clearTimeout(timer);
  }

  /** The way to the sinks of these rules; those that there are already are kept. */
  #route(rules: readonly DirectedRule[]): Router {
    const before = this.#outlets;
    const outlets = new Map<string, Outlet>();
    const routes = rules.map(({ rule, to }) => {
      if (to === undefined) return { rule, outlet: undefined };
      const name = formatDestination(to);
      const format = formatFor(name, rules);
      const key = format === undefined ? name : `${name} ${describeFormat(format)}`;
      const outlet = outlets.get(key) ?? before.get(key) ?? this.#openOutlet(to, format);
      outlets.set(key, outlet);
      return { rule, outlet };
    });
    this.#outlets = outlets;
    return new Router(routes);
  }

  /** A sink that is no longer wanted gets rid of its queue first. What is a way into a sink of several groups only, is nothing to close. */
  #retire(outlet: Outlet | Sink): void {
    const sink = this.#sinks.find((one) => one === outlet);
    if (sink === undefined) return;
    this.#sinks.splice(this.#sinks.indexOf(sink), 1);
    const closing = sink.close(RETIRE_MS).then(() => {
      this.#retiring.delete(sink);
      const { lost } = sink.counters;
      this.say(lost > 0 ? "warning" : "info", `${sink.name}: closed, ${lost} records of it lost in all`);
    });
    this.#retiring.set(sink, closing);
  }

  #openOutlet(to: Destination, format: FormatChoice | undefined): Outlet {
    switch (to.kind) {
      case "file":
        return this.#add((onEvent) => this.#newFile(to.path, format, onEvent));
      case "files":
        return this.#openFiles(to.path, format);
      case "group":
        this.#groups ??= this.#openGroups();
        return this.#groups.outlet(to.name);
      default:
        return to satisfies never;
    }
  }

  #newFile(path: string, choice: FormatChoice | undefined, onEvent: (event: SinkEvent) => void): FileSink {
    const format = openFormat(choice ?? { by: "traditional" }, this.#zone);
    const { queueBytesMax } = this.settings;
    return new FileSink({ path, format, queueBytesMax, mode: FILE_MODE, pool: this.#pool, onEvent });
  }

  #openFiles(path: Template, format: FormatChoice | undefined): FileSet {
    const openFile: FileSetOptions["openFile"] = (path, onEvent) => this.#newFile(path, format, onEvent);
    const zone = this.#zone;
    return this.#add((onEvent) => new FileSet({ path, zone, openFilesMax: OPEN_FILES_MAX, openFile, onEvent }));
  }

  /** One session, with one queue, serves all groups. */
  #openGroups(): GroupSink {
    const { spread: session, queueBytesMax } = this.settings;
    const host = this.#ownRecord.origin.host.slice(0, HOST_BYTES_MAX);
    const incarnation = incarnationAt(this.#surroundings.clock.wallMs());
    return this.#add((onEvent) => new GroupSink({ session, host, incarnation, queueBytesMax, onEvent }));
  }

  #add<T extends Sink>(open: (onEvent: (event: SinkEvent) => void) => T): T {
    const sink: T = open((event) => {
      const { severity, text } = reportOf(sink.name, event, sink.waiting);
      this.say(severity, text);
    });
    this.#sinks.push(sink);
    return sink;
  }
}

/** Who says it: on the network an address; here a program, since one that starts a process for each message is one sender all the same. */
function senderOf(record: RecordView): string {
  return record.origin.peer || record.appText() || (record.pid >= 0 ? `process ${record.pid}` : record.origin.via);
}

/** Without what only some sinks count. */
function countsOf({ accepted, delivered, lost }: Readonly<SinkCounters>) {
  return { accepted, delivered, lost };
}

/** The form of a sink's records: what one of its rules says, since all of them say the same. */
function formatFor(name: string, rules: readonly DirectedRule[]): FormatChoice | undefined {
  return rules.find(({ to, format }) => format !== undefined && to !== undefined && formatDestination(to) === name)
    ?.format;
}

/** A name for this life of the daemon: its time, and some chance for a clock that was set back. */
function incarnationAt(wallMs: number): string {
  const chance = Math.floor(Math.random() * 36 ** 3)
    .toString(36)
    .padStart(3, "0");
  return `${Math.floor(wallMs).toString(36)}${chance}`;
}
