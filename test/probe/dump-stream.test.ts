import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type DumpEntry, dumpLine, plain } from "../../lib/probe/dump-entry.ts";
import { Conversation, DumpStream } from "../../lib/probe/dump-stream.ts";
import { writeHeader } from "../../lib/spread/frame.ts";
import { writeConnectRequest, writeMethodChoice } from "../../lib/spread/handshake.ts";
import { viewSize, writeView } from "../../lib/spread/membership.ts";
import { nameField } from "../../lib/spread/name-field.ts";
import { parsePrivateGroup } from "../../lib/spread/names.ts";
import { AGREED, JOIN, SELF_DISCARD } from "../../lib/spread/service.ts";
import { type Parsed, type Step, vectors } from "../spread/vector.ts";
import { cases } from "../support/fuzz.ts";

const OPTIONS = { bodyBytes: 16 };

/** Both directions of one connection, fed in the order of the recording; each chunk is cut into pieces of `pieceBytes`. */
function dumpOf(steps: readonly Step[], pieceBytes = Number.POSITIVE_INFINITY): DumpEntry[] {
  const conversation = new Conversation();
  const streams = {
    c2s: new DumpStream("c2s", conversation, OPTIONS),
    s2c: new DumpStream("s2c", conversation, OPTIONS),
  };
  const entries: DumpEntry[] = [];
  for (const { dir, bytes } of steps)
    for (let at = 0; at < bytes.length; at += pieceBytes)
      entries.push(...streams[dir].push(bytes.subarray(at, at + pieceBytes)));
  return [...entries, ...streams.c2s.end(), ...streams.s2c.end()];
}

const KINDS: Readonly<Record<Parsed["kind"], readonly DumpEntry["kind"][] | "any">> = {
  "connect-request": ["connect"],
  "auth-list": ["methods"],
  "auth-choice": ["choice"],
  "pword-credentials": ["authentication"],
  "pword-response": ["authentication"],
  accept: ["accept"],
  reject: ["refuse"],
  message: ["message", "join", "leave", "kill", "view", "transition", "selfLeave", "rejected"],
  raw: "any",
  "incomplete-or-illegal-message": "any",
};

/** Where a client sent what no daemon takes. */
const ILLEGAL = [
  ...["addr-multi-101 A", "bad-hint-low A", "bad-neg-groups A", "be-char-signedness Ly", "hs-name-illegal-control A"],
  ...[
    "hs-name-illegal-hash A",
    "hs-name-illegal-quote A",
    "hs-name-illegal-space A",
    "hs-name-lowest-legal A",
    "net3-join-order B1",
  ],
  ...[
    "svc-raw-type-000000 A",
    "svc-raw-type-000003 A",
    "svc-raw-type-000040 A",
    "svc-raw-type-001000 A",
    "svc-raw-type-010004 A",
  ],
  "svc-two-bits A",
];

const all = vectors();

