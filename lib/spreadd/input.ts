// Cuts what a client sends into frames, where the bytes lie. What is received is never copied, but for the one frame that lies across two pieces: it is
// put together in bytes of its own. Their room grows with what has really come, so a client that announces a large message and falls silent costs what
// it has sent, not what it has announced.
//
// Every piece is kept by whoever still sends parts of it on: it must never change, but for the headers that are rewritten before a frame is handed on.
import { type FrameView, frameBytes, readRequest } from "../spread/frame.ts";
import { HEADER_BYTES } from "../spread/limits.ts";

/** Room for a frame across pieces at first. */
const ROOM_BYTES_MIN = 1_024;

export class Input {
  /** Pieces not yet cut; of the first what lies from `#at` on. */
  readonly #pieces: Uint8Array[] = [];
  #piece: Uint8Array = NO_BYTES;
  #at = 0;
  /** The frame across pieces, as far as it has come. */
  #room: Uint8Array = NO_BYTES;
  #roomEnd = 0;

  /** @param check called with the view of every header, whole frame or not: throws where the session has to end */
  constructor(private readonly check: (view: FrameView) => void) {}

  /** Adds what was received. The bytes are Input's from here on. */
  push(piece: Uint8Array): void {
    if (this.#at === this.#piece.length && this.#pieces.length === 0) {
      this.#piece = piece;
      this.#at = 0;
    } else this.#pieces.push(piece);
  }

  /** `true` where nothing is left to cut. (Of an incomplete frame everything has been cut.) */
  get isEmpty(): boolean {
    return this.#at === this.#piece.length && this.#pieces.length === 0;
  }

  /**
   * Reads the next frame into `view`.
   * @returns its bytes; 0 where it has not come in full
   * @throws {FrameError} as `readRequest`, or what `check` throws
   */
  next(view: FrameView): number {
    while (!this.isEmpty) {
      const took = this.#roomEnd > 0 ? this.#fill(view) : this.#cut(view);
      if (took > 0) return took;
      if (this.#at === this.#piece.length) this.#nextPiece();
    }
    return 0;
  }

  /** The frame where it lies; what is left of a cut frame moves to a room of its own. */
  #cut(view: FrameView): number {
    const piece = this.#piece;
    const at = this.#at;
    const took = readRequest(piece, at, piece.length, view);
    const left = piece.length - at;
    if (took > 0 || left >= HEADER_BYTES) this.check(view);
    if (took > 0) {
      this.#at = at + took;
      if (this.#at === piece.length) this.#nextPiece();
      return took;
    }
    this.#room = new Uint8Array(Math.max(ROOM_BYTES_MIN, left));
    this.#room.set(at === 0 ? piece : piece.subarray(at));
    this.#roomEnd = left;
    this.#at = piece.length;
    return 0;
  }

  /** Takes from the piece what the frame in the room lacks: first its header, then the rest. */
  #fill(view: FrameView): number {
    const total = frameBytes(this.#room, 0, this.#roomEnd);
    const taken = Math.min(total - this.#roomEnd, this.#piece.length - this.#at);
    const end = this.#roomEnd + taken;
    if (end > this.#room.length) this.#grow(Math.min(total, Math.max(end, 2 * this.#room.length)));
    this.#room.set(this.#piece.subarray(this.#at, this.#at + taken), this.#roomEnd);
    this.#at += taken;
    this.#roomEnd = end;
    const took = readRequest(this.#room, 0, end, view);
    if (end >= HEADER_BYTES) this.check(view);
    if (took === 0) return 0;
    this.#room = NO_BYTES;
    this.#roomEnd = 0;
    if (this.#at === this.#piece.length) this.#nextPiece();
    return took;
  }

  #grow(bytes: number): void {
    const room = new Uint8Array(bytes);
    room.set(this.#room.subarray(0, this.#roomEnd));
    this.#room = room;
  }

  /** Lets go of the piece that is used up. */
  #nextPiece(): void {
    this.#piece = this.#pieces.shift() ?? NO_BYTES;
    this.#at = 0;
  }
}

const NO_BYTES = new Uint8Array(0);
