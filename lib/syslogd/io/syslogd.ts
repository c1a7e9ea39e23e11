// The daemon: sources, rules and sinks put together. Everything that decides is elsewhere; here values meet sockets and files.
//
//   source (datagram-source, kernel-source) -> parseMessage -> Router -> sinks (lib/sink)
//
// All of it runs on one thread, record by record, and nothing on the way waits. A turn of the event loop takes what is at hand; at its end the sinks send.
import { hostname } from "node:os";
import { formatDuration } from "../../base/duration.ts";
import { isForbidden } from "../../base/system-reason.ts";
import { keepOpen } from "../../linux/exec.ts";
import type { Clock } from "../../run/clock.ts";
import { KeptTerminals } from "../../sink/io/kept-terminals.ts";
import { KEEPS_UP_MS } from "../../sink/sink.ts";
import { parseMessage } from "../../syslog/parse.ts";
import { LOCAL_RULES, type ParseRules } from "../../syslog/parse-rules.ts";
import { origin, RecordView } from "../../syslog/record.ts";
import type { SeverityName } from "../../syslog/severity.ts";
import { tryZone, UTC, type ZoneOffset } from "../../syslog/zone.ts";
import { formatDestination } from "../destination.ts";
import type { Handover } from "../handover.ts";
import { ownMessage } from "../own-message.ts";
import { RateLimit } from "../rate-limit.ts";
import { Repeats, type Summary } from "../repeats.ts";
import type { Router } from "../router.ts";
import type { Totals } from "../samples.ts";
import { consolePathsOf, type Settings } from "../settings.ts";
import type { Intake } from "./datagram-source.ts";
import { badLazyPaths, refuseBadPaths } from "./host-check.ts";
import { Inheritance } from "./inheritance.ts";
import { checkOwners, Outlets } from "./outlets.ts";
import { SinkOpener } from "./sink-opener.ts";
import { openSources, type Sources } from "./sources.ts";

/** How often it is looked whether sinks are empty, at the end of a pipe. */
const LOOK_MS = 10;
const TELL_HELD_EVERY_MS = 1_000;
/** A file system that hangs must not keep us from logging elsewhere. */
const OPEN_WITHIN_MS = 2_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly env: Record<string, string | undefined>;
  /** What the process that we were left us; nothing unless said. */
  readonly inheritance?: Inheritance;
  /** Resolves when we run as whom we are to run as, for good: no program is started before; at once unless said. */
  readonly rootDropped?: Promise<void>;
  /** `KEEPS_UP_MS` unless said. */
  readonly keepsUpMs?: number;
  /** Own messages, besides their way through the rules. */
  readonly onOwnMessage: (severity: SeverityName, text: string) => void;
}

