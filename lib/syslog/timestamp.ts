// Reads the times that messages claim.
//
//   ISO 8601 / RFC 3339   2003-10-11T22:14:15.003Z   2006-10-29 02:00:00.156+01:00   2009-10-16T11:51:56
//   BSD, RFC 3164         Oct 11 22:14:15
//   and its relatives     Mar 7 2008 19:06:53   Apr 15 21:28:13 2007   2019 Oct  7 03:10:04.123   Aug 24 05:34:00 CST 1987   Oct  7 03:10:04 UTC:
//
// A time without a zone is local time in the zone of the source. A date without a year is in the year that brings it nearest to the time of receipt: right
// at New Year, and with a sender whose clock is ahead. Fractions are kept to the microsecond and cut there.
//
// Readers return the offset behind the time, or -1 where there is none; they write what they found only if there is one.
import { CivilDate, DAY_US, daysOfDate, isDate } from "./civil-date.ts";
import type { ZoneOffset } from "./zone.ts";

/** What is filled: a record, for one. */
export interface ClaimedTime {
  /** Microseconds since 1970, UTC. */
  timeUs: number;
  zoneMinutes: number;
}

const SPACE = 0x20;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const DIGIT_0 = 0x30;
const COLON = 0x3a;
const LOWER_CASE = 0x20;
/** About 2^53: microseconds of the years 1686 to 2253 are exact numbers. Other years are nobody's, and lose the fraction of their seconds. */
const EXACT_US = 8.95e15;

/**
 * Reads an ISO 8601 time at `at`. `separator` is "T" for RFC 5424, where a space would end the field, else " " for either.
 *
 * Zones: `Z`, `+01:00`, `+0100`, `+01`, or none. A second of 60 is the next minute's first.
 */
