// Which records are shown. A choice is a value, made of flags and config; `Chooser` asks it of each record, the cheap questions first: a regular expression
// only sees what all else has let through.
import { Fault } from "../base/fault.ts";
import { wildcard } from "../base/wildcard.ts";
import { FACILITY_NAMES, nearestFacility, tryFacility } from "../syslog/facility.ts";
import type { RecordView } from "../syslog/record.ts";
import { nearestSeverity, SEVERITY_NAMES, trySeverity } from "../syslog/severity.ts";
import type { Arrival } from "./arrival.ts";
import { type FieldTest, passesFieldTests } from "./field.ts";

/** Empty lists choose everything. */
export interface Choice {
  /** Names with wildcards: one of them matches. */
  readonly hosts: readonly string[];
  readonly apps: readonly string[];
  /** Numbers of facilities. */
  readonly facilities: readonly number[];
  /** Severities from the most urgent (0) that are shown. */
  readonly severities: SeverityRange;
  /** The message matches one of them. */
  readonly grep: readonly RegExp[];
  /** The message matches none of them. */
  readonly not: readonly RegExp[];
  /** All of them hold. */
  readonly fields: readonly FieldTest[];
  /** Microseconds since 1970: the record's time is not before `sinceUs`, and before `beforeUs`. */
  readonly sinceUs: number;
  readonly beforeUs: number;
}

/** From `most` urgent to `least`, both included: 0 is emerg, 7 is debug. */
export interface SeverityRange {
  readonly most: number;
  readonly least: number;
}

export const EVERYTHING: Choice = {
  hosts: [],
  apps: [],
  facilities: [],
  severities: { most: 0, least: 7 },
  grep: [],
  not: [],
  fields: [],
  sinceUs: Number.NEGATIVE_INFINITY,
  beforeUs: Number.POSITIVE_INFINITY,
};

/** Answers for each record whether a choice takes it. */
export class Chooser {
  /** Whether every record is taken. */
  readonly takesAll: boolean;
  readonly #choice: Choice;
  readonly #hosts: readonly RegExp[];
  readonly #apps: readonly RegExp[];
  /** Bit f: facility f is shown. */
  readonly #facilities: number;

  constructor(choice: Choice) {
    this.#choice = choice;
    this.#hosts = choice.hosts.map(wildcard);
    this.#apps = choice.apps.map(wildcard);
    this.#facilities =
      choice.facilities.length === 0 ? -1 : choice.facilities.reduce((bits, facility) => bits | (1 << facility), 0);
    this.takesAll =
      this.#facilities === -1 &&
      choice.severities.most === 0 &&
      choice.severities.least === 7 &&
      choice.sinceUs === Number.NEGATIVE_INFINITY &&
      choice.beforeUs === Number.POSITIVE_INFINITY &&
      [choice.hosts, choice.apps, choice.grep, choice.not, choice.fields].every((list) => list.length === 0);
  }

  takes(record: RecordView, arrival: Arrival): boolean {
    if (this.takesAll) return true;
    const { severities, sinceUs, beforeUs, grep, not, fields } = this.#choice;
    const severity = record.pri & 7;
    if (severity > severities.least || severity < severities.most) return false;
    if ((this.#facilities & (1 << (record.pri >> 3))) === 0) return false;
    const timeUs = record.bestTimeUs;
    if (timeUs < sinceUs || timeUs >= beforeUs) return false;
    if (this.#hosts.length > 0 && !matchesOne(this.#hosts, record.hostText())) return false;
    if (this.#apps.length > 0 && !matchesOne(this.#apps, record.appText())) return false;
    if (grep.length > 0 || not.length > 0) {
      const text = record.msgText();
      if (grep.length > 0 && !matchesOne(grep, text)) return false;
      if (matchesOne(not, text)) return false;
    }
    return fields.length === 0 || passesFieldTests(fields, record, arrival);
  }

  /** Whether records of that host can be taken at all: a notice about another is of no interest. */
  takesHost(host: string): boolean {
    return this.#hosts.length === 0 || matchesOne(this.#hosts, host);
  }
}

/** Whether one of `patterns` matches. */
export function matchesOne(patterns: readonly RegExp[], text: string): boolean {
  for (const pattern of patterns) if (pattern.test(text)) return true;
  return false;
}

/**
 * Reads a list of facilities: "mail,auth".
 * @throws {Fault} kind "usage", code "facility"
 */
export function parseFacilities(text: string): readonly number[] {
  return text.split(",").map((word) => {
    const facility = tryFacility(word.trim());
    if (facility !== undefined) return facility;
    throw unknown("facility", word, nearestFacility(word), FACILITY_NAMES);
  });
}

/**
 * Reads a severity: "err" is that and what is more urgent, "=err" just that.
 * @throws {Fault} kind "usage", code "severity"
 */
export function parseSeverities(text: string): SeverityRange {
  const exactly = text.startsWith("=");
  const word = exactly ? text.slice(1) : text;
  const severity = trySeverity(word);
  if (severity === undefined) throw unknown("severity", word, nearestSeverity(word), SEVERITY_NAMES);
  return { most: exactly ? severity : 0, least: severity };
}

/**
 * Reads a regular expression, as JavaScript has them.
 * @throws {Fault} kind "usage", code "regex"
 */
export function parseRegex(text: string, ignoreCase = false): RegExp {
  const flags = ignoreCase ? "i" : "";
  try {
    return new RegExp(text, `${flags}u`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  // Many an expression in use has an escape more than the Unicode mode allows: `\-`, `\_`.
  try {
    return new RegExp(text, flags);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const reason = error.message.replace(/^Invalid regular expression:\s*/u, "");
    throw new Fault("usage", "regex", `cannot read regular expression ${JSON.stringify(text)}: ${reason}`, {
      cause: error,
    });
  }
}

function unknown(what: string, found: string, meant: string | undefined, all: readonly string[]): Fault {
  const hint = meant === undefined ? `expected one of ${all.join(", ")}` : `did you mean "${meant}"?`;
  return new Fault("usage", what, `unknown ${what} ${JSON.stringify(found)}: ${hint}`);
}
