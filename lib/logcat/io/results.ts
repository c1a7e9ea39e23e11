// Where the follower's lines end: stdout page by page, a file, the last lines at the end, a count, a live table. What each kind of output needs is decided
// here, once, from the settings and from what stdout is.
import type { Log } from "../../base/log.ts";
import type { Output } from "../../cli/call.ts";
import type { Clock } from "../../run/clock.ts";
import { visibleText } from "../glyph.ts";
import type { Paper } from "../line-writer.ts";
import type { Look } from "../look.ts";
import { lookOf } from "../look-of.ts";
import { type Notice, noticeText } from "../notice.ts";
import { LastLines, type Outlet, PageOutlet } from "../outlet.ts";
import type { Rates } from "../rates.ts";
import type { LogcatSettings } from "../settings.ts";
import { type Stats, statsText } from "../tally.ts";
import { FileOutlet } from "./file-outlet.ts";
import { PagePump, paperOf } from "./page-pump.ts";
import { TopScreen } from "./top-screen.ts";
import { widenPipe } from "./widen-pipe.ts";

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
  /** Stdout is a pipe or a socket. */
  readonly isPiped: boolean;
}

/** How long a slow reader may take for what waits when a signal ends us. */
const STOP_DRAIN_MS = 2_000;
const STDOUT = 1;
/** Less than a slow reader is given at a time. */
const PRESSING_BYTES = 65_536;
/** What `--last` keeps at most. */
const LAST_BYTES_MAX = 64 * 1_048_576;

export class Results {
  readonly look: Look;
  /** Where records go; `undefined`: nowhere, they are only counted. */
  readonly records: Outlet | undefined;
  /** Where notices go, in line; `undefined`: nowhere in line. */
  readonly notices: Outlet | undefined;
  /** Lines that could not be written to the file; known at the end. */
  lostLines = 0;
  readonly #settings: LogcatSettings;
  readonly #around: Surroundings;
  readonly #stats: () => Stats;
  readonly #pages: PageOutlet;
  readonly #pump: PagePump;
  readonly #file: FileOutlet | undefined;
  readonly #last: LastLines | undefined;
  readonly #top: TopScreen | undefined;
  #isWide = false;

  /**
   * @param stats  all counts, now
   * @param onRoom is called when there is room again after there was none
   * @throws {Fault} kind "cannot-create": the file can't be written
   */
  constructor(settings: LogcatSettings, around: Surroundings, stats: () => Stats, onRoom: () => void) {
    const { output, bufferBytes, records } = settings;
    const { out, log, clock } = around;
    this.#settings = settings;
    this.#around = around;
    this.#stats = stats;
    this.look = this.#makeLook();
    this.#pages = new PageOutlet(this.#paper, bufferBytes);
    this.#pump = new PagePump(this.#pages, out, clock, () => {
      onRoom();
      this.#adapt();
    });
    if (output !== undefined) this.#file = new FileOutlet(output, bufferBytes, log);
    if (records.are === "last") this.#last = new LastLines(this.#paper, records.count, LAST_BYTES_MAX);
    if (records.are === "rated") this.#top = this.#makeTop();
    const outlet = this.#file ?? this.#pages;
    this.records = records.are === "shown" ? outlet : this.#last;
    this.notices = this.#showsNotices ? outlet : undefined;
  }

  /** Counts records by name, where that is what is shown. */
  get rates(): Rates | undefined {
    return this.#top?.rates;
  }

  async start(): Promise<void> {
    await this.#top?.start();
  }

  /** Lines were written: they go out at the end of this turn. */
  flush(): void {
    if (this.#file !== undefined) this.#file.wake();
    else this.#pump.wake();
  }

  /** Resolves when the lines that were made until now are written, or lost. */
  async written(): Promise<void> {
    await (this.#file ?? this.#pump).written();
  }

  /** Much waits to be written: who can wait, had better. */
  get isPressing(): boolean {
    return this.#file?.isPressing ?? this.#pages.waitingBytes >= PRESSING_BYTES;
  }

  /** SIGHUP. */
  reopen(): void {
    this.#file?.reopen();
  }

  /** Whether SIGHUP means anything to us. */
  get hasFile(): boolean {
    return this.#file !== undefined;
  }

  /** Tells a notice wherever it belongs besides in line. */
  tell(notice: Notice): void {
    this.#top?.tell(notice);
    if (this.#top !== undefined) return;
    const { log, errorIsTerminal, out } = this.#around;
    // A person at a terminal sees it in line; one who reads stderr beside a pipe, and the journal of a recorder, should know that it is away.
    const isOutage = notice.kind === "lost" || notice.kind === "waiting" || notice.kind === "back";
    const elsewhere = this.#file !== undefined || (errorIsTerminal && !out.isTerminal);
    if (this.notices === undefined || (isOutage && elsewhere)) log.warn(visibleText(noticeText(notice)));
  }

  /** All counts: on stderr, or as JSON in line. */
  async tellStats(): Promise<void> {
    if (this.#isText) this.#around.log.notice(statsText(this.#stats()));
    else await this.#around.out.write(`${JSON.stringify({ kind: "stats", ...this.#stats() })}\n`);
  }

  /** What waits is written, as far as whoever reads it takes it; then the last lines, the count, the statistics. */
  async finish(): Promise<void> {
    const { log, stop } = this.#around;
    this.lostLines = (await this.#file?.end()) ?? 0;
    if ((await untilStopped(this.#writeRest(), stop, STOP_DRAIN_MS)) === "stopped")
      log.warn("whoever reads the output did not take the last of it");
    if (this.#settings.stats && this.#isText) await this.tellStats();
  }

  /** A page has been written: what is known of its reader now. */
  #adapt(): void {
    if (this.#around.out.isTerminal) this.#pages.usePaper(this.#paper); // it may have been resized
    if (this.#isWide || !this.#pages.readerIsFast) return;
    this.#isWide = true;
    widenPipe(STDOUT);
  }

  async #writeRest(): Promise<void> {
    const { out } = this.#around;
    await this.#pump.drained();
    await this.#top?.stop();
    for (const line of this.#last?.lines() ?? []) await out.write(line);
    if (this.#settings.records.are === "counted") await this.#writeCount();
    if (this.#settings.stats && !this.#isText) await this.tellStats();
  }

  #writeCount(): Promise<void> {
    const records = this.#stats().chosen;
    return this.#around.out.write(this.#isText ? `${records}\n` : `${JSON.stringify({ kind: "count", records })}\n`);
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

  /** Not where each line is taken for a record, the only line is to be the count, or the screen is a page that has its own place for them. */
  get #showsNotices(): boolean {
    const { are } = this.#settings.records;
    if (are === "rated" || (are === "counted" && this.#isText)) return false;
    return this.look.showsNotices;
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

  #makeTop(): TopScreen {
    const { out, clock } = this.#around;
    return new TopScreen({
      out,
      paper: () => this.#paper,
      json: !this.#isText,
      stats: this.#stats,
      nowMs: () => clock.monotonicMs(),
    });
  }
}

/** Waits for `work`, but no longer than `graceMs` once `stop` is aborted. */
async function untilStopped(work: Promise<void>, stop: AbortSignal, graceMs: number): Promise<"done" | "stopped"> {
  const late = Promise.withResolvers<"stopped">();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onStop = () => {
    timer = setTimeout(() => late.resolve("stopped"), graceMs);
  };
  if (stop.aborted) onStop();
  else stop.addEventListener("abort", onStop, { once: true });
  const end = await Promise.race([work.then(() => "done" as const), late.promise]);
  stop.removeEventListener("abort", onStop);
  clearTimeout(timer);
  return end;
}
