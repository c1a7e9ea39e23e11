// What logcat does with what a session brings: messages in, lines out. No socket, no clock, no terminal: the runner (io/) has those.
//
//   message -> batch or lines of text -> is it new? (gaps.ts) -> is it chosen? (choice.ts) -> line (look.ts) -> outlet
//
// A record is a view into the message's frame from the first arrow to the last; what becomes a string becomes one for a regular expression, or once a batch.

import type { BlockView, Entry } from "../archive/block.ts";
import { BatchError, FLAG_END } from "../feed/batch.ts";
import { tryFormer } from "../feed/former-life.ts";
import type { FrameView } from "../spread/frame.ts";
import type { View } from "../spread/membership.ts";
import { type Chooser, matchesOne } from "./choice.ts";
import type { EndCause, Ending } from "./ending.ts";
import { type GapTotals, GapTracker, type Range, STREAMS_MAX, type StreamState, type Verdict } from "./gaps.ts";
import type { Look } from "./look.ts";
import { Members } from "./members.ts";
import type { Notice } from "./notice.ts";
import type { Outlet } from "./outlet.ts";
import type { Rates } from "./rates.ts";
import { Tally } from "./tally.ts";
import { Unpacker } from "./unpacker.ts";
import { verdictNotices } from "./verdict-notices.ts";

export interface FollowerOptions {
  /** Groups that we asked for, by the names that frames have. More may be added. */
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
  /** Whether a session is still a sender, as far as is known. */
  readonly isSender: (session: string) => boolean;
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

export class Follower {
  readonly tally = new Tally();
  readonly #options: FollowerOptions;
  readonly #gaps = new GapTracker();
  readonly #unpacker = new Unpacker();
  readonly #told = new Set<string>();
  readonly #members = new Members();
  /** (host, group) -> the session that was heard of it last as something new. */
  readonly #feeders = new Map<string, string>();
  #ended: EndCause | undefined;
  /** Records for which there was no room, and that has not been told yet. */
  #skipped = 0;
  /** Records that an archive lacks, as far as it was gone through. */
  #storedMissing = 0;

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
    this.#takeRecords(frame, group, now);
  }

