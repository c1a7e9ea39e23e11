// What one process leaves to the next: whole, and enough to read on in the midst of anything.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FRAMINGS, type Framing, MessageReader, type ReaderState } from "../../lib/syslog/framing.ts";
import { formatHandover, type Handover, tryHandover } from "../../lib/syslogd/handover.ts";
import { cases } from "../support/fuzz.ts";

const LIMIT = 64;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

/** What a reader finds in a chunk. */
function take(reader: MessageReader, chunk: Uint8Array, found: string[]): void {
  reader.push(chunk);
  while (reader.next())
    found.push(
      `${Buffer.from(reader.bytes.subarray(reader.start, reader.end)).toString("latin1")}${reader.isCut ? " (cut)" : ""}`,
    );
}

function finish(reader: MessageReader, found: string[]): string[] {
  if (reader.finish()) found.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)).toString("latin1"));
  return found;
}

/** As it comes out of the other process. */
function handed(reader: ReaderState): ReaderState {
  const connection = { key: "tcp:[::]:601", fd: 9, peer: "192.0.2.1", pid: -1, uid: -1, reader };
  return tryHandover(formatHandover({ places: [], connections: [connection], answerFd: -1, sinceMs: 0 }))!
    .connections[0]!.reader;
}

const piece = fc.oneof(
  fc.constantFrom("\n", "\0", "\r\n", " ", "<13>", "12 ", "7 <13>abc", "99999 <1", "<34>1 - - - - - - text\n"),
  fc.string({ unit: "binary-ascii", maxLength: 90 }),
);

describe("a connection that is handed over in the midst", () => {
  for (const framing of FRAMINGS)
    test(`gives the same messages as one that is not, framed as ${framing}`, () => {
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 3 }), (pieces, cuts) => {
          const stream = bytes(pieces.join(""));
          const whole: string[] = [];
          const reader = new MessageReader(framing, LIMIT);
          take(reader, stream, whole);
          expect(read(framing, stream, cuts)).toEqual(finish(reader, whole));
        }),
        cases(2_000),
      );
    });

  function read(framing: Framing, stream: Uint8Array, cuts: readonly number[]): string[] {
    const found: string[] = [];
    const places = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
    let reader = new MessageReader(framing, LIMIT);
    let from = 0;
    for (const place of places) {
      take(reader, stream.slice(from, place), found);
      reader = new MessageReader(framing, LIMIT, handed(reader.state));
      from = place;
    }
    take(reader, stream.slice(from), found);
    return finish(reader, found);
  }
});

test("it comes back as it was, and what is of another version is left alone", () => {
  const handover: Handover = {
    places: [{ key: "/dev/lög", fd: 7 }],
    connections: [
      {
        key: "stream:/run/log",
        fd: 8,
        peer: "",
        pid: 12,
        uid: 0,
        reader: {
          held: Uint8Array.from({ length: 256 }, (_, at) => at),
          place: "line",
          count: 0,
          isCounting: true,
          lineEnd: 10,
        },
      },
    ],
    answerFd: 9,
    sinceMs: 12.5,
    pidFile: "/run/pid",
    queues: [
      { name: "fifo:/x", fd: 10, form: "records", path: "", records: 3, writtenBytes: 0, isUrgent: false },
      { name: "file:/%app%", fd: 11, form: "lines", path: "/a", records: 1, writtenBytes: 7, isUrgent: true },
    ],
    losses: [{ name: "program:x", records: 2 }],
  };
  expect(tryHandover(formatHandover(handover))).toEqual(handover);
  expect(tryHandover(formatHandover(handover).replace("syslogd-handover 1", "syslogd-handover 2"))).toBeUndefined();
});
