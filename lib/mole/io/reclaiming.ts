// When the holder of a vip announces it again because somebody else had claimed it: clients believe who spoke last. Not while that one answers, for two that outbid each other help
// nobody: once it is quiet the wire is asked, and who is alone then says so.
import type { VipId } from "../definition.ts";

/** How long nobody must have claimed it, and how long an answer may take; doubled each time that one comes. */
const QUIET_MS = 500;
const ANSWER_MS = 200;
const QUIET_MAX_MS = 10_000;

interface Claimed {
  timer: ReturnType<typeof setTimeout>;
  quietMs: number;
  isAsked: boolean;
}

export class Reclaiming implements Disposable {
  readonly #claimed = new Map<VipId, Claimed>();

  /**
   * @param ask      sends the question, and waits for nothing: an answer is a claim
   * @param announce once
   */
  constructor(
    private readonly ask: (vip: VipId) => void,
    private readonly announce: (vip: VipId) => void,
    private readonly quietMs = QUIET_MS,
    private readonly answerMs = ANSWER_MS,
  ) {}

  /** Somebody else has claimed an address of a held vip. */
  claimed(vip: VipId): void {
    const before = this.#claimed.get(vip);
    clearTimeout(before?.timer);
    const quietMs =
      before === undefined ? this.quietMs : Math.min(before.quietMs * (before.isAsked ? 2 : 1), QUIET_MAX_MS);
    const timer = setTimeout(() => this.#ask(vip), quietMs);
    timer.unref();
    this.#claimed.set(vip, { timer, quietMs, isAsked: false });
  }

  stop(vip: VipId): void {
    clearTimeout(this.#claimed.get(vip)?.timer);
    this.#claimed.delete(vip);
  }

  [Symbol.dispose](): void {
    for (const vip of [...this.#claimed.keys()]) this.stop(vip);
  }

  #ask(vip: VipId): void {
    const claimed = this.#claimed.get(vip);
    if (claimed === undefined) return;
    claimed.isAsked = true;
    claimed.timer = setTimeout(() => {
      this.#claimed.delete(vip);
      this.announce(vip);
    }, this.answerMs);
    claimed.timer.unref();
    this.ask(vip);
  }
}
