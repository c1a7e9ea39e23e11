import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OwnFormat, Rfc5424Format } from "../../lib/syslog/format-5424.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES, OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { MARK_CUT, MARK_LATE, origin, RecordView, VIAS } from "../../lib/syslog/record.ts";
import { cases } from "../support/fuzz.ts";
import { anyMessage } from "./messages.ts";
import { encode, recordOf, saidBy } from "./sample.ts";
import { written } from "./written.ts";

const SOCKET = origin("unix", "web1");

describe("for ourselves", () => {
  const own = new OwnFormat();

  test("all that is known of a record is told", () => {
    const record = recordOf("<13>Nov 23 06:34:11 app[7]: two\nlines", {
      origin: SOCKET,
      rules: LOCAL_RULES,
      pid: 311,
      uid: 0,
    });
    record.mark(MARK_CUT);
    record.mark(MARK_LATE);
    expect(written(own, record)).toBe(
      '<13>1 2026-11-23T06:34:11Z web1 app 7 - [sb@32473 rx="1795435200000000" form="3164" marks="cut,late" pid="311" uid="0" via="unix"] two\nlines',
    );
  });

  test("what a message says itself is copied, and no time is claimed for it", () => {
    const record = recordOf('<13>1 - h a - ID [x y="z"] text', { origin: origin("udp", "h", "[::1]:514") });
    expect(written(own, record)).toBe(
      String.raw`<13>1 - h a - ID [sb@32473 rx="1795435200000000" via="udp" peer="[::1\]:514"][x y="z"] text`,
    );
  });

  test("what an earlier host knew of the sender is carried on", () => {
    const first = written(own, recordOf("<13>a: b", { origin: origin("tcp", "h", '1"]'), pid: 1 }));
    const read = recordOf(first, { rules: OWN_RULES, origin: origin("group", "relay", "#x#y") });
    expect(written(own, read)).toBe(first);
  });

  test("an element of ours from the network is not believed, and stays what it is", () => {
    const fake = '[sb@32473 rx="1" marks="late" pid="1"]';
    const record = recordOf(`<13>1 - h a - - ${fake} x`);
    expect({ marks: record.marks, pid: record.pid, sd: record.sdText() }).toEqual({ marks: 0, pid: -1, sd: fake });
    const again = recordOf(written(own, record), { rules: OWN_RULES });
    expect({ marks: again.marks, pid: again.pid, sd: again.sdText() }).toEqual({ marks: 0, pid: -1, sd: fake });
    expect(again.receivedUs).toBe(record.receivedUs);
  });

  test("an element of ours with values that are none changes nothing it can't", () => {
    const record = recordOf('<13>1 - h a - - [sb@32473 rx="x" pid="" uid="99999999999999999" marks="lat,,cut"] x', {
      rules: OWN_RULES,
    });
    expect({ rx: record.receivedUs, pid: record.pid, uid: record.uid, marks: record.marks }).toEqual({
      rx: 1795435200000000,
      pid: -1,
      uid: -1,
      marks: MARK_CUT,
    });
  });

  test("a record of ours that is too long is marked besides what it says", () => {
    const late = recordOf("<13>a: text", { pid: 1 });
    late.mark(MARK_LATE);
    const line = written(own, late);
    const record = recordOf(line, { rules: { ...OWN_RULES, messageBytesMax: line.length - 1 } });
    expect([record.isMarked(MARK_CUT), record.isMarked(MARK_LATE)]).toEqual([true, true]);
    expect([record.msgText(), record.pid]).toEqual(["tex", 1]);
  });

  test("a clock before 1970 is told as 1970", () => {
    const record = recordOf("<13>a: x", { now: "1969-12-31T23:59:59Z" });
    expect(written(own, record)).toContain('[sb@32473 rx="0" ');
  });

  test("what is read back is the same record", () => {
    const arrival = fc.record({
      via: fc.constantFrom(...VIAS),
      peer: fc.oneof(fc.constant(""), fc.string({ maxLength: 40 })),
      host: fc.string({ maxLength: 40 }),
      receivedUs: fc.nat({ max: 4_102_444_800_000_000 }),
      pid: fc.integer({ min: -1, max: 4_194_304 }),
      uid: fc.integer({ min: -1, max: 4_294_967_295 }),
      marks: fc.nat({ max: 31 }),
      isLocal: fc.boolean(),
    });
    fc.assert(
      fc.property(anyMessage, arrival, (bytes, { via, peer, host, receivedUs, pid, uid, marks, isLocal }) => {
        const record = new RecordView();
        record.origin = origin(via, host, peer);
        record.receivedUs = receivedUs;
        record.pid = pid;
        record.uid = uid;
        parseMessage(record, bytes, 0, bytes.length, isLocal ? LOCAL_RULES : undefined);
        record.mark(marks);
        const out = new Uint8Array(own.bound(record));
        const end = own.write(record, out, 0);
        const again = new RecordView();
        parseMessage(again, out, 0, end, OWN_RULES);
        expect(end).toBeLessThanOrEqual(out.length);
        expect(again.end).toBe(end);
        expect(allOf(again)).toEqual(allOf(record));
        // And once more: it was written before, and is carried on.
        const second = new Uint8Array(own.bound(again));
        expect(second.subarray(0, own.write(again, second, 0))).toEqual(out.subarray(0, end));
      }),
      cases(4000),
    );
  });
});

