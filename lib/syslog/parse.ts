// The way from the bytes of one message to a record: RFC 5424 or RFC 3164 as it is really sent, chosen by content.
//
// `<PRI>` and a version with a time or `-` behind it is RFC 5424 and nothing else: breaking that form is a fault, and the message is text with a mark. All
// else is RFC 3164, where nothing can be broken, since any text is one.
import { restoreOwnElement } from "./own-element.ts";
import { parse3164 } from "./parse-3164.ts";
import { parse5424 } from "./parse-5424.ts";
import { DEFAULT_RULES, type ParseRules } from "./parse-rules.ts";
import { DEFAULT_PRI, MARK_CUT, MARK_MALFORMED, MARK_NO_PRI, MARK_TIME_OFF, type RecordView } from "./record.ts";
import { cutAtCharacter } from "./utf8.ts";

const LF = 0x0a;
const SPACE = 0x20;
const MINUS = 0x2d;
const LESS = 0x3c;
const GREATER = 0x3e;
const DIGIT_1 = 0x31;
const PRI_MAX = 191;

/**
 * Reads the message at [start, end) of `bytes` into `record`. Never throws: what is of no known form comes out as text, and what breaks its form comes
 * out as text that is marked.
 *
 * Sets every field of the message, and `marks` anew; leaves those of the arrival alone, unless the rules believe our own element. `record.origin` and
 * `record.receivedUs` have to be set before: a date without a year is read as the one nearest to `receivedUs`, and a local message may name its own host.
 */
export function parseMessage(
  record: RecordView,
  bytes: Uint8Array,
  start: number,
  end: number,
  rules: ParseRules = DEFAULT_RULES,
): void {
  while (end > start && (bytes[end - 1] === LF || bytes[end - 1] === 0)) end--;
  const cutEnd =
    end - start > rules.messageBytesMax ? cutAtCharacter(bytes, start, start + rules.messageBytesMax) : end;
  begin(record, bytes, start, cutEnd);
  if (cutEnd < end) record.marks = MARK_CUT;
  end = cutEnd;
  if (rules.read === "nothing") return;

  const afterPri = readPri(record, bytes, start, end);
  record.msgStart = afterPri;
  if (rules.read === "pri") return;

  const version = versionEnd(bytes, afterPri, end);
  if (version > 0) {
    const isVersion1 = version === afterPri + 1 && bytes[afterPri] === DIGIT_1;
    const faultAt = isVersion1 ? parse5424(record, bytes, version + 1, end, rules) : afterPri;
    if (faultAt >= 0) becomeMalformed(record, afterPri, faultAt);
    else if (rules.ownElement) restoreOwnElement(record);
  } else if (!rules.fallback3164 || isBrokenPri(bytes, start, afterPri, end)) {
    becomeMalformed(record, afterPri, afterPri);
  } else {
    parse3164(record, bytes, afterPri, end, rules);
  }
  // Not a time: false, as it should be.
  if (Math.abs(record.timeUs - record.receivedUs) > rules.timeOffMaxUs) record.marks |= MARK_TIME_OFF;
}

/** All of the message is text. */
function begin(record: RecordView, bytes: Uint8Array, start: number, end: number): void {
  record.bytes = bytes;
  record.start = start;
  record.end = end;
  record.pri = DEFAULT_PRI;
  record.marks = 0;
  clearFields(record, start);
}

function becomeMalformed(record: RecordView, textStart: number, faultAt: number): void {
  clearFields(record, textStart);
  record.marks |= MARK_MALFORMED;
  record.faultAt = faultAt;
}

function clearFields(record: RecordView, textStart: number): void {
  record.form = "text";
  record.timeUs = Number.NaN;
  record.zoneMinutes = 0;
  record.hostStart = record.hostEnd = textStart;
  record.appStart = record.appEnd = textStart;
  record.isAppBare = false;
  record.procidStart = record.procidEnd = textStart;
  record.msgidStart = record.msgidEnd = textStart;
  record.sdStart = record.sdEnd = textStart;
  record.ownTail = record.ownEnd = textStart;
  record.msgStart = textStart;
  record.msgEnd = record.end;
  record.faultAt = -1;
}

/** Reads `<PRI>`, where there is one of one to three digits; where it is above 191, it is skipped and the default stands. Returns the offset behind it. */
function readPri(record: RecordView, bytes: Uint8Array, start: number, end: number): number {
  let pri = 0;
  let at = start + 1;
  if (start < end && bytes[start] === LESS) {
    while (at < end && at <= start + 3 && bytes[at]! >= 0x30 && bytes[at]! <= 0x39)
      pri = pri * 10 + bytes[at++]! - 0x30;
    if (at > start + 1 && at < end && bytes[at] === GREATER) {
      if (pri <= PRI_MAX) record.pri = pri;
      else record.marks |= MARK_NO_PRI;
      return at + 1;
    }
  }
  record.marks |= MARK_NO_PRI;
  return start;
}

/** Whether the message begins like one with a PRI and has none: "<>1 ...", "<19000021>1 ...". */
function isBrokenPri(bytes: Uint8Array, start: number, afterPri: number, end: number): boolean {
  if (afterPri !== start || end - start < 2 || bytes[start] !== LESS) return false;
  const second = bytes[start + 1]!;
  return second === GREATER || (second >= 0x30 && second <= 0x39);
}

/** Where the version of an RFC 5424 header ends: up to three digits, a space, and a year or `-`. -1 where there is no such thing. */
function versionEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = at;
  while (at < end && at < first + 3 && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
  if (at === first || at + 1 >= end || bytes[at] !== SPACE || bytes[first] === 0x30) return -1;
  if (bytes[at + 1] === MINUS) return at + 2 >= end || bytes[at + 2] === SPACE ? at : -1;
  if (at + 5 >= end || bytes[at + 5] !== MINUS) return -1;
  for (let index = at + 1; index < at + 5; index++) if (bytes[index]! < 0x30 || bytes[index]! > 0x39) return -1;
  return at;
}
