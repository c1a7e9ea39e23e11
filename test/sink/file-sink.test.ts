// At every step: accepted = delivered + lost + waiting, and the file holds exactly what was delivered.
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FileSink, type FileSinkOptions } from "../../lib/sink/io/file-sink.ts";
import { BlockPool } from "../../lib/sink/line-queue.ts";
import type { SinkEvent } from "../../lib/sink/sink.ts";
import { TraditionalFormat } from "../../lib/syslog/format-3164.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** A sink on `path`, and what it says. */
class Bench {
  readonly events: SinkEvent[] = [];
  readonly sink: FileSink;
  readonly #record = new RecordView();
  #heard: () => void = () => {};

  constructor(
    readonly path: string,
    more: Partial<FileSinkOptions> = {},
  ) {
    this.#record.origin = origin("unix", "web1");
    this.#record.receivedUs = Date.UTC(2026, 10, 23, 15, 20, 38) * 1_000;
    this.sink = new FileSink({
      path,
      format: new TraditionalFormat(),
      queueBytesMax: 1 << 20,
      mode: 0o640,
      pool: new BlockPool(),
      onEvent: (event) => {
        this.events.push(event);
        this.#heard();
      },
      ...more,
    });
  }

  log(...texts: string[]): void {
    for (const text of texts) {
      const bytes = new TextEncoder().encode(`<13>app: ${text}`);
      parseMessage(this.#record, bytes, 0, bytes.length, LOCAL_RULES);
      this.sink.take(this.#record);
    }
    this.sink.flush();
  }

  async heard(on: SinkEvent["on"]): Promise<SinkEvent> {
    for (;;) {
      const event = this.events.find((one) => one.on === on);
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** Waits until nothing waits. */
  async idle(): Promise<void> {
    while (this.sink.waiting > 0) await new Promise((done) => setTimeout(done, 1));
    this.balance();
  }

  balance(): void {
    const { accepted, delivered, lost } = this.sink.counters;
    expect(delivered + lost + this.sink.waiting).toBe(accepted);
  }

  /** The texts in the file. */
  texts(path = this.path): string[] {
    return readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => line.replace("Nov 23 15:20:38 web1 app: ", ""));
  }
}

/** Small disks of their own are for root, and not in every container. */
const canMount = Bun.spawnSync(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitCode === 0;
if (!canMount) process.stderr.write("SKIP: cannot mount here, so no disk is full or read-only\n");

/** A tmpfs of its own; gone at the end of the scope. */
function smallDisk(scratch: string, options: string): Disposable & { readonly path: string } {
  const path = join(scratch, "disk");
  mkdirSync(path);
  expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]).exitCode).toBe(0);
  return { path, [Symbol.dispose]: () => void Bun.spawnSync(["umount", "-l", path]) };
}

test("records are appended, one a line, to a file that only its group may read, in directories that are made", async () => {
  using scratch = temporaryDirectory();
  const bench = new Bench(join(scratch.path, "deep/er/messages"));
  bench.log("one", "two\nlines");
  await bench.idle();
  bench.log("three");
  await bench.sink.close(WAIT_MS);
  expect(readFileSync(bench.path, "utf8")).toBe(
    "Nov 23 15:20:38 web1 app: one\nNov 23 15:20:38 web1 app: two#012lines\nNov 23 15:20:38 web1 app: three\n",
  );
  expect(statSync(bench.path).mode & 0o777).toBe(0o640 & ~process.umask());
  expect(bench.sink.counters).toEqual({ accepted: 3, delivered: 3, lost: 0 } as never);
});

test("what stands in the file stays, and a line that was cut by a crash is ended first", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "messages");
  writeFileSync(path, "whole\nhalf a li");
  const bench = new Bench(path);
  bench.log("new");
  await bench.sink.close(WAIT_MS);
  expect(bench.texts()).toEqual(["whole", "half a li", "new"]);
});

