// RFC 3164 as it is really sent, from behind the PRI on. Nothing but the PRI can be relied on:
//
//   Oct 11 22:14:15 mymachine su[230]: text      a relay, a network device
//   Oct 11 22:14:15 su[230]: text                libc on the local socket: no host
//   su[230]: text                                no time either
//   91: *Oct 07 03:10:04: mydevice.com %CRYPTO-4-RECVD_PKT_INV_SPI: text     Cisco: a sequence number, a mark for an unset clock, colons
//   000045: router1: Mar  1 00:00:45.123: %SYS-5-CONFIG_I: text                    the same with its own name (logging origin-id)
//   Sep 22 10:11:56 Message forwarded from cdaix66: sshd[679960]: text       AIX
//   2026-07-23T09:30:45.123+02:00 host daemon: text                          rsyslog's forwarding format
//   Use the BFG!                                                             neither
//
// The rules. A tag is a word that ends in `:` or in `[pid]`. The first word behind a time is the host, unless it is a tag, or can't be a host's name; such a
// word is the program even without a colon, and so is the first word on a local socket, where no host is expected, and a last word behind which nothing
// follows. Without a time no host is looked for. All else is text: nothing is invented. Exactly one space behind the tag is no text.
import type { ParseRules } from "./parse-rules.ts";
import type { RecordView } from "./record.ts";
import { readBsdTime, readIsoTime } from "./timestamp.ts";

const SPACE = 0x20;
const PERCENT = 0x25;
const STAR = 0x2a;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const DEL = 0x7f;

const HOST_BYTES_MAX = 255;
const TAG_BYTES_MAX = 128;
const PROCID_BYTES_MAX = 128;

/** Reads the message at [at, end) into `record`, whose fields are empty. */
export function parse3164(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): void {
  const textStart = at;
  const header = skipSpaces(bytes, at, end);
  let timeEnd = readTime(record, bytes, header, end, rules);
  if (timeEnd < 0) timeEnd = readCiscoTime(record, bytes, header, end, rules);
  if (timeEnd >= 0) {
    record.form = "3164";
    at = timeEnd;
    if (at < end && bytes[at] === COLON) at++;
    if (at < end && bytes[at] === SPACE) at++;
    readNames(record, bytes, at, end, rules);
    return;
  }
  if (readTag(record, bytes, header, end) || (!rules.hostInHeader && readProgram(record, bytes, header, end))) {
    record.form = "3164";
    return;
  }
  record.msgStart = textStart;
  record.msgEnd = end;
}

function readTime(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): number {
  if (end - at < 14) return -1;
  const timeEnd =
    isDigit(bytes[at]!) && bytes[at + 4] === MINUS
      ? readIsoTime(bytes, at, end, " ", rules.zone, record)
      : readBsdTime(bytes, at, end, record.receivedUs, rules.zone, record);
  // What runs on without a gap is no time: "Oct 11 22:14:15x".
  if (timeEnd < 0 || timeEnd === end || bytes[timeEnd] === SPACE || bytes[timeEnd] === COLON) return timeEnd;
  record.timeUs = Number.NaN;
  record.zoneMinutes = 0;
  return -1;
}

/** A time as Cisco's devices send it: behind a sequence number, or behind `*` or `.` where their clock was never set or has lost its source. */
function readCiscoTime(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): number {
  const start = at;
  while (at < end && isDigit(bytes[at]!)) at++;
  const isNumbered = at > start;
  if (isNumbered) {
    if (at + 1 >= end || bytes[at] !== COLON || bytes[at + 1] !== SPACE) return -1;
    at += 2;
  } else if (at + 1 < end && bytes[at] === COLON && bytes[at + 1] === SPACE) {
    at += 2; // NX-OS
  }
  if (at === start || isClockMark(bytes, at, end)) return readMarkedTime(record, bytes, at, end, rules);
  const timeEnd = readTime(record, bytes, at, end, rules);
  return timeEnd < 0 && isNumbered ? readNamedTime(record, bytes, at, end, rules) : timeEnd;
}

/** Behind the mark for an unset clock. */
function readMarkedTime(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): number {
  return isClockMark(bytes, at, end) ? readTime(record, bytes, at + 1, end, rules) : -1;
}

function isClockMark(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] === STAR || bytes[at] === DOT);
}

/** `HOST: TIME`, behind a sequence number: the device's own name. */
function readNamedTime(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): number {
  const wordEnd = endOfWord(bytes, at, end);
  const hostEnd = wordEnd - 1;
  if (hostEnd <= at || hostEnd - at > HOST_BYTES_MAX || bytes[hostEnd] !== COLON) return -1;
  for (let index = at; index < hostEnd; index++) if (!isHostByte(bytes[index]!)) return -1;
  const time = isClockMark(bytes, wordEnd + 1, end) ? wordEnd + 2 : wordEnd + 1;
  const timeEnd = readTime(record, bytes, time, end, rules);
  if (timeEnd >= 0) setHost(record, at, hostEnd);
  return timeEnd;
}

