// What a recorder does with what a session brings: messages in, records to the destinations of the rules that want them. No socket, no clock, no file.
//
//   message -> Unpacker -> for each rule: is it new there? is it chosen? -> its destination
//
// What the recorder has to say of the records (that some are missing, that the daemon was away, what a destination lost) it tells its operator, and writes it as
// a record of its own where it happened: who reads the file later should not have to look elsewhere.
import { BatchError } from "../feed/batch.ts";
import type { FrameView } from "../spread/frame.ts";
import type { GroupName } from "../spread/names.ts";
import { FACILITY_NAMES } from "../syslog/facility.ts";
import { parseMessage } from "../syslog/parse.ts";
import { LOCAL_RULES } from "../syslog/parse-rules.ts";
import { origin, RecordView } from "../syslog/record.ts";
import { SEVERITY_NAMES } from "../syslog/severity.ts";
import { Arrival } from "./arrival.ts";
import type { Say } from "./destination.ts";
import type { Verdict } from "./gaps.ts";
import { type LateSum, LateSums } from "./late-sums.ts";
import { type Notice, noticeText } from "./notice.ts";
import type { Recording } from "./recording.ts";
import { Unpacker } from "./unpacker.ts";
import { verdictNotices } from "./verdict-notices.ts";

/** Senders whose messages could not be read, of which that was told. */
const TOLD_MAX = 1_000;
/** Groups for which it is remembered who wants them. */
const GROUPS_MAX = 65_536;
const SYSLOG = FACILITY_NAMES.indexOf("syslog");

export interface RecorderOptions {
  /** This host's name in our own records. */
  readonly host: string;
  readonly pid: number;
  readonly say: Say;
}

/** Counts from the start. Refilled in place. */
export class RecorderTally {
  messages = 0;
  bytes = 0;
  records = 0;
  /** Messages that were no log records. */
  unreadable = 0;
  /** How often the daemon was lost. */
  losses = 0;
}

