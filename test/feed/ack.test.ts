import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ACK_BYTES_MAX,
  ACK_RANGES_MAX,
  type Ack,
  AckError,
  type AckLine,
  askFlags,
  readAck,
  tryAsk,
  writeAcks,
} from "../../lib/feed/ack.ts";
import { FLAGS_BYTES_MAX } from "../../lib/feed/batch.ts";
import { cases } from "../support/fuzz.ts";

function read(text: string): Ack {
  const bytes = new TextEncoder().encode(`..${text}..`);
  return readAck(bytes, 2, bytes.length - 2);
}

const lines: readonly AckLine[] = [
  {
    incarnation: "m8x1",
    group: "log.mail",
    asked: undefined,
    ranges: [
      { from: 1, to: 500 },
      { from: 502, to: 502 },
    ],
  },
  { incarnation: "m8x1", group: "log:a,b", asked: { number: 7, from: 3, to: 9 }, ranges: [] },
];

describe("an acknowledgement", () => {
  test("is read as it was written", () => {
    const [body] = writeAcks("r1", "db1", lines);
    expect(new TextDecoder().decode(body)).toBe("sb1 ack r1 db1\nm8x1 log.mail - 1-500,502\nm8x1 log:a,b 7:3-9 -\n");
    expect(readAck(body!, 0, body!.length)).toEqual({ recorder: "r1", host: "db1", lines });
  });

  test("without a line is a greeting", () => {
    const [body, ...more] = writeAcks("r1", "db1", []);
    expect(more).toEqual([]);
    expect(readAck(body!, 0, body!.length)).toEqual({ recorder: "r1", host: "db1", lines: [] });
  });

  test("of many streams goes in messages of a bounded size, and nothing of it is lost", () => {
    const ranges = Array.from({ length: ACK_RANGES_MAX }, (_, at) => {
      const from = Number.MAX_SAFE_INTEGER - 1 - 3 * (ACK_RANGES_MAX - at);
      return { from, to: from + 1 };
    });
    const many = Array.from({ length: 200 }, (_, at) => ({
      incarnation: "z".repeat(32),
      group: `${"g".repeat(28)}${at}`,
      asked: { number: 999_999_999_999_999, from: 1, to: Number.MAX_SAFE_INTEGER },
      ranges,
    }));
    const bodies = writeAcks("r".repeat(32), "h".repeat(255), many);
    expect(bodies.length).toBeGreaterThan(1);
    for (const body of bodies) expect(body.length).toBeLessThanOrEqual(ACK_BYTES_MAX);
    expect(bodies.flatMap((body) => readAck(body, 0, body.length).lines)).toEqual(many);
  });

  for (const [name, text, code] of [
    ["nothing", "", "head"],
    ["a mark", "sb1 mark 1 2", "head"],
    ["no version", "sb ack r1 db1\n", "head"],
    ["a version to come", "sb2 ack r1 db1 more\nwhatever\n", "newer"],
    ["no host", "sb1 ack r1\n", "head"],
    ["an id with other characters", "sb1 ack r_1 db1\n", "head"],
    ["a cut first line", "sb1 ack r1 db1", "line"],
    ["a cut line", "sb1 ack r1 db1\ni g - 1-2", "line"],
    ["a line of three words", "sb1 ack r1 db1\ni g 1-2\n", "line"],
    ["a line of five words", "sb1 ack r1 db1\ni g - 1-2 x\n", "line"],
    ["a group that is none", `sb1 ack r1 db1\ni ${"g".repeat(32)} - 1\n`, "line"],
    ["ranges that go back", "sb1 ack r1 db1\ni g - 5,3\n", "line"],
    ["an ask about nothing", "sb1 ack r1 db1\ni g 3: 5\n", "line"],
    ["an ask without a number", "sb1 ack r1 db1\ni g 1-2 5\n", "line"],
  ] as const)
    test(`${name} is refused`, () => {
      expect(() => read(text)).toThrow(AckError);
      try {
        read(text);
      } catch (error) {
        expect((error as AckError).code).toBe(code);
      }
    });

  test("that is too long is refused before it is read", () => {
    const bytes = new Uint8Array(ACK_BYTES_MAX + 1);
    expect(() => readAck(bytes, 0, bytes.length)).toThrow("cannot read acknowledgement: 65537 bytes");
  });

  test("with bytes changed is read, or refused with an AckError", () => {
    const [body] = writeAcks("r1", "db1", lines);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(body!.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(body!.length),
        (changes, end) => {
          const bytes = body!.slice();
          for (const [at, byte] of changes) bytes[at] = byte;
          try {
            readAck(bytes, 0, end);
          } catch (error) {
            expect(error).toBeInstanceOf(AckError);
          }
        },
      ),
      cases(5_000),
    );
  });
});

describe("an ask", () => {
  test("fits into the flags of a batch, and is read from them", () => {
    const ask = { number: 999_999_999_999_999, from: 999_999_999_999_999 };
    expect(askFlags(ask).length).toBeLessThanOrEqual(FLAGS_BYTES_MAX);
    expect(tryAsk(askFlags(ask))).toEqual(ask);
    expect(tryAsk("again,ask=1:2,more")).toEqual({ number: 1, from: 2 });
  });

  for (const flags of ["-", "ack", "ask=", "ask=1", "ask=0:1", "ask=1:x", "task=1:2"])
    test(`${JSON.stringify(flags)} has none`, () => expect(tryAsk(flags)).toBeUndefined());
});
