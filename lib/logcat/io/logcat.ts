// A follow from its first connection to its end: the session, the clock and the signals around the pure follower.
import { Fault } from "../../base/fault.ts";
import { exitCodeOf } from "../../cli/exit-codes.ts";
import { BATCH_MESSAGE_TYPE } from "../../feed/batch.ts";
import { FOLLOWED_MAX } from "../../feed/directory.ts";
import { DIRECTORY_GROUP } from "../../feed/directory-message.ts";
import { isReaderGone } from "../../linux/reader-gone.ts";
import { FrameError, type FrameView } from "../../spread/frame.ts";
import { connect, openSession } from "../../spread/io/connect.ts";
import type { Session } from "../../spread/io/session.ts";
import type { SessionOptions } from "../../spread/io/settings.ts";
import { readView } from "../../spread/membership.ts";
import { Chooser } from "../choice.ts";
import { formatCursor } from "../cursor.ts";
import { Ending } from "../ending.ts";
import { Follower, type Moment } from "../follower.ts";
import { visibleText } from "../glyph.ts";
import { HeldMessages, TextCounts } from "../held-messages.ts";
import { streamState } from "../marks-text.ts";
import type { Notice } from "../notice.ts";
import { failureOf } from "../outcome.ts";
import type { LogcatSettings } from "../settings.ts";
import { statsOf } from "../tally.ts";
import { ArchivePass } from "./archive-pass.ts";
import { CursorFile } from "./cursor-file.ts";
import { GroupFinder } from "./group-finder.ts";
import { Results, type Surroundings } from "./results.ts";

/** How often a cursor is saved while records come. */
const CURSOR_SAVE_MS = 5_000;
/** How often it is looked whether whoever reads the output is still there. */
const READER_LOOK_MS = 200;
const STDOUT = 1;
/** A recorder has committed what came so long ago, if nothing hinders it. */
const SEAM_MS = 1_600;
/** How often more is looked for in an archive where the numbers say that something is missing. */
const SEAM_TRIES = 8;
/** The views of the groups that are joined come within this. */
const JOIN_MS = 2_000;
/** The last so many are looked for from the end of an archive. */
const LAST_BACKWARDS_MAX = 10_000;
/** Of an archive, those that are told. */
const TROUBLES_MAX = 1_000;
/** setTimeout takes no more. */
const TIMER_MS_MAX = 2_147_483_647;