/** Host, tag and text, behind a time. */
function readNames(record: RecordView, bytes: Uint8Array, at: number, end: number, rules: ParseRules): void {
  const textStart = at;
  at = skipSpaces(bytes, at, end);
  if (readForwarded(record, bytes, at, end)) return;

  const wordEnd = endOfWord(bytes, at, end);
  if (!isHost(record, bytes, at, wordEnd, end, rules)) {
    if (readTag(record, bytes, at, end) || readProgram(record, bytes, at, end)) return;
    record.msgStart = textStart;
    record.msgEnd = end;
    return;
  }
  setHost(record, at, bytes[wordEnd - 1] === COLON && bytes[wordEnd - 2] !== COLON ? wordEnd - 1 : wordEnd);
  at = Math.min(wordEnd + 1, end);
  if (end - at >= 3 && bytes[at] === COLON && bytes[at + 1] === SPACE && bytes[at + 2] === PERCENT) at += 2; // "host : %ASA-6-302014:"
  readTagOrText(record, bytes, at, end);
}

/** `-` is RFC 5424's way to say "none", and is sent in this form too. */
function setHost(record: RecordView, from: number, to: number): void {
  if (to === from + 1 && record.bytes[from] === MINUS) return;
  record.hostStart = from;
  record.hostEnd = to;
}

function readTagOrText(record: RecordView, bytes: Uint8Array, at: number, end: number): void {
  const word = skipSpaces(bytes, at, end);
  if (readTag(record, bytes, word, end)) return;
  if (word < end && endOfWord(bytes, word, end) === end && readProgram(record, bytes, word, end)) return;
  record.msgStart = at;
  record.msgEnd = end;
}

/** Whether the word at [at, wordEnd) is the host. */
function isHost(
  record: RecordView,
  bytes: Uint8Array,
  at: number,
  wordEnd: number,
  end: number,
  rules: ParseRules,
): boolean {
  if (wordEnd === at || wordEnd === end || wordEnd - at > HOST_BYTES_MAX) return false; // a last word is the program, if anything
  if (!rules.hostInHeader && !isOwnName(record, bytes, at, wordEnd)) return false;
  let colons = 0;
  let hexadecimal = true;
  let hasGap = false; // "::"
  let inScope = false; // fe80::1%eth0
  for (let index = at; index < wordEnd; index++) {
    const byte = bytes[index]!;
    if (byte === COLON) {
      colons++;
      if (bytes[index + 1] === COLON) hasGap = true;
    } else if (byte === PERCENT && hasGap) inScope = true;
    else if (byte === OPEN || byte < SPACE || byte === DEL) return false;
    else if (rules.checkHost && !isHostByte(byte)) return false;
    else if (!isHexDigit(byte) && !inScope) hexadecimal = false;
  }
  const isAddress = hexadecimal && (hasGap || colons >= 5); // IPv6, or a MAC address
  if (colons > 0 && !isAddress) {
    // A tag, but for "host: %FACILITY-4-MNEMONIC:", which Cisco's devices send.
    if (colons > 1 || bytes[wordEnd - 1] !== COLON || wordEnd + 1 >= end || bytes[wordEnd + 1] !== PERCENT)
      return false;
    if (bytes[at] === PERCENT) return false;
  }
  return rules.badHost === undefined || !rules.badHost.test(record.text(at, wordEnd));
}

function isOwnName(record: RecordView, bytes: Uint8Array, from: number, to: number): boolean {
  const own = record.origin.hostBytes;
  if (to - from !== own.length) return false;
  for (let index = 0; index < own.length; index++) if (bytes[from + index] !== own[index]) return false;
  return true;
}

const FORWARDED = new TextEncoder().encode("Message forwarded from ");

/** "Message forwarded from HOST: ", which AIX's syslogd puts before what it relays. */
function readForwarded(record: RecordView, bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== FORWARDED[0] || end - at < FORWARDED.length + 2) return false;
  for (let index = 1; index < FORWARDED.length; index++) if (bytes[at + index] !== FORWARDED[index]) return false;
  const host = at + FORWARDED.length;
  const wordEnd = endOfWord(bytes, host, end);
  if (wordEnd - host < 2 || wordEnd - host > HOST_BYTES_MAX || bytes[wordEnd - 1] !== COLON) return false;
  for (let index = host; index < wordEnd; index++) if (!isHostByte(bytes[index]!)) return false;
  setHost(record, host, wordEnd - 1);
  readTagOrText(record, bytes, Math.min(wordEnd + 1, end), end);
  return true;
}

