// What logcat does with what a session brings: messages in, lines out. No socket, no clock, no terminal: the runner (io/) has those.
//
//   message -> batch or lines of text -> is it new? (gaps.ts) -> is it chosen? (choice.ts) -> line (look.ts) -> outlet
//
// A record is a view into the message's frame from the first arrow to the last; what becomes a string becomes one for a regular expression, or once a batch.

import { BATCH_MESSAGE_TYPE, BatchError } from "../feed/batch.ts";
import { BatchView, readBatch } from "../feed/batch-reader.ts";
import { tryFormer } from "../feed/former-life.ts";
import { TextLines } from "../feed/text-payload.ts";
import type { FrameView } from "../spread/frame.ts";
import type { View } from "../spread/membership.ts";
import { parseMessage } from "../syslog/parse.ts";
import { DEFAULT_RULES, OWN_RULES, type ParseRules } from "../syslog/parse-rules.ts";
import { type Origin, origin, RecordView } from "../syslog/record.ts";
import { Arrival } from "./arrival.ts";
import { type Chooser, matchesOne } from "./choice.ts";
import type { EndCause, Ending } from "./ending.ts";
import { type Away, GapTracker, type Range, type Verdict } from "./gaps.ts";
import type { Look } from "./look.ts";
import { Members } from "./members.ts";
import type { Notice } from "./notice.ts";
import type { Outlet } from "./outlet.ts";
import type { Rates } from "./rates.ts";
import { Tally } from "./tally.ts";

export interface FollowerOptions {
  /** Groups that we asked for, by the names that frames have. */
  readonly groups: ReadonlySet<string>;
  readonly chooser: Chooser;
  readonly look: Look;
  /** Where records go; `undefined`: they are only counted. */
  readonly records: Outlet | undefined;
  /** Where notices go, in line with the records; `undefined`: nowhere in line. */
  readonly notices: Outlet | undefined;
  /** Every notice, for whoever else wants it. */
  readonly onNotice: (notice: Notice) => void;
  /** Counts chosen records by name, where somebody looks at that. */
  readonly rates: Rates | undefined;
  readonly ending: Ending;
  /** End at the first gap. */
  readonly strict: boolean;
  /** Tell who feeds a group, and who joins and leaves it. */
  readonly members: boolean;
}

/** The time of an event: the wall's, for records, and that of a clock that only goes forward, for the end. */
export interface Moment {
  /** Microseconds since 1970, UTC. */
  readonly wallUs: number;
  readonly monotonicMs: number;
}

/** Senders whose messages could not be read, of which that was told. */
const TOLD_MAX = 1_000;
const ORIGINS_MAX = 4_096;
/** Raw text is not interpreted... */
const TEXT_RULES: ParseRules = { ...DEFAULT_RULES, read: "nothing" };

export class Follower {
  readonly tally = new Tally();
  readonly #options: FollowerOptions;
  readonly #gaps = new GapTracker();
  readonly #batch = new BatchView();
  readonly #record = new RecordView();
  readonly #arrival = new Arrival();
  readonly #origins = new Map<string, Origin>();
  readonly #told = new Set<string>();
  readonly #members = new Members();
  #ended: EndCause | undefined;
  /** Records for which there was no room, and that has not been told yet. */
  #skipped = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Set as soon as it is over: then nothing more is shown. */
  get ended(): EndCause | undefined {
    return this.#ended;
  }

  get gaps(): GapTracker {
    return this.#gaps;
  }

  /** Ends it, for a reason from outside. The first reason counts. */
  end(cause: EndCause): void {
    this.#ended ??= cause;
  }

