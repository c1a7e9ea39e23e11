import { expect, test } from "bun:test";
import { BlockPool, LineQueue } from "../../lib/sink/line-queue.ts";
import type { Format } from "../../lib/syslog/format.ts";
import { RecordView } from "../../lib/syslog/record.ts";

/** Writes the whole message as it is. */
const raw: Format = {
  bound: (record) => record.end - record.start,
  write(record, out, at) {
    out.set(record.bytes.subarray(record.start, record.end), at);
    return at + record.end - record.start;
  },
};

function record(text: string): RecordView {
  const view = new RecordView();
  view.bytes = new TextEncoder().encode(text);
  view.end = view.bytes.length;
  return view;
}

function drain(queue: LineQueue): string[] {
  const blocks: string[] = [];
  for (let block = queue.take(); block !== undefined; block = queue.take()) {
    blocks.push(new TextDecoder().decode(block.bytes.subarray(0, block.end)));
    queue.done(block);
  }
  return blocks;
}

test("lines come out as they went in, many to a block", () => {
  const queue = new LineQueue(1 << 20, raw, new BlockPool());
  for (const text of ["one", "", "three"]) expect(queue.push(record(text))).toBe(true);
  expect([queue.records, queue.bytes, queue.isPressing]).toEqual([3, 11, false]);
  expect(drain(queue)).toEqual(["one\n\nthree\n"]);
  expect([queue.records, queue.bytes]).toEqual([0, 0]);
});

test("no line is parted between two blocks, and their order stays", () => {
  const queue = new LineQueue(1 << 20, raw, new BlockPool());
  const lines = Array.from({ length: 700 }, (_, at) => `${at} ${"x".repeat(at)}`);
  for (const line of lines) queue.push(record(line));
  expect(queue.isPressing).toBe(true);
  const blocks = drain(queue);
  expect(blocks.length).toBeGreaterThan(1);
  for (const block of blocks) expect(block.endsWith("\n")).toBe(true);
  expect(blocks.join("").split("\n").slice(0, -1)).toEqual(lines);
});

test("a line longer than a block has one of its own", () => {
  const queue = new LineQueue(1 << 20, raw, new BlockPool());
  const long = "y".repeat(300_000);
  for (const text of ["a", long, "b"]) queue.push(record(text));
  expect(drain(queue)).toEqual(["a\n", `${long}\n`, "b\n"]);
});

test("a full queue refuses the newest, and takes again what there is room for", () => {
  const queue = new LineQueue(10, raw, new BlockPool());
  expect(["12345", "678", "late", "later"].map((text) => queue.push(record(text)))).toEqual([true, true, false, false]);
  const block = queue.take()!;
  expect(queue.push(record("still"))).toBe(false); // what is being written still counts
  queue.done(block);
  expect(queue.push(record("again"))).toBe(true);
});

test("blocks are used again, by whoever needs one", () => {
  const pool = new BlockPool();
  const first = new LineQueue(100, raw, pool);
  const second = new LineQueue(100, raw, pool);
  first.push(record("a"));
  const block = first.take()!;
  first.done(block);
  second.push(record("b"));
  expect(second.take()!.bytes).toBe(block.bytes);
});
