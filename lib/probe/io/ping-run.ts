// Round trips through a group: a message to a group that only we are in, one on the way at a time.
import { Fault } from "../../base/fault.ts";
import { pause } from "../../run/pause.ts";
import type { FrameView } from "../../spread/frame.ts";
import type { SessionOptions } from "../../spread/index.ts";
import type { GroupName } from "../../spread/names.ts";
import type { ServiceType } from "../../spread/service.ts";
import { isBenchBody, markOf, sequenceOf, writeBenchBody } from "../bench-body.ts";
import { Histogram } from "../histogram.ts";
import type { PingResult } from "../ping-report.ts";
import { ProbeSession } from "./probe-session.ts";

export interface PingPlan {
  readonly group: GroupName;
  readonly count: number;
  readonly intervalMs: number;
  readonly bytes: number;
  readonly service: ServiceType;
  /** How long one round trip may take before it counts as lost. */
  readonly timeoutMs: number;
}

/** Told of each round trip; `undefined`: lost. */
export type OnPing = (sequence: number, elapsedNs: number | undefined) => void | Promise<void>;

/**
 * Pings until the count is reached or it is stopped.
 * @throws {ConnectError} no daemon
 * @throws {Fault} kind "unavailable", code "no-ring": our join was not ordered in time; code "lost": the daemon ended the session
 */
export async function ping(
  options: SessionOptions,
  plan: PingPlan,
  stop: AbortSignal,
  onPing: OnPing,
): Promise<PingResult> {
  const run = new PingRun(plan);
  await using probe = await ProbeSession.open(options, plan.group, (frame) => run.received(frame), stop);
  await withinTime(probe.whenMembers(1), Math.max(plan.timeoutMs, JOIN_MS));
  for (let sequence = 0; sequence < plan.count && !stop.aborted; sequence++) {
    const elapsedNs = await Promise.race([run.once(probe, sequence), probe.lost]);
    await onPing(sequence, elapsedNs);
    if (plan.intervalMs > 0 && sequence + 1 < plan.count) await pause(plan.intervalMs, stop);
  }
  return { ...run.result(), server: probe.server, version: probe.version };
}

/** A ring that forms anew takes seconds: a daemon that has just started is not called dead. */
const JOIN_MS = 10_000;

class PingRun {
  readonly #histogram = new Histogram();
  readonly #body: Uint8Array;
  readonly #mark = markOf(Math.floor(Math.random() * 2 ** 32));
  #sent = 0;
  #lost = 0;
  /** Came after it was given up. */
  #late = 0;
  #waiting:
    | { readonly sequence: number; readonly sentNs: number; readonly resolve: (elapsedNs: number | undefined) => void }
    | undefined;

  constructor(private readonly plan: PingPlan) {
    this.#body = new Uint8Array(plan.bytes);
  }

  async once(probe: ProbeSession, sequence: number): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    writeBenchBody(this.#body, 0, this.#mark, 0, sequence, 0);
    await probe.session.room();
    this.#waiting = { sequence, sentNs: Bun.nanoseconds(), resolve };
    probe.session.trySend(this.plan.group, this.#body, { service: this.plan.service });
    probe.session.flush();
    this.#sent += 1;
    const timer = setTimeout(() => resolve(undefined), this.plan.timeoutMs);
    const elapsedNs = await promise;
    clearTimeout(timer);
    this.#waiting = undefined;
    if (elapsedNs === undefined) this.#lost += 1;
    else this.#histogram.record(elapsedNs);
    return elapsedNs;
  }

  received(frame: FrameView): void {
    const now = Bun.nanoseconds();
    if (!isBenchBody(frame.bytes, frame.bodyStart, frame.bodyEnd, this.#mark)) return;
    const waiting = this.#waiting;
    if (waiting?.sequence === sequenceOf(frame.bytes, frame.bodyStart)) waiting.resolve(now - waiting.sentNs);
    else this.#late += 1;
  }

  result(): Omit<PingResult, "server" | "version"> {
    return {
      sent: this.#sent,
      lost: this.#lost - this.#late,
      late: this.#late,
      bytes: this.plan.bytes,
      service: this.plan.service,
      histogram: this.#histogram,
    };
  }
}

async function withinTime(done: Promise<void>, ms: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(
        new Fault(
          "unavailable",
          "no-ring",
          `the daemon accepts us but orders nothing: our join had no view within ${ms} ms; its ring does not stand (spread-probe status)`,
        ),
      ),
    ms,
  );
  try {
    await Promise.race([done, promise]);
  } finally {
    clearTimeout(timer);
  }
}
