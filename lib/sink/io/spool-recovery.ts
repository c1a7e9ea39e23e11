// What a spool's directory holds when its owner starts: read at once, before the first record comes, since it decides where that one belongs.
//
// Only the newest segment that holds anything can have been cut off in the middle of a write: it is read whole, and cut behind its last whole entry. Of those
// before it the beginning is enough; they are checked when they are replayed.
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, truncateSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { tryLock } from "../../linux/file-lock.ts";
import { readCursor, type SpoolCursor } from "../spool-cursor.ts";
import { scanSegment } from "../spool-entry.ts";

export const CURSOR_NAME = "cursor";
const LOCK_NAME = "lock";
/** Two entries of the longest kind: the first record of a segment lies in it, unless it is damaged. */
const HEAD_BYTES = 524_288;

export interface FoundSegment {
  readonly id: number;
  readonly firstSequence: number;
  readonly bytes: number;
  readonly lastAtMs: number;
}

export interface Recovered {
  /** Those with something undelivered, the oldest first. */
  readonly segments: readonly FoundSegment[];
  /** The first that is not delivered, and the one that the next record gets. */
  readonly readSequence: number;
  readonly nextSequence: number;
  /** No segment had a higher one. */
  readonly lastId: number;
  readonly turn: number;
  /** What was cut off: the entry that was being written when the process was killed. */
  readonly tornBytes: number;
}

export function segmentPath(directory: string, id: number): string {
  return join(directory, `${String(id).padStart(10, "0")}.spool`);
}

/**
 * Takes the spool for this process, for as long as the descriptor is open: two that write one spool would ruin it.
 * @param lastId the newest segment that we know of: a newer one is somebody else's
 * @throws {Fault} kind "temporary", code "spool-in-use"
 */
export function lockSpool(directory: string, lastId: number): number {
  const fd = openSync(join(directory, LOCK_NAME), "w", 0o600);
  if (tryLock(fd) && (segmentIds(directory).at(-1) ?? 0) <= lastId) return fd;
  closeSync(fd);
  throw new Fault("temporary", "spool-in-use", `cannot use spool ${directory}: another process has it`);
}

/** Reads a spool's directory, cuts off what is torn and removes what is delivered. @throws where it can't be read */
export function recoverSpool(directory: string): Recovered {
  const ids = segmentIds(directory);
  const cursor = readCursorFile(directory);
  const found: FoundSegment[] = [];
  // Without a cursor's file nothing was ever delivered or dropped; where it is damaged, who knows: then no loss is made up.
  const knownFrom = cursor === "none" ? 0 : cursor?.sequence;
  let nextSequence = knownFrom ?? 0;
  let tornBytes = 0;
  for (const id of ids.toReversed()) {
    const path = segmentPath(directory, id);
    const { size, mtimeMs } = statSync(path);
    const isLast = found.length === 0; // those behind it were made, and never written to
    const scan = scanSegment(isLast ? readFileSync(path) : headOf(path));
    if (isLast && scan.endBytes < size) {
      tornBytes += size - scan.endBytes;
      truncateSync(path, scan.endBytes);
    }
    if (scan.firstSequence === undefined) continue; // nothing in it to be found
    const bytes = isLast ? scan.endBytes : size;
    found.unshift({ id, firstSequence: scan.firstSequence, bytes, lastAtMs: isLast ? scan.lastAtMs : mtimeMs });
    if (isLast) nextSequence = Math.max(nextSequence, scan.lastSequence! + 1);
  }
  const segments = found.filter(({ firstSequence }, index) => {
    const end = found[index + 1]?.firstSequence ?? nextSequence;
    return Math.max(end, firstSequence + 1) > (knownFrom ?? 0);
  });
  const wanted = new Set(segments.map(({ id }) => id));
  for (const id of ids) if (!wanted.has(id)) unlinkSync(segmentPath(directory, id));
  const readSequence = segments.length === 0 ? nextSequence : (knownFrom ?? segments[0]!.firstSequence);
  const turn = cursor === "none" ? 0 : (cursor?.turn ?? 0);
  return { segments, readSequence, nextSequence, lastId: ids.at(-1) ?? 0, turn, tornBytes };
}

function segmentIds(directory: string): number[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  return names
    .filter((name) => /^\d{10}\.spool$/.test(name))
    .map((name) => Number(name.slice(0, 10)))
    .sort((a, b) => a - b);
}

function readCursorFile(directory: string): SpoolCursor | undefined | "none" {
  try {
    return readCursor(readFileSync(join(directory, CURSOR_NAME)));
  } catch (error) {
    if (isMissing(error)) return "none";
    throw error;
  }
}

function headOf(path: string): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES);
  const fd = openSync(path, "r");
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