export function readIsoTime(
  bytes: Uint8Array,
  at: number,
  end: number,
  separator: "T" | " ",
  zone: ZoneOffset,
  into: ClaimedTime,
): number {
  if (end - at < 19 || bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return -1;
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  const between = bytes[at + 10]!;
  if ((between | LOWER_CASE) !== 0x74 && !(separator === " " && between === SPACE)) return -1;
  const secondOfDay = readClock(bytes, at + 11);
  if (!(year >= 0) || secondOfDay < 0 || !isDate(year, month, day)) return -1;

  at += 19;
  let micros = 0;
  if (at < end && (bytes[at] === DOT || bytes[at] === COMMA)) {
    micros = readMicros(bytes, at + 1, end);
    at = skipDigits(bytes, at + 1, end);
  }
  let localUs = daysOfDate(year, month, day) * DAY_US + secondOfDay * 1_000_000;
  if (Math.abs(localUs) < EXACT_US) localUs += micros;
  return readIsoZone(bytes, at, end, localUs, zone, into);
}

function readIsoZone(
  bytes: Uint8Array,
  at: number,
  end: number,
  localUs: number,
  zone: ZoneOffset,
  into: ClaimedTime,
): number {
  const sign = at < end ? bytes[at]! : 0;
  if ((sign | LOWER_CASE) === 0x7a) {
    into.timeUs = localUs;
    into.zoneMinutes = 0;
    return at + 1;
  }
  if (sign !== PLUS && sign !== MINUS) {
    setLocal(localUs, zone, into);
    return at;
  }
  if (end - at < 3) return -1;
  const hours = twoDigits(bytes, at + 1);
  at += 3;
  let minutes = 0;
  if (at < end && bytes[at] === COLON) {
    minutes = end - at < 3 ? Number.NaN : twoDigits(bytes, at + 1);
    at += 3;
  } else if (end - at >= 2 && isDigit(bytes[at]!)) {
    minutes = twoDigits(bytes, at);
    at += 2;
  }
  if (!(hours <= 23 && minutes <= 59)) return -1;
  const offset = sign === MINUS ? -(hours * 60 + minutes) : hours * 60 + minutes;
  into.timeUs = localUs - offset * 60_000_000;
  into.zoneMinutes = offset;
  return at;
}

/**
 * Reads a BSD time, or a relative of it, at `at`. @param nowUs the time of receipt, for a date without a year
 *
 * Many messages are of one second: the last plain time is remembered, and its text compared (a quarter of the time that reading a message takes).
 */
export function readBsdTime(
  bytes: Uint8Array,
  at: number,
  end: number,
  nowUs: number,
  zone: ZoneOffset,
  into: ClaimedTime,
): number {
  if (isLastTime(bytes, at, end, nowUs, zone)) {
    into.timeUs = lastTime.timeUs;
    into.zoneMinutes = lastTime.zoneMinutes;
    return at + PLAIN_BYTES;
  }
  const timeEnd = readAnyBsdTime(bytes, at, end, nowUs, zone, into);
  if (timeEnd === at + PLAIN_BYTES && isNear(into.timeUs, nowUs)) {
    for (let index = 0; index < PLAIN_BYTES; index++) lastTime.text[index] = bytes[at + index]!;
    lastTime.zone = zone;
    lastTime.timeUs = into.timeUs;
    lastTime.zoneMinutes = into.zoneMinutes;
  }
  return timeEnd;
}

/** "Oct 11 22:14:15" */
const PLAIN_BYTES = 15;
const lastTime = {
  text: new Uint8Array(PLAIN_BYTES),
  zone: undefined as ZoneOffset | undefined,
  timeUs: 0,
  zoneMinutes: 0,
};

/** Near enough that the year can be no other. */
function isNear(timeUs: number, nowUs: number): boolean {
  return Math.abs(timeUs - nowUs) < 180 * DAY_US;
}

/** Whether the text at `at` is the time that was read last, for sure with nothing behind it that belongs to a time: a fraction, a year, a zone. */
function isLastTime(bytes: Uint8Array, at: number, end: number, nowUs: number, zone: ZoneOffset): boolean {
  const { text } = lastTime;
  if (end - at < PLAIN_BYTES + 2 || zone !== lastTime.zone || !isNear(lastTime.timeUs, nowUs)) return false;
  const behind = bytes[at + PLAIN_BYTES + 1]!;
  if (bytes[at + PLAIN_BYTES] !== SPACE || behind < 0x61 || behind > 0x7a) return false;
  for (let index = PLAIN_BYTES - 1; index >= 0; index--) if (bytes[at + index] !== text[index]) return false;
  return true;
}

function readAnyBsdTime(
  bytes: Uint8Array,
  at: number,
  end: number,
  nowUs: number,
  zone: ZoneOffset,
  into: ClaimedTime,
): number {
  let year = -1;
  if (isDigit(bytes[at]!)) {
    year = readYear(bytes, at, end);
    if (year < 0 || bytes[at + 4] !== SPACE) return -1;
    at += 5;
  }
  if (end - at < 14) return -1; // "Jan 1 01:00:00"
  const month = monthAt(bytes, at);
  if (month === 0 || bytes[at + 3] !== SPACE) return -1;
  at += bytes[at + 4] === SPACE ? 5 : 4;
  let day = bytes[at]! - DIGIT_0;
  if (!(day >= 0 && day <= 9)) return -1;
  at++;
  if (isDigit(bytes[at]!)) day = day * 10 + bytes[at++]! - DIGIT_0;
  if (bytes[at] !== SPACE) return -1;
  at++;
  if (year < 0 && bytes[at + 2] !== COLON) {
    year = readYear(bytes, at, end);
    if (year < 0 || bytes[at + 4] !== SPACE) return -1;
    at += 5;
  }
  if (end - at < 8) return -1;
  const secondOfDay = readClock(bytes, at);
  if (secondOfDay < 0) return -1;
  at += 8;

  let micros = 0;
  if (at < end && bytes[at] === DOT) {
    micros = readMicros(bytes, at + 1, end);
    at = skipDigits(bytes, at + 1, end);
  }
  const clockUs = secondOfDay * 1_000_000 + micros;

  let offset = Number.NaN; // of a zone that is named, in minutes
  if (at < end && bytes[at] === SPACE) {
    if (year < 0 && isYearWord(bytes, at + 1, end)) {
      year = readYear(bytes, at + 1, end);
      at += 5;
    } else {
      const wordEnd = zoneWordEnd(bytes, at + 1, end);
      if (wordEnd > 0) {
        offset = namedZone(bytes, at + 1, wordEnd);
        at = wordEnd;
        if (year < 0 && bytes[at] === SPACE) {
          year = readYear(bytes, at + 1, end);
          at += 5;
        }
      }
    }
  }
  return setDate(year, month, day, clockUs, offset, nowUs, zone, into) ? at : -1;
}

function setDate(
  year: number,
  month: number,
  day: number,
  clockUs: number,
  offset: number,
  nowUs: number,
  zone: ZoneOffset,
  into: ClaimedTime,
): boolean {
  const zoneHere = Number.isNaN(offset) ? zone : undefined;
  if (year < 0) {
    if (!isDate(2000, month, day)) return false; // in a leap year
    year = nearestYear(
      month,
      day,
      clockUs,
      nowUs + (zoneHere === undefined ? offset : zoneHere(nowUs / 1000)) * 60_000_000,
    );
  }
  if (!isDate(year, month, day)) return false;
  const localUs = daysOfDate(year, month, day) * DAY_US + clockUs;
  if (zoneHere === undefined) {
    into.timeUs = localUs - offset * 60_000_000;
    into.zoneMinutes = offset;
  } else {
    setLocal(localUs, zoneHere, into);
  }
  return true;
}

const HALF_YEAR_US = 182 * DAY_US;
const today = new CivilDate();

/** The year that brings a date nearest to `nowUs`, both in local time. 29 February: the nearest year that has one. */
function nearestYear(month: number, day: number, clockUs: number, nowUs: number): number {
  today.setDays(Math.floor(nowUs / DAY_US));
  const thisYear = today.year;
  if (isDate(thisYear, month, day)) {
    const apart = daysOfDate(thisYear, month, day) * DAY_US + clockUs - nowUs;
    if (apart <= HALF_YEAR_US && apart >= -HALF_YEAR_US) return thisYear;
  }
  let best = thisYear;
  let bestApart = Number.POSITIVE_INFINITY;
  const reach = month === 2 && day === 29 ? 8 : 1; // 1896 to 1904 is the longest wait for a leap year
  for (let year = thisYear - reach; year <= thisYear + reach; year++) {
    if (!isDate(year, month, day)) continue;
    const apart = Math.abs(daysOfDate(year, month, day) * DAY_US + clockUs - nowUs);
    if (apart < bestApart) {
      best = year;
      bestApart = apart;
    }
  }
  return best;
}

/** Local time to UTC: guess the offset, then take the one that holds at the guess. In the hour that a zone leaves out or has twice, either is right. */
function setLocal(localUs: number, zone: ZoneOffset, into: ClaimedTime): void {
  const guess = zone(localUs / 1000);
  const offset = guess === 0 ? 0 : zone(localUs / 1000 - guess * 60_000);
  into.timeUs = localUs - offset * 60_000_000;
  into.zoneMinutes = offset;
}

/** `hh:mm:ss` as seconds of the day, -1 where it is none. */
function readClock(bytes: Uint8Array, at: number): number {
  if (bytes[at + 2] !== COLON || bytes[at + 5] !== COLON) return -1;
  const hour = twoDigits(bytes, at);
  const minute = twoDigits(bytes, at + 3);
  const second = twoDigits(bytes, at + 6);
  return hour <= 23 && minute <= 59 && second <= 60 ? (hour * 60 + minute) * 60 + second : -1;
}

/** The digits at `at` as a fraction of a second, in microseconds. */
function readMicros(bytes: Uint8Array, at: number, end: number): number {
  let micros = 0;
  for (let unit = 100_000; unit >= 1; unit /= 10, at++) {
    if (at >= end || !isDigit(bytes[at]!)) break;
    micros += (bytes[at]! - DIGIT_0) * unit;
  }
  return micros;
}

function skipDigits(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isDigit(bytes[at]!)) at++;
  return at;
}

