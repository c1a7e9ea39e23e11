// One record as one JSON object on one line, always the same keys in the same order, what is absent left out:
//
//   {"time":"2026-11-23T06:34:12+00:00","received":"...","host":"vm","app":"su","procid":"230","msgid":"ID47","facility":"auth","severity":"crit","pri":34,
//    "via":"udp","peer":"192.0.2.7","pid":230,"uid":0,"marks":["cut"],"sd":{"id":{"name":"value"}},"msg":"text"}
//
// `time` is absent where the message claims none; `host` is that of the origin where it names none; `sd` is there if the message was RFC 5424. JSON has to be
// UTF-8: a byte that is not becomes the four characters \xNN.
import { facilityName } from "./facility.ts";
import type { Format } from "./format.ts";
import { ascii, constants, writeBytes, writeConstant, writeNumber } from "./output.ts";
import { MARK_NAMES, type RecordView, VIAS } from "./record.ts";
import { severityName } from "./severity.ts";
import { isEscapable, ParamCursor } from "./structured-data.ts";
import { ISO_BYTES_MAX, TimeWriter } from "./time-writer.ts";
import { characterBytes } from "./utf8.ts";
import { UTC, type ZoneOffset } from "./zone.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COLON = 0x3a;
const DEL = 0x7f;
const LETTER_U = 0x75;
const LETTER_X = 0x78;

const TIME = ascii('{"time":"');
const RECEIVED = ascii('"received":"');
const HOST = ascii('","host":"');
const APP = ascii('","app":"');
const PROCID = ascii('","procid":"');
const MSGID = ascii('","msgid":"');
const FACILITY = ascii('","facility":"');
const SEVERITY = ascii('","severity":"');
const PRI = ascii('","pri":');
const VIA = ascii(',"via":"');
const PEER = ascii('","peer":"');
const PID = ascii(',"pid":');
const UID = ascii(',"uid":');
const MARKS = ascii(',"marks":[');
const SD = ascii(',"sd":');
const MSG = ascii(',"msg":"');
const HEX = ascii("0123456789abcdef");
const FACILITIES = Array.from({ length: 24 }, (_, facility) => ascii(facilityName(facility)));
const SEVERITIES = Array.from({ length: 8 }, (_, severity) => ascii(severityName(severity)));
const VIA_WORDS = constants(VIAS);
const MARK_WORDS = MARK_NAMES.map((name) => ascii(`"${name}"`));
/** Keys, numbers and names at their longest. */
const FRAME_BYTES = 384 + 2 * ISO_BYTES_MAX;
/** A control character is `\u0000`; nothing is longer. */
const CHARACTER_BYTES_MAX = 6;

/** A record as a JSON object. */
export class JsonFormat implements Format {
  readonly #times = new TimeWriter();
  readonly #cursor = new ParamCursor();

  /** @param zone the zone that the time of receipt is told in */
  constructor(readonly zone: ZoneOffset = UTC) {}

  bound(record: RecordView): number {
    const { end, start, origin } = record;
    // Structured data grows by less than that: "[a]" to `"a":{},`.
    return FRAME_BYTES + CHARACTER_BYTES_MAX * (end - start + origin.hostBytes.length + origin.peerBytes.length);
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    const bytes = record.bytes;
    at = this.#writeTimes(record, out, at);
    at = writeConstant(out, at, HOST);
    if (record.hostStart < record.hostEnd) at = writeJson(out, at, bytes, record.hostStart, record.hostEnd);
    else at = writeJson(out, at, record.origin.hostBytes, 0, record.origin.hostBytes.length);
    at = writeKey(out, at, APP, bytes, record.appStart, record.appEnd);
    at = writeKey(out, at, PROCID, bytes, record.procidStart, record.procidEnd);
    at = writeKey(out, at, MSGID, bytes, record.msgidStart, record.msgidEnd);
    at = writeConstant(out, writeConstant(out, at, FACILITY), FACILITIES[record.facility]!);
    at = writeConstant(out, writeConstant(out, at, SEVERITY), SEVERITIES[record.severity]!);
    at = writeNumber(out, writeConstant(out, at, PRI), record.pri);
    at = writeArrival(record, out, at);
    if (record.form === "5424") at = this.#writeStructuredData(record, out, writeConstant(out, at, SD));
    at = writeConstant(out, at, MSG);
    at = writeJson(out, at, bytes, record.msgStart, record.msgEnd);
    out[at] = QUOTE;
    out[at + 1] = CLOSE_OBJECT;
    return at + 2;
  }

