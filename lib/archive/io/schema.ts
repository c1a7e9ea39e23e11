// What a segment's database looks like.
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { RANGES_MAX, type StreamMarks } from "../../feed/marks.ts";
import { formatRanges, tryRanges } from "../../feed/number-ranges.ts";

export const ARCHIVE_VERSION = "1";

/** What is known of a block lies apart from the block: a search goes through all of the one, and reads little of the other. */
const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE block (
  id INTEGER PRIMARY KEY, records INTEGER, min_us INTEGER, max_us INTEGER, severities INTEGER, facilities INTEGER
);
CREATE TABLE packed (id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE name (kind TEXT, name TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE mark (
  host TEXT, incarnation TEXT, grp TEXT, sender TEXT, ranges TEXT, PRIMARY KEY (host, incarnation, grp)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(tokens, content='', columnsize=0, detail=none, tokenize='ascii');
INSERT INTO words(words, rank) VALUES('hashsize', 16777216);
INSERT INTO meta VALUES('version', '${ARCHIVE_VERSION}'), ('indexed', 0);
`;

/** What is no database of ours. */
export class NotAnArchive extends Error {
  readonly code = "SQLITE_NOTADB";
}

/**
 * Opens a segment to write it, and makes it where there is none.
 * @throws an error whose `code` tells why: SQLITE_FULL, SQLITE_NOTADB, SQLITE_CORRUPT
 */
export function openToWrite(path: string, isSynced: boolean): Database {
  const isNew = !existsSync(path);
  const db = new Database(path, { create: true });
  try {
    db.run("PRAGMA page_size = 8192");
    db.run("PRAGMA journal_mode = WAL");
    db.run(`PRAGMA synchronous = ${isSynced ? "FULL" : "NORMAL"}`);
    db.run("PRAGMA cache_size = -16384");
    db.run("PRAGMA wal_autocheckpoint = 2000");
    if (isNew || isBare(db)) db.transaction(() => db.run(TABLES))();
    checkVersion(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a segment to read it. @throws as `openToWrite` */
export function openToRead(path: string): Database {
  const db = new Database(path, { readonly: true });
  try {
    db.run("PRAGMA cache_size = -32768");
    db.run("PRAGMA busy_timeout = 2000");
    checkVersion(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A crash between making the file and its tables. */
function isBare(db: Database): boolean {
  return (db.query("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number }).tables === 0;
}

function checkVersion(db: Database): void {
  const found = db.query("SELECT value FROM meta WHERE key = 'version'").get() as { value: string } | null;
  if (found?.value !== ARCHIVE_VERSION) throw new NotAnArchive(`of version ${found?.value ?? "none"}`);
}

/** How far each stream is committed, by a segment. */
export function* readMarks(db: Database): Generator<StreamMarks> {
  for (const row of db.query("SELECT host, incarnation, grp, sender, ranges FROM mark").all()) {
    const { host, incarnation, grp: group, sender, ranges: text } = row as Readonly<Record<string, string>>;
    const ranges = tryRanges(text!, RANGES_MAX);
    if (ranges !== undefined) yield { host: host!, incarnation: incarnation!, group: group!, sender: sender!, ranges };
  }
}

export function writeMarks(db: Database, marks: Iterable<StreamMarks>): void {
  const put = db.prepare("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)");
  for (const { host, incarnation, group, sender, ranges } of marks)
    put.run(host, incarnation, group, sender, formatRanges(ranges));
  put.finalize();
}
