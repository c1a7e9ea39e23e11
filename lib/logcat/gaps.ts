// The truth about what was received: which records are missing, which came twice, which came late.
//
// Senders number the records of a group consecutively (lib/feed/batch.ts), so what has come of one stream (host, incarnation, group) is nearly always "all
// below `next`", less a few holes. A batch is one range of numbers, and is judged as a range: its cost does not depend on how many records it has.
//
//   first = next               as it should be
//   first > next               [next, first) is missing: a hole opens
//   below next, in a hole      late: the sender sent again what a lost connection had swallowed
//   below next, in no hole     repeated: to be dropped
//
// Where we came in nothing is missing: the first batch of a stream only says where it stands. That holds for another life of a host too: it may be a new one,
// or an old one whose spool is sent late. Where it tells how far the life before it came (lib/feed/former-life.ts), and that is the one we followed, both its own
// beginning and that end are known. A hole is a fact and not a guess; what can't be known is told as that (`formerLast` without `ofFormer`).
//
// All of it is bounded. A stream remembers its last HOLES_MAX holes: what is older than the oldest of them (`floor`) can't be told from a repetition any more,
// and is shown, since a record twice is better than none. Of STREAMS_MAX streams one that was silent is forgotten, and comes in anew.
import type { FormerLife } from "../feed/former-life.ts";

/** Holes that are remembered of each stream. */
export const HOLES_MAX = 64;
/** Streams that are remembered. */
export const STREAMS_MAX = 65_536;

/** Numbers from `from` to `to`, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The daemon was lost, logcat itself was not running (`restore`), or nobody was away. */
export type Away = "daemon" | "logcat" | "nobody";

/** How a batch of one stream fits to what came before. */
export interface Verdict {
  /** Opened by this batch: numbers that were sent, and have not come. */
  readonly missing: Range | undefined;
  /** Who was away since this stream's last batch: that is why. */
  readonly away: Away;
  /** Records of this batch that fill holes. */
  readonly late: number;
  /** Records of this batch that came before. */
  readonly repeated: number;
  /** Set where another life of the host takes the place of one that we followed: the last number of that which came. */
  readonly formerLast: number | undefined;
  /** Set where that life tells how far the one that we followed came: which of its records are missing. Then nothing else of it is. */
  readonly ofFormer: Range | "nothing" | undefined;
  /** Whether nothing of this host was seen in this group before. */
  readonly newcomer: boolean;
}

const IN_ORDER: Verdict = {
  missing: undefined,
  away: "nobody",
  late: 0,
  repeated: 0,
  formerLast: undefined,
  ofFormer: undefined,
  newcomer: false,
};

/** Totals over all streams, for `--stats`. */
export interface GapTotals {
  readonly streams: number;
  /** Missing now: what came late is taken off. */
  readonly missing: number;
  readonly late: number;
  readonly repeated: number;
}

/** What is known of one stream. */
export interface StreamState {
  readonly host: string;
  readonly incarnation: string;
  readonly group: string;
  /** Numbers from here on have not come. */
  readonly next: number;
  /** Below this it is not known what has come. */
  readonly floor: number;
  /** Ascending, apart, all within [floor, next). */
  readonly holes: readonly Range[];
}

/** Instead of a number of absences: heard in another run. */
const BEFORE_US = -1;

class Stream {
  /** Numbers from here on have not come. */
  next: number;
  /** Below this it is not known what has come. */
  floor: number;
  /** Ascending, apart, all within [floor, next). */
  readonly holes: Range[] = [];
  /** How often the daemon had been lost when this stream was last heard. */
  absences: number;
  /** Its sender has said that nothing follows. */
  isEnded = false;
  /** Since a place for another stream was last looked for. */
  heard = true;

  constructor(next: number, floor: number, absences: number) {
    this.next = next;
    this.floor = floor;
    this.absences = absences;
  }
}

export class GapTracker {
  readonly #streams = new Map<string, Stream>();
  /** (host, group) -> the incarnation that was heard last. */
  readonly #lives = new Map<string, string>();
  /** Where streams will begin that have not. */
  readonly #foretold = new Map<string, number>();
  /** Ranges of the last batch that came before. */
  readonly #repeated: Range[] = [];
  #absences = 0;
  #missing = 0;
  #late = 0;
  #repeatedTotal = 0;

