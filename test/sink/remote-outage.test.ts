// The receiver is killed under a steady stream, stays away, and comes back. AWAY_MS=10000 is the outage that other daemons are measured by.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StreamCarrier } from "../../lib/sink/io/stream-carrier.ts";
import { start, WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { MB, SinkRig, spoolAt, textsOf } from "./queue-rig.ts";

const AWAY_MS = Number(process.env["AWAY_MS"] ?? 1_500);
const PORT = 24_940;
/** Two a tick of 2 ms: 1,000 a second. */
const TICK_MS = 2;

test("a receiver that is killed and comes back misses at most what its system had taken, and that is counted", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "received");
  const receiver = async () => {
    const child = start([process.execPath, join(import.meta.dir, "tcp-receiver-child.ts"), `${PORT}`, path]);
    await child.stdout.until("ready");
    return child;
  };
  await using first = await receiver();
  const spool = spoolAt(join(scratch.path, "spool"));
  const rig = new SinkRig(new StreamCarrier({ host: "127.0.0.1", port: PORT }), { spool, queueBytesMax: 8 * MB });
  let number = 0;
  let longestMs = 0;
  const ticker = setInterval(() => {
    const beganMs = performance.now();
    rig.log(`m${number++}`, `m${number++}`);
    longestMs = Math.max(longestMs, performance.now() - beganMs);
  }, TICK_MS);
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const got = () => textsOf(readFileSync(path, "utf8")).map((text) => Number(text.slice(1)));
  while (!existsSync(path) || got().length < 300) await wait(5);
  first.signal("SIGKILL");
  await first.exited;
  await wait(AWAY_MS);
  await using _second = await receiver();
  await rig.heard("working");
  await wait(500);
  clearInterval(ticker);
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  while (got().at(-1) !== number - 1) await wait(5);
  const numbers = got();
  const distinct = new Set(numbers);
  const { again, uncertain } = rig.sink.counters;
  const missing = number - distinct.size;
  process.stderr.write(
    `away ${AWAY_MS} ms: ${number} sent, ${missing} missing, ${numbers.length - distinct.size} doubled; counted: ${uncertain} uncertain, ${again} again; longest call ${longestMs.toFixed(1)} ms\n`,
  );
  expect([...distinct]).toEqual([...distinct].sort((a, b) => a - b));
  expect(missing).toBeLessThanOrEqual(uncertain);
  expect(uncertain).toBeGreaterThan(0); // it died under a stream: that can't be known to have arrived
  expect(uncertain).toBeLessThan(1_500); // but it is no more than the last second
  expect(numbers.length - distinct.size).toBeLessThanOrEqual(again);
  expect(rig.ledger).toEqual({ accepted: number, delivered: number, lost: 0, waiting: 0 });
}, 60_000);
