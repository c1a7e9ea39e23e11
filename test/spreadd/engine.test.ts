import { expect, test } from "bun:test";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { LocalEngine } from "../../lib/spreadd/local-engine.ts";
import { describeEngine } from "./engine-contract.ts";
import { join, kill, message } from "./frames.ts";
import { memoryRings } from "./memory-ring.ts";
import { Bench } from "./recording-rim.ts";
import { simulatedRings } from "./simulated-ring.ts";

describeEngine({
  name: "local",
  hostsMax: 1,
  async makeRing() {
    const engine = new LocalEngine({ name: parseDaemonName("h0"), id: 1, run: "" }, 1_700_000_000);
    return {
      engines: [engine],
      async [Symbol.asyncDispose]() {
        engine.stop();
      },
    };
  },
});

describeEngine(memoryRings);
describeEngine(simulatedRings);

/** A daemon on an engine that delivers later. */
async function slowBench() {
  const ring = await memoryRings.makeRing(1);
  return new Bench({}, ring.engines[0]!);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("a daemon holds its senders while the engine is full, and loses nothing", async () => {
  const bench = await slowBench();
  const alice = bench.session("alice");
  alice.send(join("#alice#dmn1", "g"));
  await nextTurn();
  alice.told();
  alice.send(...Array.from({ length: 100 }, (_, at) => message("#alice#dmn1", ["g"], `${at}`)));
  expect(alice.line.isPaused).toBe(true);
  const bodies: string[] = [];
  for (let turn = 0; turn < 100 && bodies.length < 100; turn++) {
    await nextTurn();
    bodies.push(...alice.received().map(({ body }) => body));
    alice.send();
  }
  expect(bodies).toEqual(Array.from({ length: 100 }, (_, at) => `${at}`));
});

test("a session that is gone keeps its slot and its name until the engine has delivered its end", async () => {
  const bench = await slowBench();
  const [alice, bob] = [bench.session("alice"), bench.session("bob")];
  alice.send(join("#alice#dmn1", "g"));
  bob.send(join("#bob#dmn1", "g"));
  await nextTurn();
  bob.told();
  alice.send(message("#alice#dmn1", ["g"], "last words"), kill("#alice#dmn1"));
  expect(bench.daemon.sessionCount).toBe(2);
  expect(() => bench.session("alice")).toThrow("not accepted"); // the name is not free yet
  await nextTurn();
  expect(bob.told()).toEqual(["message from #alice#dmn1 to g: last words", "disconnect g 3: #bob#dmn1 (#alice#dmn1)"]);
  expect(bench.session("alice").slot).not.toBe(bob.slot);
});