  /** Record `index` of a block of an archive, which is of `entry`. */
  stored(block: BlockView, entry: Entry, index: number, now: Moment): void {
    if (this.#ended !== undefined) return;
    this.#unpacker.stored(block, entry, index);
    this.#take(now);
  }

  /** Of an archive, what comes next tells that these records of a stream are missing before it. */
  storedGap({ host, group }: { readonly host: string; readonly group: string }, { from, to }: Range): void {
    if (this.#ended !== undefined || !this.#options.chooser.takesHost(host)) return;
    this.#storedMissing += to - from + 1;
    this.#tell({ kind: "gap", group, host, from, to, away: "nobody" });
    if (this.#options.strict) this.end("gap");
  }

  /** What its marks say is known from here on: what was found missing in the archive is in them. */
  restore(streams: Iterable<StreamState>): void {
    this.#storedMissing = 0;
    this.#gaps.restore(streams);
  }

  /** All that is missing, of what came live and of what an archive has. */
  get totals(): GapTotals {
    const { totals } = this.#gaps;
    return { ...totals, missing: totals.missing + this.#storedMissing };
  }

  /** Whether a record of an archive is chosen; nothing is shown. */
  choosesStored(block: BlockView, entry: Entry, index: number): boolean {
    this.#unpacker.stored(block, entry, index);
    return this.#options.chooser.takes(this.#unpacker.record, this.#unpacker.arrival);
  }

  /** A sender says that it has sent records up to `last` to a group that is followed, and all of them before this. */
  told(sender: string, host: string, incarnation: string, group: string, last: number): void {
    if (this.#ended !== undefined) return;
    Object.assign(this.#unpacker.arrival, { sender, host, group });
    const verdict = this.#gaps.foretell(host, incarnation, group, last + 1);
    if (verdict !== undefined) this.#tellVerdict(verdict, last + 1);
  }

  /** A message came that can't be read, in a group that is not a log. */
  unreadable(group: string, sender: string, reason: string): void {
    Object.assign(this.#unpacker.arrival, { sender, group });
    this.#unreadable(reason);
  }

  /** A host feeds a group no more, as the directory knows. */
  ceased(host: string, group: string): void {
    if (this.#options.members && this.#options.chooser.takesHost(host)) this.#tell({ kind: "ceases", group, host });
  }

  /** More groups match than can be followed. */
  unfollowed(followed: number): void {
    this.#tell({ kind: "unfollowed", followed });
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

  #takeRecords(frame: FrameView, group: string, now: Moment): void {
    const unpacker = this.#unpacker;
    const { arrival, batch } = unpacker;
    try {
      if (!unpacker.open(frame, group, now.wallUs)) {
        while (this.#ended === undefined && unpacker.next()) this.#take(now);
        return;
      }
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      this.#unreadable(error.message);
      return;
    }
    const { first, count } = batch;
    const verdict = this.#gaps.enter(
      arrival.host,
      arrival.incarnation,
      arrival.group,
      first,
      count,
      tryFormer(batch.flags),
    );
    this.#tellVerdict(verdict, first);
    if (batch.hasFlag(FLAG_END)) this.#gaps.end(arrival.host, arrival.incarnation, arrival.group);
    while (this.#ended === undefined && unpacker.next()) {
      if (verdict.repeated === 0 || !this.#gaps.isRepeated(arrival.number)) this.#take(now);
    }
  }

  /** The record that was unpacked. */
  #take(now: Moment): void {
    const { record, arrival } = this.#unpacker;
    this.tally.records += 1;
    const { chooser, ending, rates, records } = this.#options;
    if (!chooser.takes(record, arrival)) return;
    this.tally.chosen += 1;
    rates?.record(record, arrival);
    if (records !== undefined) this.#show(records);
    const matches = ending.readsText && matchesOne(ending.rule.until, record.msgText());
    const cause = ending.onRecord(now.monotonicMs, matches);
    if (cause !== undefined) this.end(cause);
  }

  #show(outlet: Outlet): void {
    this.tellSkipped();
    const line = this.#skipped > 0 ? undefined : outlet.open(false);
    if (line !== undefined) {
      this.#options.look.record(line, this.#unpacker.record, this.#unpacker.arrival);
      if (outlet.close()) {
        this.tally.shown += 1;
        return;
      }
    }
    this.#skipped += 1;
    this.tally.skipped += 1;
  }

  #tellVerdict(verdict: Verdict, first: number): void {
    const { arrival } = this.#unpacker;
    const { chooser, members, strict } = this.#options;
    const isAnother = verdict.newcomer || verdict.formerLast !== undefined;
    const bothFeed = isAnother && this.#takesTurn(arrival.host, arrival.group);
    if (verdict.newcomer && members) this.#tell({ kind: "feeds", group: arrival.group, host: arrival.host });
    if (!chooser.takesHost(arrival.host)) return;
    for (const notice of verdictNotices(verdict, arrival, first)) {
      if (notice.kind === "anew" && bothFeed) continue;
      this.#tell(notice);
      if (notice.kind === "gap" && strict) this.end("gap");
    }
  }

  /** Another session of a host is heard in a group. Returns whether the one before it is there too: several runs of `publish` may feed one group. */
  #takesTurn(host: string, group: string): boolean {
    const { sender } = this.#unpacker.arrival;
    const life = `${host} ${group}`;
    const before = this.#feeders.get(life);
    if (this.#feeders.size >= STREAMS_MAX) this.#feeders.clear();
    this.#feeders.set(life, sender);
    return before !== undefined && before !== sender && this.#options.isSender(before);
  }

  #unreadable(reason: string): void {
    const { group, sender } = this.#unpacker.arrival;
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
}
