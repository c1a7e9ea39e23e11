import { expect, test } from "bun:test";
import fc from "fast-check";
import { BlockBuilder, BlockView, entryName } from "../../lib/archive/block.ts";
import { Fault } from "../../lib/base/fault.ts";
import { cases } from "../support/fuzz.ts";

const stored = fc.record({
  group: fc.constantFrom("log.mail", "www"),
  host: fc.constantFrom("web1", "web2", ""),
  number: fc.integer({ min: 1, max: 5 }),
  timeUs: fc.integer({ min: -1, max: 2 ** 51 }),
  pri: fc.integer({ min: 0, max: 191 }),
  bytes: fc.uint8Array({ maxLength: 40 }),
  text: fc.nat(40),
});

type Stored = typeof stored extends fc.Arbitrary<infer T> ? T : never;

function built(records: readonly Stored[]): Uint8Array {
  const block = new BlockBuilder();
  for (const { group, host, number, timeUs, pri, bytes, text } of records) {
    const name = entryName({ group, sender: "#a#b", host, incarnation: host === "" ? "" : "x" });
    const at = Math.min(text, bytes.length);
    block.append(name, host === "" ? 0 : number, 7, timeUs, pri, bytes, 0, bytes.length, at);
  }
  return block.encode();
}

test("what was put in comes out, record by record, with its name and number", () => {
  fc.assert(
    fc.property(fc.array(stored, { maxLength: 50 }), (records) => {
      const view = new BlockView(built(records));
      const found = view.entries.flatMap((entry) =>
        Array.from({ length: entry.to - entry.from }, (_, at) => {
          const index = entry.from + at;
          const start = view.starts[index]!;
          return {
            group: entry.group,
            host: entry.host,
            number: entry.first === 0 ? 0 : entry.first + at,
            timeUs: view.times[index],
            pri: view.pris[index],
            bytes: view.bytes.slice(start, view.starts[index + 1]!),
            text: view.texts[index]! - start,
          };
        }),
      );
      expect(found).toEqual(
        records.map((one) => ({
          ...one,
          number: one.host === "" ? 0 : one.number,
          text: Math.min(one.text, one.bytes.length),
        })),
      );
    }),
    cases(200),
  );
});

test("bytes that are no block, or a broken one, are refused; nothing is read beside them", () => {
  const good = built([
    { group: "log.mail", host: "web1", number: 1, timeUs: 1, pri: 3, bytes: new Uint8Array(30), text: 3 },
    { group: "www", host: "", number: 1, timeUs: 1, pri: 3, bytes: new Uint8Array(3), text: 0 },
  ]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(good.length),
      (changes, length) => {
        const bytes = good.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        try {
          const view = new BlockView(bytes);
          for (const { from, to } of view.entries) expect(to).toBeGreaterThanOrEqual(from);
          expect(view.starts.at(-1)).toBe(view.bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      },
    ),
    cases(2_000),
  );
});