export class Syslogd implements Intake {
  readonly #surroundings: Surroundings;
  readonly #host: string;
  readonly #zone: ZoneOffset;
  readonly #ownRules: ParseRules;
  readonly #ownRecord = new RecordView();
  readonly #outlets: Outlets;
  /** Consoles that stay open for when this process may not open them. */
  readonly #terminals: KeptTerminals;
  #rate: RateLimit | undefined;
  #repeats: Repeats | undefined;
  /** Whether either is asked for. */
  #checks = false;
  /** Held back by a rate, and summed up, before the settings for that changed. */
  #heldBefore = 0;
  #repeatedBefore = 0;
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
    this.#surroundings = surroundings;
    this.#host = settings.host || hostname();
    this.#zone = tryZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? UTC;
    this.#ownRules = { ...LOCAL_RULES, zone: this.#zone };
    this.#ownRecord.origin = origin("internal", this.#host);
    const {
      clock,
      env,
      rootDropped = Promise.resolve(),
      inheritance = Inheritance.none(),
      keepsUpMs = KEEPS_UP_MS,
    } = surroundings;
    this.#terminals = new KeptTerminals(inheritance.terminals);
    this.#terminals.keepOnly(consolePathsOf(settings));
    const { promise: inputEnded, resolve: onInputEnd } = Promise.withResolvers<void>();
    this.inputEnded = inputEnded;
    const say = this.say.bind(this);
    const opener = new SinkOpener({
      host: this.#ownRecord.origin.host,
      zone: this.#zone,
      clock,
      env,
      rootDropped,
      terminals: this.#terminals,
      session: settings.spread,
      keepsUpMs,
      say,
      onTold: (severity, text, isFailure) => this.#onTold(severity, text, isFailure),
    });
    this.#outlets = new Outlets(opener, say);
    this.#router = this.#outlets.route(settings.rules, settings.sinks);
    this.#outlets.takeUp(inheritance.takeQueues(), inheritance.losses);
    const context = { host: this.#host, zone: this.#zone, clock, env, intake: this, say, inheritance, onInputEnd };
    this.#sources = openSources(settings, context);
    this.#restrain(settings);
    const handed = inheritance.isSome ? `; ${inheritance.summary}` : "";
    this.say("notice", `started: listens on ${this.listensOn.join(", ")}${handed}`);
    this.#outlets.tellRestartLosses();
    for (const text of badLazyPaths(settings)) this.say("err", text);
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
    await Promise.race([Promise.all(this.#outlets.sinks.map((sink) => sink.tried)), late]);
    clearTimeout(timer);
    this.#outlets.tellOrphans(this.#settings.sinks);
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
    this.#outlets.flush();
  }

  get isBehind(): boolean {
    return this.#outlets.isBehind || this.#outlets.isPressed || this.#outlets.isUnsettled;
  }

  get isPressed(): boolean {
    return this.#outlets.isPressed;
  }

  get isCrowded(): "no" | "yes" | "fails" {
    return this.#outlets.isCrowded;
  }

  /** Resolves when nothing waits in a sink that works, or none of them has got rid of anything for `stalledMs`. */
  async emptied(stalledMs: number): Promise<void> {
    let doneBefore = -1;
    let sinceMs = 0;
    for (;;) {
      const { isWaiting, done } = this.#outlets.progress;
      const nowMs = performance.now();
      if (done !== doneBefore) [doneBefore, sinceMs] = [done, nowMs];
      if (!isWaiting || nowMs - sinceMs > stalledMs) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  get isUnsettled(): boolean {
    return this.#outlets.isUnsettled;
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
    this.#outlets.reopen();
    this.#sources?.renew();
    this.say("notice", "opened its files anew");
  }

  /** What is in effect. */
  get settings(): Settings {
    return this.#settings;
  }

  /**
   * Goes on with other sources, rules, and what sinks are told: see sources.ts and outlets.ts.
   * @returns what is to be told of certificates
   * @throws {Fault} where they can't be had; then nothing has changed
   */
  async reload(settings: Settings): Promise<readonly string[]> {
    const { rules, sinks, lastResort, sockets, udp, sources, kernel, rate, summariseRepeats } = settings;
    checkOwners(sinks);
    refuseBadPaths(settings);
    const notes = await this.#sources?.reload({ ...settings, takeDevLog: this.#settings.takeDevLog });
    this.#router = this.#outlets.route(rules, sinks);
    const isRestrained =
      rate?.recordsMax !== this.#settings.rate?.recordsMax || rate?.withinMs !== this.#settings.rate?.withinMs;
    if (isRestrained || summariseRepeats !== this.#settings.summariseRepeats) this.#restrain(settings);
    this.#settings = {
      ...this.#settings,
      rules,
      sinks,
      lastResort,
      sockets,
      udp,
      sources,
      kernel,
      rate,
      summariseRepeats,
    };
    return [...(notes ?? []), ...this.keepConsoles()];
  }

  /**
   * Opens the consoles that records may go to, before this process stops being root, who owns them; those that are open stay so.
   * @returns which of them can't be opened by who we are, for people
   */
  keepConsoles(): readonly string[] {
    const { user } = this.#settings.process;
    if (user === "") return [];
    return [...consolePathsOf(this.#settings)].flatMap((path) => {
      try {
        this.#terminals.keep(path);
        return [];
      } catch (error) {
        if (!isForbidden(error)) return []; // there is none, or not yet: told when something is to be written there
        const name = formatDestination({ kind: "console", path });
        return `${name}: user ${user} may not open ${path}; only a new start as root does (restart stays ${user})`;
      }
    });
  }

  /** What senders may say, and how often; what was held back until now is told. */
  #restrain({ rate, summariseRepeats }: Settings): void {
    clearInterval(this.#telling);
    if (this.#checks) this.#tellHeld(true);
    this.#heldBefore += this.#rate?.held ?? 0;
    this.#repeatedBefore += this.#repeats?.held ?? 0;
    this.#rate = rate && new RateLimit(rate);
    this.#repeats = summariseRepeats ? new Repeats() : undefined;
    this.#checks = rate !== undefined || summariseRepeats;
    if (this.#checks) this.#telling = setInterval(() => this.#tellHeld(false), TELL_HELD_EVERY_MS).unref();
  }

  get totals(): Totals {
    return {
      received: this.#received,
      unrouted: this.#unrouted,
      heldBack: this.#heldBefore + (this.#rate?.held ?? 0),
      repeated: this.#repeatedBefore + (this.#repeats?.held ?? 0),
      sources: this.#sources?.totals() ?? [],
      sinks: this.#outlets.totals,
    };
  }

  /** Ends in order: takes what still waits in the sockets, closes them, and gives the sinks `withinMs` to get rid of their queues. */
  async close(withinMs: number): Promise<void> {
    this.say("notice", `ends after ${this.#received === 1 ? "1 record" : `${this.#received} records`}`);
    await this.#sources?.close();
    clearInterval(this.#telling);
    if (this.#checks) this.#tellHeld(true);
    this.#isClosing = true;
    await this.#outlets.close(withinMs);
  }

  /**
   * Has connections end that can't be handed over, gets rid of what it has taken, within about `withinMs`, and leaves its sockets open and unread, and what waits in memory, for another process.
   * @returns what stays open, and since when nobody reads it
   */
  async handOver(withinMs: number): Promise<Omit<Handover, "answerFd" | "pidFile">> {
    this.say("notice", `restarts after ${this.#received} records`);
    await this.#sources?.drain();
    const sinceMs = this.#surroundings.clock.monotonicMs();
    this.#sources?.pause();
    clearInterval(this.#telling);
    if (this.#checks) this.#tellHeld(true);
    this.#isClosing = true;
    const waiting = await this.#outlets.handOver(withinMs);
    const terminals = this.#terminals.all;
    for (const { fd } of terminals) keepOpen(fd);
    return { ...waiting, terminals, ...(this.#sources?.handOver() ?? { places: [], connections: [] }), sinceMs };
  }

  /** What a sink has to tell: through the rules, as all that is said. That it fails has to be read somewhere: where no sink that works takes it, by the last resort. */
  #onTold(severity: SeverityName, text: string, isFailure: boolean): void {
    const before = isFailure ? this.#outlets.takenByWorking : 0;
    this.say(severity, text);
    const { lastResort, sinks } = this.#settings;
    if (!isFailure || lastResort === undefined || this.#isClosing || this.#outlets.takenByWorking > before) return;
    const outlet = this.#outlets.lastResort(lastResort, sinks);
    if (outlet.isFailing === true) return; // it is what fails
    outlet.take(this.#ownRecord);
    outlet.flush();
  }
}

/** Who says it: on the network an address; here a program, since one that starts a process for each message is one sender all the same. */
function senderOf(record: RecordView): string {
  return record.origin.peer || record.appText() || (record.pid >= 0 ? `process ${record.pid}` : record.origin.via);
}
