// A follow from its first connection to its end: the session, the clock, the signals and the output around the pure follower.
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { Output } from "../../cli/call.ts";
import type { Clock } from "../../run/clock.ts";
import type { FrameView } from "../../spread/frame.ts";
import { connect, openSession } from "../../spread/io/connect.ts";
import type { Session } from "../../spread/io/session.ts";
import type { SessionOptions } from "../../spread/io/settings.ts";
import { readView } from "../../spread/membership.ts";
import { Chooser } from "../choice.ts";
import { Ending, isUnmet } from "../ending.ts";
import { Follower, type Moment } from "../follower.ts";
import type { Paper } from "../line-writer.ts";
import type { Look } from "../look.ts";
import { lookOf } from "../look-of.ts";
import { counted, type Notice, noticeText } from "../notice.ts";
import { LastLines, PageOutlet } from "../outlet.ts";
import type { LogcatSettings } from "../settings.ts";
import { type Stats, statsOf, statsText } from "../tally.ts";
import { FileOutlet } from "./file-outlet.ts";
import { PagePump, paperOf } from "./page-pump.ts";
import { TopScreen } from "./top-screen.ts";

/** What a run needs of the process around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly out: Output;
  readonly log: Log;
  readonly stop: AbortSignal;
  /** `--json`: all of stdout is JSON. */
  readonly json: boolean;
  /** A person reads stderr. */
  readonly errorIsTerminal: boolean;
}

/** How long a slow reader may take for what waits when a signal ends us. */
const STOP_DRAIN_MS = 2_000;
/** What `--last` keeps at most. */
const LAST_BYTES_MAX = 64 * 1_048_576;
/** For a terminal: what is older when it gets there is of no use to who watches. */
const TERMINAL_BUFFER_BYTES = 262_144;
/** setTimeout takes no more. */
const TIMER_MS_MAX = 2_147_483_647;

/**
 * Follows groups until the end that `settings` or the surroundings set.
 * @returns the exit status 0
 * @throws {Fault} no daemon; an output that can't be made; "unmet": what was waited for did not come; "gap": `strict`, and a record is missing
 */
export async function runLogcat(
  settings: LogcatSettings,
  session: SessionOptions,
  around: Surroundings,
): Promise<number> {
  const run = new Run(settings, around);
  await run.follow(session);
  return run.outcome();
}

class Run {
  readonly #settings: LogcatSettings;
  readonly #around: Surroundings;
  readonly #startMs: number;
  readonly #look: Look;
  readonly #pages: PageOutlet;
  readonly #pump: PagePump;
  readonly #file: FileOutlet | undefined;
  readonly #last: LastLines | undefined;
  readonly #top: TopScreen | undefined;
  readonly #ending: Ending;
  readonly #follower: Follower;
  readonly #over = Promise.withResolvers<void>();
  /** The first gap, for `--strict`'s last word. */
  #gap: Notice | undefined;
  #refusal: Fault | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasConnected = false;
  #waitIsTold = false;
  /** Groups of which we have seen a view since the connection stands. */
  readonly #joined = new Set<string>();

