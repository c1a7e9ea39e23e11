// Has connections wait while a sink that works is slower than what comes in: TCP was made for that, and the sender's kernel keeps what we don't read. A burst
// goes to the disk at the disk's speed then, instead of being lost in a full queue.
//
// Only a sink that gets on counts. One that hangs or fails holds up nobody: its queue fills, and what it refuses is counted (lib/sink/sink.ts). Datagrams are
// never held back, since programs would wait in syslog(3).

/** How soon it is seen that a sink has caught up: some hundred records. */
const LOOK_EVERY_MS = 1;

/** Something that can stop reading for a while. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

export class FlowGate {
  readonly #waiting = new Set<Pausable>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.isBehind()) {
      this.#timer = setTimeout(this.#look, LOOK_EVERY_MS);
      return;
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of waiting) stream.resume();
  };

  /** @param isBehind whether a sink that works is slower than what comes in */
  constructor(private readonly isBehind: () => boolean) {}

  /** `stream` has just given something: it waits if it has to. */
  pass(stream: Pausable): void {
    if (!this.isBehind()) return;
    stream.pause();
    this.#waiting.add(stream);
    this.#timer ??= setTimeout(this.#look, LOOK_EVERY_MS);
  }

  /** It has ended. */
  forget(stream: Pausable): void {
    this.#waiting.delete(stream);
  }

  /** Whether anybody waits. */
  get isHolding(): boolean {
    return this.#waiting.size > 0;
  }
}
