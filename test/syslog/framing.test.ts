// Streams as text, and the messages that have to come out: whole, byte by byte, and cut anywhere.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Framing, MessageReader } from "../../lib/syslog/framing.ts";
import { cases } from "../support/fuzz.ts";
import { encode } from "./sample.ts";

const MAX = 64;
const LONG = "x".repeat(MAX);

interface Seen {
  readonly text: string;
  readonly as: MessageReader["framedAs"];
  readonly isCut: boolean;
}

/** What comes out of a stream that is read in these chunks. */
function messagesOf(chunks: readonly Uint8Array[], framing: Framing = "auto", max = MAX): Seen[] {
  const reader = new MessageReader(framing, max);
  const seen: Seen[] = [];
  const note = () => {
    const text = Buffer.from(reader.bytes.subarray(reader.start, reader.end)).toString("latin1");
    seen.push({ text, as: reader.framedAs, isCut: reader.isCut });
  };
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) note();
    expect(reader.heldBytes).toBeLessThanOrEqual(max);
  }
  if (reader.finish()) note();
  expect(reader.next()).toBe(false);
  return seen;
}

const bytewise = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte));
const mark = { counted: "#", line: "", stray: "?" } as const;
const short = (seen: readonly Seen[]) => seen.map(({ text, as, isCut }) => `${mark[as]}${text}${isCut ? "..." : ""}`);

// Expected: "#" before a counted one, "?" before a stray, "..." behind one that was cut.
const STREAMS: readonly { claim: string; stream: string; framing?: Framing; gives: readonly string[] }[] = [
  { claim: "lines end with LF", stream: "<13>a\n<14>b\n", gives: ["<13>a", "<14>b"] },
  { claim: "lines may end with CR LF", stream: "<13>a\r\n<14>b\r\n", gives: ["<13>a", "<14>b"] },
  { claim: "a CR within a line stays", stream: "<13>a\rb\n", gives: ["<13>a\rb"] },
  {
    claim: "lines may end with NUL, and hold line feeds then",
    stream: "<13>a\0<14>b\nc\0",
    gives: ["<13>a", "<14>b\nc"],
  },
  { claim: "where lines end with LF, a NUL is text", stream: "<13>a\n<14>b\0c\n", gives: ["<13>a", "<14>b\0c"] },
  { claim: "the last line needs no end", stream: "<13>a\n<14>b", gives: ["<13>a", "<14>b"] },
  { claim: "empty lines are no messages", stream: "\n\n<13>a\n\r\n\0\n<14>b\n\n", gives: ["<13>a", "<14>b"] },
  { claim: "counts tell where messages end", stream: "5 <13>a7 <14>b\nc", gives: ["#<13>a", "#<14>b\nc"] },
  {
    claim: "a line feed behind a counted message is nobody's",
    stream: "5 <13>a\n5 <14>b\n",
    gives: ["#<13>a", "#<14>b"],
  },
  { claim: "both framings may take turns", stream: "5 <13>a<14>b\n5 <15>c", gives: ["#<13>a", "<14>b", "#<15>c"] },
  {
    claim: "a number that begins a line is no count",
    stream: "12 monkeys\n2026-11-23 x\n",
    gives: ["12 monkeys", "2026-11-23 x"],
  },
  { claim: "a count has no leading zero", stream: "05 <13>a\n", gives: ["05 <13>a"] },
  {
    claim: "a count beyond reason is none",
    stream: "99999999 <b>\n123456789 <b>\n",
    gives: ["99999999 <b>", "123456789 <b>"],
  },
  { claim: "a line of just the limit is whole", stream: `${LONG}\n<13>a\n`, gives: [LONG, "<13>a"] },
  {
    claim: "a longer line is cut, and its rest skipped",
    stream: `${LONG}yyyy\n<13>a\n`,
    gives: [`${LONG}...`, "<13>a"],
  },
  {
    claim: "a counted message of just the limit is whole",
    stream: `64 <13>${LONG.slice(4)}5 <13>a`,
    gives: [`#<13>${LONG.slice(4)}`, "#<13>a"],
  },
  {
    claim: "a longer counted message is cut, and its rest skipped",
    stream: `70 <13>${LONG.slice(4)}5 <15>5 <13>a`,
    gives: [`#<13>${LONG.slice(4)}...`, "#<13>a"],
  },
  {
    claim: "a cut leaves no part of a character",
    stream: `${LONG.slice(2)}\u00e2\u0082\u00ac!\n`,
    gives: [`${LONG.slice(2)}...`],
  },
  {
    claim: "a count that the end of the stream cuts short gives what came",
    stream: "50 <13>abc",
    gives: ["#<13>abc..."],
  },
  {
    claim: "a count that is too small is mended at the next count",
    stream: "5 <13>abc def 5 <14>b5 <15>c",
    gives: ["#<13>a", "?bc def ", "#<14>b", "#<15>c"],
  },
  {
    claim: "a count that is too small is mended at the next line",
    stream: "5 <13>abc def\n<14>b\n",
    gives: ["#<13>a", "?bc def", "<14>b"],
  },
  {
    claim: "a stray is not ended by what only looks like a count",
    stream: "5 <13>abc 7 <b>, 0 <1>, 3 <1>, 9 <1234> 8<13>\n5 <14>b",
    gives: ["#<13>a", "?bc 7 <b>, 0 <1>, 3 <1>, 9 <1234> 8<13>", "#<14>b"],
  },
  {
    claim: "a stray is never longer than the limit",
    stream: `5 <13>a${LONG}yy\n5 <14>b`,
    gives: ["#<13>a", `?${LONG}...`, "?yy", "#<14>b"],
  },
  {
    claim: "asked for lines, it looks for no counts",
    framing: "line",
    stream: "5 <13>a\n<14>b\0c\n",
    gives: ["5 <13>a", "<14>b\0c"],
  },
  {
    claim: "asked for NULs, it keeps line feeds from the first on",
    framing: "nul",
    stream: "<13>a\nb\0<14>c\0",
    gives: ["<13>a\nb", "<14>c"],
  },
  {
    claim: "asked for counts, it needs no PRI",
    framing: "octet-counted",
    stream: "5 hello5 world",
    gives: ["#hello", "#world"],
  },
  {
    claim: "asked for counts, all else is stray",
    framing: "octet-counted",
    stream: "<13>a\n5 hello",
    gives: ["?<13>a", "#hello"],
  },
  { claim: "nothing is nothing", stream: "", gives: [] },
];

