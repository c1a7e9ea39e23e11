import { expect, test } from "bun:test";
import { FlowGate } from "../../lib/syslogd/io/flow-gate.ts";

class Stream {
  isPaused = false;
  #resumed = (): void => {};
  readonly resumed = new Promise<void>((done) => {
    this.#resumed = done;
  });
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
    this.#resumed();
  }
}

test("all streams stop when a sink is behind, those that come then too, and all go on when it has caught up", async () => {
  let isBehind = false;
  const gate = new FlowGate(
    () => isBehind,
    () => false,
  );
  const [first, second, gone, late] = [new Stream(), new Stream(), new Stream(), new Stream()];
  for (const stream of [first, second, gone]) gate.add(stream);
  gate.took(65_536);
  expect([first.isPaused, gate.isClosed]).toEqual([false, false]);
  isBehind = true;
  gate.delete(gone);
  gate.took(65_535); // too little to ask the sinks
  expect(gate.isClosed).toBe(false);
  gate.took(1);
  gate.add(late);
  expect([first, second, gone, late].map(({ isPaused }) => isPaused)).toEqual([true, true, false, true]);
  expect(gate.isClosed).toBe(true);
  isBehind = false;
  await Promise.all([first.resumed, second.resumed, late.resumed]);
  expect([first.isPaused, late.isPaused, gate.isClosed]).toEqual([false, false, false]);
});

test("where a sink has to have what was read on its disk first, they stop after each read, however small", async () => {
  let isUnsettled = false;
  const gate = new FlowGate(
    () => false,
    () => isUnsettled,
  );
  const stream = new Stream();
  gate.add(stream);
  gate.took(1);
  expect(stream.isPaused).toBe(false);
  isUnsettled = true;
  gate.took(1);
  expect(stream.isPaused).toBe(true);
  isUnsettled = false;
  await stream.resumed;
});
