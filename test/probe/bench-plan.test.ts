import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { styleFor } from "../../lib/cli/style.ts";
import { BenchCredits, type BenchPlan, progressEvery, shareOf } from "../../lib/probe/bench-plan.ts";
import { benchReport, benchResult, type ReceiverOutcome, type SenderOutcome } from "../../lib/probe/bench-result.ts";
import { Tally } from "../../lib/probe/bench-tally.ts";
import { Histogram } from "../../lib/probe/histogram.ts";
import { parseGroupName } from "../../lib/spread/names.ts";
import { cases } from "../support/fuzz.ts";

const PLAN: BenchPlan = {
  ...{ group: parseGroupName("bench"), senders: 1, receivers: 1, bytes: 1_000, service: "agreed", window: 800, run: 1 },
  ...{ messages: 1_000, durationMs: Number.POSITIVE_INFINITY },
};

const anyPlan = fc.record({
  senders: fc.integer({ min: 1, max: 6 }),
  receivers: fc.integer({ min: 1, max: 4 }),
  window: fc.integer({ min: 1, max: 900 }),
  messages: fc.integer({ min: 1, max: 400 }),
});

test("no receiver ever lacks more than the window, nobody waits for ever, and all is sent", () => {
  fc.assert(
    fc.property(anyPlan, fc.infiniteStream(fc.nat(999)), ({ senders, receivers, window, messages }, chance) => {
      const plan = { ...PLAN, senders, receivers, window, messages };
      const credits = new BenchCredits(plan);
      const every = progressEvery(plan);
      const sent = new Array<number>(senders).fill(0);
      const received = Array.from({ length: receivers }, () => new Array<number>(senders).fill(0));
      const untold = new Array<number>(receivers).fill(0);
      const next = (below: number) => (chance.next().value as number) % below;
      for (let steps = 0; sent.some((count) => count < messages); steps++) {
        if (steps > 200_000) return false; // somebody waits for ever
        const sender = next(senders);
        if (sent[sender]! < credits.limit(sender)) sent[sender]! += 1;
        const receiver = next(receivers);
        const from = next(senders);
        const has = received[receiver]!;
        // what is on the way comes in any order of senders; progress is told for every so many, as a receiver does
        const way = has.findIndex((count, at) => at >= from && count < sent[at]!);
        if (way >= 0) {
          has[way]! += 1;
          untold[receiver]! += 1;
        }
        if (untold[receiver]! >= every) {
          untold[receiver] = 0;
          for (const [at, count] of has.entries()) credits.progress(receiver, at, count);
        }
        const lacking = sent.reduce((sum, count, at) => sum + count - has[at]!, 0);
        if (lacking > Math.max(window, senders)) return false;
      }
      return true;
    }),
    cases(150),
  );
}, 600_000);

test("without a window, or without receivers, only the number of messages is a limit", () => {
  expect(new BenchCredits({ ...PLAN, window: 0 }).limit(0)).toBe(1_000);
  expect(new BenchCredits({ ...PLAN, receivers: 0 }).limit(0)).toBe(1_000);
  expect(shareOf({ ...PLAN, senders: 3 })).toBe(266);
});

const sender = (changes: Partial<SenderOutcome> = {}): SenderOutcome => ({
  ...{
    sent: 3,
    firstMs: 1_000,
    lastMs: 1_900,
    cpuMs: 30,
    server: "tcp:node1:4803",
    version: "5.0.1",
    failed: undefined,
  },
  ...changes,
});

function receiver(
  messages: readonly (readonly [sender: number, sequence: number])[],
  changes: Partial<ReceiverOutcome> = {},
): ReceiverOutcome {
  const tally = new Tally();
  const latency = new Histogram();
  for (const [from, sequence] of messages) {
    tally.take(from, sequence, 1_000);
    latency.record(2_000_000);
  }
  return { tally: tally.result(), latency: latency.parts(), lastMs: 2_000, cpuMs: 60, failed: undefined, ...changes };
}

describe("the result", () => {
  const whole = [
    [0, 0],
    [0, 1],
    [0, 2],
  ] as const;
  test("speed from the first message sent to the last one received", () => {
    const result = benchResult(PLAN, [sender()], [receiver(whole)], true);
    expect(result).toMatchObject({
      seconds: 1,
      messages: 3,
      messagesPerSecond: 3,
      megabytesPerSecond: 0.003,
      deliveriesPerSecond: 3,
      lost: 0,
      failed: [],
    });
    expect([result.senderCpuSecondsPerMillion, result.receiverCpuSecondsPerMillion]).toEqual([10_000, 20_000]);
    expect(benchReport([result], styleFor(false))).toEqual([
      "tcp:node1:4803 (Spread 5.0.1): 1 to 1, agreed, window 800",
      "BYTES  MESSAGES  SECONDS  MSG/S  MB/S  MEDIAN   P99   MAX  LOST  LATE              CPU S/M",
      " 1000         3     1.00      3   0.0    2 ms  2 ms  2 ms     0     0  10000.00 + 20000.00",
    ]);
  });
  test("a receiver that lacks one has lost it, and orders are not compared", () => {
    const result = benchResult(
      { ...PLAN, receivers: 2 },
      [sender()],
      [receiver(whole), receiver(whole.slice(0, 2))],
      false,
    );
    expect(result).toMatchObject({ lost: 1, sameOrder: undefined, receiverCpuSecondsPerMillion: undefined });
  });
  test("two receivers that saw two orders are told", () => {
    const two = { ...PLAN, senders: 2, receivers: 2 };
    const swapped = benchResult(
      two,
      [sender({ sent: 1 }), sender({ sent: 1 })],
      [
        receiver([
          [0, 0],
          [1, 0],
        ]),
        receiver([
          [1, 0],
          [0, 0],
        ]),
      ],
      false,
    );
    expect(swapped.sameOrder).toBe(false);
    expect(benchReport([swapped], styleFor(false)).at(-1)).toBe("1000 bytes: the receivers saw different orders");
  });
  test("a session that was thrown out is told", () => {
    const result = benchResult(PLAN, [sender()], [receiver([], { failed: "thrown out" })], false);
    expect([result.lost, result.failed]).toEqual([3, ["thrown out"]]);
  });
});
