// The writing end of an archive: one thread, no waiting. It runs in a Worker (worker.ts), so that no commit keeps anything else waiting.
//
// Records gather in a block; what came since the last commit is committed together with the marks that hold then, in one transaction: the blocks that are full, and the one
// that is not, whose row is written again until it is. So a reader sees all that is committed, and a crash leaves both records and marks or neither.
//
// The index runs behind: full blocks are entered INDEX_BLOCKS at a time in a transaction of its own; `meta.indexed` says how far. What lies behind it is little, and whoever
// searches looks at it anyway.
import type { Database, Statement } from "bun:sqlite";
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../base/system-reason.ts";
import type { StreamMarks } from "../../feed/marks.ts";
import { readReceived, receivedOrigin } from "../../feed/received-record.ts";
import { type Origin, RecordView } from "../../syslog/record.ts";
import { BLOCK_BYTES_MAX, BlockBuilder, BlockView, type Entry, entryName } from "../block.ts";
import {
  bySegmentAge,
  dayOf,
  dayOfSegment,
  isSegmentName,
  nextSegmentName,
  outdated,
  type Retention,
  segmentBytesMax,
} from "../segment.ts";
import { type NameKind, Tokenizer } from "../tokens.ts";
import { openToWrite, readMarks, writeMarks } from "./schema.ts";

const INDEX_BLOCKS = 64;
const COMPRESSION = { level: 1 };
/** Names of one kind that a segment keeps, for wildcards; who makes up more is found without. */
const NAMES_MAX = 100_000;
/** How often it is looked what is to be removed. */
const RETENTION_EVERY_MS = 60_000;

export interface StoreOptions {
  readonly directory: string;
  readonly retention: Retention;
  /** Whether a commit waits for the disk. */
  readonly isSynced: boolean;
  readonly mode: number;
  /** Whom files that are made belong to; `undefined`: us. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly wallMs: () => number;
  /** One line for the operator. */
  readonly onTrouble: (text: string) => void;
}

/** A block that is full, or is to be written as far as it is. */
interface Row {
  readonly id: number;
  readonly records: number;
  readonly minUs: number;
  readonly maxUs: number;
  readonly severities: number;
  readonly facilities: number;
  readonly block: Uint8Array<ArrayBuffer>;
  /** Of a full one. */
  readonly tokens: string | undefined;
}

export class ArchiveStore {
  readonly #options: StoreOptions;
  readonly #builder = new BlockBuilder();
  readonly #tokenizer = new Tokenizer();
  readonly #record = new RecordView();
  readonly #origins = new Map<string, Origin>();
  /** All that hold: for a segment that is begun anew. */
  readonly #marks = new Map<string, StreamMarks>();
  /** Names that the segment has. */
  readonly #known = new Set<string>();
  #newNames: (readonly [NameKind, string])[] = [];
  /** Full, and not committed. */
  #full: Row[] = [];
  /** Committed, and not indexed. */
  #unindexed: { readonly id: number; readonly tokens: string }[] = [];
  #db: Database | undefined;
  #name = "";
  #putBlock: Statement | undefined;
  #putPacked: Statement | undefined;
  #nextId = 1;
  #lastHost = "";
  #lastApp = "";
  #retentionMs = Number.NEGATIVE_INFINITY;

  /** @throws where the directory can't be had, or the disk is full; a segment that is damaged is set aside */
  constructor(options: StoreOptions) {
    this.#options = options;
    if (mkdirSync(options.directory, { recursive: true, mode: 0o750 }) !== undefined) this.#giveAway(options.directory);
    this.#openNewest();
  }