/**
 * Follows groups until the end that `settings` or the surroundings set.
 * @returns the exit status: 0, or 65 where something of the archive is damaged
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
  readonly #results: Results;
  readonly #ending: Ending;
  readonly #follower: Follower;
  readonly #finder: GroupFinder;
  readonly #cursor: CursorFile | undefined;
  readonly #over = Promise.withResolvers<void>();
  /** The same, for who waits for a connection. */
  readonly #isOver = new AbortController();
  /** The first gap, for `--strict`'s last word. */
  #gap: Notice | undefined;
  #refusal: Fault | undefined;
  /** What of the archive is left out, as told. */
  readonly #archiveTroubles = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cursorTimer: ReturnType<typeof setInterval> | undefined;
  #readerTimer: ReturnType<typeof setInterval> | undefined;
  /** What comes while an archive is read. */
  #held: HeldMessages | undefined;
  #wasConnected = false;
  #waitIsTold = false;
  /** Groups of which we have seen a view since the connection stands. */
  readonly #joined = new Set<string>();

  constructor(settings: LogcatSettings, around: Surroundings) {
    const { clock } = around;
    const startMs = clock.monotonicMs();
    this.#settings = settings;
    this.#around = around;
    const stats = () => statsOf(this.#follower.tally, this.#follower.totals, clock.monotonicMs() - startMs);
    this.#results = new Results(settings, around, stats, () => this.#follower.tellSkipped());
    this.#ending = new Ending(settings.end, startMs);
    const { look, records, notices, rates } = this.#results;
    const followed = new Set<string>(settings.groups);
    this.#follower = new Follower({
      groups: followed,
      chooser: new Chooser(settings.choice),
      look,
      records,
      notices,
      onNotice: (notice) => this.#onNotice(notice),
      rates,
      isSender: (session) => this.#finder.isSender(session),
      ending: this.#ending,
      strict: settings.strict,
      members: settings.members,
    });
    this.#finder = this.#makeFinder(followed);
    if (settings.cursorFile !== undefined) this.#cursor = new CursorFile(settings.cursorFile);
  }

  /** Runs to the end, whatever it is, and closes everything. */
  async follow(options: SessionOptions): Promise<void> {
    const { out, stop } = this.#around;
    const onStop = () => this.#end("stop");
    const onClosed = () => this.#end("closed");
    const onStats = () => void this.#results.tellStats();
    const onHangup = () => this.#results.reopen();
    stop.addEventListener("abort", onStop);
    out.closed.addEventListener("abort", onClosed);
    process.on("SIGUSR1", onStats);
    if (this.#results.hasFile) process.on("SIGHUP", onHangup);
    void this.#over.promise.then(() => this.#isOver.abort());
    this.#armTimer();
    this.#watchReader();
    try {
      await this.#restoreCursor();
      const pass = this.#openArchive();
      if (pass !== undefined && this.#settings.archive?.isAll === true) await this.#showArchive(pass);
      else {
        const session = await this.#connect(options);
        if (session !== undefined) await this.#listen(session, pass);
      }
      this.#follower.tellSkipped();
      await this.#results.finish();
      await this.#cursor?.save(formatCursor(this.#follower.gaps.streams()));
    } finally {
      clearTimeout(this.#timer);
      clearInterval(this.#cursorTimer);
      clearInterval(this.#readerTimer);
      this.#finder.stop();
      stop.removeEventListener("abort", onStop);
      out.closed.removeEventListener("abort", onClosed);
      process.off("SIGUSR1", onStats);
      process.off("SIGHUP", onHangup);
    }
  }

  #makeFinder(followed: Set<string>): GroupFinder {
    const { patterns } = this.#settings;
    return new GroupFinder({
      patterns,
      named: new Set(this.#settings.groups),
      followed,
      nowMs: () => this.#around.clock.monotonicMs(),
      ...(this.#settings.members
        ? { onCeased: (host: string, group: string) => this.#follower.ceased(host, group) }
        : {}),
      onDirectory: () => this.#around.log.debug("joined the directory"),
      onNumber: (sender, host, incarnation, group, last) => {
        if (this.#held !== undefined) return; // what came before this is held: it is judged when that is looked at
        // Of a group that we are not in yet, it says nothing of what should have come; but that nothing was sent before.
        if (last === 0 || this.#joined.has(group)) this.#follower.told(sender, host, incarnation, group, last);
      },
      onUnreadable: (sender, reason) => this.#follower.unreadable(DIRECTORY_GROUP, sender, reason),
      onTooMany: () => this.#follower.unfollowed(FOLLOWED_MAX),
      onSilent: (line) => this.#around.log.notice(line),
      onNothing: () => this.#around.log.notice(`nobody feeds a group like ${patterns.join(", ")} yet; waiting for one`),
    });
  }

  /** What the end means for the exit status. */
  outcome(): number {
    const cause = this.#follower.ended ?? "stop";
    const { end: rule } = this.#settings;
    const outputError: unknown = this.#around.out.closed.reason;
    const { lostLines } = this.#results;
    const failure = this.#refusal ?? failureOf({ cause, rule, gap: this.#gap, outputError, lostLines });
    if (failure !== undefined) throw failure;
    return this.#archiveTroubles.size > 0 ? exitCodeOf("data") : 0;
  }

  /** Saved at once: where that can't be done, better to know it now. */
  async #restoreCursor(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    const { gaps, tally } = this.#follower;
    gaps.restore(cursor.read());
    await cursor.save(formatCursor(gaps.streams()));
    let savedMessages = 0;
    this.#cursorTimer = setInterval(() => {
      if (tally.messages === savedMessages) return;
      savedMessages = tally.messages;
      void this.#saveCursor(cursor);
    }, CURSOR_SAVE_MS);
  }

  /** What came until now, when it is written: else a crash would lose it without a word. */
  async #saveCursor(cursor: CursorFile): Promise<void> {
    const text = formatCursor(this.#follower.gaps.streams());
    await this.#results.written();
    try {
      await cursor.save(text);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#around.log.warn(error.message);
    }
  }

  /** The first connection: now, or with `--wait` whenever there is a daemon. `undefined` where we were stopped before. */
  async #connect(options: SessionOptions): Promise<Session | undefined> {
    const { stop, log } = this.#around;
    const all: SessionOptions = { ...options, onFrame: (frame) => this.#onFrame(frame) };
    if (this.#settings.wait) return openSession(all);
    try {
      const session = await connect({ ...all, signal: AbortSignal.any([stop, this.#isOver.signal]) });
      this.#wasConnected = true;
      if (session.state.at === "connected")
        log.debug(`connected to ${session.state.server} as ${session.state.privateGroup}`);
      return session;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (!this.#isOver.signal.aborted) throw error;
      if (this.#follower.ended !== "closed")
        throw new Fault("unavailable", "late", "no daemon had answered when the time was over");
      return undefined;
    }
  }

  /** `undefined` where none is asked for, or the one that the configuration names can't be read, and something comes live: then that is told. */
  #openArchive(): ArchivePass | undefined {
    const { archive } = this.#settings;
    if (archive === undefined) return undefined;
    const { clock, log } = this.#around;
    try {
      return new ArchivePass(archive.directory, {
        settings: this.#settings,
        follower: this.#follower,
        clock,
        onTrouble: (text) => this.#onArchiveTrouble(archive.directory, text),
        isPressing: () => this.#results.isPressing,
        written: () => this.#results.written(),
        flush: () => this.#results.flush(),
      });
    } catch (error) {
      if (!(error instanceof Fault) || archive.isAsked || archive.isAll) throw error;
      log.warn(`${error.message}; what comes from now on is shown`);
      return undefined;
    }
  }

  /** A day is opened several times: each trouble is told once. */
  #onArchiveTrouble(directory: string, text: string): void {
    if (this.#archiveTroubles.has(text) || this.#archiveTroubles.size >= TROUBLES_MAX) return;
    this.#archiveTroubles.add(text);
    this.#around.log.warn(`archive ${directory}: ${text}`);
  }

  /** An archive, and nothing else. */
  async #showArchive(pass: ArchivePass): Promise<void> {
    const { records } = this.#settings;
    await this.#results.start();
    if (records.are === "last" && records.count <= LAST_BACKWARDS_MAX) await pass.runLast(records.count);
    else await pass.run();
    for (const text of pass.unknownGroups) this.#around.log.warn(`archive ${pass.directory}: ${text}`);
    this.#follower.end("past");
  }

  /** An archive, and then what was held meanwhile: nothing twice, nothing left out (archive-pass.ts). */
  async #goThrough(pass: ArchivePass, held: HeldMessages): Promise<void> {
    const { clock } = this.#around;
    const texts = new TextCounts();
    await pass.run();
    const joinBy = clock.monotonicMs() + JOIN_MS;
    while (!this.#hasJoined && clock.monotonicMs() < joinBy) await this.#sleep(20);
    let fromMs = clock.monotonicMs();
    for (let tries = 0; tries < SEAM_TRIES && this.#follower.ended === undefined; tries++) {
      await this.#sleep(Math.max(SEAM_MS / 4, fromMs + SEAM_MS - clock.monotonicMs()));
      const marks = await pass.rest((sender, group, text) => texts.add(sender, group, text));
      if (held.isOverfull) {
        held.clear(); // the archive has it, or will have it soon
        fromMs = clock.monotonicMs();
        tries -= 1;
        continue;
      }
      if (held.hasHoles(marks) && tries < SEAM_TRIES - 1) continue;
      this.#follower.restore(marks.map(streamState).filter((state) => state !== undefined));
      break;
    }
    this.#held = undefined;
    for (const frame of held.frames()) {
      const isText = frame.kind === "message" && frame.messageType !== BATCH_MESSAGE_TYPE;
      if (!isText || !frame.groups().some((group) => texts.take(frame, group))) this.#onLogFrame(frame);
    }
    this.#shown();
  }

  /** All groups that were named, and those that are fed now and match a pattern. */
  get #hasJoined(): boolean {
    return this.#finder.hasAnswers && [...this.#finder.followed].every((group) => this.#joined.has(group));
  }

  /** Unless it is over before. */
  async #sleep(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const slept = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([slept, this.#over.promise]);
    clearTimeout(timer);
  }

  async #listen(session: Session, pass: ArchivePass | undefined): Promise<void> {
    await using _ = session;
    if (pass !== undefined) this.#held = new HeldMessages();
    await Promise.all(this.#settings.groups.map((group) => session.join(group)));
    this.#finder.start(session);
    await this.#results.start();
    void this.#readEvents(session);
    if (pass !== undefined && this.#held !== undefined) await this.#goThrough(pass, this.#held);
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
    this.#finder.lost();
    if (this.#wasConnected) this.#follower.lost(reason);
    else this.#follower.waiting(reason);
    this.#waitIsTold = true;
    this.#results.flush();
  }

  #onBack(server: string, awayMs: number): void {
    if (this.#waitIsTold) this.#follower.back(server, awayMs);
    this.#wasConnected = true;
    this.#results.flush();
  }

  #onFrame(frame: FrameView): void {
    if (this.#finder.frame(frame)) this.#shown();
    else {
      if (frame.kind === "message") this.#finder.came(frame);
      this.#onLogFrame(frame);
    }
  }

  #onLogFrame(frame: FrameView): void {
    switch (frame.kind) {
      case "message":
        if (this.#held !== undefined) {
          this.#held.push(frame);
          return;
        }
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
    this.#shown();
  }

  /** Something may have been shown, or have ended it. */
  #shown(): void {
    this.#results.flush();
    if (this.#follower.ended !== undefined) this.#over.resolve();
  }

  #onView(frame: FrameView): void {
    const group = visibleText(frame.name);
    if (!this.#joined.has(group)) {
      const fullName = this.#finder.fullName(group) ?? group;
      this.#around.log.debug(`joined ${group}${fullName === group ? "" : `: ${fullName}`}`);
    }
    this.#joined.add(group);
    if (!this.#settings.members) return;
    try {
      this.#follower.view(readView(frame));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#around.log.warn(`a view of ${group}: ${error.message}`);
    }
  }

  /** The daemon's policy keeps us out of a group that we were asked to follow. */
  #onReject(frame: FrameView): void {
    const groups = frame.groups().slice(0, -1);
    const reason = `the daemon does not let us join ${JSON.stringify(visibleText(groups.join(", ")))}`;
    const asked: readonly string[] = [...this.#settings.groups, DIRECTORY_GROUP];
    if (!groups.some((group) => asked.includes(group))) {
      this.#around.log.warn(reason); // one of many, found by a pattern: the others go on
      return;
    }
    this.#refusal = new Fault("no-permission", "refused", reason);
    this.#end("stop");
  }

  #onNotice(notice: Notice): void {
    if (notice.kind === "gap") this.#gap ??= notice;
    this.#results.tell(notice);
  }

  #end(cause: "stop" | "closed"): void {
    this.#follower.end(cause);
    this.#over.resolve();
  }

  /** A pipe's reader may go while there is nothing to write: then there never needs to be. */
  #watchReader(): void {
    if (this.#results.hasFile || !this.#around.isPiped) return;
    this.#readerTimer = setInterval(() => {
      if (isReaderGone(STDOUT)) this.#end("closed");
    }, READER_LOOK_MS);
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
}
