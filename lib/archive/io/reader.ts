// The reading end of an archive: blocks in the order in which they were written, or the newest first. A recorder may write it meanwhile.
import type { Database } from "bun:sqlite";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { StreamMarks } from "../../feed/marks.ts";
import type { BlockView } from "../block.ts";
import { type ArchiveQuery, segmentQuestion } from "../query.ts";
import { bySegmentAge, isSegmentName } from "../segment.ts";
import type { NameKind } from "../tokens.ts";
import { openToRead, readMarks } from "./schema.ts";
import { isDamage, unpackBlock } from "./store.ts";

/** How far somebody has read. */
export interface Position {
  readonly segment: string;
  readonly id: number;
  /** Of that block. */
  readonly records: number;
}

/** A block that may hold what is asked for, from record `from` on. */
export interface Found {
  readonly view: BlockView;
  readonly from: number;
  /** Behind it. */
  readonly position: Position;
}

const NOWHERE: Position = { segment: "", id: 0, records: 0 };
/** Names of one kind in a segment, as many as the writer keeps: with so many, some may be missing. */
const NAMES_FULL = 100_000;
/** No time is beyond it, and SQLite can hold it. */
const ALWAYS_US = 9e15;

export class ArchiveReader {
  readonly directory: string;
  readonly #onTrouble: (text: string) => void;

  /** @throws {Fault} kind "no-input": there is no archive, or it may not be read */
  constructor(directory: string, onTrouble: (text: string) => void) {
    this.directory = directory;
    this.#onTrouble = onTrouble;
    if (this.#segments().length === 0)
      throw new Fault(
        "no-input",
        "archive",
        `cannot read archive ${directory}: there is none; does \`logcat record\` write it?`,
      );
  }

  /** Blocks behind `after`, the oldest first. */
  *blocks(query: ArchiveQuery, after: Position = NOWHERE): Generator<Found> {
    for (const segment of this.#segments()) {
      if (bySegmentAge(segment, after.segment) < 0) continue;
      using open = this.#open(segment);
      if (open === undefined) continue;
      const begins = segment === after.segment ? after : NOWHERE;
      for (const id of this.#idsOf(open.db, segment, query, begins.id, "ASC")) {
        const found = this.#read(open.db, segment, id, begins);
        if (found !== undefined) yield found;
      }
    }
  }

  /** All blocks, the newest first. */
  *blocksBackwards(query: ArchiveQuery): Generator<Found> {
    for (const segment of this.#segments().reverse()) {
      using open = this.#open(segment);
      if (open === undefined) continue;
      for (const id of this.#idsOf(open.db, segment, query, 0, "DESC")) {
        const found = this.#read(open.db, segment, id, NOWHERE);
        if (found !== undefined) yield found;
      }
    }
  }

  /** All groups of which it has records, but for those that its index does not know yet; `undefined` where they are too many. */
  groups(): ReadonlySet<string> | undefined {
    const all = new Set<string>();
    for (const segment of this.#segments()) {
      using open = this.#open(segment);
      if (open === undefined) continue;
      const names = namesOf(open.db, "group");
      if (names === undefined) return undefined;
      for (const name of names) all.add(name);
    }
    return all;
  }

  /** How far each stream was recorded at the end of a segment; without one, by now. */
  marks(segment = this.#segments().at(-1) ?? ""): readonly StreamMarks[] {
    using open = this.#open(segment);
    return open === undefined ? [] : [...readMarks(open.db)];
  }

  /** Where the archive ends now. */
  end(): Position {
    const segment = this.#segments().at(-1);
    if (segment === undefined) return NOWHERE;
    using open = this.#open(segment);
    const last = open?.db.query("SELECT id, records FROM block ORDER BY id DESC LIMIT 1").get() as LastRow | null;
    return { segment, id: last?.id ?? 0, records: last?.records ?? 0 };
  }

  /** What is behind `after`, and how far each stream is recorded, at one moment. */
  rest(query: ArchiveQuery, after: Position): { found: Found[]; marks: StreamMarks[]; end: Position } {
    const names = this.#segments();
    const newest = names.at(-1) ?? "";
    const found: Found[] = [];
    if (newest !== after.segment)
      for (const one of this.blocks(query, after)) if (one.position.segment !== newest) found.push(one);
    using open = this.#open(newest);
    if (open === undefined) return { found, marks: [], end: after };
    const { db } = open;
    db.run("BEGIN");
    try {
      const begins = newest === after.segment ? after : NOWHERE;
      for (const id of this.#idsOf(db, newest, query, begins.id, "ASC")) {
        const one = this.#read(db, newest, id, begins);
        if (one !== undefined) found.push(one);
      }
      const last = db.query("SELECT id, records FROM block ORDER BY id DESC LIMIT 1").get() as LastRow | null;
      const end = { segment: newest, id: last?.id ?? 0, records: last?.records ?? 0 };
      return { found, marks: [...readMarks(db)], end };
    } finally {
      db.run("COMMIT");
    }
  }

  /** A database may be damaged where nobody had looked. */
  #idsOf(db: Database, segment: string, query: ArchiveQuery, from: number, order: "ASC" | "DESC"): readonly number[] {
    try {
      return idsOf(db, query, from, order);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#onTrouble(`${segment} is damaged, and left out: ${reasonOf(error)}`);
      return [];
    }
  }

