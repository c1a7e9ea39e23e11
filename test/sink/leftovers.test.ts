import { expect, test } from "bun:test";
import { RecordPacker, visitPacked } from "../../lib/sink/leftovers.ts";

test("records that are put together are found again, each as it was", () => {
  const records = ["", "one", "x".repeat(65_536), "lines\nin it", "\0"].map((text) => Buffer.from(`--${text}--`));
  const packer = new RecordPacker();
  expect(packer.packed).toBeUndefined();
  for (const bytes of records) packer.push(bytes, 2, bytes.length - 2);
  const { bytes, records: count } = packer.packed!;
  const found: string[] = [];
  visitPacked(bytes, (start, end) => found.push(Buffer.from(bytes.subarray(start, end)).toString()));
  expect(count).toBe(records.length);
  expect(found).toEqual(records.map((bytes) => bytes.subarray(2, -2).toString()));
});
