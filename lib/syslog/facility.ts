// Facilities: which part of a system a record is about. A number from 0 to 23, in the upper bits of PRI (RFC 5424 section 6.2.1, table 1).
//
// Numbers 12 to 15 have no name in Linux's libc, so each syslog daemon has its own. We write the names below and read all of them.
import { nearest } from "../base/nearest.ts";

/** The name we write for each facility, by number. 12 to 15 are RFC 5424's ntp, log audit, log alert and clock daemon. */
export const FACILITY_NAMES = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "syslog",
  "lpr",
  "news",
  "uucp",
  "cron",
  "authpriv",
  "ftp",
  "ntp",
  "audit",
  "alert",
  "clock",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
] as const;

export const FACILITY_COUNT = FACILITY_NAMES.length;

export type FacilityName = (typeof FACILITY_NAMES)[number];

/** Other names that are read. `security` is `auth`, as everywhere but in sysklogd, where it is 13; `console` is FreeBSD's 14, `cron2` is what some call 15. */
export const FACILITY_ALIASES: ReadonlyMap<string, number> = new Map([
  ["security", 4],
  ["logaudit", 13],
  ["console", 14],
  ["logalert", 14],
  ["cron2", 15],
]);

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...FACILITY_NAMES.map((name, number): [string, number] => [name, number]),
  ...FACILITY_ALIASES,
]);

/** The name of facility `facility` (0 to 23). */
export function facilityName(facility: number): FacilityName {
  return FACILITY_NAMES[facility]!;
}

/** The number of a facility given as a name, an alias or a decimal number, in any case; `undefined` where there is no such facility. */
export function tryFacility(word: string): number | undefined {
  const named = NUMBERS.get(word.toLowerCase());
  if (named !== undefined) return named;
  if (!/^\d{1,2}$/.test(word)) return undefined;
  const number = Number(word);
  return number < FACILITY_COUNT ? number : undefined;
}

/** The facility that a mistyped word most likely meant. */
export function nearestFacility(word: string): string | undefined {
  return nearest(word, NUMBERS.keys());
}
