// What comes live while an archive is still being read: kept as it came, within a bound.

import { BATCH_MESSAGE_TYPE, BatchError } from "../feed/batch.ts";
import { BatchView, readBatch } from "../feed/batch-reader.ts";
import type { StreamMarks } from "../feed/marks.ts";
import { TextLines } from "../feed/text-payload.ts";
import { FrameView, readFrame } from "../spread/frame.ts";

/** What is kept. */
const BYTES_MAX = 16 * 1_048_576;

export class HeldMessages {
  /** More came than is kept: all of it was let go. */
  isOverfull = false;
  #frames: Uint8Array[] = [];
  #bytes = 0;

  /** Keeps a copy. */
  push(frame: FrameView): void {
    if (this.isOverfull) return;
    const length = frame.bodyEnd - frame.start;
    if (this.#bytes + length > BYTES_MAX) {
      this.isOverfull = true;
      this.#frames = [];
      return;
    }
    const copy = new Uint8Array(length);
    copy.set(frame.bytes.subarray(frame.start, frame.bodyEnd));
    this.#frames.push(copy);
    this.#bytes += length;
  }

  /** Begins anew. */
  clear(): void {
    this.isOverfull = false;
    this.#frames = [];
    this.#bytes = 0;
  }

  /** The frames, in their order; each good until the next. */
  *frames(): Generator<FrameView> {
    const view = new FrameView();
    for (const bytes of this.#frames) if (readFrame(bytes, 0, bytes.length, view) > 0) yield view;
  }

  /** Whether the first record held of some stream does not follow on what `marks` say: what lies between may be on its way to the archive. */
  hasHoles(marks: readonly StreamMarks[]): boolean {
    const next = new Map<string, number>();
    for (const { host, incarnation, group, ranges } of marks) {
      const last = ranges.at(-1);
      if (last !== undefined) next.set(`${host} ${incarnation} ${group}`, last.to + 1);
    }
    const batch = new BatchView();
    for (const frame of this.frames()) {
      if (frame.kind !== "message" || frame.messageType !== BATCH_MESSAGE_TYPE) continue;
      try {
        readBatch(frame.bytes, frame.bodyStart, frame.bodyEnd, batch);
      } catch (error) {
        if (!(error instanceof BatchError)) throw error;
        continue;
      }
      for (const group of frame.groups()) {
        const key = `${batch.host} ${batch.incarnation} ${group}`;
        const wanted = next.get(key) ?? 1;
        // Of a stream that nobody recorded nothing is known, unless it begins here.
        if (batch.first > wanted && next.has(key)) return true;
        next.set(key, Math.max(wanted, batch.first + batch.count));
      }
    }
    return false;
  }
}

/** How often each raw text came. */
export class TextCounts {
  readonly #counts = new Map<string, number>();

  add(sender: string, group: string, text: Uint8Array): void {
    if (this.#counts.size >= 100_000) return;
    const key = keyOf(sender, group, text);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Takes a message of raw text off, if all of its lines are counted. */
  take(frame: FrameView, group: string): boolean {
    const lines = new TextLines(frame.bytes, frame.bodyStart, frame.bodyEnd);
    const keys: string[] = [];
    while (lines.next()) keys.push(keyOf(frame.name, group, frame.bytes.subarray(lines.start, lines.end)));
    if (keys.length === 0 || !keys.every((key) => (this.#counts.get(key) ?? 0) > 0)) return false;
    for (const key of keys) this.#counts.set(key, this.#counts.get(key)! - 1);
    return true;
  }
}

const LATIN = new TextDecoder("latin1");

function keyOf(sender: string, group: string, text: Uint8Array): string {
  return `${sender} ${group} ${LATIN.decode(text)}`;
}