describe("recorded conversations", () => {
  const connections = all.flatMap((vector) =>
    [...new Set(vector.steps.map((step) => step.conn))].map((conn) => ({
      name: `${vector.name} ${conn}`,
      steps: vector.steps.filter((step) => step.conn === conn),
    })),
  );

  test("there are some", () => expect(connections.length).toBeGreaterThan(100));

  test("every unit of a legal conversation is named as the recording's own decoder named it", () => {
    const wrong: string[] = [];
    const broken = new Set<string>();
    for (const { name, steps } of connections) {
      const entries = dumpOf(steps);
      const reached = { c2s: 0, s2c: 0 };
      for (const { dir, bytes, parsed } of steps) {
        const offset = reached[dir];
        reached[dir] += bytes.length;
        const wanted = parsed === undefined ? "any" : KINDS[parsed.kind];
        if (wanted === "any" || bytes.length === 0) continue;
        const found = entries.find((entry) => entry.direction === dir && entry.offset === offset);
        if (found?.kind === "broken") broken.add(name);
        else if (found === undefined || !wanted.includes(found.kind))
          wrong.push(`${name} ${dir} ${offset}: ${parsed?.kind} is shown as ${found?.kind}`);
      }
    }
    expect(wrong).toEqual([]);
    expect([...broken].sort()).toEqual(ILLEGAL);
  });

  test("a conversation in single bytes is shown as in whole chunks", () => {
    for (const { steps } of connections) {
      if (steps.some((step) => step.bytes.length > 3_000)) continue;
      // what could not be decoded shows what had arrived
      const lines = (pieceBytes?: number) =>
        dumpOf(steps, pieceBytes)
          .filter(({ kind }) => kind !== "broken" && kind !== "undecodable" && kind !== "cut")
          .map(dumpLine);
      expect(lines(1)).toEqual(lines());
    }
  });

  test("a handshake, a join, a message and its view, line by line", () => {
    const session = all.find((vector) => vector.name === "grp-join-first")!;
    const lines = dumpOf(session.steps.filter((step) => step.conn === session.steps[0]!.conn)).map(dumpLine);
    expect(lines.map((line) => line.replace(/\.\d{10}\./, ".TIME."))).toEqual([
      "c2s        0  connect     version 5.0.1, alice, with memberships",
      "s2c        0  methods     NULL",
      "c2s       10  choice      NULL",
      "s2c        6  accept      version 5.0.1, as #alice#dmn1",
      "c2s      100  join        #alice#dmn1 g1",
      "s2c       22  view        g1 join: #alice#dmn1  members: #alice#dmn1  id 3482217861.TIME.1",
      "c2s      180  kill        #alice#dmn1",
    ]);
  });
});

const me = nameField("#me#dmn1");
const g1 = nameField("g1");

function frame(service: number, body: string, changes: Readonly<Record<number, number>> = {}): Uint8Array {
  const bytes = new Uint8Array(48 + 32 + body.length);
  writeHeader(bytes, 0, service, me, 1, 7, body.length);
  bytes.set(g1, 48);
  bytes.set(new TextEncoder().encode(body), 80);
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  return bytes;
}

const framesOnly = () => new DumpStream("c2s", new Conversation(), { bodyBytes: 16, framesOnly: true });

describe("frames", () => {
  const stream = framesOnly();
  const bytes = [frame(AGREED | SELF_DISCARD, "hello"), frame(JOIN, ""), frame(AGREED, "\x1b[31mred")];
  test("one readable line each", () => {
    expect(bytes.flatMap((one) => stream.push(one)).map(dumpLine)).toEqual([
      'c2s        0  agreed      #me#dmn1 -> g1  type 7  +SELF_DISCARD  5 bytes  "hello"',
      "c2s       85  join        #me#dmn1 g1",
      "c2s      165  agreed      #me#dmn1 -> g1  type 7  8 bytes  1b 5b 33 31 6d 72 65 64",
    ]);
  });
  test("a broken one is shown with the offset in the stream, and the next one is read", () => {
    const broken = frame(AGREED, "x", { 0: 0x90 | 0x80, 41: 0, 40: 0x81 });
    const lines = [...framesOnly().push(frame(JOIN, "")), ...framesOnly().push(broken)];
    expect(lines.map(dumpLine)[1]).toStartWith("c2s        0  BROKEN      cannot read frame: hint is ");
    const one = framesOnly();
    expect(
      [frame(JOIN, ""), broken, frame(JOIN, "")]
        .flatMap((next) => one.push(next))
        .map(({ kind, offset }) => `${offset} ${kind}`),
    ).toEqual(["0 join", "80 broken", "161 join"]);
  });
  test("a large view whose sets are broken is shown as broken, and what follows it is read", () => {
    const members = Array.from({ length: 150 }, (_, at) => parsePrivateGroup(`#m${at}#dmn1`));
    const view = {
      group: "g",
      id: { daemonId: 1, time: 2, index: 3 },
      cause: "join",
      members,
      sets: [members.slice(0, 1)],
      ownSet: 0,
    } as const;
    const bytes = new Uint8Array(viewSize(view));
    writeView(bytes, 0, view);
    bytes[48 + 32 * 150 + 12] = 9; // nine sets, where there is one
    const stream = new DumpStream("s2c", new Conversation(), { bodyBytes: 16, framesOnly: true });
    expect(
      [...stream.push(bytes), ...stream.push(frame(AGREED, "x"))].map(({ kind, offset }) => `${offset} ${kind}`),
    ).toEqual(["0 broken", `${bytes.length} message`]);
  });
  test("behind lengths that can't be believed everything is undecodable, counted in one line at the end", () => {
    const one = framesOnly();
    const entries = [frame(JOIN, ""), frame(AGREED, "x", { 47: 0x7f }), frame(JOIN, "")].flatMap((next) =>
      one.push(next),
    );
    expect([...entries, ...one.end()].map(dumpLine)).toEqual([
      "c2s        0  join        #me#dmn1 g1",
      "c2s       80  BROKEN      cannot read frame: body length is 2130706433 at offset 124  90 00 00 80 23 6d 65 23 64 6d 6e 31 00 00 00 00 00 00 00 00 00 00 00 00 ...",
      "c2s      128  UNDECODABLE  113 bytes  67 31 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ...",
    ]);
  });
  test("a stream that ends inside a frame says how much is missing", () => {
    const one = framesOnly();
    one.push(frame(AGREED, "hello").subarray(0, 82));
    expect(one.end().map(dumpLine)).toEqual([
      "c2s        0  CUT         82 bytes, 3 missing  90 00 00 80 23 6d 65 23 64 6d 6e 31 00 00 00 00 00 00 00 00 00 00 00 00 ...",
    ]);
  });
});

