/** What one event makes the daemon send: frames, and the sessions that get each, in order. Filled by `GroupState`, emptied and reused by the runner. */
export class Deliveries {
  /** Frames; of all arrays only what lies below the counts is meant. */
  frameCount = 0;
  readonly bytes: Uint8Array[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Where a frame's receivers end in `receivers`; they begin where those of the frame before end. */
  readonly receiversEnd: number[] = [];
  receiverCount = 0;
  /** Slots of sessions. */
  readonly receivers: number[] = [];

  /** Adds a frame, with no receivers yet. Its bytes are kept by reference and must never change again. */
  frame(bytes: Uint8Array, start: number, end: number): void {
    const index = this.frameCount++;
    this.bytes[index] = bytes;
    this.starts[index] = start;
    this.ends[index] = end;
    this.receiversEnd[index] = this.receiverCount;
  }

  /** Adds a receiver to the last frame. */
  to(slot: number): void {
    this.receivers[this.receiverCount++] = slot;
    this.receiversEnd[this.frameCount - 1] = this.receiverCount;
  }

  /** Forgets everything, and lets go of the bytes. */
  clear(): void {
    if (this.frameCount > 1) this.bytes.length = 1;
    if (this.frameCount > 0) this.bytes[0] = NO_BYTES;
    this.frameCount = 0;
    this.receiverCount = 0;
  }
}

const NO_BYTES = new Uint8Array(0);