export class Recorder {
  readonly tally = new RecorderTally();
  readonly #options: RecorderOptions;
  readonly #unpacker = new Unpacker();
  readonly #told = new Set<string>();
  readonly #ownRecord = new RecordView();
  readonly #ownArrival = new Arrival();
  readonly #late = new LateSums((sum, wallUs) => this.#tellLate(sum, wallUs));
  #recordings: readonly Recording[] = [];
  /** group -> who wants it. */
  readonly #wanting = new Map<string, readonly Recording[]>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  get recordings(): readonly Recording[] {
    return this.#recordings;
  }

  /** Goes on with these. */
  use(recordings: readonly Recording[]): void {
    this.#recordings = recordings;
    this.#wanting.clear();
  }

  /** Time has passed: what came late and is over is told. @param wallUs microseconds since 1970, UTC */
  tick(wallUs: number): void {
    this.#late.tick(wallUs);
  }

  /** Nothing more will come. */
  end(wallUs: number): void {
    this.#late.tick(Number.POSITIVE_INFINITY, wallUs);
  }

  /** Whether nothing more should be read for now. */
  get mustWait(): boolean {
    for (const recording of this.#recordings) if (recording.mustWait) return true;
    return false;
  }

  /** The first of a message's groups that somebody wants; `undefined` where nobody wants any. */
  wantedGroupOf(frame: FrameView): string | undefined {
    for (let index = 0; index < frame.groupCount; index++) {
      const group = frame.group(index);
      if (this.#whoWants(group).length > 0) return group;
    }
    return undefined;
  }

  /** The number behind the highest that was received of a stream, by who received least of it; 0 where nobody did. */
  knownOf(host: string, incarnation: string, group: string): number {
    const ends = this.#whoWants(group).map(({ marks }) => {
      const last = marks.stream(host, incarnation, group)?.received.ranges.at(-1);
      return last === undefined ? 0 : last.to + 1;
    });
    return ends.length === 0 ? 0 : Math.min(...ends);
  }

  /** A message came. Keeps nothing of it. @param wallUs microseconds since 1970, UTC */
  message(frame: FrameView, wallUs: number): void {
    for (let index = 0; index < frame.groupCount; index++) {
      const group = frame.group(index);
      const wanting = this.#whoWants(group);
      if (wanting.length === 0) continue;
      this.tally.messages += 1;
      this.tally.bytes += frame.bodyEnd - frame.bodyStart;
      this.#take(frame, group, wanting, wallUs);
      for (const { destination } of wanting) destination.flush();
      return;
    }
  }

  /** A group was heard of: who wants it for its name has it from now on. */
  found(group: GroupName, fullName: string): void {
    for (const recording of this.#recordings) recording.found(group, fullName);
    this.#wanting.delete(group);
  }

  /** A sender says that it has sent records up to `last` to a group that is followed, and all of them before this. */
  told(sender: string, host: string, incarnation: string, group: string, last: number, wallUs: number): void {
    const { arrival } = this.#unpacker;
    Object.assign(arrival, { sender, host, group });
    for (const recording of this.#whoWants(group)) {
      const verdict = recording.foretell(host, incarnation, group, last + 1);
      if (verdict !== undefined) this.#tellVerdict(recording, verdict, arrival, last + 1, wallUs);
    }
  }

  /** A message came that can't be read, in a group that is not a log. */
  unreadable(group: string, sender: string, reason: string): void {
    this.#unreadable(group, sender, reason);
  }

  /** The daemon was lost. */
  lost(reason: string, wallUs: number): void {
    this.tally.losses += 1;
    for (const recording of this.#recordings) recording.away();
    this.#tellAll({ kind: "lost", reason }, wallUs);
  }

  /** There is no daemon yet. */
  waiting(reason: string): void {
    this.#options.say("warning", noticeText({ kind: "waiting", reason }));
  }

  /** There is a daemon again. */
  back(server: string, awayMs: number, wallUs: number): void {
    this.#tellAll({ kind: "back", server, awayMs }, wallUs);
  }

  /** Tells something about one recording, and writes it where that writes. @param group that it is about, "" for all */
  note(recording: Recording, severity: "warning" | "notice", text: string, group: string, wallUs: number): void {
    this.#options.say(severity, `${recording.destination.name}: ${text}`);
    this.write(recording, severity, text, group, wallUs);
  }

  /** Writes a record of our own among those of one recording, as it would have come from a program of this host; where that takes such. */
  write(recording: Recording, severity: "warning" | "notice", text: string, group: string, wallUs: number): void {
    const { destination } = recording;
    if (!destination.takesNotices) return;
    const pri = SYSLOG * 8 + SEVERITY_NAMES.indexOf(severity);
    const bytes = new TextEncoder().encode(`<${pri}>logcat[${this.#options.pid}]: ${text}`);
    const record = this.#ownRecord;
    record.origin = origin("internal", this.#options.host, "", group);
    record.receivedUs = wallUs;
    record.pid = this.#options.pid;
    parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
    this.#ownArrival.group = group;
    destination.take(record, this.#ownArrival);
    destination.flush();
    recording.isDirty = true;
  }

  #take(frame: FrameView, group: string, wanting: readonly Recording[], wallUs: number): void {
    const unpacker = this.#unpacker;
    const { record, arrival, batch } = unpacker;
    let isBatch = false;
    try {
      isBatch = unpacker.open(frame, group, wallUs);
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      this.#unreadable(group, frame.name, error.message);
      return;
    }
    if (isBatch) {
      for (const recording of wanting) {
        const verdict = recording.batch(arrival.sender, group, batch);
        if (verdict.missing !== undefined || verdict.late > 0 || verdict.formerLast !== undefined)
          this.#tellVerdict(recording, verdict, arrival, batch.first, wallUs);
      }
    }
    while (unpacker.next()) {
      this.tally.records += 1;
      for (const recording of wanting) if (!isBatch || recording.isNew(arrival.number)) recording.take(record, arrival);
    }
  }

  #whoWants(group: string): readonly Recording[] {
    let wanting = this.#wanting.get(group);
    if (wanting === undefined) {
      if (this.#wanting.size >= GROUPS_MAX) this.#wanting.clear();
      wanting = this.#recordings.filter((recording) => recording.wantsGroup(group));
      this.#wanting.set(group, wanting);
    }
    return wanting;
  }

  #tellVerdict(recording: Recording, verdict: Verdict, arrival: Arrival, first: number, wallUs: number): void {
    if (!recording.wantsHost(arrival.host)) return;
    for (const notice of verdictNotices(verdict, arrival, first)) {
      // Every run of a `publish` is another life: worth a word, but not a record.
      if (notice.kind === "late") this.#late.add(recording, arrival, notice.records, wallUs);
      else if (notice.kind === "anew") this.#options.say("debug", noticeText(notice));
      else this.note(recording, "warning", noticeText(notice), arrival.group, wallUs);
    }
  }

  #tellLate({ recording, host, incarnation, group, records }: LateSum, wallUs: number): void {
    if (!this.#recordings.includes(recording)) return; // its rule is gone
    const missing = recording.missingOf(host, incarnation, group);
    this.note(recording, "warning", noticeText({ kind: "late", group, host, records, missing }), group, wallUs);
  }

  #tellAll(notice: Notice, wallUs: number): void {
    const text = noticeText(notice);
    this.#options.say("warning", text);
    for (const recording of this.#recordings) this.write(recording, "warning", text, "", wallUs);
  }

  #unreadable(group: string, sender: string, reason: string): void {
    this.tally.unreadable += 1;
    const about = `${sender} ${group}`;
    if (this.#told.has(about) || this.#told.size >= TOLD_MAX) return;
    this.#told.add(about);
    this.#options.say("warning", noticeText({ kind: "unreadable", group, sender, reason }));
  }
}
