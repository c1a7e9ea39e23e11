import { expect, test } from "bun:test";
import { closeSync, constants, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unreadBytes } from "../../lib/linux/pipe.ts";
import { FifoCarrier } from "../../lib/sink/io/fifo-carrier.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { numbered, SinkRig, textsOf } from "./queue-rig.ts";

function fifoIn(directory: string): string {
  const path = join(directory, "fifo");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  return path;
}

test("a FIFO without a reader holds up nobody; what waits comes when there is one, what was refused is counted", async () => {
  using scratch = temporaryDirectory();
  const path = fifoIn(scratch.path);
  const rig = new SinkRig(new FifoCarrier(path), { queueBytesMax: 131_072 });
  rig.log(...numbered(3_000));
  expect(await rig.heard("failing")).toMatchObject({ reason: "nobody reads it" });
  const { lost } = rig.ledger;
  expect(lost).toBeGreaterThan(0);
  expect(rig.balance).toBe(0);
  const reader = Bun.spawn(["cat", path], { stdout: "pipe" });
  expect(await rig.heard("working")).toMatchObject({ lost });
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  expect(textsOf(await new Response(reader.stdout).text())).toEqual(numbered(3_000 - lost));
});

test("a full FIFO is waited for, without keeping anybody waiting", async () => {
  using scratch = temporaryDirectory();
  const path = fifoIn(scratch.path);
  Bun.spawnSync(["mkfifo", `${path}.go`]);
  const reader = Bun.spawn(["sh", "-c", `exec < ${path}; read go < ${path}.go; cat`], { stdout: "pipe" });
  const rig = new SinkRig(new FifoCarrier(path));
  const looking = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  rig.log(...numbered(5_000)); // 160 kB; a FIFO takes 64 KiB
  while (unreadBytes(looking) < 60_000) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(rig.ledger).toMatchObject({ accepted: 5_000, lost: 0 });
  writeFileSync(`${path}.go`, "go\n"); // returns when the reader has both open
  closeSync(looking);
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  expect(textsOf(await new Response(reader.stdout).text())).toEqual(numbered(5_000));
});

test("when its reader goes, what was taken just before is uncertain, and the rest waits for another", async () => {
  using scratch = temporaryDirectory();
  const path = fifoIn(scratch.path);
  const first = Bun.spawn(["head", "-n", "1", path], { stdout: "pipe" });
  const rig = new SinkRig(new FifoCarrier(path));
  rig.log("one");
  expect(textsOf(await new Response(first.stdout).text())).toEqual(["one"]);
  await first.exited; // its end of the FIFO is closed by now, and not only its stdout
  rig.log("two");
  await rig.heard("uncertain");
  expect(rig.sink.counters.uncertain).toBeGreaterThanOrEqual(1);
  const second = Bun.spawn(["cat", path], { stdout: "pipe" });
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  expect(textsOf(await new Response(second.stdout).text())).toEqual(["two"]);
});

test("after a reopen it is the FIFO that is there now, and nothing is sent twice", async () => {
  using scratch = temporaryDirectory();
  const path = fifoIn(scratch.path);
  const before = Bun.spawn(["cat", path], { stdout: "pipe" });
  const rig = new SinkRig(new FifoCarrier(path));
  rig.log(...numbered(10));
  await rig.settled(); // so it has a reader
  rig.log(...numbered(2_990, 10));
  renameSync(path, `${path}.old`);
  const made = fifoIn(scratch.path);
  rig.sink.reopen();
  const after = Bun.spawn(["cat", made], { stdout: "pipe" });
  rig.log(...numbered(3_000, 3_000));
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  const first = textsOf(await new Response(before.stdout).text());
  const second = textsOf(await new Response(after.stdout).text());
  expect([...first, ...second]).toEqual(numbered(6_000));
  expect(second.length).toBeGreaterThanOrEqual(3_000);
  expect(rig.sink.counters).toMatchObject({ again: 0, lost: 0 });
});

test("what is no FIFO is refused by name", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "file");
  writeFileSync(path, "");
  const rig = new SinkRig(new FifoCarrier(path));
  rig.log("x");
  expect(await rig.heard("failing")).toMatchObject({ reason: "this is no FIFO (mkfifo makes one)" });
  await rig.sink.close(0);
});