  /** How far each stream is committed. */
  get marks(): readonly StreamMarks[] {
    return [...this.#marks.values()];
  }

  /** Takes over what another block has. @throws {Fault} it is none */
  append(chunk: Uint8Array): void {
    const view = new BlockView(chunk);
    for (const entry of view.entries) this.#appendEntry(view, entry);
  }

  /** Commits what was taken, with these marks. @throws where the disk does not let us: then nothing has changed, and it may be tried again */
  commit(marks: readonly StreamMarks[]): void {
    for (const one of marks) this.#marks.set(`${one.host} ${one.incarnation} ${one.group}`, one);
    try {
      this.#write(marks);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#setAside(this.#name, error);
      this.#beginSegment();
      this.#write([]); // all marks are in it already
    }
    if (this.#isDue()) this.#goOnInAnother();
    this.#removeOutdated();
  }

  /** Enters what is not yet in the index, and closes. What is not committed is lost. */
  close(): void {
    if (!this.#builder.isEmpty) this.#unindexed.push({ id: this.#nextId, tokens: this.#tokenizer.text() });
    try {
      this.#index(1);
    } catch {
      // It runs behind as it is.
    }
    this.#closeSegment();
  }

  #appendEntry(view: BlockView, entry: Entry): void {
    const isText = entry.first === 0;
    const name = entryName(entry);
    const record = this.#record;
    record.origin = this.#originOf(entry);
    for (let index = entry.from; index < entry.to; index++) {
      const builder = this.#builder;
      if (builder.isFull) this.#finishBlock();
      const start = view.starts[index]!;
      const end = view.starts[index + 1]!;
      readReceived(record, view.bytes, start, end, isText, entry.arrivalUs);
      const number = isText ? 0 : entry.first + index - entry.from;
      const text = view.texts[index]!;
      builder.append(
        name,
        number,
        entry.arrivalUs,
        view.times[index]!,
        view.pris[index]!,
        view.bytes,
        start,
        end,
        text,
      );
      this.#tokenizer.addText(view.bytes, text, end);
      if (index === entry.from || builder.records === 1) this.#noteName("group", entry.group);
      this.#noteName("host", record.hostText());
      if (record.appStart < record.appEnd) this.#noteName("app", record.appText());
    }
  }

  #noteName(kind: NameKind, name: string): void {
    if (kind === "host") {
      if (name === this.#lastHost && !this.#builder.isEmpty) return;
      this.#lastHost = name;
    } else if (kind === "app") {
      if (name === this.#lastApp) return;
      this.#lastApp = name;
    }
    this.#tokenizer.addName(kind, name);
    const key = `${kind} ${name}`;
    if (this.#known.has(key) || this.#known.size >= NAMES_MAX) return;
    this.#known.add(key);
    this.#newNames.push([kind, name]);
  }

  /** The block takes no more. */
  #finishBlock(): void {
    const row = this.#row(this.#tokenizer.text());
    this.#full.push(row);
    this.#beginBlock();
  }

  #beginBlock(): void {
    this.#nextId += 1;
    this.#builder.clear();
    this.#tokenizer.begin();
    this.#lastHost = "";
    this.#lastApp = "";
  }

  #row(tokens: string | undefined): Row {
    const { records, minUs, maxUs, severities, facilities } = this.#builder;
    const block = Bun.zstdCompressSync(this.#builder.encode(), COMPRESSION) as Uint8Array<ArrayBuffer>;
    return { id: this.#nextId, records, minUs, maxUs, severities, facilities, block, tokens };
  }

  #write(marks: readonly StreamMarks[]): void {
    const db = this.#db ?? this.#openNewest();
    const rows = this.#builder.isEmpty ? this.#full : [...this.#full, this.#row(undefined)];
    db.transaction(() => {
      for (const { id, records, minUs, maxUs, severities, facilities, block } of rows) {
        this.#putBlock!.run(id, records, minUs, maxUs, severities, facilities);
        this.#putPacked!.run(id, block);
      }
      for (const [kind, name] of this.#newNames) db.run("INSERT OR IGNORE INTO name VALUES (?, ?)", [kind, name]);
      writeMarks(db, marks);
    })();
    for (const { id, tokens } of this.#full) if (tokens !== undefined) this.#unindexed.push({ id, tokens });
    this.#full = [];
    this.#newNames = [];
    try {
      this.#index(INDEX_BLOCKS);
    } catch (error) {
      if (isDamage(error)) throw error;
      this.#options.onTrouble(`the index waits: ${reasonOf(error)}`);
    }
  }

  /** Enters what is not in the index, if there are so many blocks of it. */
  #index(least: number): void {
    const db = this.#db;
    if (db === undefined || this.#unindexed.length < least) return;
    const insert = db.prepare("INSERT INTO words(rowid, tokens) VALUES (?, ?)");
    db.transaction(() => {
      for (const { id, tokens } of this.#unindexed) insert.run(id, tokens);
      db.run("UPDATE meta SET value = ? WHERE key = 'indexed'", [this.#unindexed.at(-1)!.id]);
    })();
    insert.finalize();
    this.#unindexed = [];
  }

  /** The day is over, or the segment is large. */
  #isDue(): boolean {
    if (dayOf(this.#options.wallMs()) > dayOfSegment(this.#name)) return true;
    return sizeOf(this.#path) >= segmentBytesMax(this.#options.retention);
  }

  /** All is committed in this segment; what comes now goes into the next. */
  #goOnInAnother(): void {
    if (!this.#builder.isEmpty) {
      this.#unindexed.push({ id: this.#nextId, tokens: this.#tokenizer.text() });
      this.#beginBlock();
    }
    try {
      this.#beginSegment();
    } catch (error) {
      this.#options.onTrouble(`no new segment can be begun: ${reasonOf(error)}`);
    }
  }

  get #path(): string {
    return join(this.#options.directory, this.#name);
  }

  #segmentNames(): string[] {
    return readdirSync(this.#options.directory).filter(isSegmentName).sort(bySegmentAge);
  }

  /** Goes on where the last run ended. */
  #openNewest(): Database {
    const names = this.#segmentNames();
    const newest = names.at(-1);
    if (newest === undefined) return this.#beginSegment();
    try {
      return this.#use(newest);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#setAside(newest, error);
      this.#readMarksOf(names.slice(0, -1));
      return this.#beginSegment();
    }
  }

  /** The marks of the newest segment that can be read: better than none. */
  #readMarksOf(names: readonly string[]): void {
    for (const name of [...names].reverse()) {
      try {
        const db = openToWrite(join(this.#options.directory, name), true);
        this.#takeMarks(db);
        db.close();
        return;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
  }

  #use(name: string): Database {
    const db = openToWrite(join(this.#options.directory, name), this.#options.isSynced);
    try {
      this.#takeMarks(db);
      const last = db.query("SELECT max(id) AS id FROM block").get() as { id: number | null };
      this.#nextId = Math.max(this.#nextId, (last.id ?? 0) + 1);
      this.#catchUp(db);
      for (const { kind, name } of db.query("SELECT kind, name FROM name").all() as { kind: string; name: string }[])
        this.#known.add(`${kind} ${name}`);
      this.#prepare(db);
    } catch (error) {
      db.close();
      throw error;
    }
    this.#name = name;
    this.#db = db;
    return db;
  }

  #prepare(db: Database): void {
    this.#putBlock = db.prepare("INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?)");
    this.#putPacked = db.prepare("INSERT OR REPLACE INTO packed VALUES (?, ?)");
  }

  #takeMarks(db: Database): void {
    for (const marks of readMarks(db)) this.#marks.set(`${marks.host} ${marks.incarnation} ${marks.group}`, marks);
  }

  /** A crash left blocks without their entry in the index. */
  #catchUp(db: Database): void {
    const rows = db
      .query("SELECT id, data FROM packed WHERE id > (SELECT value FROM meta WHERE key = 'indexed') ORDER BY id")
      .all() as { id: number; data: Uint8Array }[];
    for (const { id, data } of rows) this.#unindexed.push({ id, tokens: this.#tokensOf(unpackBlock(data)) });
    this.#tokenizer.begin();
  }

  #tokensOf(view: BlockView): string {
    const tokenizer = this.#tokenizer;
    tokenizer.begin();
    const record = this.#record;
    for (const entry of view.entries) {
      record.origin = this.#originOf(entry);
      tokenizer.addName("group", entry.group);
      for (let index = entry.from; index < entry.to; index++) {
        const end = view.starts[index + 1]!;
        readReceived(record, view.bytes, view.starts[index]!, end, entry.first === 0, entry.arrivalUs);
        tokenizer.addText(view.bytes, view.texts[index]!, end);
        tokenizer.addName("host", record.hostText());
        if (record.appStart < record.appEnd) tokenizer.addName("app", record.appText());
      }
    }
    return tokenizer.text();
  }

  /** Begins a segment; what is not committed goes into it. */
  #beginSegment(): Database {
    const { directory, wallMs, mode } = this.#options;
    if (this.#db !== undefined) {
      this.#index(1);
      this.#closeSegment();
    }
    const name = nextSegmentName(dayOf(wallMs()), this.#allNames());
    const umask = process.umask(0o777 & ~mode);
    let db: Database;
    try {
      db = openToWrite(join(directory, name), this.#options.isSynced);
    } finally {
      process.umask(umask);
    }
    db.transaction(() => writeMarks(db, this.#marks.values()))();
    this.#giveAway(join(directory, name));
    this.#known.clear();
    this.#unindexed = [];
    this.#prepare(db);
    this.#name = name;
    this.#db = db;
    this.#renoteNames();
    return db;
  }

  /** SQLite goes on by the owner of the database. */
  #giveAway(path: string): void {
    const { owner, onTrouble } = this.#options;
    if (owner === undefined) return;
    try {
      for (const end of ["", "-wal", "-shm"])
        if (existsSync(`${path}${end}`)) chownSync(`${path}${end}`, owner.uid, owner.gid);
    } catch (error) {
      onTrouble(`it can't be given away: ${reasonOf(error)}`);
    }
  }

  /** Names of what waits to be committed are new to another segment. */
  #renoteNames(): void {
    const views = [...this.#full.map(({ block }) => unpackBlock(block))];
    if (!this.#builder.isEmpty) views.push(new BlockView(this.#builder.encode()));
    const names = new Map<string, readonly [NameKind, string]>();
    const record = this.#record;
    for (const view of views)
      for (const entry of view.entries) {
        record.origin = this.#originOf(entry);
        names.set(`group ${entry.group}`, ["group", entry.group]);
        for (let index = entry.from; index < entry.to; index++) {
          const end = view.starts[index + 1]!;
          readReceived(record, view.bytes, view.starts[index]!, end, entry.first === 0, entry.arrivalUs);
          names.set(`host ${record.hostText()}`, ["host", record.hostText()]);
          names.set(`app ${record.appText()}`, ["app", record.appText()]);
        }
      }
    this.#newNames = [...names.values()];
    for (const key of names.keys()) this.#known.add(key);
  }

  /** Names that are taken, those that were set aside too. */
  #allNames(): string[] {
    return readdirSync(this.#options.directory).map((name) => name.replace(/\.damaged(?:-\d+)?$/, ""));
  }

  /** One file without anything beside it: whoever may read it, can. */
  #closeSegment(): void {
    const db = this.#db;
    this.#db = undefined;
    if (db === undefined) return;
    this.#putBlock?.finalize();
    this.#putPacked?.finalize();
    try {
      db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      db.run("PRAGMA journal_mode = DELETE");
    } catch {
      // Somebody reads it: it stays as it is, and is whole.
    }
    db.close();
  }

  #setAside(name: string, error: unknown): void {
    const { directory, onTrouble } = this.#options;
    try {
      this.#db?.close();
    } catch {
      // What is damaged may not even be closed.
    }
    this.#db = undefined;
    let aside = `${name}.damaged`;
    const taken = new Set(readdirSync(directory));
    for (let turn = 1; taken.has(aside); turn++) aside = `${name}.damaged-${turn}`;
    renameSync(join(directory, name), join(directory, aside));
    for (const end of ["-wal", "-shm"])
      if (taken.has(`${name}${end}`)) renameSync(join(directory, `${name}${end}`), join(directory, `${aside}${end}`));
    onTrouble(`${name} is damaged (${reasonOf(error)}): it is ${aside} now, and a new one is begun`);
  }

  #removeOutdated(): void {
    const { directory, retention, wallMs, onTrouble } = this.#options;
    const nowMs = wallMs();
    if (nowMs - this.#retentionMs < RETENTION_EVERY_MS) return;
    this.#retentionMs = nowMs;
    try {
      const segments = this.#segmentNames().map((name) => {
        const { size, mtimeMs } = statSync(join(directory, name));
        return { name, bytes: size, writtenMs: mtimeMs };
      });
      for (const name of outdated(retention, segments, this.#name, nowMs))
        for (const end of ["", "-wal", "-shm"]) rmSync(join(directory, `${name}${end}`), { force: true });
    } catch (error) {
      onTrouble(`what is too old can't be removed: ${reasonOf(error)}`);
    }
  }

  #originOf({ group, sender, host }: Entry): Origin {
    const key = `${group} ${sender} ${host}`;
    let found = this.#origins.get(key);
    if (found === undefined) {
      if (this.#origins.size >= 4_096) this.#origins.clear();
      found = receivedOrigin(group, sender, host);
      this.#origins.set(key, found);
    }
    return found;
  }
}

/** A block out of its row. @throws {Fault} kind "data": it is none; an error of the compression */
export function unpackBlock(data: Uint8Array): BlockView {
  const bytes = Bun.zstdDecompressSync(data as Uint8Array<ArrayBuffer>);
  if (bytes.length > BLOCK_BYTES_MAX * 2) throw new Error("a block that is too large");
  return new BlockView(bytes);
}

/** Whether the file itself is at fault, not the disk or whoever holds it. */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return (
    /^(?:SQLITE_(?:CORRUPT|NOTADB|FORMAT)|block$|ZSTD|ERR_ZSTD)/.test(code) ||
    /zstd|no such table/i.test(error instanceof Error ? error.message : "")
  );
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
