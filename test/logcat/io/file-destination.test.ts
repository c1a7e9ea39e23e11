// What a recorder may acknowledge: only what its files have.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Arrival } from "../../../lib/logcat/arrival.ts";
import { EVERYTHING } from "../../../lib/logcat/choice.ts";
import { FileDestination } from "../../../lib/logcat/io/file-destination.ts";
import type { WhenFull, WriteRule } from "../../../lib/logcat/write-rule.ts";
import { BlockPool } from "../../../lib/sink/line-queue.ts";
import { parseMessage } from "../../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../../lib/syslog/record.ts";
import { parseTemplate } from "../../../lib/syslog/template.ts";
import { UTC } from "../../../lib/syslog/zone.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

function destinationIn(directory: string, whenFull: WhenFull, bufferBytes: number, path = "%app%.log") {
  const rule: WriteRule = {
    groups: [],
    patterns: [],
    choice: EVERYTHING,
    to: { kind: "file", path: parseTemplate(join(directory, path)) },
    format: "short",
    time: "iso",
    rewriteTime: undefined,
    notices: false,
    bufferBytes,
    whenFull,
    files: { mode: 0o640, owner: "", sync: "never", rotation: undefined, openFilesMax: 4 },
    archive: { ageMaxMs: 1, bytesMax: 1 },
    spool: { bytesMax: 0, ageMaxMs: 0 },
    tls: {},
    framing: "line",
    labels: [],
  };
  const told: string[] = [];
  const destination = new FileDestination(rule, parseTemplate(join(directory, path)), {
    zone: UTC,
    wallMs: () => 0,
    pool: new BlockPool(),
    owner: undefined,
    say: (_severity, text) => told.push(text),
    onLost: () => {},
  });
  const record = new RecordView();
  record.origin = origin("unix", "web1");
  const take = (app: string): void => {
    const bytes = new TextEncoder().encode(`<13>${app}: x`);
    parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
    destination.take(record, new Arrival());
  };
  return { destination, take, told };
}

test("a batch for a hundred times the files that may be open is committed, and each file has its line", async () => {
  using scratch = temporaryDirectory();
  const { destination, take, told } = destinationIn(scratch.path, "wait", 1_048_576);
  for (let app = 0; app < 400; app++) take(`app${app}`);
  destination.flush();
  expect(await destination.commit()).toBe(true);
  expect(readdirSync(scratch.path).length).toBe(400);
  expect(told).toEqual([]);
  await destination.close(5_000);
});

for (const path of ["%app%.log", "all.log"])
  test(`what ${path} had no room for is not committed; what comes behind it is`, async () => {
    using scratch = temporaryDirectory();
    const { destination, take } = destinationIn(scratch.path, "wait", 16_384, path);
    for (let app = 0; app < 2_000; app++) take(`app${app}`);
    destination.flush();
    const { lost } = destination.counters;
    expect(lost).toBeGreaterThan(100);
    expect(await destination.commit()).toBe(false);
    take("app1");
    destination.flush();
    expect(await destination.commit()).toBe(true);
    expect(destination.counters).toMatchObject({ delivered: 2_001 - lost, lost });
    await destination.close(5_000);
  });

test("a rule that may lose goes on behind what it lost", async () => {
  using scratch = temporaryDirectory();
  const { destination, take } = destinationIn(scratch.path, "drop", 16_384, "all.log");
  for (let app = 0; app < 2_000; app++) take("app");
  destination.flush();
  expect(destination.counters.lost).toBeGreaterThan(100);
  expect(await destination.commit()).toBe(true);
  expect(readFileSync(join(scratch.path, "all.log"), "utf8")).toContain("app");
  await destination.close(5_000);
});