/** Reads `program:`, `program[pid]:` or `program[pid] ` and the text behind it; false where there is no tag. */
function readTag(record: RecordView, bytes: Uint8Array, at: number, end: number): boolean {
  const limit = Math.min(end, at + TAG_BYTES_MAX + 1);
  let appEnd = at;
  let isNumber = true;
  while (appEnd < limit && isTagByte(bytes[appEnd]!)) {
    const byte = bytes[appEnd]!;
    if (byte === COLON) {
      // "Net::Server:" is one word: two colons with more behind them are part of it.
      if (appEnd + 2 >= end || bytes[appEnd + 1] !== COLON || !isAlphanumeric(bytes[appEnd + 2]!)) break;
      appEnd++;
    }
    if (!isDigit(byte)) isNumber = false;
    appEnd++;
  }
  if (appEnd === at || appEnd >= limit || (appEnd === at + 1 && bytes[at] === MINUS)) return false;

  let tagEnd = appEnd;
  let procidEnd = 0;
  if (bytes[appEnd] === OPEN) {
    procidEnd = endOfProcid(bytes, appEnd + 1, end);
    if (procidEnd < 0) return false;
    tagEnd = procidEnd + 1;
    if (tagEnd < end && bytes[tagEnd] === COLON) tagEnd++;
    else if (!isPid(bytes, appEnd + 1, procidEnd) || (tagEnd < end && bytes[tagEnd] !== SPACE)) return false;
  } else if (bytes[appEnd] === COLON) {
    const next = appEnd + 1 < end ? bytes[appEnd + 1]! : SPACE;
    if ((isNumber && isDigit(next)) || (next === SLASH && bytes[appEnd + 2] === SLASH)) return false; // "12:30", "http://"
    tagEnd = appEnd + 1;
  } else {
    return false;
  }
  record.appStart = at;
  record.appEnd = appEnd;
  if (procidEnd > 0 && !(procidEnd === appEnd + 2 && bytes[appEnd + 1] === MINUS)) {
    record.procidStart = appEnd + 1;
    record.procidEnd = procidEnd;
  }
  record.msgStart = tagEnd < end && bytes[tagEnd] === SPACE ? tagEnd + 1 : tagEnd;
  record.msgEnd = end;
  return true;
}

/** Reads a first word that is the program though no colon says so; false where it can't be. */
function readProgram(record: RecordView, bytes: Uint8Array, at: number, end: number): boolean {
  const wordEnd = endOfWord(bytes, at, end);
  if (wordEnd === at || wordEnd - at > TAG_BYTES_MAX) return false;
  const first = bytes[at]!;
  if (!isAlphanumeric(first) && first !== PERCENT && first !== SLASH) return false;
  for (let index = at; index < wordEnd; index++) {
    if (!isTagByte(bytes[index]!) || bytes[index] === COLON) return false;
  }
  record.appStart = at;
  record.appEnd = wordEnd;
  record.isAppBare = true;
  record.msgStart = Math.min(wordEnd + 1, end);
  record.msgEnd = end;
  return true;
}

/** Where the `]` of a process id is, or -1. */
function endOfProcid(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + PROCID_BYTES_MAX + 1);
  while (at < limit && bytes[at] !== CLOSE) {
    if (bytes[at]! <= SPACE || bytes[at] === DEL) return -1;
    at++;
  }
  return at < limit ? at : -1;
}

function isPid(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (!isDigit(bytes[index]!)) return false;
  return to > from;
}

function endOfWord(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] !== SPACE) at++;
  return at;
}

function skipSpaces(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] === SPACE) at++;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isAlphanumeric(byte: number): boolean {
  return TAG_BYTES[byte] === 2;
}

function isTagByte(byte: number): boolean {
  return TAG_BYTES[byte] !== 0;
}

function isHostByte(byte: number): boolean {
  return HOST_BYTES[byte] !== 0;
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** Bytes of a program's name: 2 for letters, digits, `_` and what is not ASCII, 1 for the others. Quotes, brackets and the like begin text instead. */
const TAG_BYTES = new Uint8Array(256);
/** Bytes of a host's name or address; not ASCII where someone names hosts so. */
const HOST_BYTES = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const character = String.fromCharCode(byte);
  if (byte >= 0x80 || /[A-Za-z0-9_]/.test(character)) {
    TAG_BYTES[byte] = 2;
    HOST_BYTES[byte] = 1;
  } else if ("-./:%()@+~#*&!$".includes(character)) {
    TAG_BYTES[byte] = 1;
  }
  if (".-:".includes(character)) HOST_BYTES[byte] = 1;
}
