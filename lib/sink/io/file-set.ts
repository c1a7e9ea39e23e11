// Files whose paths are made of a template, such as /var/log/%host%/%app%.log: as many as records ask for, but only so many open at a time.
//
// Each is a file sink of its own, made when the first record for it comes. When too many are open, the one that was idle for longest is closed; its next record
// opens it again. While as many are being closed as may be open (somebody makes up names), records for further files are refused and counted. To the outside
// all of them are one sink with one voice: a full disk is one failure, not one for each file.
import { NameCache, NameTemplate } from "../../syslog/name-template.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Template } from "../../syslog/template.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import { type Outlet, type Sink, SinkCounters, type SinkEvent } from "../sink.ts";

/** Names that are known without being looked up again. */
const NAMES_MAX = 10_000;
/** A file that is closed for another's sake may take so long. */
const CLOSE_MS = 10_000;

/** A file of the set. */
export interface File extends Sink, Outlet {
  readonly queuedBytes: number;
  committed(): Promise<boolean>;
}

export interface FileSetOptions {
  /** As it is written in the config. */
  readonly path: Template;
  readonly zone: ZoneOffset;
  readonly openFilesMax: number;
  /** Makes the sink of one path; it tells `onEvent`, later, what it has to tell. */
  readonly openFile: (path: string, onEvent: (event: SinkEvent) => void) => File;
  readonly onEvent: (event: SinkEvent) => void;
}

/** One path. */
class Member {
  file: File | undefined;
  isFailing = false;

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
  #failing = 0;
  #failingSinceMs = 0;
  #lostWhileFailing = 0;
  /** Lost by no open file, and not told yet. */
  #refused = 0;
  #isClosed = false;

  constructor(options: FileSetOptions) {
    this.#options = options;
    this.name = `file:${options.path.text}`;
    const template = new NameTemplate(options.path, "path", options.zone);
    this.#names = new NameCache(template, NAMES_MAX, (path) => this.#open.get(path) ?? new Member(path));
  }

  get counters(): Readonly<SinkCounters> {
    const sum = new SinkCounters();
    for (const { accepted, delivered, lost } of [this.#closed, ...this.#files.map(({ counters }) => counters)]) {
      sum.accepted += accepted;
      sum.delivered += delivered;
      sum.lost += lost;
    }
    return sum;
  }

  get waiting(): number {
    return this.#files.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  get isBehind(): boolean {
    return this.#files.some((file) => file.isBehind === true);
  }

  /** Bytes in the queues of all files. */
  get queuedBytes(): number {
    return this.#files.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
  }

  /** No further file can be opened at the moment: as many are being closed as may be open. */
  get isCrowded(): boolean {
    return this.#leaving.size >= this.#options.openFilesMax;
  }

  /** Resolves when what was taken until now is where it stays; false where some of it never will be. */
  async committed(): Promise<boolean> {
    const { lost } = this.#closed; // a file that was closed took its losses along
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
    if (!this.#busy.has(member)) {
      if (!this.#use(member)) {
        this.#closed.accepted += 1;
        this.#closed.lost += 1;
        this.#refused += 1;
        return;
      }
      this.#busy.add(member);
    }
    member.file!.take(record);
  }

  flush(): void {
    for (const member of this.#busy) member.file?.flush();
    this.#busy.clear();
    if (this.#refused === 0 || this.isCrowded) return;
    const lost = this.#refused;
    this.#refused = 0;
    this.#options.onEvent({ on: "overflowed", lost });
  }

  reopen(): void {
    for (const { file } of this.#open.values()) file?.reopen();
  }

  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    for (const member of [...this.#open.values()]) this.#leave(member, withinMs);
    await Promise.all(this.#leaving.values());
  }

  get #files(): File[] {
    return [...[...this.#open.values()].flatMap(({ file }) => file ?? []), ...this.#leaving.keys()];
  }

  /** Those that are being closed now have got rid of their queues. */
  async #leaves(): Promise<boolean> {
    await Promise.all(this.#leaving.values());
    return true;
  }

  /** Opens the file if it is not open, and makes it the last to be closed. False where that can't be now. */
  #use(member: Member): boolean {
    if (this.#isClosed) return false;
    if (!this.#open.delete(member.path)) {
      if (this.#open.size >= this.#options.openFilesMax) {
        if (this.isCrowded) return false;
        this.#leaveIdlest();
      }
      const file: File = this.#options.openFile(member.path, (event) => {
        if (member.file === file) this.#heard(member, event); // one that is being closed has nothing to say any more
      });
      member.file = file;
    }
    this.#open.set(member.path, member);
    return true;
  }

  /** One that has nothing to write goes before one that has. */
  #leaveIdlest(): void {
    let idlest: Member | undefined;
    for (const member of this.#open.values()) {
      idlest ??= member;
      if (member.file!.waiting > 0) continue;
      idlest = member;
      break;
    }
    if (idlest !== undefined) this.#leave(idlest, CLOSE_MS);
  }

  #leave(member: Member, withinMs: number): void {
    const file = member.file!;
    if (member.isFailing) this.#works(member, 0);
    member.file = undefined;
    this.#open.delete(member.path);
    this.#busy.delete(member);
    const lostBefore = file.counters.lost;
    const closed = file.close(withinMs).then(() => {
      const { accepted, delivered, lost } = file.counters;
      this.#closed.accepted += accepted;
      this.#closed.delivered += delivered;
      this.#closed.lost += lost;
      this.#refused += lost - lostBefore;
      this.#leaving.delete(file);
    });
    this.#leaving.set(file, closed);
  }

  /** Many files fail together, as on a full disk: that is told once, and once that all work again. */
  #heard(member: Member, event: SinkEvent): void {
    if (event.on === "working") {
      this.#works(member, event.lost);
    } else if (event.on === "failing") {
      member.isFailing = true;
      this.#failing += 1;
      if (this.#failing > 1) return;
      this.#failingSinceMs = performance.now();
      this.#lostWhileFailing = 0;
      this.#options.onEvent(event);
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
    const outageMs = performance.now() - this.#failingSinceMs;
    this.#options.onEvent({ on: "working", outageMs, lost: this.#lostWhileFailing });
  }
}
