// Lines from a descriptor: a real FIFO, with a real writer.
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { LineInput } from "../../lib/sink/io/line-input.ts";
import { start } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const FOR_EVER = new AbortController().signal;

/** A FIFO with both its ends. The reading one is opened first without waiting for a writer: the kernel lets that pass for reading and writing together. */
async function fifo(directory: string): Promise<{ reader: number; writer: number }> {
  const path = join(directory, "fifo");
  await using mkfifo = start(["mkfifo", path]);
  expect(await mkfifo.exited).toBe(0);
  const both = openSync(path, "r+");
  const reader = openSync(path, "r");
  const writer = openSync(path, "w");
  closeSync(both);
  return { reader, writer };
}

async function* linesOf(input: LineInput): AsyncGenerator<string> {
  const { lines } = input;
  const line = () => new TextDecoder().decode(lines.bytes.subarray(lines.start, lines.end));
  while (await input.fill()) while (lines.next()) yield line();
  if (lines.last()) yield line();
}

test("a file is read to its end", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "file");
  writeFileSync(path, `one\n${"x".repeat(100_000)}\nlast`);
  const fd = openSync(path, "r");
  const lines: string[] = [];
  for await (const line of linesOf(new LineInput(fd, 200_000, FOR_EVER, 0))) lines.push(line);
  closeSync(fd);
  expect(lines).toEqual(["one", "x".repeat(100_000), "last"]);
});

describe("when the end is asked for", () => {
  test("what the pipe holds is still read, though its writer keeps it open", async () => {
    using scratch = temporaryDirectory();
    const { reader, writer } = await fifo(scratch.path);
    const stop = new AbortController();
    const lines: string[] = [];
    writeSync(writer, "one\n");
    for await (const line of linesOf(new LineInput(reader, 1_000, stop.signal, 10_000))) {
      lines.push(line);
      if (line === "one") {
        writeSync(writer, "two\nthree");
        stop.abort();
      }
    }
    closeSync(writer);
    closeSync(reader);
    expect(lines).toEqual(["one", "two", "three"]);
  });

  test("a writer that never stops is heard no longer than the bound", async () => {
    using scratch = temporaryDirectory();
    const { reader, writer } = await fifo(scratch.path);
    await using yes = start(["sh", "-c", `exec yes >${join(scratch.path, "fifo")}`]);
    const stop = new AbortController();
    let lines = 0;
    // Without a bound this would go on for ever.
    for await (const _line of linesOf(new LineInput(reader, 1_000, stop.signal, 50)))
      if (++lines === 1_000) stop.abort();
    expect(lines).toBeGreaterThanOrEqual(1_000);
    expect(yes.stderr.text).toBe("");
    closeSync(writer);
    closeSync(reader);
  });
});

test("a directory is no input", async () => {
  const fd = openSync("/", "r");
  await expect(new LineInput(fd, 1_000, FOR_EVER, 0).fill()).rejects.toThrow("EISDIR");
  closeSync(fd);
});
