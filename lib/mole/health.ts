// What results of checks come to: a check is well after `rise` successes in a row and ill after `fall` failures. The first result decides at once: a host that
// comes up broken shall not be given a vip for the time of several failures.
import type { HealthTable } from "./health-table.ts";

export interface HealthState {
  readonly check: HealthTable;
  readonly isWell: boolean;
  /** Results in a row that speak against `isWell`. */
  readonly against: number;
  /** What the last result was, for people. */
  readonly lastText: string;
  readonly lastAtMs: number;
  /** Since when it is well or ill. */
  readonly sinceMs: number;
}

/** Well until its first result. */
export function newHealth(check: HealthTable, nowMs: number): HealthState {
  return { check, isWell: true, against: check.fall - 1, lastText: "not checked yet", lastAtMs: nowMs, sinceMs: nowMs };
}

export function noteResult(state: HealthState, ok: boolean, text: string, nowMs: number): HealthState {
  const { check, isWell, sinceMs } = state;
  const against = ok === isWell ? 0 : state.against + 1;
  const turns = against >= (isWell ? check.fall : check.rise);
  return {
    check,
    isWell: turns ? ok : isWell,
    against: turns ? 0 : against,
    lastText: text,
    lastAtMs: nowMs,
    sinceMs: turns ? nowMs : sinceMs,
  };
}

/** Vips (by name) for which some check is ill. */
export function illVips(states: readonly HealthState[], vips: readonly string[]): ReadonlySet<string> {
  const ill = new Set<string>();
  for (const { check, isWell } of states) if (!isWell) for (const vip of check.vips ?? vips) ill.add(vip);
  return ill;
}