/** A year that a log can be of, in four digits; -1 where there is none. */
function readYear(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 4) return -1;
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
  return year >= 1970 && year <= 2199 ? year : -1;
}

/** Whether the whole word at `at` is a year; it may be followed by a colon. */
function isYearWord(bytes: Uint8Array, at: number, end: number): boolean {
  if (readYear(bytes, at, end) < 0) return false;
  at += 4;
  if (at < end && bytes[at] === COLON) at++; // but "2001:db8::7" is a host
  return at === end || bytes[at] === SPACE;
}

/**
 * Where a zone's name at `at` ends, -1 where there is none: a name that is known and ends in a colon, as Cisco's devices write it, or any two to five capitals
 * with a year behind them. So no host and no program of that name is taken for a zone.
 */
function zoneWordEnd(bytes: Uint8Array, at: number, end: number): number {
  let wordEnd = at;
  while (wordEnd < end && wordEnd - at < 6 && bytes[wordEnd]! >= 0x41 && bytes[wordEnd]! <= 0x5a) wordEnd++;
  if (wordEnd - at < 2 || wordEnd - at > 5 || wordEnd >= end) return -1;
  if (bytes[wordEnd] === COLON) return Number.isNaN(namedZone(bytes, at, wordEnd)) ? -1 : wordEnd;
  return bytes[wordEnd] === SPACE && isYearWord(bytes, wordEnd + 1, end) ? wordEnd : -1;
}