  #read(db: Database, segment: string, id: number, after: Position): Found | undefined {
    try {
      const row = db.query("SELECT data FROM packed WHERE id = ?").get(id) as { data: Uint8Array } | null;
      if (row === null) return undefined;
      const view = unpackBlock(row.data);
      const from = id === after.id ? after.records : 0;
      return from < view.records ? { view, from, position: { segment, id, records: view.records } } : undefined;
    } catch (error) {
      this.#onTrouble(`${segment}: block ${id} is damaged, its records are left out: ${reasonOf(error)}`);
      return undefined;
    }
  }

  #open(segment: string): { readonly db: Database; [Symbol.dispose](): void } | undefined {
    const path = join(this.directory, segment);
    if (!existsSync(path)) return undefined; // it was too old, and is gone
    try {
      const db = openToRead(path);
      return { db, [Symbol.dispose]: () => db.close() };
    } catch (error) {
      const what = isDamage(error) ? "is damaged, and left out" : "can't be read, and is left out";
      this.#onTrouble(`${segment} ${what}: ${reasonOf(error)}`);
      return undefined;
    }
  }

  #segments(): string[] {
    try {
      return readdirSync(this.directory).filter(isSegmentName).sort(bySegmentAge);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (code === "ENOENT") return [];
      throw new Fault(
        code === "EACCES" ? "no-permission" : "no-input",
        "archive",
        `cannot read archive ${this.directory}: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}

interface LastRow {
  readonly id: number;
  readonly records: number;
}

/** Blocks from `from` on that may hold what is asked for. What is not in the index yet may. */
function idsOf(db: Database, query: ArchiveQuery, from: number, order: "ASC" | "DESC"): readonly number[] {
  const question = segmentQuestion(query, (kind) => namesOf(db, kind));
  const { severities, facilities } = query;
  const sinceUs = Math.max(query.sinceUs, -ALWAYS_US);
  const beforeUs = Math.min(query.beforeUs, ALWAYS_US);
  const indexed = "(SELECT value FROM meta WHERE key = 'indexed')";
  const matching =
    question === undefined
      ? ""
      : question === "nothing"
        ? `AND id > ${indexed}`
        : `AND (id > ${indexed} OR id IN (SELECT rowid FROM words WHERE words MATCH ?))`;
  const sql = `SELECT id FROM block WHERE id >= ? AND max_us >= ? AND min_us < ?
    AND severities & ? AND facilities & ? ${matching} ORDER BY id ${order}`;
  const asked = question === undefined || question === "nothing" ? [] : [question];
  const rows = db.query(sql).all(from, sinceUs, beforeUs, severities, facilities, ...asked) as { id: number }[];
  return rows.map(({ id }) => id);
}

function namesOf(db: Database, kind: NameKind): readonly string[] | undefined {
  const { names } = db.query("SELECT count(*) AS names FROM name").get() as { names: number };
  if (names >= NAMES_FULL) return undefined;
  return (db.query("SELECT name FROM name WHERE kind = ?").all(kind) as { name: string }[]).map(({ name }) => name);
}
