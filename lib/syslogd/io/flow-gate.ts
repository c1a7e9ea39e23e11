// Has connections wait while a sink that works is slower than what comes in: TCP was made for that, and the sender's kernel keeps what we don't read. A burst
// goes to the disk at the disk's speed then, instead of being lost in a full queue.
//
// Only a sink that gets on counts. One that hangs or fails holds up nobody: its queue fills, and what it refuses is counted (lib/sink/sink.ts). Datagrams are
// held back only for a disk that keeps up, 50 ms at most for each write, since programs wait in syslog(3).
//
// All connections stop at once, not each after what it gives: in one turn of the event loop each may give half a mebibyte, and twenty of them filled the
// queue before the first had stopped.

/** How soon it is seen that a sink has caught up: some hundred records. */
const LOOK_EVERY_MS = 1;
/** A small part of any sink's queue. */
const ASK_AFTER_BYTES = 65_536;

/** Something that can stop reading for a while. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

export class FlowGate {
  readonly #streams = new Set<Pausable>();
  /** Taken since the sinks were asked last. */
  #untoldBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;
  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#isHeld) return;
    if (this.isUnsettled() || this.isBehind()) {
      this.#timer = setTimeout(this.#look, LOOK_EVERY_MS);
      return;
    }
    for (const stream of this.#streams) stream.resume();
  };

  /**
   * @param isBehind    whether a sink that works is slower than what comes in
   * @param isUnsettled whether what was given is to be on a disk before more is taken: costs little, asked after each read
   */
  constructor(
    private readonly isBehind: () => boolean,
    private readonly isUnsettled: () => boolean,
  ) {}

  /** Whether the streams wait. */
  get isClosed(): boolean {
    return this.#isHeld || this.#timer !== undefined;
  }

  /** All of them stop, for good: nothing more is read by this process. */
  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#timer);
    for (const stream of this.#streams) stream.pause();
  }

  add(stream: Pausable): void {
    this.#streams.add(stream);
    if (this.isClosed) stream.pause();
  }

  /** It has ended. */
  delete(stream: Pausable): void {
    this.#streams.delete(stream);
  }

  /** A stream has just given `bytes`: all wait if they have to. There may be thousands of sinks to ask, so not each small read asks them. */
  took(bytes: number): void {
    this.#untoldBytes += bytes;
    if (this.isClosed || !(this.isUnsettled() || this.#isBehindNow())) return;
    for (const stream of this.#streams) stream.pause();
    this.#timer = setTimeout(this.#look, LOOK_EVERY_MS);
  }

  #isBehindNow(): boolean {
    if (this.#untoldBytes < ASK_AFTER_BYTES) return false;
    this.#untoldBytes = 0;
    return this.isBehind();
  }
}