  /** A message came. Keeps nothing of it. */
  message(frame: FrameView, now: Moment): void {
    if (this.#ended !== undefined) return;
    const group = this.#groupOf(frame);
    if (group === undefined) return;
    this.tally.messages += 1;
    this.tally.bytes += frame.bodyEnd - frame.bodyStart;
    this.#arrival.group = group;
    this.#arrival.sender = frame.name;
    if (frame.messageType === BATCH_MESSAGE_TYPE) this.#takeBatch(frame, now);
    else this.#takeText(frame, now);
  }

  /** A view of a group came. */
  view(view: View): void {
    if (this.#options.members) for (const notice of this.#members.notices(view)) this.#tell(notice);
  }

  /** The daemon was lost. */
  lost(reason: string): void {
    this.#gaps.away();
    this.#members.forget();
    this.tally.losses += 1;
    this.#tell({ kind: "lost", reason });
  }

  /** There is no daemon yet. */
  waiting(reason: string): void {
    this.#tell({ kind: "waiting", reason });
  }

  /** There is a daemon again. */
  back(server: string, awayMs: number): void {
    this.#tell({ kind: "back", server, awayMs });
  }

  /** Time has passed. */
  time(now: Moment): void {
    const cause = this.#options.ending.onTime(now.monotonicMs);
    if (cause !== undefined) this.end(cause);
  }

  /** Tells what was skipped, if there is room for that again. Call it when something was written out. */
  tellSkipped(): void {
    const discarded = this.#options.records?.takeDiscarded() ?? 0;
    this.tally.shown -= discarded;
    this.tally.skipped += discarded;
    this.#skipped += discarded;
    if (this.#skipped === 0) return;
    const records = this.#skipped;
    const { look, records: outlet, notices, onNotice } = this.#options;
    const line = outlet?.open(false);
    if (outlet === undefined || line === undefined) return;
    const notice: Notice = { kind: "skipped", records, reason: outlet.slowReason };
    if (notices !== undefined) {
      look.notice(line, notice);
      if (!outlet.close()) return;
    }
    this.#skipped = 0;
    onNotice(notice);
  }

  #groupOf(frame: FrameView): string | undefined {
    for (let index = 0; index < frame.groupCount; index++) {
      const group = frame.group(index);
      if (this.#options.groups.has(group)) return group;
    }
    return undefined; // to us alone, by private group: no log
  }

  #takeBatch(frame: FrameView, now: Moment): void {
    const batch = this.#batch;
    const arrival = this.#arrival;
    try {
      readBatch(frame.bytes, frame.bodyStart, frame.bodyEnd, batch);
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      this.#unreadable(error.message);
      return;
    }
    const { host, incarnation, first, count } = batch;
    arrival.host = host;
    arrival.incarnation = incarnation;
    const verdict = this.#gaps.enter(host, incarnation, arrival.group, first, count, tryFormer(batch.flags));
    this.#tellVerdict(verdict, first);
    this.#record.origin = this.#originOf(host);
    for (let index = 0; index < count && this.#ended === undefined; index++) {
      if (verdict.repeated > 0 && this.#gaps.isRepeated(first + index)) continue;
      arrival.number = first + index;
      this.#take(frame.bytes, batch.starts[index]!, batch.ends[index]!, OWN_RULES, now);
    }
  }

  #takeText(frame: FrameView, now: Moment): void {
    const { bytes } = frame;
    const arrival = this.#arrival;
    arrival.host = "";
    arrival.incarnation = "";
    arrival.number = 0;
    // A session is #name#daemon, and a daemon mostly has its host's name: the best that is known of where a text is from.
    this.#record.origin = this.#originOf(arrival.sender.slice(arrival.sender.lastIndexOf("#") + 1));
    const lines = new TextLines(bytes, frame.bodyStart, frame.bodyEnd);
    while (this.#ended === undefined && lines.next()) {
      const rules = hasPri(bytes, lines.start, lines.end) ? DEFAULT_RULES : TEXT_RULES;
      this.#take(bytes, lines.start, lines.end, rules, now);
    }
  }

  /** One record, at [start, end) of `bytes`. */
  #take(bytes: Uint8Array, start: number, end: number, rules: ParseRules, now: Moment): void {
    const record = this.#record;
    record.receivedUs = now.wallUs;
    record.pid = -1;
    record.uid = -1;
    parseMessage(record, bytes, start, end, rules);
    this.tally.records += 1;
    const { chooser, ending, rates, records } = this.#options;
    if (!chooser.takes(record, this.#arrival)) return;
    this.tally.chosen += 1;
    rates?.record(record, this.#arrival);
    if (records !== undefined) this.#show(records);
    const matches = ending.readsText && matchesOne(ending.rule.until, record.msgText());
    const cause = ending.onRecord(now.monotonicMs, matches);
    if (cause !== undefined) this.end(cause);
  }

  #show(outlet: Outlet): void {
    this.tellSkipped();
    const line = this.#skipped > 0 ? undefined : outlet.open(false);
    if (line !== undefined) {
      this.#options.look.record(line, this.#record, this.#arrival);
      if (outlet.close()) {
        this.tally.shown += 1;
        return;
      }
    }
    this.#skipped += 1;
    this.tally.skipped += 1;
  }

  #tellVerdict(verdict: Verdict, first: number): void {
    const { group, host } = this.#arrival;
    const { missing, late, formerLast, ofFormer, away } = verdict;
    const isOfInterest = this.#options.chooser.takesHost(host);
    if (verdict.newcomer && this.#options.members) this.#tell({ kind: "feeds", group, host });
    if (!isOfInterest) return;
    if (formerLast !== undefined)
      this.#tell({ kind: "anew", group, host, last: formerLast, next: first, missing: missingOf(ofFormer) });
    if (typeof ofFormer === "object") this.#tellGap(ofFormer, away);
    if (late > 0) this.#tell({ kind: "late", group, host, records: late });
    if (missing !== undefined) this.#tellGap(missing, away);
  }

  #tellGap({ from, to }: Range, away: Away): void {
    const { group, host } = this.#arrival;
    this.#tell({ kind: "gap", group, host, from, to, away });
    if (this.#options.strict) this.end("gap");
  }

  #unreadable(reason: string): void {
    const { group, sender } = this.#arrival;
    this.tally.unreadable += 1;
    const about = `${sender} ${group}`;
    if (this.#told.has(about) || this.#told.size >= TOLD_MAX) return;
    this.#told.add(about);
    this.#tell({ kind: "unreadable", group, sender, reason });
  }

  #tell(notice: Notice): void {
    this.#options.onNotice(notice);
    const { look, notices } = this.#options;
    const line = notices?.open(true);
    if (notices === undefined || line === undefined) return;
    look.notice(line, notice);
    notices.close();
  }

  #originOf(host: string): Origin {
    let found = this.#origins.get(host);
    if (found === undefined) {
      if (this.#origins.size >= ORIGINS_MAX) this.#origins.clear(); // names are the network's: no bound but this
      found = origin("group", host);
      this.#origins.set(host, found);
    }
    return found;
  }
}

function missingOf(ofFormer: Verdict["ofFormer"]): "none" | "some" | "unknown" {
  if (ofFormer === undefined) return "unknown";
  return ofFormer === "nothing" ? "none" : "some";
}

/** ...unless it begins as a syslog message does: "<13>". */
function hasPri(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 2 && bytes[start] === 0x3c && bytes[start + 1]! >= 0x30 && bytes[start + 1]! <= 0x39;
}