  constructor(settings: LogcatSettings, around: Surroundings) {
    const { out, clock, log } = around;
    this.#settings = settings;
    this.#around = around;
    this.#startMs = clock.monotonicMs();
    this.#pages = new PageOutlet(this.#paper, out.isTerminal ? TERMINAL_BUFFER_BYTES : settings.bufferBytes);
    this.#pump = new PagePump(this.#pages, out, () => this.#onRoom());
    if (settings.output !== undefined) this.#file = new FileOutlet(settings.output, settings.bufferBytes, log);
    if (settings.records.are === "last")
      this.#last = new LastLines(this.#paper, settings.records.count, LAST_BYTES_MAX);
    if (settings.records.are === "rated") this.#top = this.#makeTop();
    this.#look = this.#makeLook();
    this.#ending = new Ending(settings.end, this.#startMs);
    const outlet = this.#file ?? this.#pages;
    this.#follower = new Follower({
      groups: new Set(settings.groups),
      chooser: new Chooser(settings.choice),
      look: this.#look,
      records: settings.records.are === "shown" ? outlet : this.#last,
      notices: this.#showsNotices ? outlet : undefined,
      onNotice: (notice) => this.#onNotice(notice),
      rates: this.#top?.rates,
      ending: this.#ending,
      strict: settings.strict,
      members: settings.members,
    });
  }

  /** Runs to the end, whatever it is, and closes everything. */
  async follow(options: SessionOptions): Promise<void> {
    const { out, stop } = this.#around;
    const onStop = () => this.#end("stop");
    const onClosed = () => this.#end("closed");
    const onStats = () => this.#onStats();
    const onHangup = () => this.#file?.reopen();
    stop.addEventListener("abort", onStop);
    out.closed.addEventListener("abort", onClosed);
    process.on("SIGUSR1", onStats);
    if (this.#file !== undefined) process.on("SIGHUP", onHangup);
    try {
      const session = await this.#connect(options);
      if (session !== undefined) await this.#listen(session);
    } finally {
      clearTimeout(this.#timer);
      stop.removeEventListener("abort", onStop);
      out.closed.removeEventListener("abort", onClosed);
      process.off("SIGUSR1", onStats);
      process.off("SIGHUP", onHangup);
      await this.#finish();
    }
  }

  /** What the end means for the exit status. */
  outcome(): number {
    const cause = this.#follower.ended ?? "stop";
    const { reason } = this.#around.out.closed;
    if (reason instanceof Error && "code" in reason && reason.code !== "EPIPE")
      throw new Fault("io", String(reason.code), `cannot write output: ${reason.message}`, { cause: reason });
    if (this.#refusal !== undefined) throw this.#refusal;
    if (cause === "gap" && this.#gap !== undefined)
      throw new Fault("data", "gap", `${noticeText(this.#gap)} (--strict)`);
    if (cause !== "closed" && isUnmet(this.#settings.end, cause)) {
      const reason = { idle: "nothing came for so long", for: "the time is over", first: "enough other records came" };
      const why = cause in reason ? reason[cause as keyof typeof reason] : "it was stopped before";
      throw new Fault("temporary", "unmet", `what was waited for did not come: ${why}`);
    }
    return 0;
  }

  get #isText(): boolean {
    return !this.#around.json && this.#settings.format !== "json";
  }

  /** Colours, columns: what a terminal reads, be it through a pipe. */
  get #forTerminal(): boolean {
    if (this.#settings.output !== undefined) return false;
    return this.#around.out.isTerminal || this.#settings.color === "always";
  }

  get #paper(): Paper {
    const { color, wide } = this.#settings;
    const { out } = this.#around;
    const colour = color === "always" || (color === "auto" && out.colour);
    return paperOf(out, this.#isText ? wide : "plain", colour && this.#isText);
  }

  #makeLook(): Look {
    const { format, time, highlight, choice } = this.#settings;
    const forTerminal = this.#forTerminal;
    return lookOf({
      format,
      time: time ?? (forTerminal ? "local" : "iso"),
      zone: (utcMs) => -new Date(utcMs).getTimezoneOffset(),
      startUs: this.#around.clock.wallMs() * 1_000,
      forTerminal,
      highlight: [...highlight, ...choice.grep],
    });
  }

  /** Not where each line is taken for a record, the only line is to be the count, or the screen is a page that has its own place for them. */
  get #showsNotices(): boolean {
    const { are } = this.#settings.records;
    if (are === "rated" || (are === "counted" && this.#isText)) return false;
    return this.#look.showsNotices;
  }

  #makeTop(): TopScreen {
    const { out, clock } = this.#around;
    return new TopScreen({
      out,
      paper: () => this.#paper,
      json: !this.#isText,
      stats: () => this.#stats,
      nowMs: () => clock.monotonicMs(),
    });
  }

  /** The first connection: now, or with `--wait` whenever there is a daemon. `undefined` where we were stopped before. */
  async #connect(options: SessionOptions): Promise<Session | undefined> {
    const { stop, log } = this.#around;
    const all: SessionOptions = { ...options, onFrame: (frame) => this.#onFrame(frame) };
    if (this.#settings.wait) return openSession(all);
    try {
      const session = await connect({ ...all, signal: stop });
      this.#wasConnected = true;
      if (session.state.at === "connected")
        log.debug(`connected to ${session.state.server} as ${session.state.privateGroup}`);
      return session;
    } catch (error) {
      if (stop.aborted) return undefined;
      throw error;
    }
  }

  async #listen(session: Session): Promise<void> {
    await using _ = session;
    await Promise.all(this.#settings.groups.map((group) => session.join(group)));
    await this.#top?.start();
    this.#armTimer();
    void this.#readEvents(session);
    if (this.#follower.ended === undefined) await this.#over.promise;
  }

  async #readEvents(session: Session): Promise<void> {
    for await (const event of session) {
      if (event.kind === "lost") this.#onLost(event.reason.message);
      else if (event.kind === "back") this.#onBack(event.server, event.awayMs);
    }
    this.#end("stop"); // closed by the stop signal
  }

  #onLost(reason: string): void {
    this.#joined.clear();
    if (this.#wasConnected) this.#follower.lost(reason);
    else this.#follower.waiting(reason);
    this.#waitIsTold = true;
    this.#flush();
  }

  #onBack(server: string, awayMs: number): void {
    if (this.#waitIsTold) this.#follower.back(server, awayMs);
    this.#wasConnected = true;
    this.#flush();
  }

  #onFrame(frame: FrameView): void {
    switch (frame.kind) {
      case "message":
        this.#follower.message(frame, this.#now());
        break;
      case "view":
        this.#onView(frame);
        break;
      case "reject":
        this.#onReject(frame);
        break;
      default:
        return; // transitions and leaves change nothing of what is shown
    }
    this.#flush();
    if (this.#follower.ended !== undefined) this.#over.resolve();
  }

  #onView(frame: FrameView): void {
    const group = frame.name;
    if (!this.#joined.has(group)) this.#around.log.debug(`joined ${group}`);
    this.#joined.add(group);
    if (this.#settings.members) this.#follower.view(readView(frame));
  }

  /** The daemon's policy keeps us out of a group that we were asked to follow. */
  #onReject(frame: FrameView): void {
    const groups = frame.groups().slice(0, -1).join(", ");
    this.#refusal ??= new Fault(
      "no-permission",
      "refused",
      `the daemon does not let us join ${JSON.stringify(groups)}`,
    );
    this.#end("stop");
  }

  #onNotice(notice: Notice): void {
    if (notice.kind === "gap") this.#gap ??= notice;
    this.#top?.tell(notice);
    if (this.#top !== undefined) return;
    const { log, errorIsTerminal, out } = this.#around;
    // A person at a terminal sees it in line; one who reads stderr beside a pipe, and the journal of a recorder, should know that it is away.
    const isOutage = notice.kind === "lost" || notice.kind === "waiting" || notice.kind === "back";
    const elsewhere = this.#file !== undefined || (errorIsTerminal && !out.isTerminal);
    if (!this.#showsNotices || (isOutage && elsewhere)) log.warn(noticeText(notice));
  }

  #end(cause: "stop" | "closed"): void {
    this.#follower.end(cause);
    this.#over.resolve();
  }

  #armTimer(): void {
    const { ended } = this.#follower;
    const waitMs = this.#ending.nextMs - this.#around.clock.monotonicMs();
    if (ended !== undefined || waitMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#follower.time(this.#now());
        if (this.#follower.ended !== undefined) this.#over.resolve();
        this.#armTimer();
      },
      Math.min(TIMER_MS_MAX, Math.max(1, waitMs)),
    );
  }

  #now(): Moment {
    return { wallUs: this.#around.clock.wallMs() * 1_000, monotonicMs: this.#around.clock.monotonicMs() };
  }

  #flush(): void {
    if (this.#file !== undefined) this.#file.wake();
    else this.#pump.wake();
  }

  #onRoom(): void {
    this.#follower.tellSkipped();
    if (this.#around.out.isTerminal) this.#pages.usePaper(this.#paper);
  }

  /** What waits is written, as far as whoever reads it takes it; then the last lines, the count, the statistics. */
  async #finish(): Promise<void> {
    const { log } = this.#around;
    this.#follower.tellSkipped();
    const lost = (await this.#file?.end()) ?? 0;
    if (lost > 0) log.warn(`${this.#settings.output}: ${counted(lost, "line")} lost in all`);
    const late = Promise.withResolvers<"late">();
    const timer = this.#follower.ended === "stop" ? setTimeout(() => late.resolve("late"), STOP_DRAIN_MS) : undefined;
    const end = await Promise.race([this.#writeRest(), late.promise]);
    clearTimeout(timer);
    if (end === "late") log.warn("whoever reads the output did not take the last of it");
    if (this.#settings.stats && this.#isText) log.notice(statsText(this.#stats));
  }

  async #writeRest(): Promise<void> {
    const { out } = this.#around;
    await this.#pump.drained();
    await this.#top?.stop();
    for (const line of this.#last?.lines() ?? []) await out.write(line);
    if (this.#settings.records.are === "counted") await this.#writeCount();
    if (this.#settings.stats && !this.#isText) await this.#writeStats();
  }

  #writeCount(): Promise<void> {
    const records = this.#follower.tally.chosen;
    return this.#around.out.write(this.#isText ? `${records}\n` : `${JSON.stringify({ kind: "count", records })}\n`);
  }

  /** SIGUSR1: on stderr, or in line as JSON. */
  #onStats(): void {
    if (this.#isText) this.#around.log.notice(statsText(this.#stats));
    else void this.#writeStats();
  }

  #writeStats(): Promise<void> {
    return this.#around.out.write(`${JSON.stringify({ kind: "stats", ...this.#stats })}\n`);
  }

  get #stats(): Stats {
    const ranMs = this.#around.clock.monotonicMs() - this.#startMs;
    return statsOf(this.#follower.tally, this.#follower.gaps.totals, ranMs);
  }
}