  /** The daemon was lost: what comes now may have holes for that reason. */
  away(): void {
    this.#absences += 1;
  }

  /**
   * Enters the batch of `count` records numbered from `first` on. `count` 0 only says which number comes next.
   *
   * None of host, incarnation and group may hold a space. The verdict is good until the next call.
   * @param former what the batch says of the sender's life before
   */
  enter(
    host: string,
    incarnation: string,
    group: string,
    first: number,
    count: number,
    former?: FormerLife | "unknown",
  ): Verdict {
    this.#repeated.length = 0;
    const key = `${host} ${incarnation} ${group}`;
    const stream = this.#streams.get(key);
    if (stream === undefined) return this.#comeIn(key, host, incarnation, group, first, count, former);
    stream.heard = true;
    const away = this.#awaySince(stream);
    if (first === stream.next && away === "nobody") {
      stream.next = first + count;
      return IN_ORDER;
    }
    stream.absences = this.#absences;
    return this.#judge(stream, first, count, { away, formerLast: undefined, ofFormer: undefined, newcomer: false });
  }

  /**
   * The sender says which number comes next, outside of the stream: in the directory. Of a stream that has not begun that says where it will, and no more: its first
   * batch tells of the life before.
   * @returns what is missing by that; `undefined` where it is the first that is heard of the stream
   */
  foretell(host: string, incarnation: string, group: string, next: number): Verdict | undefined {
    const key = `${host} ${incarnation} ${group}`;
    const foretold = this.#foretold.get(key);
    if (this.#streams.has(key) || (foretold !== undefined && next > foretold))
      return this.enter(host, incarnation, group, next, 0);
    if (this.#foretold.size >= STREAMS_MAX) this.#foretold.clear();
    this.#foretold.set(key, next);
    return undefined;
  }

  /** The sender says that nothing follows in this stream, which was entered: so nothing is unknown where another life of the host takes its place. */
  end(host: string, incarnation: string, group: string): void {
    const stream = this.#streams.get(`${host} ${incarnation} ${group}`);
    if (stream === undefined) return;
    stream.isEnded = true;
    const life = `${host} ${group}`;
    if (this.#lives.get(life) === incarnation) this.#lives.delete(life);
  }

  /** Of how many records of a stream it is known that they have not come. */
  missingOf(host: string, incarnation: string, group: string): number {
    const holes = this.#streams.get(`${host} ${incarnation} ${group}`)?.holes ?? [];
    return holes.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  /** Whether record `number` of the batch that was entered last came before. */
  isRepeated(number: number): boolean {
    for (const range of this.#repeated) if (number >= range.from && number <= range.to) return true;
    return false;
  }

  /** All that is known, for `restore` in another run: those heard last come last. */
  *streams(): Generator<StreamState> {
    for (const [key, { next, floor, holes, isEnded }] of this.#streams) {
      if (isEnded && holes.length === 0) continue; // nothing of it will come
      const [host = "", incarnation = "", group = ""] = key.split(" ");
      yield { host, incarnation, group, next, floor, holes };
    }
  }

  /** Goes on from what was known in another run. To be called before anything is entered. */
  restore(streams: Iterable<StreamState>): void {
    for (const { host, incarnation, group, next, floor, holes } of streams) {
      const stream = new Stream(next, floor, BEFORE_US);
      for (const hole of holes) {
        stream.holes.push(hole);
        this.#missing += hole.to - hole.from + 1;
      }
      this.#streams.set(`${host} ${incarnation} ${group}`, stream);
      this.#lives.set(`${host} ${group}`, incarnation);
      if (this.#streams.size > STREAMS_MAX) this.#forgetOne();
    }
  }

  get totals(): GapTotals {
    return {
      streams: this.#streams.size,
      missing: this.#missing,
      late: this.#late,
      repeated: this.#repeatedTotal,
    };
  }

  #awaySince(stream: Stream): Away {
    if (stream.absences === this.#absences) return "nobody";
    return stream.absences === BEFORE_US ? "logcat" : "daemon";
  }

  #comeIn(
    key: string,
    host: string,
    incarnation: string,
    group: string,
    first: number,
    count: number,
    told: FormerLife | "unknown" | undefined,
  ): Verdict {
    const life = `${host} ${group}`;
    const former = this.#lives.get(life);
    const formerStream = former === undefined ? undefined : this.#streams.get(`${host} ${former} ${group}`);
    this.#lives.set(life, incarnation);
    const isTold = formerStream !== undefined && typeof told === "object" && told.incarnation === former;
    // Where it follows on what we know, it began at 1: what is missing since then is missing.
    const begins = isTold ? 1 : Math.min(first, this.#foretold.get(key) ?? first);
    this.#foretold.delete(key);
    const stream = new Stream(begins, begins, this.#absences);
    this.#streams.set(key, stream);
    if (this.#streams.size > STREAMS_MAX) this.#forgetOne();
    return this.#judge(stream, first, count, {
      away: formerStream === undefined ? "nobody" : this.#awaySince(formerStream),
      formerLast: formerStream === undefined ? undefined : formerStream.next - 1,
      ofFormer: isTold ? (this.#open(formerStream, told.last + 1) ?? "nothing") : undefined,
      newcomer: formerStream === undefined,
    });
  }

  /** A stream went up to `next`: opens a hole where not all of that has come, and gives it. */
  #open(stream: Stream, next: number): Range | undefined {
    if (next <= stream.next) {
      this.#forgetHoles(stream);
      return undefined;
    }
    const hole = { from: stream.next, to: next - 1 };
    stream.holes.push(hole);
    this.#forgetHoles(stream);
    stream.next = next;
    this.#missing += hole.to - hole.from + 1;
    return hole;
  }

  #forgetHoles(stream: Stream): void {
    while (stream.holes.length > HOLES_MAX) stream.floor = stream.holes.shift()!.to + 1;
  }

  #judge(
    stream: Stream,
    first: number,
    count: number,
    known: Pick<Verdict, "away" | "formerLast" | "ofFormer" | "newcomer">,
  ): Verdict {
    const end = first + count;
    const late = this.#fill(stream, first, Math.min(end, stream.next));
    const repeated = this.#countRepeated();
    const missing = this.#open(stream, first);
    stream.next = Math.max(stream.next, end);
    this.#missing -= late;
    this.#late += late;
    this.#repeatedTotal += repeated;
    return { ...known, missing, late, repeated };
  }

  /** Takes [from, to), all below `next`, out of the holes, and notes what lies in none. Returns how many records lay in holes. */
  #fill(stream: Stream, from: number, to: number): number {
    let late = 0;
    let at = Math.max(from, stream.floor);
    for (let index = 0; index < stream.holes.length && at < to; index++) {
      const hole = stream.holes[index]!;
      const begin = Math.max(hole.from, at);
      const end = Math.min(hole.to + 1, to);
      if (begin >= end) continue;
      if (begin > at) this.#repeated.push({ from: at, to: begin - 1 });
      late += end - begin;
      at = end;
      const rest: Range[] = [];
      if (hole.from < begin) rest.push({ from: hole.from, to: begin - 1 });
      if (end <= hole.to) rest.push({ from: end, to: hole.to });
      stream.holes.splice(index, 1, ...rest);
      index += rest.length - 1;
    }
    if (at < to) this.#repeated.push({ from: at, to: to - 1 });
    return late;
  }

  /** Forgets the first stream that has not been heard since the last search; those that have been get another round. */
  #forgetOne(): void {
    for (const [key, stream] of this.#streams) {
      this.#streams.delete(key);
      if (!stream.heard) {
        this.#forgetLife(key);
        return;
      }
      stream.heard = false;
      this.#streams.set(key, stream);
    }
  }

  #forgetLife(key: string): void {
    const [host, incarnation, group] = key.split(" ");
    const life = `${host} ${group}`;
    if (this.#lives.get(life) === incarnation) this.#lives.delete(life);
  }

  #countRepeated(): number {
    let repeated = 0;
    for (const range of this.#repeated) repeated += range.to - range.from + 1;
    return repeated;
  }
}
