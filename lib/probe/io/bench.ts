// Directs one bench: opens the receivers, then the senders, starts them all, passes on how far each may go, and gathers what they saw.
import type { SessionOptions } from "../../spread/index.ts";
import { BenchCredits, type BenchPlan } from "../bench-plan.ts";
import { type BenchResult, benchResult } from "../bench-result.ts";
import type { OnProgress, ReceiverParty, SenderParty } from "./bench-party.ts";
import { spawnReceiver, spawnSender } from "./bench-process.ts";
import { LocalReceiver } from "./bench-receiver.ts";
import { LocalSender } from "./bench-sender.ts";

/** What comes so long after the last message is not waited for. */
const QUIET_MS = 3_000;
/** No message anywhere for so long: somebody is gone, and the senders wait in vain. */
const STALLED_MS = 10_000;

export interface BenchOptions {
  readonly session: SessionOptions;
  /** Every sender and receiver in a process of its own, as real programs are; this one is the first receiver. */
  readonly processes: boolean;
  readonly stop: AbortSignal;
  /** Called as messages come: how many the slowest receiver has. */
  readonly onProgress: (received: number) => void;
}

/**
 * Runs one bench. A session that the daemon throws out is not an error here: it is in the result's `failed`.
 * @throws {ConnectError} no daemon
 */
export async function bench(plan: BenchPlan, options: BenchOptions): Promise<BenchResult> {
  await using run = new BenchRun(plan, options);
  return await run.run();
}

class BenchRun implements AsyncDisposable {
  readonly #credits: BenchCredits;
  readonly #receivers: ReceiverParty[] = [];
  readonly #senders: SenderParty[] = [];
  #progressMs = 0;

  constructor(
    private readonly plan: BenchPlan,
    private readonly options: BenchOptions,
  ) {
    this.#credits = new BenchCredits(plan);
  }

  async run(): Promise<BenchResult> {
    const { plan, options } = this;
    for (let index = 0; index < plan.receivers; index++) this.#receivers.push(this.#openReceiver(index));
    await Promise.all(this.#receivers.map((receiver) => receiver.ready));
    for (let index = 0; index < plan.senders; index++) this.#senders.push(this.#openSender(index));
    await Promise.all(this.#senders.map((sender) => sender.ready));
    const stop = () => {
      for (const sender of this.#senders) sender.stop();
    };
    options.stop.addEventListener("abort", stop);
    this.#progressMs = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - this.#progressMs > STALLED_MS) stop();
    }, 500);
    for (const [index, sender] of this.#senders.entries()) {
      sender.grant(this.#credits.limit(index));
      sender.go();
    }
    if (options.stop.aborted) stop();
    const sent = await Promise.all(this.#senders.map((sender) => sender.done));
    clearInterval(watch);
    options.stop.removeEventListener("abort", stop);
    const counts = sent.map((outcome) => outcome.sent);
    const received = await Promise.all(this.#receivers.map((receiver) => receiver.finish(counts, QUIET_MS)));
    return benchResult(plan, sent, received, options.processes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // receivers first: they leave the group before the senders' sessions end
    for (const party of [...this.#receivers, ...this.#senders]) party.ready.catch(() => {});
    await Promise.allSettled([...this.#receivers, ...this.#senders].map((party) => party[Symbol.asyncDispose]()));
  }

  #openReceiver(index: number): ReceiverParty {
    const { plan, options } = this;
    const onProgress: OnProgress = (sender, received) => {
      this.#progressMs = performance.now();
      this.#credits.progress(index, sender, received);
      this.#senders[sender]?.grant(this.#credits.limit(sender));
      options.onProgress(received * plan.senders);
    };
    // with processes the first receiver is this one: what it has goes to the senders without another process between
    return options.processes && index > 0
      ? spawnReceiver(options.session, plan, onProgress)
      : new LocalReceiver(options.session, plan, onProgress);
  }

  #openSender(index: number): SenderParty {
    const { plan, options } = this;
    return options.processes
      ? spawnSender(options.session, plan, index)
      : new LocalSender(options.session, plan, index);
  }
}
