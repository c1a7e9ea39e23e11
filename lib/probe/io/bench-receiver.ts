// One receiver of a bench in this process: counts frames where they lie.
import type { FrameView } from "../../spread/frame.ts";
import type { SessionOptions } from "../../spread/index.ts";
import { elapsedMicros, isBenchBody, markOf, senderOf, sequenceOf } from "../bench-body.ts";
import { type BenchPlan, progressEvery } from "../bench-plan.ts";
import type { ReceiverOutcome } from "../bench-result.ts";
import { Tally } from "../bench-tally.ts";
import { Histogram } from "../histogram.ts";
import { microsOf, sharedMs } from "./bench-clock.ts";
import type { OnProgress, ReceiverParty } from "./bench-party.ts";
import { ProbeSession } from "./probe-session.ts";

export class LocalReceiver implements ReceiverParty {
  readonly ready: Promise<void>;
  readonly #tally = new Tally();
  readonly #latency = new Histogram();
  readonly #mark: number;
  readonly #every: number;
  #probe: ProbeSession | undefined;
  #sinceProgress = 0;
  #lastMs = 0;
  #failed: string | undefined;
  #expected: readonly number[] | undefined;
  readonly #complete = Promise.withResolvers<void>();
  readonly #cpuBefore = process.cpuUsage();

  constructor(
    sessionOptions: SessionOptions,
    private readonly plan: BenchPlan,
    private readonly onProgress: OnProgress,
  ) {
    this.#mark = markOf(plan.run);
    this.#every = progressEvery(plan);
    this.ready = this.#open(sessionOptions);
  }

  async finish(sent: readonly number[], quietMs: number): Promise<ReceiverOutcome> {
    this.#expected = sent;
    this.#checkComplete();
    await this.#quietFor(quietMs);
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    return {
      tally: this.#tally.result(),
      latency: this.#latency.parts(),
      lastMs: this.#lastMs,
      cpuMs: (user + system) / 1_000,
      failed: this.#failed,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probe?.[Symbol.asyncDispose]();
  }

  async #open(sessionOptions: SessionOptions): Promise<void> {
    const probe = await ProbeSession.open(sessionOptions, this.plan.group, (frame) => this.#received(frame));
    this.#probe = probe;
    probe.lost.catch((error: Error) => {
      this.#failed = error.message;
      this.#complete.resolve();
    });
    await probe.whenMembers(this.plan.receivers);
  }

  #received(frame: FrameView): void {
    const { bytes, bodyStart, bodyEnd } = frame;
    if (!isBenchBody(bytes, bodyStart, bodyEnd, this.#mark)) return;
    const sender = senderOf(bytes, bodyStart);
    if (sender >= this.plan.senders) return;
    const nowMs = sharedMs();
    this.#lastMs = nowMs;
    this.#tally.take(sender, sequenceOf(bytes, bodyStart), bodyEnd - bodyStart);
    this.#latency.record(elapsedMicros(bytes, bodyStart, microsOf(nowMs)) * 1_000);
    this.#sinceProgress += 1;
    if (this.#sinceProgress < this.#every && this.#expected === undefined) return;
    this.#tellProgress();
  }

  #tellProgress(): void {
    this.#sinceProgress = 0;
    for (let sender = 0; sender < this.plan.senders; sender++)
      this.onProgress(sender, this.#tally.receivedFrom(sender));
    this.#checkComplete();
  }

  #checkComplete(): void {
    const { plan } = this;
    if (this.#expected === undefined) return;
    for (let sender = 0; sender < plan.senders; sender++)
      if (this.#tally.receivedFrom(sender) < this.#expected[sender]!) return;
    this.#complete.resolve();
  }

  /** Until all is there, or nothing has come for so long. */
  async #quietFor(quietMs: number): Promise<void> {
    let received = -1;
    while (this.#failed === undefined && this.#tally.received !== received) {
      received = this.#tally.received;
      const timeOver = Promise.withResolvers<"over">();
      const timer = setTimeout(() => timeOver.resolve("over"), quietMs);
      const ended = await Promise.race([this.#complete.promise, timeOver.promise]);
      clearTimeout(timer);
      if (ended !== "over") break;
    }
  }
}