describe("in a stream", () => {
  for (const { claim, stream, framing, gives } of STREAMS) {
    const bytes = Buffer.from(stream, "latin1");
    test(claim, () => expect(short(messagesOf([bytes], framing))).toEqual([...gives]));
    test(`${claim}: byte by byte`, () => expect(short(messagesOf(bytewise(bytes), framing))).toEqual([...gives]));
  }
});

test("a stream gives the same messages however it is cut into reads", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "\n",
      "\0",
      "\r\n",
      " ",
      "5 <13>a",
      "12 <14>",
      "70 <1>",
      "3 <1",
      "<191>",
      "<13>text\n",
      "9 <13>",
      "\u00e2\u0082\u00ac",
      LONG,
    ),
    fc.string({ maxLength: 12 }),
    fc.nat(200).map((count) => `${count} <13>`),
  );
  const streams = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(""), "latin1"));
  const framings = fc.constantFrom<Framing>("auto", "auto", "octet-counted", "line", "nul");
  fc.assert(
    fc.property(streams, framings, fc.array(fc.nat(400), { maxLength: 12 }), (bytes, framing, cuts) => {
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((to, at) => bytes.subarray(places[at]!, to));
      const whole = messagesOf([bytes], framing);
      expect(messagesOf(chunks, framing)).toEqual(whole);
      expect(messagesOf(bytewise(bytes), framing)).toEqual(whole);
    }),
    cases(400),
  );
});

test("messages of any bytes come back as they were counted", () => {
  const texts = fc.array(fc.uint8Array({ minLength: 1, maxLength: MAX - 4 }), { maxLength: 20 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 50 }), (messages, step) => {
      const written = messages.map((message) => Buffer.concat([encode("<13>"), message]));
      const stream = Buffer.concat(written.flatMap((message) => [encode(`${message.length} `), message]));
      const chunks = Array.from({ length: Math.ceil(stream.length / step) }, (_, at) =>
        stream.subarray(at * step, (at + 1) * step),
      );
      expect(messagesOf(chunks).map(({ text }) => text)).toEqual(written.map((message) => message.toString("latin1")));
    }),
    cases(200),
  );
});

test("a message that lies whole in a read is not copied", () => {
  const reader = new MessageReader("auto", MAX);
  const chunk = encode("<13>a\n5 <14>b<15>c");
  reader.push(chunk);
  expect([reader.next(), reader.bytes, reader.start, reader.end]).toEqual([true, chunk, 0, 5]);
  expect([reader.next(), reader.bytes, reader.start, reader.end]).toEqual([true, chunk, 8, 13]);
  expect([reader.next(), reader.heldBytes]).toEqual([false, 5]);
});

test("a mebibyte without an end is one message, cut, and holds no more than the limit", () => {
  const chunks = Array.from({ length: 256 }, () => new Uint8Array(4_096).fill(0x78));
  const seen = messagesOf([...chunks, encode("\n<13>after\n")], "auto", 65_536);
  expect(seen.map(({ text, isCut }) => [text.length, isCut])).toEqual([
    [65_536, true],
    [9, false],
  ]);
});
