// Whatever happens between memory and disk: one order, each record once for each delivery, nothing lost unreported.
import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { SpooledQueue } from "../../lib/sink/io/spooled-queue.ts";
import type { Mark } from "../../lib/sink/record-ring.ts";
import { WAIT_MS } from "../support/child.ts";
import { cases } from "../support/fuzz.ts";
import { temporaryDirectory } from "../support/temporary.ts";

class Rig {
  lost = 0;
  number = 0;
  readonly queue: SpooledQueue;
  #ready: () => void = () => {};

  constructor(directory: string, number = 0, isSpooled = true, memoryBytesMax = 524_288) {
    this.number = number;
    this.queue = new SpooledQueue({
      memoryBytesMax,
      spool: isSpooled
        ? {
            directory,
            bytesMax: 1 << 24,
            ageMaxMs: Number.POSITIVE_INFINITY,
            // However busy the machine of the test: its disk keeps up.
            keepsUpMs: Number.POSITIVE_INFINITY,
            whenFull: "drop-newest",
            wallMs: () => 1_000,
            streamName: (stream) => `s${stream}`,
            streamOf: (name) => Number(name.slice(1)),
          }
        : undefined,
      onReady: () => this.#ready(),
      onEvent: (event) => {
        if (event.on === "lost") this.lost += event.records;
      },
    });
    this.queue.refill();
  }

  push(count: number, bytes: number): void {
    const text = new TextEncoder().encode("q".repeat(bytes));
    for (let at = 0; at < count; at++)
      if (!this.queue.push(this.number % 3, this.number++, text, 0, text.length)) this.lost += 1;
  }

  /** Takes up to `count` records; their numbers. */
  take(count: number): number[] {
    const numbers: number[] = [];
    while (numbers.length < count && this.queue.next()) {
      expect(this.queue.group).toBe(this.queue.number % 3);
      numbers.push(this.queue.number);
      this.queue.take();
    }
    return numbers;
  }

  /** Waits until something can be taken, or nothing is there. */
  async ready(): Promise<void> {
    while (this.queue.waiting === 0 && this.queue.unconfirmed === 0 && this.queue.records > 0) {
      const came = new Promise<void>((resolve) => {
        this.#ready = resolve;
      });
      this.queue.refill();
      await came;
    }
  }

  async drain(): Promise<number[]> {
    const all: number[] = [];
    for (;;) {
      await this.ready();
      const some = this.take(Number.POSITIVE_INFINITY);
      if (some.length === 0) return all;
      all.push(...some);
      this.queue.confirm(this.queue.mark());
    }
  }
}

test("what is taken while the destination is there never sees the disk, and is not late", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(join(scratch.path, "spool"));
  rig.push(100, 100);
  rig.queue.next();
  expect(rig.queue.nextIsLate).toBe(false);
  expect(await rig.drain()).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(await rig.queue.close(WAIT_MS)).toBe(0);
  expect(Array.from(new Bun.Glob("**").scanSync(scratch.path))).toEqual([]);
});

test("what waits through an outage is late, what comes after it is not", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(join(scratch.path, "spool"));
  rig.push(2, 10);
  rig.queue.away();
  rig.push(2, 10);
  rig.queue.back();
  const late: boolean[] = [];
  for (let count = 0; count < 4; count++) {
    await rig.ready();
    rig.queue.next();
    late.push(rig.queue.nextIsLate);
    rig.queue.take();
    rig.queue.confirm(rig.queue.mark());
  }
  rig.push(1, 10);
  rig.queue.next();
  expect([...late, rig.queue.nextIsLate]).toEqual([true, true, true, true, false]);
  await rig.queue.close(WAIT_MS);
});

test("without a spool a full memory refuses, and an end loses what is left", async () => {
  const rig = new Rig("/nonexistent", 0, false);
  rig.push(1_000, 1_000);
  expect(rig.lost).toBeGreaterThan(400);
  expect(rig.queue.records + rig.lost).toBe(1_000);
  expect(await rig.queue.close(0)).toBe(1_000 - rig.lost);
});

