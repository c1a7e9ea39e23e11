import { expect, test } from "bun:test";
import { Nap } from "../../lib/run/nap.ts";
import { pause } from "../../lib/run/pause.ts";

const FOREVER_MS = 1_000_000;

test("a nap that is woken is over", async () => {
  const nap = new Nap();
  const slept = nap.sleep(FOREVER_MS);
  nap.wake();
  expect(await slept).toBeUndefined();
});

test("a wake without a sleeper does not cut the next nap short", async () => {
  const nap = new Nap();
  nap.wake();
  const order: string[] = [];
  const slept = nap.sleep(FOREVER_MS).then(() => order.push("woken"));
  await Promise.resolve();
  order.push("still asleep");
  nap.wake();
  await slept;
  expect(order).toEqual(["still asleep", "woken"]);
});

test("a nap that nobody disturbs ends by itself, and a pause tells whether it was stopped", async () => {
  expect(await new Nap().sleep(1)).toBeUndefined();
  expect(await pause(1, new AbortController().signal)).toBe(true);
  const stop = new AbortController();
  const paused = pause(FOREVER_MS, stop.signal);
  stop.abort();
  expect(await paused).toBe(false);
  expect(await pause(FOREVER_MS, stop.signal)).toBe(false);
});
