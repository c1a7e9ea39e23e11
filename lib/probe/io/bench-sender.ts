// One sender of a bench in this process: a session, and a pump that sends as far as it may whenever it may. No promise, no object a message.
import type { SessionOptions } from "../../spread/index.ts";
import { BENCH_BODY_BYTES_MIN, markOf, writeBenchBody } from "../bench-body.ts";
import type { BenchPlan } from "../bench-plan.ts";
import type { SenderOutcome } from "../bench-result.ts";
import { microsOf, sharedMs } from "./bench-clock.ts";
import type { SenderParty } from "./bench-party.ts";
import { ProbeSession } from "./probe-session.ts";

/** Then others get a turn: what came is read, what is full is written. */
const BURST_MESSAGES = 512;
/** The clock is read for every 16th message: it would be a sixth of the cost, and 16 messages are made in a few microseconds. */
const CLOCK_MASK = 15;
/** Of a body from this size the filler is a piece of its own, which the session does not copy, and which never changes. */
const SHARED_FILLER_BYTES = 16_384;

export class LocalSender implements SenderParty {
  readonly ready: Promise<void>;
  readonly #done = Promise.withResolvers<SenderOutcome>();
  readonly #head: Uint8Array;
  readonly #body: Uint8Array | readonly Uint8Array[];
  readonly #mark: number;
  readonly #options: { readonly service: BenchPlan["service"] };
  #probe: ProbeSession | undefined;
  #sent = 0;
  #limit = 0;
  #going = false;
  #pumping = false;
  /** A turn is coming by itself: the next tick, or room in the session. */
  #turnIsDue = false;
  #firstMs = 0;
  #endMs = Number.POSITIVE_INFINITY;
  #cpuBefore = process.cpuUsage();

  constructor(
    sessionOptions: SessionOptions,
    private readonly plan: BenchPlan,
    private readonly index: number,
  ) {
    const shares = plan.bytes >= SHARED_FILLER_BYTES;
    this.#head = new Uint8Array(shares ? BENCH_BODY_BYTES_MIN : plan.bytes);
    this.#body = shares ? [this.#head, new Uint8Array(plan.bytes - BENCH_BODY_BYTES_MIN)] : this.#head;
    this.#mark = markOf(plan.run);
    this.#options = { service: plan.service };
    this.ready = this.#open(sessionOptions);
  }

  get done(): Promise<SenderOutcome> {
    return this.#done.promise;
  }

  go(): void {
    this.#cpuBefore = process.cpuUsage();
    this.#firstMs = sharedMs();
    this.#endMs = this.#firstMs + this.plan.durationMs;
    if (this.plan.durationMs !== Number.POSITIVE_INFINITY) setTimeout(() => this.#pump(), this.plan.durationMs);
    this.#going = true;
    this.#pump();
  }

  grant(limit: number): void {
    if (limit <= this.#limit) return;
    this.#limit = limit;
    this.#pump();
  }

  stop(): void {
    this.#endMs = 0;
    this.#pump();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going = false;
    await this.#probe?.[Symbol.asyncDispose]();
  }

  async #open(sessionOptions: SessionOptions): Promise<void> {
    const probe = await ProbeSession.open({ ...sessionOptions, membership: false }, undefined, () => {});
    this.#probe = probe;
    probe.lost.catch((error: Error) => this.#finish(error.message));
  }

  readonly #turn = (): void => {
    this.#turnIsDue = false;
    this.#pump();
  };

  #pump(): void {
    if (!this.#going || this.#pumping) return;
    this.#pumping = true;
    this.#burst(this.#probe!.session);
    this.#pumping = false;
  }

  #burst(session: ProbeSession["session"]): void {
    const { group, messages } = this.plan;
    const nowMs = sharedMs();
    let sentMicros = microsOf(nowMs);
    const most = Math.min(this.#limit, this.#sent + BURST_MESSAGES);
    if (nowMs < this.#endMs)
      while (this.#sent < most) {
        if ((this.#sent & CLOCK_MASK) === 0) sentMicros = microsOf(sharedMs());
        writeBenchBody(this.#head, 0, this.#mark, this.index, this.#sent, sentMicros);
        if (!session.trySend(group, this.#body, this.#options)) break;
        this.#sent += 1;
      }
    if (this.#sent >= messages || nowMs >= this.#endMs) void this.#drain(session);
    else if (this.#sent < this.#limit && !this.#turnIsDue) {
      this.#turnIsDue = true;
      if (this.#sent >= most) setImmediate(this.#turn);
      else session.room().then(this.#turn, () => {}); // a closed session is told as lost
    }
  }

  /** All is with the session: the socket is still to take it. */
  async #drain(session: ProbeSession["session"]): Promise<void> {
    this.#going = false;
    session.flush();
    const giveUpMs = sharedMs() + DRAIN_MS;
    while (session.unsent.frames > 0 && sharedMs() < giveUpMs) await new Promise((resolve) => setTimeout(resolve, 1));
    this.#finish(session.unsent.frames > 0 ? `the daemon took nothing for ${DRAIN_MS} ms` : undefined);
  }

  #finish(failed: string | undefined): void {
    this.#going = false;
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    this.#done.resolve({
      sent: this.#sent,
      firstMs: this.#firstMs,
      lastMs: sharedMs(),
      cpuMs: (user + system) / 1_000,
      server: this.#probe?.server ?? "",
      version: this.#probe?.version ?? "",
      failed,
    });
  }
}

/** A daemon that reads nothing for so long does not want our messages. */
const DRAIN_MS = 10_000;
