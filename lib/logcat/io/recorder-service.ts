// `logcat record`: a session, destinations, marks on disk and an operator around the pure recorder.
//
// Back-pressure: while a destination that may wait is full, the session is not read. The daemon keeps what comes then, as far as it does, and a spreadd makes its
// senders wait; a real daemon throws us out in the end, and what was sent meanwhile is missing, and told.
//
// A commit underway at a time for each destination; with it goes all that was taken before. What is committed is noted (with the records where the destination
// does that, else in a file), and then acknowledged to the senders that want to know.
import { hostname } from "node:os";
import { join } from "node:path";
import type { Sample } from "../../base/counters.ts";
import { Fault } from "../../base/fault.ts";
import type { Operated } from "../../control/io/operation.ts";
import { ACK_MESSAGE_TYPE } from "../../feed/ack.ts";
import { Acknowledger } from "../../feed/acknowledger.ts";
import { BATCH_MESSAGE_TYPE } from "../../feed/batch.ts";
import { FOLLOWED_MAX } from "../../feed/directory.ts";
import { DIRECTORY_GROUP } from "../../feed/directory-message.ts";
import { Marks } from "../../feed/marks.ts";
import type { Clock } from "../../run/clock.ts";
import { Nap } from "../../run/nap.ts";
import { BlockPool } from "../../sink/line-queue.ts";
import type { FrameView } from "../../spread/frame.ts";
import { openSession } from "../../spread/io/connect.ts";
import type { Session } from "../../spread/io/session.ts";
import type { SessionOptions } from "../../spread/io/settings.ts";
import type { GroupName } from "../../spread/names.ts";
import { tryZone, UTC, type ZoneOffset } from "../../syslog/zone.ts";
import type { Say } from "../destination.ts";
import { visibleText } from "../glyph.ts";
import { HeldFrames } from "../held-frames.ts";
import { noticeText } from "../notice.ts";
import { describeWriteRule, recordChanges, ruleKey } from "../record-changes.ts";
import type { RecordSettings } from "../record-settings.ts";
import { formatRecordTotals, type RecordTotals, recordSamples } from "../record-totals.ts";
import { Recorder } from "../recorder.ts";
import { keepsAll, Recording } from "../recording.ts";
import type { WriteRule } from "../write-rule.ts";
import { formatWriteTarget } from "../write-target.ts";
import { GroupFinder } from "./group-finder.ts";
import { MarksFile, marksName } from "./marks-file.ts";
import { openDestination } from "./open-destination.ts";
import { recorderId } from "./recorder-id.ts";
import { lockState } from "./state-lock.ts";

/** How often a full destination is looked at while the session waits for it. */
const ROOM_POLL_MS = 20;
/** How often it is looked whether something waits for what was sent before it, and has waited too long. */
const HOLD_POLL_MS = 1_000;
/** How often it is looked whether there is something to commit. */
const COMMIT_POLL_MS = 250;
/** A destination that another rule takes over may take so long to be empty. */
const REPLACE_MS = 10_000;
/** One that no rule names any more. */
const RETIRE_MS = 60_000;
/** Marks that take long to write are written less often: this many times as long lies between. */
const SAVE_REST = 20;

export interface RecorderSurroundings {
  readonly clock: Clock;
  readonly env: Record<string, string | undefined>;
  /** What the recorder says. */
  readonly onOwnMessage: Say;
}

/** A rule at work, and the loop that commits it. */
interface Work {
  readonly recording: Recording;
  readonly file: MarksFile | undefined;
  readonly nap: Nap;
  /** Resolves when the loop has ended. */
  committing: Promise<void>;
  isClosing: boolean;
}

export class RecorderService implements Operated<RecordSettings> {
  readonly #around: RecorderSurroundings;
  readonly #recorder: Recorder;
  readonly #zone: ZoneOffset;
  readonly #pool = new BlockPool();
  readonly #incarnation: string;
  readonly #host: string;
  #settings: RecordSettings;
  #id = "";
  #works: Work[] = [];
  #session: Session | undefined;
  #finder: GroupFinder | undefined;
  /** Groups that were found by patterns, with their full names. */
  readonly #found = new Map<GroupName, string>();
  /** Groups of which we have seen a view since the connection stands. */
  readonly #joined = new Set<string>();
  #state = "not connected yet";
  #wasConnected = false;
  #waitTimer: ReturnType<typeof setInterval> | undefined;
  #waits = 0;
  readonly #held: HeldFrames;
  readonly #holdTimer: ReturnType<typeof setInterval>;
  #isReplacing = false;
  /** On the state directory. */
  readonly #lock: Disposable;

