// Real messages, with the fields that each is expected to have: test/vectors/syslog/samples.jsonl. Scored as the file's authors scored other daemons: of the
// 277 that need no setting of their own, every field that is not marked lenient must be equal; then those with settings, and the streams.
import { expect, test } from "bun:test";
import { facilityName } from "../../lib/syslog/facility.ts";
import { MessageReader } from "../../lib/syslog/framing.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { DEFAULT_RULES, type ParseRules } from "../../lib/syslog/parse-rules.ts";
import { MARK_MALFORMED, origin, RecordView } from "../../lib/syslog/record.ts";
import { severityName } from "../../lib/syslog/severity.ts";
import { structuredData } from "../../lib/syslog/structured-data.ts";
import { textWithEscapes } from "../../lib/syslog/utf8.ts";
import { tryZone } from "../../lib/syslog/zone.ts";
import {
  bytesOf,
  messages,
  type Sample,
  SCORED_FIELDS,
  samples,
  scored,
  timeAsScored,
  withScoredYear,
} from "./sample.ts";

type Fields = Readonly<Record<(typeof SCORED_FIELDS)[number], unknown>>;

const withSettings = messages.filter((sample) => !scored.includes(sample));

test("of the samples 277 are scored", () => {
  expect(scored.length).toBe(277);
});

test("277 of 277 have all fields right", () => {
  expect(scored.filter((sample) => wrongFields(sample).length === 0).length).toBe(277);
});

for (const sample of scored.filter((sample) => wrongFields(sample).length > 0)) {
  test(`${sample.id} has the expected fields`, () => {
    expect(wrongFields(sample)).toEqual([]);
  });
}

for (const sample of withSettings) {
  test(`${sample.id}, read by settings of its own, has the expected fields`, () => {
    expect(wrongFields(sample)).toEqual([]);
  });
}

for (const sample of messages.filter((sample) => sample.expect["malformed"] === true)) {
  test(`${sample.id}, which breaks its form, keeps its text`, () => {
    const record = parse(sample, bytesOf(sample));
    const text = record.text(record.msgStart, record.msgEnd);
    const whole = new TextDecoder().decode(bytesOf(sample));
    if (record.isMarked(MARK_MALFORMED)) expect(whole.replace(/^<\d{1,3}>/, "")).toBe(text);
    else expect(whole).toEndWith(text);
  });
}

const streams = samples.filter((sample) => sample.chunks_b64 !== undefined);

test("of the samples 4 are streams", () => expect(streams.length).toBe(4));

for (const sample of streams) {
  const expected = sample.expect["messages"] as readonly Readonly<Record<string, unknown>>[];
  const chunks = sample.chunks_b64!.map((chunk) => Uint8Array.from(Buffer.from(chunk, "base64")));
  const bytewise = [...Buffer.concat(chunks)].map((byte) => Uint8Array.of(byte));
  for (const [how, reads] of [
    ["as it came", chunks],
    ["byte by byte", bytewise],
  ] as const) {
    test(`${sample.id}, a stream read ${how}, gives its messages with the expected fields`, () => {
      const records = messagesIn(reads).map((message) => parse(sample, message));
      expect(records.length).toBe(expected.length);
      expect(records.flatMap((record, at) => compare(sample, record, expected[at]!))).toEqual([]);
    });
  }
}

function messagesIn(chunks: readonly Uint8Array[]): Uint8Array[] {
  const reader = new MessageReader("auto", DEFAULT_RULES.messageBytesMax);
  const found: Uint8Array[] = [];
  const take = () => found.push(reader.bytes.slice(reader.start, reader.end));
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) take();
  }
  if (reader.finish()) take();
  return found;
}

function wrongFields(sample: Sample): string[] {
  const bytes = bytesOf(sample);
  return compare(sample, parse(sample, bytes), sample.expect);
}

function compare(sample: Sample, record: RecordView, expected: Readonly<Record<string, unknown>>): string[] {
  if (expected["malformed"] === true) return record.end > record.start ? [] : ["nothing came out"];
  const found = fieldsOf(sample, record);
  const lenient = new Set(sample.options?.lenient);
  return SCORED_FIELDS.filter((field) => field in expected && !lenient.has(field)).flatMap((field) => {
    const wanted = field === "time" ? timeAsScored(sample, expected[field] as string | null) : expected[field];
    return Bun.deepEquals(found[field], wanted)
      ? []
      : [`${field}: ${JSON.stringify(found[field])}, not ${JSON.stringify(wanted)}`];
  });
}

function fieldsOf(sample: Sample, record: RecordView): Fields {
  const read = sample.options?.no_parse !== true; // else no PRI was looked for, and 13 is our default alone
  const word = (from: number, to: number) => (from === to ? null : record.text(from, to));
  return {
    pri: read ? record.pri : null,
    facility: read ? facilityName(record.facility) : null,
    severity: read ? severityName(record.severity) : null,
    time: record.hasTime ? withScoredYear(sample, { us: record.timeUs, zone: record.zoneMinutes }) : null,
    hostname: word(record.hostStart, record.hostEnd),
    app: word(record.appStart, record.appEnd),
    procid: word(record.procidStart, record.procidEnd),
    msgid: word(record.msgidStart, record.msgidEnd),
    sd: structuredData(record) ?? null,
    msg:
      sample.options?.sanitize_utf8 === true
        ? textWithEscapes(record.bytes, record.msgStart, record.msgEnd)
        : record.msgText(),
  };
}

function parse(sample: Sample, bytes: Uint8Array): RecordView {
  const record = new RecordView();
  record.origin = origin(sample.via === "unix" ? "unix" : "udp", "our.own.name");
  record.receivedUs = Date.parse(sample.now) * 1000;
  parseMessage(record, bytes, 0, bytes.length, rulesOf(sample));
  return record;
}

function rulesOf(sample: Sample): ParseRules {
  const options = sample.options ?? {};
  return {
    ...DEFAULT_RULES,
    zone: tryZone(sample.tz)!,
    hostInHeader: sample.via !== "unix",
    badHost: options.bad_hostname === undefined ? undefined : new RegExp(options.bad_hostname),
    checkHost: options.check_hostname ?? DEFAULT_RULES.checkHost,
    read: options.no_parse ? "nothing" : options.no_header ? "pri" : "all",
    fallback3164: !options.no_3164_fallback,
  };
}