test("while its disk keeps up, a queue that is small in memory loses nothing of what many reads give, if it is waited for when it is pressed", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(join(scratch.path, "spool"), 0, true, 131_072);
  rig.queue.away();
  rig.push(64, 30_000); // one read of large datagrams
  let pressed = 0;
  for (let reads = 0; reads < 600; reads++) {
    for (; rig.queue.isPressed; pressed++) await new Promise((resolve) => setImmediate(resolve));
    rig.push(64, 300);
  }
  expect([rig.lost, rig.queue.records, pressed > 0]).toEqual([0, 38_464, true]);
  expect(await rig.queue.close(5_000)).toBe(0);
});

type Step =
  | { readonly do: "push"; readonly count: number; readonly bytes: number }
  | { readonly do: "take"; readonly count: number }
  | { readonly do: "mark" | "confirm" | "away" | "back" | "restart" | "turn" };

test("whatever happens, records come in order, those not confirmed come again, and none is lost", async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("push" as const), count: fc.nat(60), bytes: fc.nat(3_000) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const), count: fc.nat(80) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("mark" as const, "confirm" as const, "turn" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("away" as const, "back" as const, "restart" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
      using scratch = temporaryDirectory();
      const directory = join(scratch.path, "spool");
      let rig = new Rig(directory);
      await using ending = { [Symbol.asyncDispose]: async () => void (await rig.queue.close(5_000)) };
      void ending;
      let confirmed = 0; // numbers below are
      let sent = 0; // numbers below were taken since the last break
      let marks: { mark: Mark; sent: number }[] = [];
      for (const one of steps) {
        switch (one.do) {
          case "push":
            // memory is bounded: what comes faster than the disk takes it would be lost, and is not the matter here
            while (!rig.queue.hasRoom) await new Promise((resolve) => setImmediate(resolve));
            rig.push(one.count, one.bytes);
            break;
          case "take": {
            const got = rig.take(one.count);
            expect(got).toEqual(Array.from({ length: got.length }, (_, at) => sent + at));
            sent += got.length;
            break;
          }
          case "mark":
            marks.push({ mark: rig.queue.mark(), sent });
            break;
          case "confirm": {
            const oldest = marks.shift();
            if (oldest === undefined) break;
            expect(rig.queue.confirm(oldest.mark)).toBe(Math.max(0, oldest.sent - confirmed));
            confirmed = Math.max(confirmed, oldest.sent);
            break;
          }
          case "away":
            rig.queue.away();
            sent = confirmed;
            marks = [];
            break;
          case "back":
            rig.queue.back();
            break;
          case "turn":
            rig.queue.refill();
            await new Promise((resolve) => setImmediate(resolve));
            break;
          case "restart":
            expect(await rig.queue.close(5_000)).toBe(0);
            rig = new Rig(directory, rig.number);
            sent = confirmed;
            marks = [];
        }
        expect(rig.lost).toBe(0);
        expect(rig.queue.records).toBe(rig.number - confirmed);
      }
      rig.queue.away();
      rig.queue.back();
      const rest = await rig.drain();
      expect(rest).toEqual(Array.from({ length: rig.number - confirmed }, (_, at) => confirmed + at));
    }),
    cases(60),
  );
}, 60_000);

test("what has waited in the process before is late, what comes behind it is not", () => {
  const rig = new Rig("", 0, false);
  const bytes = new TextEncoder().encode("handed");
  for (const number of [1, 2]) expect(rig.queue.pushLate(number, bytes, 0, bytes.length)).toBe(true);
  rig.queue.push(0, 3, bytes, 0, bytes.length);
  const late: boolean[] = [];
  while (rig.queue.next()) {
    late.push(rig.queue.nextIsLate);
    rig.queue.take();
  }
  expect(late).toEqual([true, true, false]);
});

test("of what was sent the first can be told to have arrived; the rest waits again, in order", () => {
  const rig = new Rig("", 0, false);
  const bytes = new TextEncoder().encode("sent");
  for (const number of [1, 2, 3, 4]) rig.queue.push(0, number, bytes, 0, bytes.length);
  for (let count = 0; count < 3 && rig.queue.next(); count++) rig.queue.take();
  rig.queue.confirmFirst(2);
  const numbers: number[] = [];
  while (rig.queue.next()) {
    numbers.push(rig.queue.number);
    rig.queue.take();
  }
  expect(numbers).toEqual([3, 4]);
  expect(rig.queue.records).toBe(2);
});