/** Zones by name, in minutes: those of RFC 822 section 5.1 and Europe's. Others have no one meaning. */
const NAMED_ZONES: ReadonlyMap<string, number> = new Map([
  ["UT", 0],
  ["UTC", 0],
  ["GMT", 0],
  ["EST", -300],
  ["EDT", -240],
  ["CST", -360],
  ["CDT", -300],
  ["MST", -420],
  ["MDT", -360],
  ["PST", -480],
  ["PDT", -420],
  ["WET", 0],
  ["WEST", 60],
  ["CET", 60],
  ["CEST", 120],
  ["EET", 120],
  ["EEST", 180],
]);

function namedZone(bytes: Uint8Array, at: number, end: number): number {
  return NAMED_ZONES.get(String.fromCharCode(...bytes.subarray(at, end))) ?? Number.NaN;
}

/** 1 to 12 for the first three letters of an English month in any case, else 0. */
function monthAt(bytes: Uint8Array, at: number): number {
  const letters =
    ((bytes[at]! | LOWER_CASE) << 16) | ((bytes[at + 1]! | LOWER_CASE) << 8) | (bytes[at + 2]! | LOWER_CASE);
  switch (letters) {
    case 0x6a616e:
      return 1;
    case 0x666562:
      return 2;
    case 0x6d6172:
      return 3;
    case 0x617072:
      return 4;
    case 0x6d6179:
      return 5;
    case 0x6a756e:
      return 6;
    case 0x6a756c:
      return 7;
    case 0x617567:
      return 8;
    case 0x736570:
      return 9;
    case 0x6f6374:
      return 10;
    case 0x6e6f76:
      return 11;
    case 0x646563:
      return 12;
    default:
      return 0;
  }
}

/** Two digits at `at` as a number, NaN where they are none. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - DIGIT_0;
  const ones = bytes[at + 1]! - DIGIT_0;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
