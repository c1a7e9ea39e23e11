// What an archive has, before what comes live: the records of its blocks go the way of all others, through the follower.
//
// The seam: we are in the groups before the archive is read to its end, and what comes meanwhile is held. The archive's marks then say of each stream what was in it, so that of
// what is held nothing is shown twice. A recorder commits about once a second: what came before we were in the groups may not be there yet, so we wait for
// that long, and for longer where the numbers say that something is missing. Where too much comes to be held, it is let go: it is in the archive too, and is read from
// there. What is missing in it is told where it is missing, by its marks (stored-gaps.ts). Raw text has no numbers: what the archive has of it since then is counted, and as much of what is held is left out.
import type { BlockView, Entry } from "../../archive/block.ts";
import { ArchiveReader, type Found, type Position } from "../../archive/io/reader.ts";
import type { ArchiveQuery } from "../../archive/query.ts";
import { bySegmentAge } from "../../archive/segment.ts";
import { nearest } from "../../base/nearest.ts";
import { matchesWildcard } from "../../base/wildcard.ts";
import type { StreamMarks } from "../../feed/marks.ts";
import type { Clock } from "../../run/clock.ts";
import { archiveQuery } from "../archive-query.ts";
import type { Follower, Moment } from "../follower.ts";
import type { LogcatSettings } from "../settings.ts";
import { StoredGaps } from "../stored-gaps.ts";

/** After so long we let go of the thread, so that output goes out and signals come in. */
const SLICE_MS = 20;

export interface ArchivePassOptions {
  readonly settings: LogcatSettings;
  readonly follower: Follower;
  readonly clock: Clock;
  readonly onTrouble: (text: string) => void;
  /** Much was shown and is not written: an archive can wait for whoever reads the output. */
  readonly isPressing: () => boolean;
  /** Resolves when what was shown is written. */
  readonly written: () => Promise<void>;
  readonly flush: () => void;
}

export class ArchivePass {
  readonly #options: ArchivePassOptions;
  readonly #reader: ArchiveReader;
  readonly #query: ArchiveQuery;
  readonly #needle: Uint8Array | undefined;
  readonly #groups: ReadonlySet<string>;
  readonly #gaps: StoredGaps;
  /** Of which anything was seen in what was read. */
  readonly #seen = new Set<string>();
  #position: Position | undefined;
  #sliceMs: number;

  /** @throws {Fault} there is no archive, or it may not be read */
  constructor(directory: string, options: ArchivePassOptions) {
    this.#options = options;
    this.#reader = new ArchiveReader(directory, options.onTrouble);
    const { query, needle } = archiveQuery(options.settings);
    this.#query = query;
    this.#needle = needle === "" ? undefined : new TextEncoder().encode(needle);
    this.#groups = new Set(options.settings.groups);
    this.#gaps = new StoredGaps(this.#reader.marks(), (segment) => this.#reader.marks(segment));
    this.#sliceMs = options.clock.monotonicMs();
  }

  get directory(): string {
    return this.#reader.directory;
  }

