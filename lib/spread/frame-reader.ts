// Frames out of a stream that comes in chunks of any size. A frame that lies whole in a chunk is read there; only one that is cut is put
// together, in a buffer of its own, so a byte is copied at most once. Whoever pulls too slowly leaves chunks waiting: `heldBytes` says how
// much, and the rim stops reading the socket.
import { type FrameView, frameBytes, readFrame } from "./frame.ts";

/** How `readFrame` and `readRequest` look. */
export type ReadFrame = (bytes: Uint8Array, at: number, end: number, view: FrameView) => number;

/** Takes chunks, gives frames. The chunks must stay as they are: those of a Bun socket do. */
export class FrameReader {
  #chunk: Uint8Array = NO_BYTES;
  #at = 0;
  /** Chunks behind the one being read; none unless the puller paused. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** The beginning of a frame that ended no chunk so far. */
  #cut = NO_BYTES;
  #cutEnd = 0;

  constructor(private readonly read: ReadFrame = readFrame) {}

  /** Bytes that were taken and not yet read as frames. */
  get heldBytes(): number {
    return this.#chunk.length - this.#at + this.#waitingBytes + this.#cutEnd;
  }

  push(chunk: Uint8Array): void {
    if (this.#at === this.#chunk.length) {
      this.#chunk = chunk;
      this.#at = 0;
      return;
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
  }

  /**
   * Refills `view` with the next frame; what it shows is good until the next call.
   * @returns `false` where more bytes are needed
   * @throws {FrameError} the peer sent no frame: this stream is over
   */
  next(view: FrameView): boolean {
    for (;;) {
      if (this.#cutEnd > 0) {
        if (this.#nextCut(view)) return true;
      } else {
        const took = this.read(this.#chunk, this.#at, this.#chunk.length, view);
        this.#at += took;
        if (took > 0) return true;
        this.#keepRest();
      }
      // here the chunk is used up
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return false;
      this.#waitingBytes -= chunk.length;
      this.#chunk = chunk;
      this.#at = 0;
    }
  }

  /** Completes the cut frame from the chunk: first its header, which tells its length, then the rest. */
  #nextCut(view: FrameView): boolean {
    for (;;) {
      const missing = frameBytes(this.#cut, 0, this.#cutEnd) - this.#cutEnd;
      const available = Math.min(missing, this.#chunk.length - this.#at);
      this.#append(available);
      const took = this.read(this.#cut, 0, this.#cutEnd, view);
      if (took > 0) {
        this.#cutEnd = 0; // its bytes stay until the next call
        return true;
      }
      if (available < missing) return false;
    }
  }

  #keepRest(): void {
    if (this.#cut.length > KEPT_CUT_BYTES) this.#cut = NO_BYTES;
    this.#append(this.#chunk.length - this.#at);
    this.#chunk = NO_BYTES;
    this.#at = 0;
  }

  #append(bytes: number): void {
    const end = this.#cutEnd + bytes;
    if (end > this.#cut.length) {
      // doubled as bytes really come: a length in a header alone makes nothing grow
      const grown = new Uint8Array(Math.max(CUT_BYTES_MIN, end, Math.min(2 * this.#cut.length, 2 * end)));
      grown.set(this.#cut.subarray(0, this.#cutEnd));
      this.#cut = grown;
    }
    this.#cut.set(this.#chunk.subarray(this.#at, this.#at + bytes), this.#cutEnd);
    this.#cutEnd = end;
    this.#at += bytes;
  }
}

const NO_BYTES = new Uint8Array(0);
const CUT_BYTES_MIN = 4_096;
/** A larger one, of some giant view, is given back. */
const KEPT_CUT_BYTES = 1_048_576;
