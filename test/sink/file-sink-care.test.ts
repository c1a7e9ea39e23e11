// The file sink with everything that a log file needs: at every step what was delivered lies in the files, whatever they are called by now.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FileCare, type FileCareOptions } from "../../lib/sink/io/file-care.ts";
import { FileSink } from "../../lib/sink/io/file-sink.ts";
import { BlockPool } from "../../lib/sink/line-queue.ts";
import type { SinkEvent } from "../../lib/sink/sink.ts";
import { TraditionalFormat } from "../../lib/syslog/format-3164.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { smallDisk } from "./small-disk.ts";

class Rig {
  readonly events: SinkEvent[] = [];
  readonly sink: FileSink;
  readonly #record = new RecordView();

  constructor(path: string, care: Partial<FileCareOptions>) {
    this.#record.origin = origin("unix", "web1");
    const wallMs = () => Date.now();
    this.sink = new FileSink({
      path,
      format: new TraditionalFormat(),
      queueBytesMax: 1 << 20,
      mode: 0o640,
      pool: new BlockPool(),
      care: new FileCare({
        path,
        sync: "never",
        wallMs,
        onTrouble: (reason) => {
          throw new Error(reason);
        },
        ...care,
      }),
      onEvent: (event) => this.events.push(event),
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

  async settled(): Promise<void> {
    while (this.sink.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const textsIn = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.slice(line.indexOf(" app: ") + 6));

test("through many rotations every line is in one of the files, in order", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "log");
  const rotation = {
    bytesMax: 20_000,
    ageMaxMs: Number.POSITIVE_INFINITY,
    compress: true,
    keep: 1_000,
    keepMs: Number.POSITIVE_INFINITY,
  };
  const rig = new Rig(path, { rotation, sync: "each" });
  const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at}`);
  for (let at = 0; at < lines.length; at += 100) {
    rig.log(...lines.slice(at, at + 100));
    await rig.settled();
  }
  await rig.sink.close(5_000);
  const aside = () => readdirSync(scratch.path).filter((name) => name !== "log");
  while (!aside().every((name) => name.endsWith(".gz"))) await new Promise((resolve) => setTimeout(resolve, 5));
  const texts = aside().flatMap((name) => textsIn(gunzipSync(readFileSync(join(scratch.path, name))).toString()));
  expect(aside().length).toBeGreaterThan(5);
  const all = [...texts, ...textsIn(readFileSync(path, "utf8"))].map((text) => Number(text.slice(5)));
  expect(all.sort((a, b) => a - b)).toEqual(lines.map((_, at) => at));
  expect(rig.sink.counters).toMatchObject({ accepted: 5_000, delivered: 5_000, lost: 0 });
});

test("a file that was moved away without a word is left within a second of its next line", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "log");
  const rig = new Rig(path, { sync: { everyMs: 10 } });
  rig.log("before");
  await rig.settled();
  renameSync(path, `${path}.1`);
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  rig.log("after");
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  expect(textsIn(readFileSync(`${path}.1`, "utf8"))).toEqual(["before"]);
  expect(textsIn(readFileSync(path, "utf8"))).toEqual(["after"]);
});

test("on a full disk the file sink waits, tells it once, and ends with every line whole and once", async () => {
  using disk = smallDisk(128);
  if (disk === undefined) return;
  const path = join(disk.path, "log");
  const filler = join(disk.path, "filler");
  writeFileSync(filler, new Uint8Array(90_000));
  const rig = new Rig(path, { sync: "each" });
  const lines = Array.from({ length: 1_500 }, (_, at) => `line ${at}`);
  for (let at = 0; at < lines.length; at += 100) {
    rig.log(...lines.slice(at, at + 100));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  while (!rig.events.some(({ on }) => on === "failing")) await new Promise((resolve) => setTimeout(resolve, 5));
  writeFileSync(filler, "");
  await rig.settled();
  await rig.sink.close(5_000);
  expect(textsIn(readFileSync(path, "utf8"))).toEqual(lines);
  expect(rig.events.map(({ on }) => on)).toEqual(["failing", "working"]);
  expect(rig.sink.counters).toMatchObject({ accepted: 1_500, delivered: 1_500, lost: 0 });
  expect(existsSync(path)).toBe(true);
});
