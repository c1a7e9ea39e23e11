// Files whose paths are made of a template, such as /var/log/%host%/%app%.log: as many as records ask for, but only so many open at a time.
//
// Each is a file sink of its own, made when the first record for it comes. When too many are open, the one that was idle for longest is closed; its next record
// opens it again. While none of them is idle, records for further files wait for their turn in one queue, bounded by bytes and not by names (waiting-lines.ts):
// somebody who makes up names makes others wait, and loses their records only where that queue is full. To the outside all of them are one sink with one voice:
// a full disk is one failure, not one for each file.
import { YoungGarbage } from "../../run/young-garbage.ts";
import type { Format } from "../../syslog/format.ts";
import { NameCache, NameTemplate } from "../../syslog/name-template.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Template } from "../../syslog/template.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import type { Leftovers } from "../leftovers.ts";
import { LossWatch } from "../loss-watch.ts";
import { type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";
import { WaitingLines } from "../waiting-lines.ts";

/** Names that are known without being looked up again. */
const NAMES_MAX = 10_000;
/** A file that is closed for another's sake may take so long. */
const CLOSE_MS = 10_000;
/** How often it is looked whether an open file has become idle while others wait for its place. */
const TURN_MS = 10;
/** What waits for a place that nothing gets for so long holds up no source. */
const HANGS_AFTER_MS = 2_000;
const LF = 10;
const LINE_END = Uint8Array.of(LF);
const LEAST_SEVERITY = 7;
/** A file that could not be written for so long gives up its place, and its records, where the queue of those that wait is full. */
const GIVES_UP_MS = 60_000;

/** A file of the set. */
export interface File extends Sink, Outlet {
  readonly queuedBytes: number;
  handOver(withinMs: number): Promise<readonly Leftovers[]>;
  takeUp(left: Leftovers): void;
  committed(): Promise<boolean>;
  /** As `take`, of a record that is a line already, without its line end. */
  takeLine(line: Uint8Array, severity: number): void;
}

export interface FileSetOptions {
  /** As it is written in the config. */
  readonly path: Template;
  readonly zone: ZoneOffset;
  readonly openFilesMax: number;
  /** Of all files, for records that wait until theirs can be open. */
  readonly format: Format;
  /** What may wait so. */
  readonly queueBytesMax: number;
  /** Makes the sink of one path; it tells `onEvent`, later, what it has to tell. */
  readonly openFile: (path: string, onEvent: (event: SinkEvent) => void) => File;
  readonly onEvent: (event: SinkEvent) => void;
}

/** One path. */
class Member {
  file: File | undefined;
  isFailing = false;
  failingSinceMs = 0;
  /** Who waits until it is open, and has what waited for that; or never will be. */
  readonly opened: (() => void)[] = [];

  constructor(readonly path: string) {}
}

export class FileSet implements Sink, Outlet {
  readonly name: string;
  readonly #options: FileSetOptions;
  readonly #names: NameCache<Member>;
  /** Those that are open, the one that was longest without a record first. */
  readonly #open = new Map<string, Member>();
  /** Those that are being closed: they may have records still. */
  readonly #leaving = new Map<File, Promise<void>>();
  /** What was counted by files that are closed, and what came to none. */
  readonly #closed = new SinkCounters();
  /** Files that had something since the last turn. */
  readonly #busy = new Set<Member>();
  /** What waits for a place. */
  readonly #room: WaitingLines<Member>;
  /** When one of those got it. */
  #admittedMs = 0;
  /** Runs while something waits for a place. */
  #turns: ReturnType<typeof setInterval> | undefined;
  #failing = 0;
  #failingSinceMs = 0;
  #lostWhileFailing = 0;
  readonly #losses = new LossWatch();
  /** Lost by no open file, and not told yet. */
  #refused = 0;
  /** What files leave to another process; `undefined` where there will be none. */
  #left: Leftovers[] | undefined;
  /** Takes no more. */
  #isClosing = false;
  /** Opens no more. */
  #isClosed = false;

  constructor(options: FileSetOptions) {
    this.#options = options;
    this.name = `file:${options.path.text}`;
    const template = new NameTemplate(options.path, "path", options.zone);
    this.#room = new WaitingLines(options.format, options.queueBytesMax);
    const known = (path: string) => this.#open.get(path) ?? this.#room.get(path);
    const garbage = new YoungGarbage();
    this.#names = new NameCache(template, NAMES_MAX, (path) => {
      garbage.made();
      return known(path) ?? new Member(path);
    });
  }

  get counters(): Readonly<SinkCounters> {
    const sum = new SinkCounters();
    for (const { accepted, delivered, lost } of [this.#closed, ...this.#files.map(({ counters }) => counters)]) {
      sum.accepted += accepted;
      sum.delivered += delivered;
      sum.lost += lost;
    }
    sum.accepted += this.#room.records;
    return sum;
  }

  get waiting(): number {
    return this.#files.reduce((sum, { waiting }) => sum + waiting, this.#room.records);
  }

  get isBehind(): boolean {
    const { queueBytesMax } = this.#options;
    const isPiling = this.#room.bytes >= queueBytesMax / 8 && !this.isFailing;
    if (isPiling && performance.now() - this.#admittedMs < HANGS_AFTER_MS) return true;
    return this.#files.some((file) => file.isBehind === true);
  }

  get isPressed(): boolean {
    for (const { file } of this.#busy) if (file?.isPressed === true) return true;
    return false;
  }

  /** Bytes in the queues of all files, and of what waits for a place. */
  get queuedBytes(): number {
    return this.#files.reduce((sum, { queuedBytes }) => sum + queuedBytes, this.#room.bytes);
  }

  /** Resolves when what was taken until now is where it stays; false where some of it never will be. */
  async committed(): Promise<boolean> {
    const { lost } = this.#closed; // a file that was closed took its losses along
    await Promise.all(this.#room.files().map(({ opened }) => new Promise<void>((done) => opened.push(done))));
    const all = await Promise.all([...[...this.#open.values()].map(({ file }) => file!.committed()), this.#leaves()]);
    return all.every((committed) => committed) && this.#closed.lost === lost;
  }

  get isFailing(): boolean {
    return this.#failing > 0;
  }

  get isUnsettled(): boolean {
    for (const { file } of this.#open.values()) if (file?.isUnsettled === true) return true;
    return false;
  }

  /** How many are open. */
  get openFiles(): number {
    return this.#open.size;
  }

  take(record: RecordView): void {
    const member = this.#names.get(record);
    if (this.#busy.has(member) || this.#use(member)) {
      this.#busy.add(member);
      member.file!.take(record);
      return;
    }
    if (!this.#isClosing && this.#room.isFull) this.#leaveFailing();
    if (!this.#isClosing && this.#room.push(member.path, member, record)) {
      this.#wait();
      return;
    }
    this.#closed.accepted += 1;
    this.#lose(1);
  }

  flush(): void {
    this.#admit();
    for (const member of this.#busy) member.file?.flush();
    this.#busy.clear();
    if (this.#refused === 0 || this.#room.records > 0) return;
    const lost = this.#refused;
    this.#refused = 0;
    this.#options.onEvent({ on: "crowded", openFilesMax: this.#options.openFilesMax, lost });
  }

  reopen(): void {
    for (const { file } of this.#open.values()) file?.reopen();
  }

  async close(withinMs: number): Promise<void> {
    this.#isClosing = true;
    const deadlineMs = performance.now() + withinMs;
    while (this.#room.records > 0 && performance.now() < deadlineMs) {
      this.#turn();
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    clearInterval(this.#turns);
    this.#isClosed = true;
    this.#dropRoom();
    const restMs = Math.max(0, deadlineMs - performance.now());
    for (const member of [...this.#open.values()]) this.#leave(member, restMs);
    await Promise.all(this.#leaving.values());
  }

  async handOver(withinMs: number): Promise<readonly Leftovers[]> {
    const left: Leftovers[] = [];
    this.#left = left;
    await this.close(withinMs);
    return left;
  }

  takeUp(left: Leftovers): void {
    const { path } = left;
    const member = this.#open.get(path) ?? this.#room.get(path) ?? new Member(path);
    if (this.#use(member)) {
      this.#busy.add(member);
      member.file!.takeUp({ ...left, path: "" });
      return;
    }
    const severity = left.isUrgent ? 0 : LEAST_SEVERITY;
    for (let at = 0, end = 0; at < left.bytes.length; at = end + 1) {
      end = left.bytes.indexOf(LF, at);
      if (this.#room.pushLine(path, member, { bytes: left.bytes.slice(at, end), severity })) continue;
      this.#closed.accepted += 1;
      this.#lose(1);
    }
    this.#wait();
  }

  get #files(): File[] {
    return [...[...this.#open.values()].flatMap(({ file }) => file ?? []), ...this.#leaving.keys()];
  }

  /** Those that are being closed now have got rid of their queues. */
  async #leaves(): Promise<boolean> {
    await Promise.all(this.#leaving.values());
    return true;
  }

  /** Opens the file if it is not open, and makes it the last to be closed. False where that can't be now, or others wait for a place. */
  #use(member: Member): boolean {
    if (this.#isClosing) return false;
    if (this.#open.delete(member.path)) {
      this.#open.set(member.path, member);
      return true;
    }
    if (this.#room.records > 0 || !this.#hasPlace()) return false;
    this.#begin(member);
    return true;
  }

  #begin(member: Member): void {
    const file: File = this.#options.openFile(member.path, (event) => {
      if (member.file === file) this.#heard(member, event); // one that is being closed has nothing to say any more
    });
    member.file = file;
    this.#open.set(member.path, member);
  }

  /** Whether one more can be open; an idle one makes place. */
  #hasPlace(): boolean {
    const { openFilesMax } = this.#options;
    if (this.#open.size < openFilesMax) return true;
    if (this.#leaving.size >= openFilesMax) return false;
    for (const member of this.#open.values()) {
      if (member.file!.waiting > 0) continue;
      this.#leave(member, CLOSE_MS);
      return true;
    }
    return false;
  }

  #wait(): void {
    if (this.#turns !== undefined) return;
    this.#admittedMs = performance.now();
    this.#turns = setInterval(() => this.#turn(), TURN_MS);
  }

  /** A turn of those that wait: nobody else may come by for a while. */
  #turn(): void {
    this.flush();
    if (this.#room.records > 0) return;
    clearInterval(this.#turns);
    this.#turns = undefined;
  }

  /** Opens those that waited longest, as far as there is place. */
  #admit(): void {
    for (let path = this.#room.first; path !== undefined && !this.#isClosed; path = this.#room.first) {
      if (!this.#hasPlace()) return;
      const member = this.#room.get(path)!;
      this.#admittedMs = performance.now();
      this.#begin(member);
      for (const { bytes, severity } of this.#room.take(path)) member.file!.takeLine(bytes, severity);
      this.#busy.add(member);
      for (const done of member.opened.splice(0)) done();
    }
  }

  /** The queue is full, and the places may all be taken by files that can't be written: one of them goes, with what it has. */
  #leaveFailing(): void {
    if (this.#leaving.size >= this.#options.openFilesMax) return;
    for (const member of this.#open.values()) {
      if (!member.isFailing || performance.now() - member.failingSinceMs < GIVES_UP_MS) continue;
      this.#leave(member, 0);
      this.#admit();
      return;
    }
  }

  /** The end came before these had a place. */
  #dropRoom(): void {
    for (const { path, opened } of this.#room.files()) {
      const lines = this.#room.take(path);
      const { length } = lines;
      if (this.#left !== undefined && length > 0) {
        const bytes = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, LINE_END]));
        this.#left.push({ form: "lines", path, records: length, bytes, writtenBytes: 0, isUrgent: false });
        continue;
      }
      this.#closed.accepted += length;
      this.#lose(length);
      for (const done of opened.splice(0)) done();
    }
  }

  #lose(records: number): void {
    this.#closed.lost += records;
    this.#refused += records;
  }

  #leave(member: Member, withinMs: number): void {
    const file = member.file!;
    if (member.isFailing) this.#works(member, 0);
    member.file = undefined;
    this.#open.delete(member.path);
    this.#busy.delete(member);
    const lostBefore = file.counters.lost;
    const closed = this.#end(file, member.path, withinMs).then(() => {
      const { accepted, delivered, lost } = file.counters;
      this.#closed.accepted += accepted;
      this.#closed.delivered += delivered;
      this.#closed.lost += lost;
      this.#refused += lost - lostBefore;
      this.#leaving.delete(file);
    });
    this.#leaving.set(file, closed);
  }

  async #end(file: File, path: string, withinMs: number): Promise<void> {
    if (this.#left === undefined) return await file.close(withinMs);
    const left = await file.handOver(withinMs);
    this.#left.push(...left.map((one) => ({ ...one, path })));
  }

  /** Many files fail together, as on a full disk: that is told once, and once that all work again. */
  #heard(member: Member, event: SinkEvent): void {
    if (event.on === "working") {
      this.#works(member, event.lost);
    } else if (event.on === "failing") {
      member.isFailing = true;
      member.failingSinceMs = performance.now();
      this.#failing += 1;
      if (this.#failing > 1) return;
      this.#failingSinceMs = performance.now();
      this.#lostWhileFailing = 0;
      this.#options.onEvent(event);
    } else if (event.on === "losing") {
      if (this.#failing > 0 && this.#losses.isDue(performance.now())) this.#options.onEvent(event);
    } else {
      this.#options.onEvent(event);
    }
  }

  #works(member: Member, lost: number): void {
    if (!member.isFailing) return;
    member.isFailing = false;
    this.#failing -= 1;
    this.#lostWhileFailing += lost;
    if (this.#failing > 0) return;
    this.#losses.reset();
    const outageMs = performance.now() - this.#failingSinceMs;
    this.#options.onEvent({ on: "working", outageMs, lost: this.#lostWhileFailing });
  }
}