  /** Goes through what there is now. */
  async run(): Promise<void> {
    const end = this.#reader.end();
    this.#position = undefined;
    for (const found of this.#reader.blocks(this.#query)) {
      await this.#feed(found);
      if (this.#options.follower.ended !== undefined) return;
    }
    if (isBehind(this.#position, end)) this.#position = end;
  }

  /** The last `count` that are chosen, found from the end. */
  async runLast(count: number): Promise<void> {
    const { follower } = this.#options;
    const kept: { view: BlockView; segment: string; records: { entry: Entry; index: number }[] }[] = [];
    let missing = count;
    for (const { view, position } of this.#reader.blocksBackwards(this.#query)) {
      const records = [...this.#candidates(view, 0)].filter(({ entry, index }) =>
        follower.choosesStored(view, entry, index),
      );
      const last = records.slice(-missing);
      if (last.length > 0) kept.push({ view, segment: position.segment, records: last });
      missing -= last.length;
      if (missing <= 0 || follower.ended !== undefined) break;
      await this.#breathe();
    }
    const now = this.#now();
    for (const { view, segment, records } of kept.reverse()) {
      let told: Entry | undefined;
      for (const { entry, index } of records) {
        if (entry !== told) this.#tellGaps(segment, view, entry, index);
        told = entry;
        follower.stored(view, entry, index, now);
      }
    }
  }

  /** What there is to say of groups that were named, and of which the archive has nothing: mistyped, perhaps. Ask when all was gone through. */
  get unknownGroups(): readonly string[] {
    const unseen = [...this.#groups].filter((group) => !this.#seen.has(group));
    const known = unseen.length === 0 ? undefined : this.#reader.groups();
    if (known === undefined) return [];
    return unseen
      .filter((group) => !known.has(group))
      .map((group) => {
        const meant = nearest(group, [...known, ...this.#seen]);
        return `has nothing of a group ${group}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
      });
  }

  /** What has been recorded since, in one moment with the marks. @param onText a raw text of the archive, since the last call */
  async rest(onText: (sender: string, group: string, text: Uint8Array) => void): Promise<readonly StreamMarks[]> {
    const { found, marks, end } = this.#reader.rest(this.#query, this.#position ?? { segment: "", id: 0, records: 0 });
    for (const one of found) {
      tellTexts(one, onText);
      await this.#feed(one);
    }
    this.#position = end;
    return marks;
  }

  async #feed({ view, from, position }: Found): Promise<void> {
    const { follower } = this.#options;
    const now = this.#now();
    const behind = [...view.entries];
    for (const { entry, index } of this.#candidates(view, from)) {
      while (behind.length > 0 && behind[0]!.from <= entry.from)
        this.#tellGaps(position.segment, view, behind.shift()!, from);
      if (follower.ended !== undefined) return;
      follower.stored(view, entry, index, now);
      if (follower.ended !== undefined) return;
      if (this.#options.isPressing()) await this.#options.written();
    }
    for (const entry of behind) this.#tellGaps(position.segment, view, entry, from);
    this.#position = position;
    await this.#breathe();
  }

  /** What is missing before this run of records, as far as it is of a time that is asked for. @param from records of the block before it count for nothing */
  #tellGaps(segment: string, view: BlockView, entry: Entry, from: number): void {
    const { host, incarnation, group, first } = entry;
    if (first === 0 || !this.#wantsGroup(group)) return;
    const { sinceUs, beforeUs } = this.#query;
    const isAsked = (index: number) => view.times[index]! >= sinceUs && view.times[index]! < beforeUs;
    let begin = Math.max(from, entry.from);
    while (begin < entry.to && !isAsked(begin)) begin++;
    let end = entry.to;
    while (end > begin && !isAsked(end - 1)) end--;
    if (begin === end) return;
    const run = { host, incarnation, group, first: first + begin - entry.from, count: end - begin };
    for (const range of this.#gaps.pass(segment, run)) this.#options.follower.storedGap(entry, range);
  }

  /** Records that may be chosen, without having read them. */
  *#candidates(view: BlockView, from: number): Generator<{ entry: Entry; index: number }> {
    const { sinceUs, beforeUs, severities, facilities } = this.#query;
    const { times, pris, starts, texts, bytes } = view;
    const needle = this.#needle;
    const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let hit = needle === undefined ? 0 : haystack.indexOf(needle, texts[from] ?? 0);
    for (const entry of view.entries) {
      this.#seen.add(entry.group);
      if (entry.to <= from || !this.#wantsGroup(entry.group)) continue;
      for (let index = Math.max(from, entry.from); index < entry.to; index++) {
        const pri = pris[index]!;
        if (times[index]! < sinceUs || times[index]! >= beforeUs) continue;
        if ((severities & (1 << (pri & 7))) === 0 || (facilities & (1 << (pri >> 3))) === 0) continue;
        if (needle !== undefined) {
          if (hit >= 0 && hit < texts[index]!) hit = haystack.indexOf(needle, texts[index]!);
          if (hit < 0) return;
          if (hit + needle.length > starts[index + 1]!) continue;
        }
        yield { entry, index };
      }
    }
  }

  #wantsGroup(group: string): boolean {
    const { patterns } = this.#options.settings;
    return this.#groups.has(group) || patterns.some((pattern) => matchesWildcard(pattern, group));
  }

  async #breathe(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#sliceMs < SLICE_MS) return;
    this.#options.flush();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceMs = this.#options.clock.monotonicMs();
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { wallUs: clock.wallMs() * 1_000, monotonicMs: clock.monotonicMs() };
  }
}

function isBehind(position: Position | undefined, other: Position): boolean {
  if (position === undefined) return true;
  const age = bySegmentAge(position.segment, other.segment);
  return age < 0 || (age === 0 && position.id < other.id);
}

function tellTexts({ view, from }: Found, onText: (sender: string, group: string, text: Uint8Array) => void): void {
  for (const { first, sender, group, from: start, to } of view.entries) {
    if (first !== 0) continue;
    for (let index = Math.max(start, from); index < to; index++)
      onText(sender, group, view.bytes.subarray(view.starts[index], view.starts[index + 1]));
  }
}
