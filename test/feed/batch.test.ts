import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BATCH_BYTES_FULL, BatchError, FLAG_END, RECORD_BYTES_MAX } from "../../lib/feed/batch.ts";
import { BatchView, readBatch } from "../../lib/feed/batch-reader.ts";
import { BatchWriter, writeEmptyBatch } from "../../lib/feed/batch-writer.ts";
import { cases } from "../support/fuzz.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (of: Uint8Array) => new TextDecoder("latin1").decode(of);

function read(body: Uint8Array, start = 0, end = body.length) {
  const view = new BatchView();
  readBatch(body, start, end, view);
  const records = Array.from({ length: view.count }, (_, at) => text(body.subarray(view.starts[at], view.ends[at])));
  return { host: view.host, incarnation: view.incarnation, first: view.first, flags: view.flags, records };
}

describe("a batch", () => {
  const golden = "sb1 web1 m2x4k9 17 2 -\n5 <13>17 <13>one";

  test("is one header line and octet-counted records", () => {
    const writer = new BatchWriter("web1", "m2x4k9");
    const buffer = bytes("..<13>1<13>one..");
    writer.append(17, buffer, 2, 7);
    writer.append(18, buffer, 7, 14);
    expect(text(writer.close())).toBe(golden);
    expect([writer.count, writer.next]).toEqual([2, 19]);
  });

  test("is read where it lies, with other bytes around it", () => {
    const body = bytes(`xx${golden}yy`);
    expect(read(body, 2, body.length - 2)).toEqual({
      host: "web1",
      incarnation: "m2x4k9",
      first: 17,
      flags: "-",
      records: ["<13>1", "<13>one"],
    });
  });

  test("may hold no record, and tell which number comes next", () => {
    expect(read(bytes("sb1 h i 8 0 -\n"))).toMatchObject({ first: 8, records: [] });
  });

  test("has flags, of which unknown ones are passed over", () => {
    const view = new BatchView();
    const body = bytes("sb1 h i 1 0 later,again\n");
    readBatch(body, 0, body.length, view);
    expect([view.hasFlag("again"), view.hasFlag("late"), view.hasFlag("-")]).toEqual([true, false, false]);
  });

  for (const { name, body, code, offset } of [
    { name: "nothing at all", body: "", code: "magic", offset: 0 },
    { name: "text of a foreign program", body: "<13>hello", code: "magic", offset: 0 },
    { name: "a version that is no number", body: "sbx h i 1 0 -\n", code: "magic", offset: 2 },
    { name: "version 0", body: "sb0 h i 1 0 -\n", code: "magic", offset: 2 },
    { name: "a later version, whatever follows", body: "sb2 \u0001 anything", code: "newer", offset: 0 },
    { name: "no host", body: "sb1  i 1 0 -\n", code: "host", offset: 4 },
    { name: "a host of 256 bytes", body: `sb1 ${"h".repeat(256)} i 1 0 -\n`, code: "host", offset: 4 },
    { name: "a host that is not ASCII", body: "sb1 h\u00e4 i 1 0 -\n", code: "host", offset: 4 },
    { name: "an incarnation of 33 bytes", body: `sb1 h ${"i".repeat(33)} 1 0 -\n`, code: "incarnation", offset: 6 },
    { name: "a first number with a leading zero", body: "sb1 h i 01 0 -\n", code: "first", offset: 8 },
    { name: "a negative first number", body: "sb1 h i -1 0 -\n", code: "first", offset: 8 },
    { name: "a first number beyond 2^53", body: "sb1 h i 9007199254740993 0 -\n", code: "first", offset: 8 },
    {
      name: "a count that makes the last number too large",
      body: "sb1 h i 9007199254740991 2 -\n1 a1 b",
      code: "count",
      offset: 25,
    },
    { name: "a count that no message could hold", body: "sb1 h i 1 9007199254740 -\n1 a", code: "short", offset: 26 },
    { name: "a header without an end", body: "sb1 h i 1 0 -", code: "flags", offset: 12 },
    { name: "a header that ends early", body: "sb1 h i 1\n", code: "first", offset: 8 },
    { name: "a length that begins with 0", body: "sb1 h i 1 1 -\n01 a", code: "length", offset: 14 },
    { name: "a length that is no number", body: "sb1 h i 1 1 -\nx a", code: "length", offset: 14 },
    { name: "a length without its space", body: "sb1 h i 1 1 -\n1a.", code: "length", offset: 14 },
    { name: "a length of twenty digits", body: `sb1 h i 1 1 -\n${"9".repeat(20)} a`, code: "length", offset: 14 },
    { name: "a record that ends behind the batch", body: "sb1 h i 1 1 -\n3 ab", code: "short", offset: 14 },
    { name: "fewer records than told", body: "sb1 h i 1 2 -\n4 abcd", code: "length", offset: 20 },
    { name: "more bytes than records", body: "sb1 h i 1 1 -\n1 a1 b", code: "surplus", offset: 17 },
  ])
    test(`is refused with ${name}`, () => {
      let error: unknown;
      try {
        read(bytes(body));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(BatchError);
      expect({ code: (error as BatchError).code, offset: (error as BatchError).offset }).toEqual({
        code,
        offset,
      } as never);
    });
});

describe("any records", () => {
  const record = fc.uint8Array({ minLength: 1, maxLength: 300 });

  test("come out of a batch as they went in, one batch after the other from the same writer", () => {
    const writer = new BatchWriter("host.example", "abc1");
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), fc.integer({ min: 1, max: 2 ** 40 }), (records, first) => {
        writer.clear();
        for (const [at, one] of records.entries()) writer.append(first + at, one, 0, one.length);
        const got = read(writer.close("again"));
        expect(got.records).toEqual(records.map(text));
        if (records.length > 0) expect(got.first).toBe(first);
      }),
      cases(200),
    );
  });

  test("fit, up to a batch that is nearly full and the longest record on top, below the daemon's limit", () => {
    const writer = new BatchWriter("h".repeat(255), "i".repeat(32));
    const longest = new Uint8Array(RECORD_BYTES_MAX).fill(65);
    writer.append(2 ** 53 - 10, longest, 0, BATCH_BYTES_FULL - 10);
    expect(writer.isFull).toBe(false);
    writer.append(2 ** 53 - 9, longest, 0, RECORD_BYTES_MAX);
    expect(writer.isFull).toBe(true);
    const body = writer.close("f".repeat(128));
    expect(body.length).toBeLessThanOrEqual(143_151 - 32);
    expect(read(body).records.map((one) => one.length)).toEqual([BATCH_BYTES_FULL - 10, RECORD_BYTES_MAX]);
  });
});

