import { describe, expect, test } from "bun:test";
import type { MonotonicMs } from "../../lib/base/brand.ts";
import { CHECK_MS, FlowControl, RATE_MIN } from "../../lib/spreadd/flow-control.ts";

const at = (ms: number) => ms as MonotonicMs;
const READER = 7;

/** Readers that take so many bytes a second while time goes by. */
function play(flow: FlowControl, fromMs: number, untilMs: number, bytesPerSecond: number): number[] {
  const released: number[] = [];
  for (let ms = fromMs + CHECK_MS; ms <= untilMs; ms += CHECK_MS)
    released.push(...flow.check(at(ms), () => (ms / 1_000) * bytesPerSecond));
  return released;
}

describe("a sender", () => {
  test("waits for each reader it has filled, and goes on when the last of them is relieved", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    expect(flow.wait(1, READER, 0, at(0))).toBe(true);
    expect(flow.wait(1, 8, 0, at(0))).toBe(true);
    expect(flow.wait(1, 8, 0, at(0))).toBe(true);
    expect(flow.relieve(READER)).toEqual([]);
    expect(flow.isHeld(1)).toBe(true);
    expect(flow.relieve(8)).toEqual([1]);
    expect([flow.isHeld(1), flow.isWaiting]).toEqual([false, false]);
  });

  test("goes on after those that began to wait before it", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    for (const sender of [3, 1, 2]) flow.wait(sender, READER, 0, at(0));
    expect(flow.relieve(READER)).toEqual([3, 1, 2]);
  });

  test("that is gone is waited with no more", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    flow.wait(1, READER, 0, at(0));
    expect(flow.forget(1)).toEqual([]);
    expect(flow.isWaiting).toBe(false);
  });

  test("goes on when its reader is gone", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    flow.wait(1, READER, 0, at(0));
    expect(flow.forget(READER)).toEqual([1]);
  });

  test("never waits where nobody is to be patient", () => {
    const flow = new FlowControl({ patienceMs: 0 }, at(0));
    expect(flow.wait(1, READER, 0, at(0))).toBe(false);
  });
});

describe("a reader", () => {
  test("that takes much, then nothing for a while, is waited for as long as that is enough", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    flow.wait(1, READER, 0, at(0));
    const burstMs = 10 * CHECK_MS;
    const taken = (ms: number) => Math.ceil(ms / burstMs) * ((RATE_MIN * 1.1 * burstMs) / 1_000);
    for (let ms = CHECK_MS; ms < 60_000; ms += CHECK_MS) expect(flow.check(at(ms), () => taken(ms))).toEqual([]);
    expect(flow.isHeld(1)).toBe(true);
  });

  test("that keeps taking is waited for as long as it takes", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    flow.wait(1, READER, 0, at(0));
    expect(play(flow, 0, 60_000, RATE_MIN * 1.1)).toEqual([]);
    expect(flow.isHeld(1)).toBe(true);
  });

  for (const rate of [0, RATE_MIN * 0.9])
    test(`that takes ${rate} bytes a second is given up when patience has run out`, () => {
      const flow = new FlowControl({ patienceMs: 200 }, at(0));
      flow.wait(1, READER, 0, at(0));
      expect(play(flow, 0, 150, rate)).toEqual([]);
      expect(play(flow, 150, 300, rate)).toEqual([1]);
      expect(flow.wait(1, READER, 0, at(300))).toBe(false);
    });

  test("that was given up gets another chance when it has taken everything", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    flow.wait(1, READER, 0, at(0));
    play(flow, 0, 500, 0);
    expect(flow.wait(1, READER, 0, at(600))).toBe(false);
    flow.emptied(READER);
    expect(flow.wait(1, READER, 0, at(700))).toBe(true);
  });

  test("has to take nothing before it was waited for", () => {
    const flow = new FlowControl({ patienceMs: 200 }, at(0));
    flow.wait(1, READER, 0, at(0));
    flow.relieve(READER);
    flow.wait(1, READER, 0, at(60_000)); // the last check is a minute ago
    expect(flow.check(at(60_010), () => 0)).toEqual([]);
    expect(flow.isHeld(1)).toBe(true);
  });
});

test("a check that comes late, because the host has no time for us, is not held against the reader", () => {
  const flow = new FlowControl({ patienceMs: 200 }, at(0));
  flow.wait(1, READER, 0, at(0));
  expect(flow.check(at(5_000), () => 0)).toEqual([]);
  expect(flow.isHeld(1)).toBe(true);
});

test("readers that take nothing cost their senders patience once, and then a tenth of the time, however many they are", () => {
  const flow = new FlowControl({ patienceMs: 200 }, at(0));
  let heldMs = 0;
  for (let ms = CHECK_MS; ms <= 60_000; ms += CHECK_MS) {
    const reader = 100 + ms; // a new one each time: nobody is trusted more for being known
    if (!flow.isHeld(1)) flow.wait(1, reader, 0, at(ms - CHECK_MS));
    if (flow.isHeld(1)) heldMs += CHECK_MS;
    flow.check(at(ms), () => 0);
  }
  expect(heldMs).toBeGreaterThan(200);
  expect(heldMs).toBeLessThan(200 + 60_000 * 0.1 * 1.2 + CHECK_MS);
});
