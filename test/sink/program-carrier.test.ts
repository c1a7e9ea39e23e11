import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProgramCarrier } from "../../lib/sink/io/program-carrier.ts";
import type { QueuedSinkOptions } from "../../lib/sink/io/queued-sink.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { numbered, SinkRig, textsOf } from "./queue-rig.ts";

function program(command: string, more: Partial<QueuedSinkOptions> = {}, provenAfterMs = 10_000): SinkRig {
  const carrier = new ProgramCarrier({
    command,
    provenAfterMs,
    env: { PATH: process.env["PATH"] },
    onLine: (line) => rig.events.push({ on: "said", line }),
  });
  const rig = new SinkRig(carrier, more);
  return rig;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a program gets all records on its stdin, and its end of file when the sink closes", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "out");
  const rig = program(`cat > ${path}.part; mv ${path}.part ${path}`);
  rig.log(...numbered(3_000));
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  await until(() => existsSync(path));
  expect(textsOf(readFileSync(path, "utf8"))).toEqual(numbered(3_000));
});

test("a program that ends is told, and started again for what comes after", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "out");
  const rig = program(`head -n 1 >> ${path}; echo broken >&2; exit 3`);
  rig.log("one");
  expect(await rig.heard("failing")).toMatchObject({ reason: "the program ended with status 3" });
  rig.log("two");
  await until(() => textsOf(readFileSync(path, "utf8")).includes("two"));
  expect(textsOf(readFileSync(path, "utf8"))).toEqual(["one", "two"]);
  await rig.heard("said");
  expect(rig.events).toContainEqual({ on: "said", line: "broken" });
  await rig.sink.close(WAIT_MS);
  expect(rig.balance).toBe(0);
  expect(rig.sink.counters.uncertain).toBeGreaterThanOrEqual(1);
});

test("what a program that ends has not read goes to the next, in order; what it read just before is uncertain, and its end is told once", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "out");
  // The shell's own read takes no byte behind the line.
  const rig = program(`read x; echo "$x" >> ${path}; exit 3`);
  rig.log(...numbered(7));
  await rig.settled();
  const { counters } = rig.sink;
  await until(() => counters.uncertain === 7); // the last one has ended too
  expect(textsOf(readFileSync(path, "utf8"))).toEqual(numbered(7));
  expect(counters).toMatchObject({ accepted: 7, delivered: 7, lost: 0, again: 0 });
  expect(rig.events.map(({ on }) => on)).toEqual(["uncertain", "failing"]);
  await rig.sink.close(WAIT_MS);
  const told = rig.events.map((event) => (event.on === "uncertain" ? event.uncertain : 0));
  expect(told.reduce((sum, one) => sum + one)).toBe(7);
});

for (const { what, command, reason, lost, uncertain, closesWithinMs } of [
  {
    what: "can't be run has read nothing",
    command: "/nonexistent/x",
    reason: "the program ended with status 127",
    lost: 5,
    uncertain: 0,
    closesWithinMs: 100,
  },
  {
    what: "ends without reading",
    command: "sleep 0.1; exit 1",
    reason: "the program ended with status 1",
    lost: 5,
    uncertain: 0,
    closesWithinMs: 100,
  },
  {
    what: "reads all and fails",
    command: "cat > /dev/null; exit 4",
    reason: "the program ended with status 4",
    lost: 0,
    uncertain: 5,
    closesWithinMs: WAIT_MS,
  },
  {
    what: "ends well before the end of its input",
    command: "dd bs=65536 count=1 > /dev/null 2>&1",
    reason: "the program ended with status 0",
    lost: 0,
    uncertain: 5,
    closesWithinMs: WAIT_MS,
  },
  {
    what: "does not end",
    command: "cat > /dev/null; exec sleep 600",
    reason: "the program did not end when its input did, and was told to",
    lost: 0,
    uncertain: 5,
    closesWithinMs: 100,
  },
])
  test(`at the end, of one that ${what}, ${lost} of 5 are lost and ${uncertain} uncertain, and that is told`, async () => {
    const rig = program(command);
    rig.log(...numbered(5));
    if (lost === 0) await rig.settled();
    if (!command.startsWith("cat")) await rig.heard("failing"); // it ends whether its input does or not
    await rig.sink.close(closesWithinMs);
    expect(rig.sink.counters).toMatchObject({ accepted: 5, delivered: 5 - lost, lost, uncertain });
    expect(rig.events).toContainEqual(expect.objectContaining({ reason: expect.stringContaining(reason) }));
  });

