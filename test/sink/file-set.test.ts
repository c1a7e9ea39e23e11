// At every step: accepted = delivered + lost + waiting, over all files.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FileSet } from "../../lib/sink/io/file-set.ts";
import { FileSink } from "../../lib/sink/io/file-sink.ts";
import { BlockPool } from "../../lib/sink/line-queue.ts";
import type { SinkEvent } from "../../lib/sink/sink.ts";
import { TraditionalFormat } from "../../lib/syslog/format-3164.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { parseTemplate } from "../../lib/syslog/template.ts";
import { UTC } from "../../lib/syslog/zone.ts";
import { temporaryDirectory } from "../support/temporary.ts";

class Rig {
  readonly events: SinkEvent[] = [];
  readonly set: FileSet;
  /** Those that it has opened. */
  readonly files: FileSink[] = [];
  readonly #record = new RecordView();

  constructor(directory: string, openFilesMax: number, queueBytesMax = 1_048_576) {
    this.#record.origin = origin("unix", "web1");
    const pool = new BlockPool();
    this.set = new FileSet({
      path: parseTemplate(`${directory}/%host%/%app%.log`),
      zone: UTC,
      openFilesMax,
      format: new TraditionalFormat(),
      queueBytesMax,
      onEvent: (event) => this.events.push(event),
      openFile: (path, onEvent) => {
        const format = new TraditionalFormat();
        const file = new FileSink({ path, format, queueBytesMax: 65_536, mode: 0o640, pool, onEvent });
        this.files.push(file);
        return file;
      },
    });
  }

  log(app: string, text: string): void {
    const bytes = new TextEncoder().encode(`<13>${app}: ${text}`);
    parseMessage(this.#record, bytes, 0, bytes.length, LOCAL_RULES);
    this.set.take(this.#record);
  }

  async turn(): Promise<void> {
    this.set.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async settled(): Promise<void> {
    while (this.set.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  get balance(): number {
    const { accepted, delivered, lost } = this.set.counters;
    return accepted - delivered - lost - this.set.waiting;
  }
}

test("each record goes to the file of its name, directories made", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(scratch.path, 10);
  for (const [app, text] of [
    ["sshd", "one"],
    ["cron", "two"],
    ["sshd", "three"],
  ] as const)
    rig.log(app, text);
  await rig.turn();
  await rig.set.close(5_000);
  expect(readFileSync(join(scratch.path, "web1/sshd.log"), "utf8")).toMatch(/sshd: one\n.*sshd: three\n$/);
  expect(readFileSync(join(scratch.path, "web1/cron.log"), "utf8")).toMatch(/^.*cron: two\n$/);
  expect(rig.set.counters).toMatchObject({ accepted: 3, delivered: 3, lost: 0 });
});

test("more files than may be open take turns, and none loses a line", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(scratch.path, 4);
  for (let round = 0; round < 10; round++) {
    for (let app = 0; app < 10; app++) {
      rig.log(`app${app}`, `round ${round}`);
      expect(rig.set.openFiles).toBeLessThanOrEqual(4);
      await rig.turn();
      await rig.settled();
    }
  }
  expect(rig.balance).toBe(0);
  await rig.set.close(5_000);
  expect(rig.set.counters).toMatchObject({ accepted: 100, delivered: 100, lost: 0 });
  for (let app = 0; app < 10; app++) {
    const lines = readFileSync(join(scratch.path, `web1/app${app}.log`), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.map((line) => Number(line.split(" ").at(-1)))).toEqual(Array.from({ length: 10 }, (_, at) => at));
  }
});

test("a burst for many times the files that may be open waits for its turn, each file in order, and loses nothing", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(scratch.path, 8);
  for (let round = 0; round < 3; round++) for (let name = 0; name < 600; name++) rig.log(`n${name}`, `round ${round}`);
  expect(rig.set.openFiles).toBe(8);
  expect(rig.balance).toBe(0);
  rig.set.flush();
  expect(await rig.set.committed()).toBe(true);
  expect(rig.set.counters).toMatchObject({ accepted: 1_800, delivered: 1_800, lost: 0 });
  for (let name = 0; name < 600; name++) {
    const lines = readFileSync(join(scratch.path, `web1/n${name}.log`), "utf8").split("\n");
    expect(lines.map((line) => line.at(-1))).toEqual(["0", "1", "2", undefined]);
  }
  expect(rig.events).toEqual([]);
  await rig.set.close(5_000);
});

test("what waits for a place when the set is closed is written, as far as there is time", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(scratch.path, 4);
  for (let name = 0; name < 100; name++) rig.log(`n${name}`, "x");
  await rig.set.close(30_000);
  expect(rig.set.counters).toMatchObject({ accepted: 100, delivered: 100, lost: 0 });
  expect(readdirSync(join(scratch.path, "web1")).length).toBe(100);
});

test("somebody who makes up names fills the queue and no more; what is refused is counted and told with its reason", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(scratch.path, 8, 65_536);
  rig.log("mine", "first");
  for (let name = 0; name < 2_000; name++) {
    rig.log(`n${name}`, "x");
    expect(rig.set.queuedBytes).toBeLessThan(100_000);
  }
  rig.log("mine", "second"); // its file is open: nobody's names are in its way
  expect(rig.set.openFiles).toBe(8);
  expect(rig.balance).toBe(0);
  await rig.turn();
  await rig.settled();
  await rig.turn();
  const { lost } = rig.set.counters;
  expect(lost).toBeGreaterThan(100);
  expect(rig.events).toEqual([{ on: "crowded", openFilesMax: 8, lost }]);
  expect(readFileSync(join(scratch.path, "web1/mine.log"), "utf8")).toMatch(/first\n.*second\n$/);
  await rig.set.close(5_000);
  expect(readdirSync(join(scratch.path, "web1")).length).toBe(2_001 - lost);
});

/** Five files, each of which has failed. */
async function failing(directory: string): Promise<Rig> {
  writeFileSync(join(directory, "web1"), ""); // a file where the directory should be
  const rig = new Rig(directory, 10);
  for (let app = 0; app < 5; app++) rig.log(`app${app}`, "x");
  rig.set.flush();
  while (!rig.files.every(({ isFailing }) => isFailing)) await new Promise((resolve) => setTimeout(resolve, 2));
  return rig;
}

test("that many files lose records while they fail is told once", async () => {
  using scratch = temporaryDirectory();
  const rig = await failing(scratch.path);
  for (let at = 0; rig.set.counters.lost < 1_000; at++) rig.log(`app${at % 5}`, "x".repeat(1_000));
  await Promise.resolve(); // behind the record
  expect(rig.events.map(({ on }) => on)).toEqual(["failing", "losing"]);
  await rig.set.close(10);
}, 20_000);

test("many files that fail together are told once", async () => {
  using scratch = temporaryDirectory();
  const rig = await failing(scratch.path);
  expect(rig.events.map(({ on }) => on)).toEqual(["failing"]);
  await rig.set.close(10);
  expect(rig.set.counters).toMatchObject({ accepted: 5, delivered: 0, lost: 5 });
  expect(existsSync(join(scratch.path, "web1/app0.log"))).toBe(false);
});
