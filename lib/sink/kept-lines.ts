// Lines that are kept until it is known whether anybody wants them, in bounded memory: the first ones, since what went wrong first explains the rest.

/** A line with bytes of its own. */
export interface KeptLine<Kind> {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isCut: boolean;
}

export class KeptLines<Kind> {
  readonly lines: KeptLine<Kind>[] = [];
  /** Lines for which there was no room. */
  lost = 0;
  #bytes = 0;

  constructor(readonly bytesMax: number) {}

  /** Keeps a copy of the line at [start, end). */
  push(kind: Kind, bytes: Uint8Array, start: number, end: number, isCut: boolean): void {
    const needed = end - start + LINE_COST_BYTES;
    if (this.lost > 0 || this.#bytes + needed > this.bytesMax) {
      this.lost += 1;
      return;
    }
    this.#bytes += needed;
    this.lines.push({ kind, bytes: bytes.slice(start, end), start: 0, end: end - start, isCut });
  }
}

/** What a line takes besides its bytes, about. */
const LINE_COST_BYTES = 128;