test("a recording of the daemon's side alone is read as one of a client of today", () => {
  const session = all.find((vector) => vector.name === "grp-join-first")!;
  const stream = new DumpStream("s2c", new Conversation(), OPTIONS);
  const kinds = session.steps
    .filter((step) => step.dir === "s2c" && step.conn === session.steps[0]!.conn)
    .flatMap((step) => stream.push(step.bytes))
    .map((entry) => entry.kind);
  expect(kinds.slice(0, 3)).toEqual(["methods", "accept", "view"]);
});

describe("names of peers", () => {
  for (const [name, shown] of [
    ["g1", "g1"],
    ["", '""'],
    ["a b", '"a b"'],
    ["\x1b]0;x\x07", '"\\u001b]0;x\\u0007"'],
    ["\x9b31m\x7f", '"\\u009b31m\\u007f"'],
  ] as const)
    test(`${shown} is safe for a terminal`, () => expect(plain(name)).toBe(shown));
});

const request = writeConnectRequest({ version: { major: 5, minor: 0, patch: 1 }, flags: 1, name: undefined });
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer(), fc.nat(3), fc.nat(200), fc.nat(79), fc.nat(255))
      .map(([service, , size, at, value]) => frame(service, "x".repeat(size), { [at]: value })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(request, writeMethodChoice(["NULL"]), writeMethodChoice(["PWORD"]), frame(JOIN, "")),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...all.flatMap((vector) => vector.steps.map((step) => step.bytes)).filter((bytes) => bytes.length < 400),
    ),
  },
);

test("any bytes, in any pieces, of either direction: each byte is in one entry, lines are one line and nothing throws", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("c2s" as const, "s2c" as const),
      fc.boolean(),
      fc.array(piece, { maxLength: 6 }),
      (direction, framesOnlyToo, pieces) => {
        const stream = new DumpStream(direction, new Conversation(), { bodyBytes: 8, framesOnly: framesOnlyToo });
        const entries = [...pieces.flatMap((bytes) => stream.push(bytes)), ...stream.end()];
        let offset = 0;
        for (const entry of entries) {
          // a broken frame's length is what its header says: the end may come before it
          if (entry.kind !== "cut" && entry.offset !== offset) throw new Error(`gap at ${offset}: ${dumpLine(entry)}`);
          offset = entry.offset + entry.bytes;
          if (!/^[\x20-\x7e]*$/.test(dumpLine(entry))) throw new Error(dumpLine(entry));
        }
        const total = pieces.reduce((sum, bytes) => sum + bytes.length, 0);
        const last = entries.at(-1);
        const missing = last?.kind === "cut" && last.bytes === 0 ? (last.missing ?? 0) : 0;
        return last?.kind === "cut" && last.bytes === 0 ? last.offset === total && missing > 0 : offset === total;
      },
    ),
    cases(6_000),
  );
}, 600_000);