describe("hostile bytes", () => {
  const body = (() => {
    const writer = new BatchWriter("web1", "m2x4k9");
    for (let number = 1; number <= 20; number++) {
      const one = bytes(`<13>1 - - - - - - record ${number}`);
      writer.append(number, one, 0, one.length);
    }
    return writer.close().slice();
  })();

  function onlyTypedErrors(hostile: Uint8Array) {
    const view = new BatchView();
    try {
      readBatch(hostile, 0, hostile.length, view);
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      expect(error.offset).toBeLessThanOrEqual(hostile.length);
      return;
    }
    let before = 0;
    for (let at = 0; at < view.count; at++) {
      expect(view.starts[at]).toBeGreaterThan(before);
      expect(view.ends[at]).toBeGreaterThan(view.starts[at]!);
      before = view.ends[at]!;
    }
    expect(view.count === 0 ? hostile.length : before).toBe(hostile.length);
  }

  test("cut anywhere give typed errors only", () => {
    for (let length = 0; length < body.length; length++)
      expect(() => readBatch(body, 0, length, new BatchView())).toThrow(BatchError);
  });

  test("changed anywhere give typed errors or a batch that is whole", () => {
    const changes = fc.array(
      fc.tuple(fc.nat(body.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(10, 32, 48, 57))),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(changes, (all) => {
        const changed = body.slice();
        for (const [at, byte] of all) changed[at] = byte;
        onlyTypedErrors(changed);
      }),
      cases(2_000),
    );
  });

  test("of any kind give typed errors only", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom("", "sb1 ", "sb1 h i 1 3 -\n", "sb1 h i 1 99999 -\n"),
        (tail, head) => onlyTypedErrors(new Uint8Array([...bytes(head), ...tail])),
      ),
      cases(2_000),
    );
  });
});

test("a batch without a record tells the number that comes next, and that it is the last", () => {
  const view = new BatchView();
  const body = writeEmptyBatch("web1", "a", 8, FLAG_END);
  readBatch(body, 0, body.length, view);
  expect([view.host, view.incarnation, view.first, view.count, view.hasFlag(FLAG_END)]).toEqual([
    "web1",
    "a",
    8,
    0,
    true,
  ]);
});