test("after a reopen a new file is begun, though nothing more is logged", async () => {
  using scratch = temporaryDirectory();
  const bench = new Bench(join(scratch.path, "messages"));
  bench.log("old");
  await bench.idle();
  renameSync(bench.path, `${bench.path}.1`);
  bench.sink.reopen();
  while (!existsSync(bench.path)) await new Promise((done) => setTimeout(done, 1));
  bench.log("new");
  await bench.sink.close(WAIT_MS);
  expect([bench.texts(`${bench.path}.1`), bench.texts()]).toEqual([["old"], ["new"]]);
});

test("a flood with reopens in its midst loses, doubles and cuts nothing", async () => {
  using scratch = temporaryDirectory();
  const bench = new Bench(join(scratch.path, "messages"), { queueBytesMax: 64 << 20 });
  const all: string[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const texts = Array.from({ length: 2_000 }, (_, at) => `${turn * 2_000 + at} ${"x".repeat(at % 90)}`);
    all.push(...texts);
    bench.log(...texts);
    await new Promise((done) => setImmediate(done));
    if (turn % 5 !== 4) continue;
    if (!existsSync(bench.path)) continue;
    renameSync(bench.path, `${bench.path}.${turn}`);
    bench.sink.reopen();
  }
  await bench.sink.close(5_000);
  bench.balance();
  const files = [4, 9, 14, 19].map((turn) => `${bench.path}.${turn}`).filter(existsSync);
  const found = [...files, bench.path].filter(existsSync).flatMap((path) => bench.texts(path));
  expect(found).toEqual(all);
});

test("a path that cannot be written is told once, and what waits is written when it can be", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "not/a/directory");
  writeFileSync(join(scratch.path, "not"), "a file");
  const bench = new Bench(path);
  bench.log("waits");
  expect(await bench.heard("failing")).toMatchObject({
    reason: "a part of its path is no directory",
  });
  bench.log("waits too");
  expect([bench.sink.waiting, bench.sink.counters.lost]).toEqual([2, 0]);
  rmSync(join(scratch.path, "not"));
  expect(await bench.heard("working")).toMatchObject({ lost: 0 });
  await bench.sink.close(WAIT_MS);
  expect(bench.texts()).toEqual(["waits", "waits too"]);
  expect(bench.events.map((event) => event.on)).toEqual(["failing", "working"]);
});

test.skipIf(!canMount)(
  "a full disk keeps what there is room for, and what is lost is counted to the record and told when the flow resumes",
  async () => {
    using scratch = temporaryDirectory();
    using disk = smallDisk(scratch.path, "size=128k");
    const filler = join(disk.path, "filler");
    writeFileSync(filler, new Uint8Array(96 * 1024));
    const bench = new Bench(join(disk.path, "messages"), { queueBytesMax: 20_000 });
    let next = 0;
    const log = () => bench.log(`${next++} ${"x".repeat(80)}`);
    while (bench.sink.counters.lost < 50) {
      for (let at = 0; at < 20; at++) log();
      do await new Promise((done) => setTimeout(done, 1));
      while (bench.sink.waiting > 0 && !bench.sink.isFailing); // else the queue may be full before the disk is
    }
    expect(bench.events).toEqual([
      { on: "failing", reason: "its file system is full" },
      { on: "losing", reason: "its queue in memory is full", outageMs: expect.any(Number) },
    ]);
    bench.balance();
    rmSync(filler);
    const { lost } = (await bench.heard("working")) as { lost: number };
    await bench.idle();
    for (let at = 0; at < 20; at++) log();
    await bench.sink.close(WAIT_MS);
    expect(bench.sink.counters).toEqual({ accepted: next, delivered: next - lost, lost } as never);
    const numbers = bench.texts().map((text) => Number(/^(\d+) x{80}$/.exec(text)![1]));
    expect(numbers.length).toBe(next - lost);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  },
  20_000,
);