test("what a program that hangs has not read is taken back from it, and handed over", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "out");
  const rig = program(`until [ -e ${path}.go ]; do sleep 0.02; done; cat > ${path}; touch ${path}.done`);
  rig.log(...numbered(2_000));
  const [left] = await rig.sink.handOver(100);
  expect(left).toMatchObject({ form: "records", records: 2_000 });
  expect(rig.ledger).toMatchObject({ accepted: 2_000, delivered: 0, lost: 0 });
  writeFileSync(`${path}.go`, "");
  await until(() => existsSync(`${path}.done`));
  expect(readFileSync(path, "utf8")).toBe("");
  const next = program(`cat > ${path}`);
  next.sink.takeUp(left!);
  next.log("new");
  await next.settled();
  await next.sink.close(WAIT_MS);
  expect(textsOf(readFileSync(path, "utf8"))).toEqual([...numbered(2_000), "new"]);
  expect(rig.events).toEqual([]);
});

for (const { what, provenAfterMs, told } of [
  { what: "soon says the same each time: told once", provenAfterMs: 10_000, told: 1 },
  { what: "after it has run for long is told whatever it says", provenAfterMs: 0, told: 3 },
])
  test(`a program that ends ${what}`, async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "out");
    const rig = program(`read x; echo same >&2; echo "$x" >&2; echo "$x" >> ${path}; exit 3`, {}, provenAfterMs);
    const said = () => rig.events.flatMap((event) => (event.on === "said" ? event.line : []));
    for (let life = 1; life <= 3; life++) {
      rig.log(`life${life}`);
      await until(() => said().some((line) => line.includes(`life${life}`)));
    }
    expect(said().filter((line) => line === "same")).toHaveLength(told);
    await rig.sink.close(WAIT_MS);
  });

test("a program that goes on running works again, and that says what may be lost", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "out");
  const rig = program(`[ -e ${path} ] && exec cat >> ${path}; read x; echo "$x" > ${path}; exit 3`, {}, 300);
  rig.log("one");
  await rig.heard("failing");
  rig.log("two");
  expect(await rig.heard("working")).toMatchObject({ lost: 0, uncertain: 1 });
  expect(rig.events.map(({ on }) => on)).toEqual(["uncertain", "failing", "working"]);
  await until(() => textsOf(readFileSync(path, "utf8")).length === 2); // it has read the second, and may not have written it
  expect(textsOf(readFileSync(path, "utf8"))).toEqual(["one", "two"]);
  await rig.sink.close(WAIT_MS);
});

test("a program that never reads holds up nobody; what it has no room for is counted", async () => {
  const rig = program("exec sleep 600");
  for (let at = 0; at < 300; at++) {
    rig.log(...numbered(100, at * 100)); // one that waited for the program would never return
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(rig.ledger.lost).toBeGreaterThan(0);
  expect(rig.balance).toBe(0);
  await rig.sink.close(50);
  expect(rig.balance).toBe(0);
});

test("one that takes nothing for a while is told, and that it works again when it does", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "go");
  const rig = program(`until [ -e ${path} ]; do sleep 0.02; done; exec cat > /dev/null`, { stalledMs: 100 });
  rig.log("x".repeat(60_000), "y".repeat(60_000), "z".repeat(60_000), "more than a pipe takes".repeat(4_000));
  expect(await rig.heard("failing")).toMatchObject({ reason: "takes nothing since 100ms" });
  writeFileSync(path, "");
  expect(await rig.heard("working")).toMatchObject({ lost: 0 });
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  expect(rig.ledger).toMatchObject({ accepted: 4, delivered: 4, lost: 0 });
});

test("a command that can't be run is a failure like any other", async () => {
  using scratch = temporaryDirectory();
  writeFileSync(join(scratch.path, "no-program"), "");
  const rig = program(join(scratch.path, "no-program"));
  rig.log("x");
  expect(await rig.heard("failing")).toMatchObject({ reason: expect.stringMatching(/ended with status 12[67]/) });
  await rig.sink.close(0);
});
