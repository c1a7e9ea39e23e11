// How a time is written where the recorder writes its own: by a name, or as strftime(3) does, in the language of logs.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { CivilDate, daysOfDate } from "../syslog/civil-date.ts";
import type { ZoneOffset } from "../syslog/zone.ts";

const NAMED: Readonly<Record<string, string>> = {
  common: "%d/%b/%Y:%H:%M:%S %z",
  rfc3164: "%b %e %H:%M:%S",
  iso: "%Y-%m-%dT%H:%M:%S%:z",
};

export const TIME_FORM =
  'common (as in the log of a web server), rfc3164, iso, or a pattern of strftime such as "%d/%b/%Y:%H:%M:%S %z"';

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
].concat("November", "December");
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const CONVERSION = /%(:?.|$)/gsu;

/** A moment, taken apart in its zone. */
interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly dayOfYear: number;
  readonly dayOfWeek: number;
  readonly unixSecond: number;
  readonly zoneMinutes: number;
}

const padded = (value: number, digits = 2, filler = "0") => `${value}`.padStart(digits, filler);

const CONVERSIONS: Readonly<Record<string, (parts: Parts) => string>> = {
  a: ({ dayOfWeek }) => DAYS[dayOfWeek]!.slice(0, 3),
  A: ({ dayOfWeek }) => DAYS[dayOfWeek]!,
  b: ({ month }) => MONTHS[month - 1]!.slice(0, 3),
  h: ({ month }) => MONTHS[month - 1]!.slice(0, 3),
  B: ({ month }) => MONTHS[month - 1]!,
  c: (parts) => written("%a %b %e %H:%M:%S %Y", parts),
  d: ({ day }) => padded(day),
  D: (parts) => written("%m/%d/%y", parts),
  e: ({ day }) => padded(day, 2, " "),
  F: (parts) => written("%Y-%m-%d", parts),
  H: ({ hour }) => padded(hour),
  I: ({ hour }) => padded(hour % 12 || 12),
  j: ({ dayOfYear }) => padded(dayOfYear, 3),
  k: ({ hour }) => padded(hour, 2, " "),
  m: ({ month }) => padded(month),
  M: ({ minute }) => padded(minute),
  n: () => " ", // a line stays one
  p: ({ hour }) => (hour < 12 ? "AM" : "PM"),
  r: (parts) => written("%I:%M:%S %p", parts),
  R: (parts) => written("%H:%M", parts),
  s: ({ unixSecond }) => `${unixSecond}`,
  S: ({ second }) => padded(second),
  t: () => "\t",
  T: (parts) => written("%H:%M:%S", parts),
  u: ({ dayOfWeek }) => `${dayOfWeek || 7}`,
  w: ({ dayOfWeek }) => `${dayOfWeek}`,
  x: (parts) => written("%m/%d/%y", parts),
  X: (parts) => written("%H:%M:%S", parts),
  y: ({ year }) => padded(year % 100),
  Y: ({ year }) => `${year}`,
  z: ({ zoneMinutes }) => offset(zoneMinutes, ""),
  ":z": ({ zoneMinutes }) => offset(zoneMinutes, ":"),
  "%": () => "%",
};

/**
 * The pattern that `text` names, or is.
 * @throws {Fault} kind "usage", code "time-form"
 */
export function parseTimeForm(text: string): string {
  const named = Object.hasOwn(NAMED, text) ? NAMED[text] : undefined;
  if (named !== undefined) return named;
  const wrong = [...text.matchAll(CONVERSION)].find(([, conversion]) => !Object.hasOwn(CONVERSIONS, conversion!));
  if (wrong === undefined && text.includes("%") && !/[\n\r\0]/.test(text)) return text;
  const meant = wrong === undefined ? nearest(text, Object.keys(NAMED)) : undefined;
  const found = wrong === undefined ? JSON.stringify(text) : `${JSON.stringify(wrong[0])} in ${JSON.stringify(text)}`;
  const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  throw new Fault("usage", "time-form", `cannot read form of a time: found ${found}, expected ${TIME_FORM}${hint}`);
}

/** Writes moments by one pattern; those of one second are made once. */
export class TimeFormer {
  #second = Number.NaN;
  #text = "";
  readonly #date = new CivilDate();

  constructor(
    private readonly pattern: string,
    private readonly zone: ZoneOffset,
  ) {}

  /** @param timeUs microseconds since 1970, UTC */
  text(timeUs: number): string {
    const second = Math.floor(timeUs / 1_000_000);
    if (second === this.#second) return this.#text;
    this.#second = second;
    const zoneMinutes = this.zone(second * 1_000);
    const local = second + zoneMinutes * 60;
    const days = Math.floor(local / 86_400);
    const ofDay = local - days * 86_400;
    this.#date.setDays(days);
    const { year, month, day } = this.#date;
    this.#text = written(this.pattern, {
      year,
      month,
      day,
      hour: Math.floor(ofDay / 3_600),
      minute: Math.floor(ofDay / 60) % 60,
      second: ofDay % 60,
      dayOfYear: days - daysOfDate(year, 1, 1) + 1,
      dayOfWeek: (((days + 4) % 7) + 7) % 7,
      unixSecond: second,
      zoneMinutes,
    });
    return this.#text;
  }
}

function written(pattern: string, parts: Parts): string {
  return pattern.replace(CONVERSION, (whole, conversion: string) => CONVERSIONS[conversion]?.(parts) ?? whole);
}

function offset(zoneMinutes: number, separator: string): string {
  const minutes = Math.abs(zoneMinutes);
  return `${zoneMinutes < 0 ? "-" : "+"}${padded(Math.floor(minutes / 60))}${separator}${padded(minutes % 60)}`;
}