  #writeTimes(record: RecordView, out: Uint8Array, at: number): number {
    if (record.hasTime) {
      at = writeConstant(out, at, TIME);
      at = this.#times.iso(out, at, record.timeUs, record.zoneMinutes);
      out[at++] = QUOTE;
      out[at++] = COMMA;
    } else {
      out[at++] = OPEN_OBJECT;
    }
    at = writeConstant(out, at, RECEIVED);
    return this.#times.iso(out, at, record.receivedUs, this.zone(record.receivedUs / 1000));
  }

  #writeStructuredData(record: RecordView, out: Uint8Array, at: number): number {
    const { bytes } = record;
    const cursor = this.#cursor;
    cursor.start(bytes, record.sdStart, record.sdEnd);
    let element = -1;
    out[at++] = OPEN_OBJECT;
    while (cursor.next()) {
      const isNewElement = cursor.idStart !== element;
      if (isNewElement) {
        if (element >= 0) {
          out[at++] = CLOSE_OBJECT;
          out[at++] = COMMA;
        }
        element = cursor.idStart;
        at = writeQuoted(out, at, bytes, cursor.idStart, cursor.idEnd);
        out[at++] = COLON;
        out[at++] = OPEN_OBJECT;
      }
      if (cursor.nameStart === cursor.nameEnd) continue;
      if (!isNewElement) out[at++] = COMMA;
      at = writeQuoted(out, at, bytes, cursor.nameStart, cursor.nameEnd);
      out[at++] = COLON;
      out[at++] = QUOTE;
      at = writeParamValue(out, at, bytes, cursor.valueStart, cursor.valueEnd);
      out[at++] = QUOTE;
    }
    if (element >= 0) out[at++] = CLOSE_OBJECT;
    out[at++] = CLOSE_OBJECT;
    return at;
  }
}

/** What the source knows. */
function writeArrival(record: RecordView, out: Uint8Array, at: number): number {
  const { via, peerBytes } = record.origin;
  at = writeConstant(out, writeConstant(out, at, VIA), VIA_WORDS[via]);
  at = writeKey(out, at, PEER, peerBytes, 0, peerBytes.length);
  out[at++] = QUOTE;
  if (record.pid >= 0) at = writeNumber(out, writeConstant(out, at, PID), record.pid);
  if (record.uid >= 0) at = writeNumber(out, writeConstant(out, at, UID), record.uid);
  if (record.marks === 0) return at;
  at = writeConstant(out, at, MARKS);
  for (let bit = 0; bit < MARK_WORDS.length; bit++) {
    if ((record.marks & (1 << bit)) === 0) continue;
    at = writeConstant(out, at, MARK_WORDS[bit]!);
    out[at++] = COMMA;
  }
  out[at - 1] = CLOSE_LIST;
  return at;
}

/** A key with what stands before it, and its value; nothing where there is no value. */
function writeKey(out: Uint8Array, at: number, key: Uint8Array, bytes: Uint8Array, from: number, to: number): number {
  return from === to ? at : writeJson(out, writeConstant(out, at, key), bytes, from, to);
}

function writeQuoted(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  out[at] = QUOTE;
  at = writeJson(out, at + 1, bytes, from, to);
  out[at] = QUOTE;
  return at + 1;
}

/** A value of structured data, without the backslashes that protected its characters there. */
function writeParamValue(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  let start = from;
  for (let index = from; index + 1 < to; index++) {
    if (bytes[index] !== BACKSLASH || !isEscapable(bytes[index + 1]!)) continue;
    at = writeJson(out, at, bytes, start, index);
    start = ++index;
  }
  return writeJson(out, at, bytes, start, to);
}

/** The inside of a JSON string. */
function writeJson(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  while (from < to) {
    const byte = bytes[from]!;
    if (IS_PLAIN[byte] !== 0) {
      out[at++] = byte;
      from++;
      continue;
    }
    if (byte >= 0x80) {
      const length = characterBytes(bytes, from, to);
      if (length > 0) {
        at = writeBytes(out, at, bytes, from, from + length);
        from += length;
        continue;
      }
      out[at++] = BACKSLASH;
      out[at++] = BACKSLASH;
      out[at++] = LETTER_X;
    } else if (byte === QUOTE || byte === BACKSLASH) {
      out[at++] = BACKSLASH;
      out[at++] = byte;
      from++;
      continue;
    } else {
      out[at++] = BACKSLASH;
      out[at++] = LETTER_U;
      at = writeConstant(out, at, ZEROS);
    }
    out[at++] = HEX[byte >> 4]!;
    out[at++] = HEX[byte & 15]!;
    from++;
  }
  return at;
}

const ZEROS = ascii("00");
/** 1 for ASCII that stands for itself in a JSON string. */
const IS_PLAIN = new Uint8Array(256);
IS_PLAIN.fill(1, 0x20, DEL);
IS_PLAIN[QUOTE] = 0;
IS_PLAIN[BACKSLASH] = 0;
