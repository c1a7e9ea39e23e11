// A file that is written line by line, as the file sink does: asked before each write, told after it.
import { expect, test } from "bun:test";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FileCare, type FileCareOptions } from "../../lib/sink/io/file-care.ts";
import { temporaryDirectory } from "../support/temporary.ts";

class Writer {
  readonly troubles: string[] = [];
  readonly care: FileCare;
  nowMs = Date.now();
  #fd = -1;

  constructor(
    readonly path: string,
    more: Partial<FileCareOptions> = {},
  ) {
    this.care = new FileCare({
      path,
      sync: "never",
      wallMs: () => this.nowMs,
      onTrouble: (reason) => this.troubles.push(reason),
      ...more,
    });
  }

  async write(line: string): Promise<void> {
    if (this.#fd < 0 || (await this.care.mustReopen())) await this.open();
    writeSync(this.#fd, `${line}\n`);
    await this.care.written(line.length + 1);
  }

  async open(): Promise<void> {
    await this.close();
    this.#fd = openSync(this.path, "a", 0o640);
    await this.care.opened(this.#fd);
  }

  async close(): Promise<void> {
    if (this.#fd < 0) return;
    await this.care.leaving();
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** Waits until the directory holds what is expected. */
async function holds(directory: string, expected: (names: readonly string[]) => boolean): Promise<readonly string[]> {
  for (;;) {
    const names = readdirSync(directory).sort();
    if (expected(names)) return names;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const rotation = {
  bytesMax: 100,
  ageMaxMs: Number.POSITIVE_INFINITY,
  compress: true,
  keep: 3,
  keepMs: Number.POSITIVE_INFINITY,
};

test("a large file is put aside and compressed, and no line is lost on the way", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "log");
  const writer = new Writer(path, { rotation: { ...rotation, keep: 1_000 } });
  const lines = Array.from({ length: 100 }, (_, at) => `line ${at} of a hundred`);
  for (const line of lines) await writer.write(line);
  await writer.close();
  const isDone = (names: readonly string[]) => names.slice(1).every((name) => name.endsWith(".gz"));
  const names = await holds(scratch.path, isDone);
  expect(names.length).toBeGreaterThan(15);
  const asideNames = names.slice(1).sort();
  const aside = asideNames.map((name) => gunzipSync(readFileSync(join(scratch.path, name))).toString());
  expect((aside.join("") + readFileSync(path, "utf8")).trimEnd().split("\n")).toEqual(lines);
  expect(aside.every((text) => text.length >= 100 && text.endsWith("\n"))).toBe(true);
  expect(statSync(join(scratch.path, names[1]!)).mode & 0o777).toBe(0o640);
  expect(writer.troubles).toEqual([]);
});

test("only so many are kept, and what an interrupted compression left is removed", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "log");
  writeFileSync(join(scratch.path, "log-20200101T000000Z.gz.part"), "half");
  writeFileSync(join(scratch.path, "log-20200101T000000Z"), "whole\n");
  writeFileSync(join(scratch.path, "log-notes"), "mine");
  const writer = new Writer(path, { rotation });
  await writer.write("x");
  await holds(scratch.path, (names) => names.join() === "log,log-20200101T000000Z.gz,log-notes");
  for (let at = 0; at < 40; at++, writer.nowMs += 1_000) await writer.write(`line ${at} with some more text`);
  const isDone = (names: readonly string[]) =>
    names.length === 5 && names.slice(1, 4).every((name) => name.endsWith(".gz"));
  expect(await holds(scratch.path, isDone)).toContain("log-notes");
  await writer.close();
});

test("an old file is put aside at the next write, however small", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "log");
  const writer = new Writer(path, { rotation: { ...rotation, ageMaxMs: 60_000, compress: false } });
  await writer.write("of yesterday");
  writer.nowMs += 61_000;
  await writer.write("of today");
  expect(readFileSync(path, "utf8")).toBe("of today\n");
  await writer.close();
  expect(readdirSync(scratch.path)).toHaveLength(2);
});

test("a file that was moved away is not written any more after a second", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "log");
  const writer = new Writer(path);
  await writer.write("before");
  renameSync(path, `${path}.1`);
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  await writer.write("after");
  await writer.close();
  expect(readFileSync(`${path}.1`, "utf8")).toBe("before\n");
  expect(readFileSync(path, "utf8")).toBe("after\n");
});

test("a file that can't be put aside is told once, and written on", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "l".repeat(250)); // with a stamp behind it no file system takes it
  const writer = new Writer(path, { rotation: { ...rotation, bytesMax: 1 } });
  for (const line of ["a", "b", "c"]) await writer.write(line);
  await writer.close();
  expect(writer.troubles).toEqual([expect.stringContaining("its name is too long")]);
  expect(readFileSync(path, "utf8")).toBe("a\nb\nc\n");
});

for (const sync of ["each", { everyMs: 5 }] as const) {
  test(`with sync ${JSON.stringify(sync)} it is written and closed without trouble`, async () => {
    using scratch = temporaryDirectory();
    const path = join(scratch.path, "log");
    const writer = new Writer(path, { sync });
    for (let at = 0; at < 50; at++) await writer.write(`line ${at}`);
    await writer.close();
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(51);
    expect(writer.troubles).toEqual([]);
  });
}

test("a new file is given to its owner, one that was there keeps its own", async () => {
  if (process.getuid!() !== 0) return void process.stderr.write("SKIP: not root, nothing can be given away\n");
  using scratch = temporaryDirectory();
  const owner = { uid: 12, gid: 34 };
  const fresh = new Writer(join(scratch.path, "fresh"), { owner });
  await fresh.write("x");
  await fresh.close();
  expect(statSync(join(scratch.path, "fresh"))).toMatchObject(owner);
  writeFileSync(join(scratch.path, "there"), "old\n");
  const there = new Writer(join(scratch.path, "there"), { owner });
  await there.write("x");
  await there.close();
  expect(statSync(join(scratch.path, "there")).uid).toBe(0);
});
