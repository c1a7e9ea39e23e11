// Marks what a regular expression finds in a message. For eyes only: costs strings, and is asked for on a terminal alone.
import type { RecordView } from "../syslog/record.ts";
import type { LineWriter } from "./line-writer.ts";
import { HIGHLIGHT_OFF, HIGHLIGHT_ON } from "./palette.ts";

/** Marks in one line; the rest of a line that is nothing but matches stays plain. */
const MARKS_MAX = 64;
const ENCODER = new TextEncoder();

export class Highlighter {
  readonly #patterns: readonly RegExp[];

  constructor(patterns: readonly RegExp[]) {
    this.#patterns = patterns.map(
      (pattern) => new RegExp(pattern.source, pattern.flags.includes("g") ? pattern.flags : `${pattern.flags}g`),
    );
  }

  /** Writes the message of `record` with its matches marked. */
  message(line: LineWriter, record: RecordView): void {
    const { bytes, msgStart, msgEnd } = record;
    const text = this.#patterns.length > 0 && line.colour ? record.msgText() : "";
    const ranges = text === "" ? [] : this.#matches(text);
    let at = msgStart;
    // Offsets in the text are offsets in the bytes only if each byte was UTF-8: else the message stays plain.
    if (ranges.length > 0 && ENCODER.encode(text).length === msgEnd - msgStart) {
      let index = 0;
      for (const [from, to] of ranges) {
        const start = at + ENCODER.encode(text.slice(index, from)).length;
        const end = start + ENCODER.encode(text.slice(from, to)).length;
        line.visible(bytes, at, start);
        line.sgr(HIGHLIGHT_ON);
        line.visible(bytes, start, end);
        line.sgr(HIGHLIGHT_OFF);
        at = end;
        index = to;
      }
    }
    line.visible(bytes, at, msgEnd);
  }

  /** Where the patterns match: apart, ascending. */
  #matches(text: string): (readonly [number, number])[] {
    const found: [number, number][] = [];
    for (const pattern of this.#patterns) {
      pattern.lastIndex = 0;
      for (let match = pattern.exec(text); match !== null && found.length < MARKS_MAX; match = pattern.exec(text)) {
        if (match[0] === "") pattern.lastIndex += 1;
        else found.push([match.index, match.index + match[0].length]);
      }
    }
    found.sort(([a], [b]) => a - b);
    const apart: [number, number][] = [];
    for (const [from, to] of found) {
      const last = apart.at(-1);
      if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
      else apart.push([from, to]);
    }
    return apart;
  }
}