test.skipIf(!canMount)(
  "what a full disk has no room for is handed over, and goes on in the midst of a line",
  async () => {
    using scratch = temporaryDirectory();
    using disk = smallDisk(scratch.path, "size=128k");
    const filler = join(disk.path, "filler");
    writeFileSync(filler, new Uint8Array(96 * 1024));
    const text = (number: number) => `${number} ${"x".repeat(77)}`;
    const before = new Bench(join(disk.path, "messages"));
    let next = 0;
    while (next < 600) {
      for (let at = 0; at < 20; at++) before.log(text(next++));
      await new Promise((done) => setTimeout(done, 1));
    }
    await before.heard("failing");
    const left = await before.sink.handOver(50);
    const { accepted, delivered, lost } = before.sink.counters;
    expect([accepted, lost]).toEqual([next, 0]);
    expect(left).toMatchObject([{ form: "lines", records: accepted - delivered }]);
    expect(left[0]!.writtenBytes).toBeGreaterThan(0); // the disk is full in the midst of a line
    rmSync(filler);
    const after = new Bench(before.path);
    for (const one of left) after.sink.takeUp(one);
    after.log(text(next++));
    await after.idle();
    await after.sink.close(WAIT_MS);
    expect(after.texts()).toEqual(Array.from({ length: next }, (_, number) => text(number)));
    expect(after.sink.counters).toMatchObject({
      accepted: left[0]!.records + 1,
      delivered: left[0]!.records + 1,
      lost: 0,
    });
  },
);

test.skipIf(!canMount)("a disk that may only be read is an outage as any other", async () => {
  using scratch = temporaryDirectory();
  using disk = smallDisk(scratch.path, "ro");
  const bench = new Bench(join(disk.path, "messages"));
  bench.log("waits");
  expect(await bench.heard("failing")).toMatchObject({ reason: "its file system is read-only" });
  Bun.spawnSync(["mount", "-o", "remount,rw", disk.path]);
  await bench.heard("working");
  await bench.sink.close(WAIT_MS);
  expect(bench.texts()).toEqual(["waits"]);
});

test("a small queue is pressed while its disk keeps up, and loses nothing where that is waited for; one that fails is not", async () => {
  using scratch = temporaryDirectory();
  // However busy the machine of the test: its disk keeps up.
  const bench = new Bench(join(scratch.path, "log"), { queueBytesMax: 65_536, keepsUpMs: Number.POSITIVE_INFINITY });
  let pressed = 0;
  for (let reads = 0; reads < 500; reads++) {
    for (; bench.sink.isPressed; pressed++) await new Promise((done) => setImmediate(done));
    bench.log(...Array.from({ length: 64 }, () => "x".repeat(200)));
  }
  await bench.idle();
  expect([bench.sink.counters.lost, pressed > 0]).toEqual([0, true]);
  await bench.sink.close(WAIT_MS);

  const failing = new Bench("/dev/full", { queueBytesMax: 65_536 });
  failing.log("first");
  await failing.heard("failing");
  failing.log("x".repeat(60_000));
  expect(failing.sink.isPressed).toBe(false);
  await failing.sink.close(0);
});

test("what no disk takes in time at the end is counted as lost", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "loop");
  symlinkSync(path, path);
  const bench = new Bench(path);
  bench.log("one", "two");
  await bench.heard("failing");
  await bench.sink.close(20);
  bench.log("after the end");
  expect(bench.sink.counters).toEqual({ accepted: 3, delivered: 0, lost: 3 } as never);
});

test("a FIFO without a reader holds nobody up, and gets all of it once there is one", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "fifo");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const bench = new Bench(path);
  bench.log("waits");
  await bench.heard("failing");
  const reader = Bun.spawn(["cat", path], { stdout: "pipe" });
  await bench.heard("working");
  await bench.sink.close(WAIT_MS);
  expect(await new Response(reader.stdout).text()).toContain("web1 app: waits\n");
});
