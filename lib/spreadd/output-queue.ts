// What one session is still to be sent. Frames are not copied into it: it holds stretches of the pieces in which they came, or of a view that a thousand
// sessions share. Frames that lie one behind the other in a piece are one stretch, so a session that gets all that a sender floods is written to in
// few large writes, straight from what was received.
//
// A stretch pins its whole piece. A queue that waits for a slow client is `settle`d when that comes to much: small stretches of large pieces are copied
// together, so that what it pins is at most about twice what it holds. Not at once: the rest of a piece is likely to follow, and then nothing need be copied.
import { frameBytes } from "../spread/frame.ts";

/** Room in which small stretches are put together. */
const ROOM_BYTES = 16_384;

export class OutputQueue {
  /** Bytes waiting. */
  bytes = 0;
  /** Messages waiting, the one that has been sent in part included. */
  messages = 0;
  // the stretches, oldest first, from #head on
  readonly #pieces: Uint8Array[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #counts: number[] = [];
  #head = 0;
  /** Stretches below this pin little: they have been looked at by `settle`. */
  #settled = 0;
  /** Bytes of the pieces of all others. */
  #pinnedBytes = 0;
  /** Bytes left of the message at the head that has been sent in part. */
  #cutBytes = 0;
  /** What `settle` copies into, and how far it is filled. */
  #room = NO_BYTES;
  #roomEnd = 0;

  /** Adds one frame: bytes from `start` to `end` that will never change. */
  push(piece: Uint8Array, start: number, end: number): void {
    const last = this.#pieces.length - 1;
    const isSame = last >= this.#head && this.#pieces[last] === piece;
    if (isSame && this.#ends[last] === start) {
      this.#ends[last] = end;
      this.#counts[last]! += 1;
    } else {
      this.#set(last + 1, piece, start, end, 1);
      if (!isSame || last < this.#settled) this.#pinnedBytes += piece.length;
    }
    this.bytes += end - start;
    this.messages += 1;
  }

  /** The oldest stretch, to be written where it lies. Look at `bytes` first: there must be one. */
  get headPiece(): Uint8Array {
    return this.#pieces[this.#head]!;
  }

  get headStart(): number {
    return this.#starts[this.#head]!;
  }

  get headBytes(): number {
    return this.#ends[this.#head]! - this.#starts[this.#head]!;
  }

  /** `true` where the oldest stretch is all there is. */
  get isOneStretch(): boolean {
    return this.#pieces.length - this.#head === 1;
  }

  /** Copies the oldest bytes into `room`, as many as it takes or there are. @returns how many */
  gather(room: Uint8Array): number {
    let filled = 0;
    for (let index = this.#head; index < this.#pieces.length && filled < room.length; index++) {
      const start = this.#starts[index]!;
      const end = Math.min(this.#ends[index]!, start + room.length - filled);
      room.set(this.#pieces[index]!.subarray(start, end), filled);
      filled += end - start;
    }
    return filled;
  }

  /** Forgets the oldest bytes: they were sent. @param sent at most `bytes` */
  take(sent: number): void {
    this.bytes -= sent;
    if (this.bytes === 0) this.clear();
    while (sent > 0 && this.bytes > 0) {
      const waiting = this.headBytes;
      if (sent < waiting) {
        this.#takePart(sent);
        return;
      }
      sent -= waiting;
      this.messages -= this.#counts[this.#head]!;
      this.#cutBytes = 0;
      this.#drop();
    }
  }

  /**
   * Lets go of pieces of which little is wanted, by copying that little. Call it when the queue has to wait.
   * @param pinnedBytesMin nothing is done while it pins less than this
   */
  settle(pinnedBytesMin: number): void {
    if (this.#pinnedBytes < pinnedBytesMin) return;
    this.#settleHead();
    let kept = Math.max(this.#settled, this.#head);
    for (let index = kept; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index]!;
      const start = this.#starts[index]!;
      const end = this.#ends[index]!;
      const count = this.#counts[index]!;
      if ((end - start) * 2 >= piece.length) this.#set(kept++, piece, start, end, count);
      else kept = this.#copy(kept, piece.subarray(start, end), count);
    }
    this.#truncate(kept);
    this.#settled = kept;
    this.#pinnedBytes = 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.#truncate(0);
    this.bytes = 0;
    this.messages = 0;
    this.#head = 0;
    this.#settled = 0;
    this.#pinnedBytes = 0;
    this.#cutBytes = 0;
    this.#room = NO_BYTES;
    this.#roomEnd = 0;
  }

  /** Part of the oldest stretch was sent. Where its messages end, their headers tell. */
  #takePart(sent: number): void {
    const head = this.#head;
    const piece = this.#pieces[head]!;
    const end = this.#ends[head]!;
    const upTo = this.#starts[head]! + sent;
    let at = this.#starts[head]! + this.#cutBytes;
    if (this.#cutBytes > 0 && at <= upTo) this.#countOff(head);
    while (at < upTo) {
      at += frameBytes(piece, at, end);
      if (at <= upTo) this.#countOff(head);
    }
    this.#cutBytes = at - upTo;
    this.#starts[head] = upTo;
  }

  #countOff(index: number): void {
    this.#counts[index]! -= 1;
    this.messages -= 1;
  }

  /** Most of the oldest stretch has been sent since it was settled: what is left moves out of its large piece. */
  #settleHead(): void {
    const head = this.#head;
    const piece = this.#pieces[head];
    if (piece === undefined || head >= this.#settled || piece.length <= ROOM_BYTES) return;
    const left = this.headBytes;
    if (left * 2 >= piece.length) return;
    this.#set(head, piece.slice(this.#starts[head], this.#ends[head]), 0, left, this.#counts[head]!);
  }

  /** Puts a copy where stretch `index` is to be, or behind the copy before it where there is room. @returns the next free index */
  #copy(index: number, bytes: Uint8Array, count: number): number {
    const before = index - 1;
    const filled = this.#roomEnd;
    if (before >= this.#head && this.#pieces[before] === this.#room && this.#room.length - filled >= bytes.length) {
      this.#room.set(bytes, filled);
      this.#roomEnd = filled + bytes.length;
      this.#ends[before] = this.#roomEnd;
      this.#counts[before]! += count;
      return index;
    }
    this.#room = new Uint8Array(Math.max(ROOM_BYTES, bytes.length));
    this.#room.set(bytes);
    this.#roomEnd = bytes.length;
    this.#set(index, this.#room, 0, bytes.length, count);
    return index + 1;
  }

  #set(index: number, piece: Uint8Array, start: number, end: number, count: number): void {
    this.#pieces[index] = piece;
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.#counts[index] = count;
  }

  #truncate(length: number): void {
    this.#pieces.length = length;
    this.#starts.length = length;
    this.#ends.length = length;
    this.#counts.length = length;
  }

  /** The head is sent. Now and then the arrays are moved up, so that they do not grow while a queue is never empty. */
  #drop(): void {
    const head = this.#head;
    const piece = this.#pieces[head]!;
    if (head >= this.#settled && this.#pieces[head + 1] !== piece) this.#pinnedBytes -= piece.length;
    this.#pieces[head] = NO_BYTES;
    this.#head += 1;
    if (this.#head < 64 || this.#head * 2 < this.#pieces.length) return;
    for (const list of [this.#pieces, this.#starts, this.#ends, this.#counts]) list.splice(0, this.#head);
    this.#settled = Math.max(0, this.#settled - this.#head);
    this.#head = 0;
  }
}

const NO_BYTES = new Uint8Array(0);