  private constructor(settings: RecordSettings, around: RecorderSurroundings, lock: Disposable) {
    this.#lock = lock;
    this.#settings = settings;
    this.#host = settings.host || hostname();
    this.#around = around;
    this.#incarnation = Math.floor(around.clock.wallMs()).toString(36);
    this.#zone = tryZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? UTC;
    this.#recorder = new Recorder({ host: this.#host, pid: process.pid, say: this.say.bind(this) });
    this.#held = new HeldFrames({
      known: (host, incarnation, group) => this.#recorder.knownOf(host, incarnation, group),
      pass: (frame, wallUs) => this.#recorder.message(frame, wallUs),
    });
    this.#holdTimer = setInterval(() => {
      this.#held.tick(around.clock.monotonicMs());
      this.#recorder.tick(around.clock.wallMs() * 1_000);
    }, HOLD_POLL_MS);
  }

  /**
   * Opens every destination, then the session: what comes has a place.
   * @throws {Fault} a destination, or the directory of the marks, can't be had, or another recorder has that
   */
  static async open(
    settings: RecordSettings,
    session: SessionOptions,
    around: RecorderSurroundings,
  ): Promise<RecorderService> {
    const lock = lockState(settings.state);
    const service = new RecorderService(settings, around, lock);
    service.#id = await recorderId(settings.state);
    for (const rule of settings.rules) service.#works.push(await service.#begin(rule));
    service.#useWorks();
    service.#connect(session);
    return service;
  }

  say(severity: "err" | "warning" | "notice" | "debug", text: string): void {
    this.#around.onOwnMessage(severity, visibleText(text));
  }

  reopen(): void {
    for (const { recording } of this.#works) recording.destination.reopen();
    this.say("notice", "opened its files anew");
  }

  /**
   * Goes on with other rules. One that both have goes on with its queue; one that is gone gets rid of its queue behind our back, unless another has its
   * destination: then that waits for it, and with it the session.
   */
  async reload(settings: RecordSettings): Promise<string> {
    const text = recordChanges(this.#settings, settings);
    const before = this.#works;
    const kept = settings.rules.map((rule) =>
      before.find(({ recording }) => ruleKey(recording.rule) === ruleKey(rule)),
    );
    const gone = before.filter((work) => !kept.includes(work));
    const fresh = settings.rules.filter((_, at) => kept[at] === undefined);
    const names = new Set(fresh.map(({ to }) => formatWriteTarget(to)));
    const inTheWay = gone.filter(({ recording }) => names.has(formatWriteTarget(recording.rule.to)));
    this.#isReplacing = true;
    if (inTheWay.length > 0) this.#waitForRoom();
    try {
      await Promise.all(inTheWay.map((work) => this.#end(work, REPLACE_MS)));
      const begun: Work[] = [];
      for (const rule of fresh) {
        const work = await this.#tryBegin(rule);
        if (work !== undefined) begun.push(work);
      }
      this.#settings = { ...this.#settings, rules: settings.rules };
      this.#works = [...kept.filter((work) => work !== undefined), ...begun];
      this.#useWorks();
    } finally {
      this.#isReplacing = false;
    }
    for (const work of gone) if (!inTheWay.includes(work)) void this.#end(work, RETIRE_MS);
    return text;
  }

  facts(): Readonly<Record<string, unknown>> {
    return { session: this.#state, rules: this.#settings.rules.map(describeWriteRule) };
  }

  counts(): readonly string[] {
    return formatRecordTotals(this.totals);
  }

  samples(): readonly Sample[] {
    return recordSamples(this.totals);
  }

  get totals(): RecordTotals {
    return {
      ...this.#recorder.tally,
      waits: this.#waits,
      writes: this.#works.map(({ recording }) => {
        const { accepted, delivered, lost } = recording.destination.counters;
        const { missing, late, repeated, streams } = recording.gaps;
        const { name, waiting, uncertain = 0 } = recording.destination;
        const { chosen } = recording;
        const counts = { accepted, delivered, lost, waiting, uncertain, missing, late, repeated, streams };
        return { name, chosen, ...counts };
      }),
    };
  }

  /** Ends in order: takes nothing more, and gives the destinations `withinMs` to get rid of their queues and commit. */
  async close(withinMs: number): Promise<void> {
    clearInterval(this.#waitTimer);
    this.#finder?.stop();
    await this.#session?.close();
    clearInterval(this.#holdTimer);
    this.#held.flush();
    this.#recorder.end(this.#around.clock.wallMs() * 1_000);
    await Promise.all(this.#works.map((work) => this.#end(work, withinMs)));
    this.#lock[Symbol.dispose]();
  }

  async #tryBegin(rule: WriteRule): Promise<Work | undefined> {
    try {
      return await this.#begin(rule);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.say("err", `${formatWriteTarget(rule.to)}: ${error.message}`);
      return undefined;
    }
  }

  async #begin(rule: WriteRule): Promise<Work> {
    const name = formatWriteTarget(rule.to);
    const late: { recording?: Recording } = {};
    const { wallMs, monotonicMs } = this.#around.clock;
    const nap = new Nap();
    const { destination, marks } = await openDestination(rule, {
      zone: this.#zone,
      wallMs,
      pool: this.#pool,
      env: this.#around.env,
      incarnation: this.#incarnation,
      stateDirectory: this.#settings.state,
      say: this.say.bind(this),
      onLost: (text) => {
        if (late.recording !== undefined) this.#recorder.write(late.recording, "warning", text, "", wallMs() * 1_000);
      },
      onPressing: () => nap.wake(),
      monotonicMs,
    });
    const file = destination.keepsMarks ? undefined : new MarksFile(join(this.#settings.state, marksName(name)));
    const known = new Marks(marks ?? file?.streams ?? []);
    const acknowledger = new Acknowledger({ recorder: this.#id, host: this.#host, marks: known });
    const recording = new Recording(rule, destination, acknowledger);
    late.recording = recording;
    if (file?.damage !== undefined) this.say("warning", file.damage);
    if (file?.endedInOrder === false) this.#tellCrash(recording);
    await this.#trySave(file, name);
    const work: Work = { recording, file, nap, committing: Promise.resolve(), isClosing: false };
    work.committing = this.#commitAgainAndAgain(work);
    return work;
  }

  #tellCrash(recording: Recording): void {
    const text =
      "the last run did not end in order: what it wrote behind its last mark is not known, so records that are here may be told as missing";
    this.#recorder.note(recording, "warning", text, "", this.#around.clock.wallMs() * 1_000);
  }

  async #end(work: Work, withinMs: number): Promise<void> {
    const { recording, file } = work;
    const { destination } = recording;
    work.isClosing = true;
    work.nap.wake();
    await Promise.race([work.committing, new Promise((resolve) => setTimeout(resolve, withinMs))]);
    await destination.close(withinMs);
    await work.committing;
    if (destination.counters.lost > 0)
      this.say("warning", `${destination.name}: ${destination.counters.lost} records lost in all`);
    await this.#trySave(file, destination.name, true);
  }

  #useWorks(): void {
    this.#recorder.use(this.#works.map(({ recording }) => recording));
    for (const [group, fullName] of this.#found) this.#recorder.found(group, fullName);
    void this.#joinGroups();
    this.#find();
  }

  get #groups(): ReadonlySet<GroupName> {
    return new Set(this.#works.flatMap(({ recording }) => [...recording.groups]));
  }

  /** Looks for the groups that the patterns of the rules of now mean. */
  #find(): void {
    const session = this.#session;
    if (session === undefined) return;
    if (this.#finder !== undefined) void session.leave(DIRECTORY_GROUP); // to be told anew who is there
    this.#finder?.stop();
    const patterns = [...new Set(this.#works.flatMap(({ recording }) => recording.rule.patterns))];
    const { clock } = this.#around;
    this.#finder = new GroupFinder({
      patterns,
      named: new Set(this.#works.flatMap(({ recording }) => recording.rule.groups)),
      followed: new Set(this.#groups),
      nowMs: () => clock.monotonicMs(),
      onDirectory: () => this.say("debug", "joined the directory"),
      onFound: (group, fullName) => {
        this.#found.set(group, fullName);
        this.#recorder.found(group, fullName);
      },
      onLeft: (group) => this.#found.delete(group),
      onNumber: (sender, host, incarnation, group, last) => {
        if (last > 0 && !this.#joined.has(group)) return; // what was sent before we were in it is not missing
        this.#recorder.told(sender, host, incarnation, group, last, clock.wallMs() * 1_000);
      },
      onUnreadable: (sender, reason) => this.#recorder.unreadable(DIRECTORY_GROUP, sender, reason),
      onTooMany: () => this.say("warning", noticeText({ kind: "unfollowed", followed: FOLLOWED_MAX })),
      onNothing: () => this.say("notice", `nobody feeds a group like ${patterns.join(", ")} yet; waiting for one`),
    });
    this.#finder.start(session);
  }

  async #joinGroups(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const wanted = this.#groups;
    for (const group of wanted) if (!session.groups.some((one) => one === group)) await session.join(group);
    for (const group of session.groups) if (!wanted.has(group) && group !== DIRECTORY_GROUP) await session.leave(group);
  }

  #connect(options: SessionOptions): void {
    const session = openSession({ ...options, onFrame: (frame) => this.#onFrame(frame) });
    this.#session = session;
    void this.#joinGroups();
    this.#find();
    void this.#readEvents(session);
  }

  async #readEvents(session: Session): Promise<void> {
    const wallUs = () => this.#around.clock.wallMs() * 1_000;
    for await (const event of session) {
      if (event.kind === "lost") {
        this.#joined.clear();
        this.#finder?.lost();
        this.#state = `away: ${event.reason.message}`;
        if (this.#wasConnected) this.#recorder.lost(event.reason.message, wallUs());
        else this.#recorder.waiting(event.reason.message);
      } else if (event.kind === "back") {
        this.#state = `connected to ${event.server} as ${event.privateGroup}`;
        if (this.#wasConnected) this.#recorder.back(event.server, event.awayMs, wallUs());
        else this.say("notice", this.#state);
        this.#wasConnected = true;
        for (const { recording } of this.#works) {
          recording.acknowledger.greet();
          this.#sendAcks(recording);
        }
      }
    }
  }

  #onFrame(frame: FrameView): void {
    if (this.#finder?.frame(frame) === true) return;
    if (frame.kind === "message") {
      const group = this.#recorder.wantedGroupOf(frame);
      const { wallMs, monotonicMs } = this.#around.clock;
      if (group !== undefined) this.#held.message(frame, group, wallMs() * 1_000, monotonicMs());
      if (frame.messageType === BATCH_MESSAGE_TYPE) for (const { recording } of this.#works) this.#sendAcks(recording); // asked, or sent again
      if (this.#recorder.mustWait) this.#waitForRoom();
    } else if (frame.kind === "view") {
      if (!this.#joined.has(frame.name)) this.say("debug", `joined ${frame.name}`);
      this.#joined.add(frame.name);
    } else if (frame.kind === "reject") {
      this.say("err", `the daemon does not let us join ${JSON.stringify(frame.groups().slice(0, -1).join(", "))}`);
    }
  }

  /** Reads no more until there is room. */
  #waitForRoom(): void {
    const session = this.#session;
    if (this.#waitTimer !== undefined || session === undefined) return;
    this.#waits += 1;
    session.pause();
    this.#waitTimer = setInterval(() => {
      if (this.#recorder.mustWait || this.#isReplacing) return;
      clearInterval(this.#waitTimer);
      this.#waitTimer = undefined;
      session.resume();
    }, ROOM_POLL_MS);
  }

  /** Runs until the work is closing and all of it is committed. Never throws. */
  async #commitAgainAndAgain(work: Work): Promise<void> {
    const { recording, file, nap } = work;
    const { destination, acknowledger } = recording;
    while (!work.isClosing || recording.isDirty) {
      if (!recording.isDirty) {
        await nap.sleep(COMMIT_POLL_MS);
        continue;
      }
      // What pressed while the last commit was underway woke nobody.
      if (!work.isClosing && !destination.isPressing) await nap.sleep(destination.commitEveryMs);
      recording.isDirty = false;
      const commit = acknowledger.begin();
      if (await destination.commit(commit.streams)) {
        if (file !== undefined) await this.#saveMarks(work, file, commit.streams);
        acknowledger.done(commit);
        this.#sendAcks(recording);
      } else {
        acknowledger.failed();
        this.#held.reset();
        if (work.isClosing) return;
      }
    }
  }

  async #saveMarks(work: Work, file: MarksFile, streams: Parameters<MarksFile["save"]>[0]): Promise<void> {
    const { clock } = this.#around;
    const beganMs = clock.monotonicMs();
    await this.#trySave(file, work.recording.destination.name, false, streams);
    const restMs = (clock.monotonicMs() - beganMs) * SAVE_REST;
    if (restMs > work.recording.destination.commitEveryMs && !work.isClosing) await work.nap.sleep(restMs);
  }

  async #trySave(
    file: MarksFile | undefined,
    name: string,
    isClosed = false,
    streams: Parameters<MarksFile["save"]>[0] = [],
  ): Promise<void> {
    try {
      await file?.save(streams, isClosed);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.say("warning", `${name}: ${error.message}; a crash now would tell more as missing than is`);
    }
  }

  #sendAcks(recording: Recording): void {
    const { acknowledger, rule } = recording;
    if (!acknowledger.hasMessages) return;
    const messages = acknowledger.takeMessages();
    if (!keepsAll(rule) || this.#acknowledging(recording) !== recording) return;
    for (const { to, body } of messages) this.#session?.trySend(to, body, { messageType: ACK_MESSAGE_TYPE });
  }

  /** Of rules for the same groups one speaks for all: the first that keeps everything. */
  #acknowledging(recording: Recording): Recording | undefined {
    return this.#recorder.recordings.find(
      (one) => keepsAll(one.rule) && [...recording.groups].every((group) => one.wantsGroup(group)),
    );
  }
}
