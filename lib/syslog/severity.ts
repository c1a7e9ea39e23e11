// Severities: how urgent a record is. A number from 0 (most urgent) to 7, in the lower three bits of PRI (RFC 5424 section 6.2.1, table 2).
// The older word for it is priority, or level.
import { nearest } from "../base/nearest.ts";

/** The name we write for each severity, by number: the classic short ones. */
export const SEVERITY_NAMES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;

export const SEVERITY_COUNT = SEVERITY_NAMES.length;

export type SeverityName = (typeof SEVERITY_NAMES)[number];

/** Other names that are read. */
export const SEVERITY_ALIASES: ReadonlyMap<string, number> = new Map([
  ["panic", 0],
  ["emergency", 0],
  ["critical", 2],
  ["error", 3],
  ["warn", 4],
  ["informational", 6],
]);

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...SEVERITY_NAMES.map((name, number): [string, number] => [name, number]),
  ...SEVERITY_ALIASES,
]);

/** The name of severity `severity` (0 to 7). */
export function severityName(severity: number): SeverityName {
  return SEVERITY_NAMES[severity]!;
}

/** The number of a severity given as a name, an alias or a decimal number, in any case; `undefined` where there is no such severity. */
export function trySeverity(word: string): number | undefined {
  const named = NUMBERS.get(word.toLowerCase());
  if (named !== undefined) return named;
  return /^[0-7]$/.test(word) ? Number(word) : undefined;
}

/** The severity that a mistyped word most likely meant. */
export function nearestSeverity(word: string): string | undefined {
  return nearest(word, NUMBERS.keys());
}
