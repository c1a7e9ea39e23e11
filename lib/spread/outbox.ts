// What is to be sent, until the socket has taken it. Small frames are gathered in blocks of 64 KiB, so that many sends become one write; a
// large body stays where its owner has it, between two blocks. A frame counts as sent when the socket has taken its last byte; until then
// all of it is kept, so that after a lost connection exactly the frames that cannot have arrived whole can be sent again.
//
//   pieces:  [ block 64 KiB ][ a body of 100 kB ][ block, being filled ]
//                     ^ written up to here: the frame around it is the first that is not sent
import { HEADER_BYTES } from "./limits.ts";

/** Hands bytes to a socket. @returns how many it took; 0 or less where it is full or gone */
export type Write = (bytes: Uint8Array, at: number, length: number) => number;

export class Outbox {
  readonly #pieces: Piece[] = [];
  /** Index of the piece to be written from. */
  #next = 0;
  readonly #spare: Uint8Array[] = [];
  /** Stream positions: bytes appended, and bytes the socket took. */
  #appended = 0;
  #written = 0;
  /** Where each frame ends that is not sent, oldest first: a ring. */
  #ends = new Float64Array(1_024);
  #endsFrom = 0;
  #endsCount = 0;
  #framesAppended = 0;
  /** Where the oldest frame that is not sent begins. */
  #sent = 0;

  /** Bytes of frames that are not sent. */
  get bytes(): number {
    return this.#appended - this.#sent;
  }

  /** Frames that are not sent. */
  get frames(): number {
    return this.#endsCount;
  }

  /** Frames ever appended: the number of the last one. */
  get framesAppended(): number {
    return this.#framesAppended;
  }

  /** Number of the last frame that is sent, with all before it. */
  get framesSent(): number {
    return this.#framesAppended - this.#endsCount;
  }

  /** Bytes wait that the socket has not been offered, or did not take. */
  get pending(): boolean {
    return this.#written < this.#appended;
  }

  /** `true` where a block's worth waits: time to write without waiting for more. */
  get full(): boolean {
    return this.#appended - this.#written >= BLOCK_BYTES;
  }

  /**
   * Room for `length` contiguous bytes of a frame, in `block` from the offset that is returned. Fill it, then `append` or `appendBody`.
   * @param length at most 64 KiB
   */
  reserve(length: number): number {
    let last = this.#pieces.at(-1);
    if (last === undefined || !last.isBlock || last.bytes.length - last.end < length) {
      last = new Piece(this.#spare.pop() ?? new Uint8Array(BLOCK_BYTES), 0, 0, true, this.#appended);
      this.#pieces.push(last);
    }
    this.block = last.bytes;
    return last.end;
  }

  /** The block that `reserve` found room in. */
  block: Uint8Array = NO_BYTES;

  /** Appends the bytes reserved, as a part of a frame, or as its end. */
  append(length: number, endsFrame: boolean): void {
    this.#pieces.at(-1)!.end += length;
    this.#appended += length;
    if (endsFrame) this.#endFrame();
  }

  /** Appends bytes where they lie: they must stay as they are until the frame is sent. */
  appendBody(bytes: Uint8Array, endsFrame: boolean): void {
    if (bytes.length > 0) this.#pieces.push(new Piece(bytes, 0, bytes.length, false, this.#appended));
    this.#appended += bytes.length;
    if (endsFrame) this.#endFrame();
  }

  /** Writes until all is written or the socket takes no more. @returns `false` where bytes are left */
  flush(write: Write): boolean {
    for (let piece = this.#pieces[this.#next]; piece !== undefined; piece = this.#pieces[this.#next]) {
      const length = piece.end - piece.at;
      const took = length === 0 ? 0 : write(piece.bytes, piece.at, length);
      if (took > 0) {
        piece.at += took;
        this.#written += took;
      }
      if (piece.at < piece.end) break;
      this.#next += 1;
    }
    this.#retire();
    return this.#written === this.#appended;
  }

  /**
   * Takes out the frames that are not sent, oldest first, each as bytes of its own, and leaves the box empty: their connection is gone.
   * Their numbers count as sent from then on.
   */
  takeUnsent(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let from = this.#sent;
    for (let index = 0; index < this.#endsCount; index++) {
      const end = this.#ends[(this.#endsFrom + index) % this.#ends.length]!;
      frames.push(this.#copy(from, end));
      from = end;
    }
    this.#pieces.length = 0;
    this.#next = 0;
    this.#appended = this.#written = this.#sent = 0;
    this.#endsCount = 0;
    return frames;
  }

  #endFrame(): void {
    if (this.#endsCount === this.#ends.length) {
      const grown = new Float64Array(2 * this.#ends.length);
      for (let index = 0; index < this.#endsCount; index++)
        grown[index] = this.#ends[(this.#endsFrom + index) % this.#ends.length]!;
      this.#ends = grown;
      this.#endsFrom = 0;
    }
    this.#ends[(this.#endsFrom + this.#endsCount) % this.#ends.length] = this.#appended;
    this.#endsCount += 1;
    this.#framesAppended += 1;
  }

  /** Lets go of the pieces that hold nothing but frames that are sent. */
  #retire(): void {
    while (this.#endsCount > 0 && this.#ends[this.#endsFrom]! <= this.#written) {
      this.#sent = this.#ends[this.#endsFrom]!;
      this.#endsFrom = (this.#endsFrom + 1) % this.#ends.length;
      this.#endsCount -= 1;
    }
    let retired = 0;
    for (const piece of this.#pieces) {
      if (piece.position + piece.end > this.#sent) break;
      retired += 1;
      if (piece.isBlock && this.#spare.length < SPARE_BLOCKS_MAX) this.#spare.push(piece.bytes);
    }
    if (retired === 0) return;
    this.#pieces.splice(0, retired);
    this.#next = Math.max(0, this.#next - retired);
  }

  #copy(from: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - from);
    for (const piece of this.#pieces) {
      const start = Math.max(from, piece.position);
      const stop = Math.min(end, piece.position + piece.end);
      if (start < stop) bytes.set(piece.bytes.subarray(start - piece.position, stop - piece.position), start - from);
    }
    return bytes;
  }
}

/** One run of bytes to be written. */
class Piece {
  /** Written up to here. */
  at = 0;

  constructor(
    readonly bytes: Uint8Array,
    start: number,
    public end: number,
    readonly isBlock: boolean,
    /** Stream position of `bytes[0]`. */
    readonly position: number,
  ) {
    this.at = start;
  }
}

const NO_BYTES = new Uint8Array(0);

/** What one write hands to the socket at most, but for large bodies: 64 KiB, no faster with more. */
export const BLOCK_BYTES = 65_536;
/** Bodies up to here are copied into the block: cheaper than a write of their own. */
export const COPIED_BODY_BYTES_MAX = 16_384 - HEADER_BYTES;
const SPARE_BLOCKS_MAX = 20;
