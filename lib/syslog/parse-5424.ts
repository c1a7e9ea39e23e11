// RFC 5424, from behind the version on:
//
//   <34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 [id name="value"] text
//         TIMESTAMP                HOSTNAME              APP PROCID MSGID SD         MSG
//
// Deviations that are read: a time without a zone, with more than six digits of a second or in lower case; a program, process id or message id that is too
// long (cut to the RFC's length); letters that are not ASCII; what structured-data.ts lists. A host name too long, an empty field or a control character
// in the header are faults, since it can't be known which field is which.
import type { ParseRules } from "./parse-rules.ts";
import type { RecordView } from "./record.ts";
import { scanStructuredData } from "./structured-data.ts";
import { readIsoTime } from "./timestamp.ts";

const SPACE = 0x20;
const MINUS = 0x2d;
const OPEN = 0x5b;
const DEL = 0x7f;

// RFC 5424 section 6.
export const HOST_BYTES_MAX = 255;
export const APP_BYTES_MAX = 48;
export const PROCID_BYTES_MAX = 128;
export const MSGID_BYTES_MAX = 32;

/**
 * Reads the header at `at` and all that follows into `record`, whose fields are empty.
 *
 * @returns -1, or the offset where the message breaks the form: then some fields are filled, and the caller empties them
 */
export function parse5424(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): number {
  if (isNil(bytes, at, end)) {
    at++;
  } else {
    const timeEnd = readIsoTime(bytes, at, end, "T", rules.zone, record);
    if (timeEnd < 0) return at;
    at = timeEnd;
  }

  if (at >= end || bytes[at] !== SPACE) return at;
  const host = at + 1;
  at = fieldEnd(bytes, host, end);
  if (at === host || at - host > HOST_BYTES_MAX) return host;
  if (!isNil(bytes, host, at)) {
    record.hostStart = host;
    record.hostEnd = at;
  }

  const own = rules.ownElement; // what we wrote ourselves is as long as it is
  if (at >= end || bytes[at] !== SPACE) return at;
  const app = at + 1;
  at = fieldEnd(bytes, app, end);
  if (at === app) return app;
  if (!isNil(bytes, app, at)) {
    record.appStart = app;
    record.appEnd = own ? at : Math.min(at, app + APP_BYTES_MAX);
  }

  if (at >= end || bytes[at] !== SPACE) return at;
  const procid = at + 1;
  at = fieldEnd(bytes, procid, end);
  if (at === procid) return procid;
  if (!isNil(bytes, procid, at)) {
    record.procidStart = procid;
    record.procidEnd = own ? at : Math.min(at, procid + PROCID_BYTES_MAX);
  }

  if (at >= end || bytes[at] !== SPACE) return at;
  const msgid = at + 1;
  at = fieldEnd(bytes, msgid, end);
  if (at === msgid) return msgid;
  if (!isNil(bytes, msgid, at)) {
    record.msgidStart = msgid;
    record.msgidEnd = own ? at : Math.min(at, msgid + MSGID_BYTES_MAX);
  }

  if (at >= end || bytes[at] !== SPACE) return at;
  return parseBody(record, bytes, at + 1, end);
}

/** Structured data, and the text. */
function parseBody(record: RecordView, bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return at;
  if (bytes[at] === OPEN) {
    const sdEnd = scanStructuredData(bytes, at, end);
    if (sdEnd < 0) return -1 - sdEnd;
    record.sdStart = at;
    record.sdEnd = sdEnd;
    at = sdEnd;
  } else if (bytes[at] === MINUS) {
    record.sdStart = record.sdEnd = at;
    at++;
  } else {
    return at;
  }

  if (at < end) {
    if (bytes[at] !== SPACE) return at;
    at++;
    if (end - at >= 3 && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3; // it says UTF-8, and is no text
  }
  record.form = "5424";
  record.msgStart = at;
  record.msgEnd = end;
  return -1;
}

function fieldEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at]! > SPACE && bytes[at] !== DEL) at++;
  return at;
}

/** Whether the field at `at` is `-`: no value. */
function isNil(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === MINUS && (at + 1 >= end || bytes[at + 1] === SPACE);
}
