// When the holder of a vip asks the wire whether somebody else has its addresses. A take-over does not wait for that, and a Linux host that silently has the address does not answer
// our announcements, for their sender is its own address; but it answers a probe from nobody. So it is asked soon after the vip was taken and now and then while it is held.
import type { VipId } from "../definition.ts";

/** From the taking; the second comes when a view that brought it is no excuse any more for an answer by its former holder. */
const SOON_MS = [1_000, 4_000];
const EVERY_MS = 30_000;
/** As long as somebody answers: within what a claim counts for, so that the alarm stands and ends soon after. */
const DISPUTED_MS = 10_000;
/** Of each time, at random: vips that were taken together are not asked for together. */
const SPREAD = 0.2;

export class WireInquiry implements Disposable {
  readonly #timers = new Map<VipId, ReturnType<typeof setTimeout>>();

  /**
   * @param ask        sends the question, and waits for nothing
   * @param isDisputed somebody else has lately claimed one of its addresses
   */
  constructor(
    private readonly ask: (vip: VipId) => void,
    private readonly isDisputed: (vip: VipId) => boolean,
    private readonly everyMs = EVERY_MS,
    private readonly soonMs: readonly number[] = SOON_MS,
  ) {}

  /** The vip has been taken. */
  start(vip: VipId): void {
    this.stop(vip);
    this.#plan(vip, 0);
  }

  stop(vip: VipId): void {
    clearTimeout(this.#timers.get(vip));
    this.#timers.delete(vip);
  }

  [Symbol.dispose](): void {
    for (const vip of [...this.#timers.keys()]) this.stop(vip);
  }

  #plan(vip: VipId, nth: number): void {
    const usualMs = this.isDisputed(vip) ? Math.min(DISPUTED_MS, this.everyMs) : this.everyMs;
    const ms = (this.soonMs[nth] ?? usualMs) * (1 + Math.random() * SPREAD);
    const timer = setTimeout(() => {
      this.ask(vip);
      this.#plan(vip, nth + 1);
    }, ms);
    timer.unref();
    this.#timers.set(vip, timer);
  }
}