/** All that has to be the same; bytes as bytes, since text would hide what is not UTF-8. */
function allOf(record: RecordView) {
  const part = (from: number, to: number) => [...record.bytes.subarray(from, to)];
  const host = part(record.hostStart, record.hostEnd);
  return {
    ...saidBy(record),
    timeUs: record.timeUs,
    host:
      host.length > 0 ? host : [...record.origin.hostBytes].filter((_, __, all) => all.length > 1 || all[0] !== 0x2d),
    app: part(record.appStart, record.appEnd),
    procid: part(record.procidStart, record.procidEnd),
    msgid: part(record.msgidStart, record.msgidEnd),
    sd: part(record.sdStart, record.sdEnd),
    msg: part(record.msgStart, record.msgEnd),
    marks: record.marks,
    receivedUs: record.receivedUs,
    pid: record.pid,
    uid: record.uid,
  };
}

describe("for others", () => {
  for (const { name, message, line } of [
    {
      name: "a classic message",
      message: "<13>Nov 23 06:34:11 vm app[7]: text",
      line: "<13>1 2026-11-23T06:34:11Z vm app 7 - - text",
    },
    {
      name: "no time, no host: the receipt's, the sender's",
      message: "<13>app: text",
      line: "<13>1 2026-11-23T12:00:00Z sender.example app - - - text",
    },
    {
      name: "control characters, as octal numbers",
      message: '<13>1 - h a - - [x y="1\n2"] a\tb\r\n\x1b[1m\u0085\x7f é',
      line: '<13>1 2026-11-23T12:00:00Z h a - - [x y="1#0122"] a\tb#015#012#033[1m#205#177 é',
    },
    {
      name: "a header that is not ASCII, or too long",
      message: `<13>1 - mü a - - - x`,
      line: "<13>1 2026-11-23T12:00:00Z m?? a - - - x",
    },
    {
      name: "a tag longer than a program may be",
      message: `<13>${"t".repeat(60)}: x`,
      line: `<13>1 2026-11-23T12:00:00Z sender.example ${"t".repeat(48)} - - - x`,
    },
    { name: "no text", message: "<13>1 - h a - - -", line: "<13>1 2026-11-23T12:00:00Z h a - - -" },
  ])
    test(`${name}`, () => expect(written(new Rfc5424Format(), recordOf(message))).toBe(line));

  test("what only we know is told where it is wanted", () => {
    const record = recordOf("<13>1 - h a - - - x");
    expect(written(new Rfc5424Format({ ownElement: true }), record)).toBe(
      '<13>1 2026-11-23T12:00:00Z h a - - [sb@32473 rx="1795435200000000" via="udp" peer="192.0.2.7"] x',
    );
  });
});

test("a text that begins with a byte order mark keeps it through our own form", () => {
  const record = recordOf(encode("<13>a: \ufefftext"));
  expect(recordOf(written(new OwnFormat(), record), { rules: OWN_RULES }).msgText()).toBe("\ufefftext");
});
