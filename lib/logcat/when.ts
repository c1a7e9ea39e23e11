// Points in time as an operator writes them, for `--since` and `--before`.
import { tryDuration } from "../base/duration.ts";
import { Fault } from "../base/fault.ts";
import { CivilDate, DAY_US } from "../syslog/civil-date.ts";
import { type ClaimedTime, readIsoTime } from "../syslog/timestamp.ts";
import type { ZoneOffset } from "../syslog/zone.ts";

export const WHEN_FORM =
  'a time such as "2h" (that long ago), "12:30", "today", "yesterday", "2026-07-31", "2026-07-31 12:30:00", "2026-07-31T12:30:00Z" or "@1700000000"';

/**
 * Reads a point in time. A time of day without a date is the last such time that has been.
 * @param nowUs microseconds since 1970, UTC
 * @param zone  of times that name none
 * @returns microseconds since 1970, UTC
 * @throws {Fault} kind "usage", code "time"
 */
export function parseWhen(text: string, nowUs: number, zone: ZoneOffset): number {
  const found = tryWhen(text.trim(), nowUs, zone);
  if (found === undefined)
    throw new Fault("usage", "time", `cannot read time ${JSON.stringify(text)}: expected ${WHEN_FORM}`);
  return found;
}

function tryWhen(text: string, nowUs: number, zone: ZoneOffset): number | undefined {
  if (text === "now") return nowUs;
  const agoMs = tryDuration(text.replace(/\s*ago$/u, ""));
  if (agoMs !== undefined) return nowUs - agoMs * 1_000;
  const [, unixSeconds] = /^@(\d{1,11}(?:\.\d{1,6})?)$/u.exec(text) ?? [];
  if (unixSeconds !== undefined) return Math.round(Number(unixSeconds) * 1_000_000);
  const days = today(nowUs, zone);
  if (text === "today") return localTime(dateOf(days), "00:00:00", zone);
  if (text === "yesterday") return localTime(dateOf(days - 1), "00:00:00", zone);
  const [, date, clock, rest] =
    /^(\d{4}-\d\d-\d\d)?(?:(?:^|[T ])(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/u.exec(text) ?? [];
  if (date === undefined && clock === undefined) return undefined;
  const seconds = clock === undefined ? "00:00:00" : clock.length === 5 ? `${clock}:00` : clock;
  const at = (day: string) => localTime(day, `${seconds}${rest ?? ""}`, zone);
  if (date !== undefined) return at(date);
  const near = [1, 0, -1, -2].map((more) => at(dateOf(days + more)));
  return near.find((timeUs) => timeUs !== undefined && timeUs <= nowUs);
}

/** Whether it is a time of day alone, such as "12:30". */
export function isTimeOfDay(text: string): boolean {
  return /^\s*\d\d:\d\d/u.test(text);
}

export interface Span {
  readonly sinceUs: number;
  readonly beforeUs: number;
}

/**
 * From when to when. `before` a time of day is the last one that has been, or, where that lies before `since`, the one a day later.
 * @param waits for what comes, so that a `since` that is to come has a use
 * @throws {Fault} kind "usage": there is no such time, or nothing lies between the two
 */
export function parseSpan(
  { since, before, waits }: { readonly since?: string; readonly before?: string; readonly waits: boolean },
  nowUs: number,
  zone: ZoneOffset,
): Span {
  const sinceUs = since === undefined ? Number.NEGATIVE_INFINITY : parseWhen(since, nowUs, zone);
  let beforeUs = before === undefined ? Number.POSITIVE_INFINITY : parseWhen(before, nowUs, zone);
  if (before !== undefined && isTimeOfDay(before) && beforeUs <= sinceUs && sinceUs <= nowUs) beforeUs += DAY_US;
  if (beforeUs <= sinceUs)
    throw new Fault(
      "usage",
      "span",
      `--since ${timeText(sinceUs)} is not before --before ${timeText(beforeUs)}: nothing lies between them`,
    );
  if (sinceUs > nowUs && !waits)
    throw new Fault("usage", "future", `--since ${timeText(sinceUs)} is still to come: nothing was recorded then`);
  return { sinceUs, beforeUs };
}

function timeText(timeUs: number): string {
  const days = Math.floor(timeUs / DAY_US);
  const seconds = Math.floor((timeUs - days * DAY_US) / 1_000_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${dateOf(days)} ${two(seconds / 3_600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}Z`;
}

function today(nowUs: number, zone: ZoneOffset): number {
  return Math.floor((nowUs + zone(nowUs / 1_000) * 60_000_000) / DAY_US);
}

function dateOf(days: number): string {
  const date = new CivilDate();
  date.setDays(days);
  return `${String(date.year).padStart(4, "0")}-${String(date.month).padStart(2, "0")}-${String(date.day).padStart(2, "0")}`;
}

function localTime(date: string, clock: string, zone: ZoneOffset): number | undefined {
  const bytes = new TextEncoder().encode(`${date}T${clock}`);
  const into: ClaimedTime = { timeUs: Number.NaN, zoneMinutes: 0 };
  return readIsoTime(bytes, 0, bytes.length, "T", zone, into) === bytes.length ? into.timeUs : undefined;
}
