// The classic selector: which facilities, and how urgent.
//
//   part[;part...]      part: facility[,facility...].[!][comparison]priority
//
//   mail.info           info and all that is more urgent
//   mail.=info          info alone
//   mail.>info          what is more urgent alone; so with <, <=, >= and <> (FreeBSD's, where the graver priority is the greater one)
//   mail.!err           takes away err and all that is more urgent
//   mail.!=err          takes away err alone
//   mail.none           takes the facility away; so do mail.!* and mail.!debug
//   *.*                 every facility (but not `mark`), every priority
//
// Parts apply from left to right, and a later one changes what earlier ones left: `*.info;mail.none`. Names, aliases or numbers, in any case. All of it
// is 25 x 8 bits in the end, a byte each, so that a match is one look at `bits[pri]`.
import { Fault } from "../base/fault.ts";
import { FACILITY_COUNT, facilityName, nearestFacility, tryFacility } from "./facility.ts";
import { nearestSeverity, SEVERITY_COUNT, severityName, trySeverity } from "./severity.ts";

/** The facility of `-- MARK --`, which no message can be of: `*` leaves it out. */
export const MARK_FACILITY = FACILITY_COUNT;
/** What the daemon's own marks are matched as: mark.info. */
export const MARK_PRI = MARK_FACILITY * SEVERITY_COUNT + 6;

const PRI_COUNT = (FACILITY_COUNT + 1) * SEVERITY_COUNT;

/** A selector that can't be read. */
export class SelectorError extends Fault {
  override readonly name = "SelectorError";

  constructor(
    /** The selector as it was given. */
    readonly text: string,
    /** Where in it: an index of a character. */
    readonly offset: number,
    readonly found: string,
    readonly expected: string,
    /** What was most likely meant. */
    readonly meant?: string,
  ) {
    const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
    const what = found === "" ? "nothing" : JSON.stringify(found);
    super("config", "selector", `cannot read selector: ${what} at offset ${offset}, expected ${expected}${hint}`);
  }
}

/** A compiled selector. */
export class Selector {
  /** @param bits 1 for each PRI that is chosen, 0 for the others; `MARK_FACILITY` is the last facility */
  constructor(
    readonly text: string,
    readonly bits: Uint8Array,
  ) {}

  /** Whether records of that PRI are chosen. */
  matches(pri: number): boolean {
    return this.bits[pri] === 1;
  }

  /** Whether it chooses nothing, so that a rule with it can never match. */
  get isEmpty(): boolean {
    return !this.bits.includes(1);
  }

  /** The `facility.severity` pairs that it chooses. */
  pairs(): string[] {
    return Array.from(this.bits.keys())
      .filter((pri) => this.matches(pri))
      .map((pri) => `${facilityWord(pri >> 3)}.${severityName(pri & 7)}`);
  }

  /** In words, facilities alike together: "kern, user: warning and more urgent; mail: info alone". */
  describe(): string {
    return describeSelector(this);
  }
}

/** All records but marks: `*.*`. */
export const EVERYTHING = parseSelector("*.*");

/**
 * Compiles a selector.
 *
 * @throws {SelectorError} where it is none: the offset, what was found there, and the name that was most likely meant
 */
export function parseSelector(text: string): Selector {
  const bits = new Uint8Array(PRI_COUNT);
  let start = 0;
  for (const part of text.split(";")) {
    const isLeftOver = part.trim() === "" && start > 0 && start + part.length === text.length; // "mail.*;" is what files have
    if (!isLeftOver) applyPart(text, part, start, bits);
    start += part.length + 1;
  }
  return new Selector(text, bits);
}

/** The selector, or `undefined` where it is none. */
export function trySelector(text: string): Selector | undefined {
  try {
    return parseSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

function applyPart(text: string, part: string, start: number, bits: Uint8Array): void {
  const dot = part.lastIndexOf(".");
  if (dot < 0) {
    const at = start + part.length - part.trimStart().length;
    throw new SelectorError(text, at, part.trim(), 'a facility, a dot and a priority, such as "mail.info"');
  }
  const facilities = readFacilities(text, part.slice(0, dot), start);
  const chosen = readPriority(text, part.slice(dot + 1), start + dot + 1);
  for (const facility of facilities) {
    for (let severity = 0; severity < SEVERITY_COUNT; severity++) {
      if (chosen.holds(severity)) bits[facility * SEVERITY_COUNT + severity] = chosen.value;
    }
  }
}

function readFacilities(text: string, list: string, start: number): number[] {
  const facilities: number[] = [];
  let offset = start;
  for (const item of list.split(",")) {
    const word = item.trim();
    if (word === "*") {
      for (let facility = 0; facility < FACILITY_COUNT; facility++) facilities.push(facility);
    } else {
      const facility = word.toLowerCase() === "mark" ? MARK_FACILITY : tryFacility(word);
      if (facility === undefined) {
        const at = offset + item.length - item.trimStart().length;
        throw new SelectorError(
          text,
          at,
          word,
          'a facility or "*"',
          word.includes(".") ? tryParted(text) : nearestFacility(word),
        );
      }
      facilities.push(facility);
    }
    offset += item.length + 1;
  }
  return facilities;
}

/**
 * With a semicolon behind each part, as a classic daemon reads it: behind a priority commas and semicolons, one or more, are the same to it.
 * `mail.info,news.err` is `mail.info;news.err`.
 */
export function partedSelector(text: string): string {
  return text.replace(/\.([^.,;]*)(?:[,;]\s*)+/g, ".$1;");
}

/** What was meant where parts have commas between them. */
function tryParted(text: string): string | undefined {
  const parted = partedSelector(text);
  return parted !== text && trySelector(parted) !== undefined ? parted : undefined;
}

/** What a part does: sets `value` for each severity that holds. */
interface Choice {
  readonly holds: (severity: number) => boolean;
  readonly value: 0 | 1;
}

function readPriority(text: string, form: string, start: number): Choice {
  const [, space, negation, signs, rest] = /^(\s*)(!?)(<>|><|[<>]=?|=[<>]?|)(.*)$/s.exec(form)!;
  const word = rest!.trim();
  const value = negation === "!" ? 0 : 1;
  if (word === "*") return { holds: () => true, value };
  const offset = start + space!.length + negation!.length + signs!.length;
  if (word.toLowerCase() === "none") {
    if (negation === "" && signs === "") return { holds: () => true, value: 0 };
    throw new SelectorError(text, start + space!.length, form.trim(), '"none" by itself', "none");
  }
  const priority = trySeverity(word);
  if (priority === undefined) {
    throw new SelectorError(text, offset, word, 'a priority, "*" or "none"', nearestPriority(word));
  }
  return { holds: comparison(signs === "" ? ">=" : signs!, priority), value };
}

/** Severities are numbered from the gravest on. */
function comparison(signs: string, priority: number): Choice["holds"] {
  const [lesser, equal, greater] = ["<", "=", ">"].map((sign) => signs.includes(sign));
  return (severity) => (severity > priority ? lesser! : severity < priority ? greater! : equal!);
}

function nearestPriority(word: string): string | undefined {
  return /^no+n*e?$/i.test(word) ? "none" : nearestSeverity(word);
}

/** A selector in words, facilities that are chosen alike together. */
export function describeSelector(selector: Selector): string {
  const alike = new Map<string, string[]>();
  for (let facility = 0; facility <= MARK_FACILITY; facility++) {
    const chosen = describeSeverities(
      selector.bits.subarray(facility * SEVERITY_COUNT, (facility + 1) * SEVERITY_COUNT),
    );
    if (chosen === "") continue;
    const facilities = alike.get(chosen) ?? [];
    facilities.push(facilityWord(facility));
    alike.set(chosen, facilities);
  }
  if (alike.size === 0) return "nothing";
  return [...alike].map(([chosen, facilities]) => `${describeFacilities(facilities)}: ${chosen}`).join("; ");
}

function describeFacilities(names: readonly string[]): string {
  const isWithMark = names.at(-1) === facilityWord(MARK_FACILITY);
  const others = isWithMark ? names.length - 1 : names.length;
  if (others === FACILITY_COUNT) return isWithMark ? "every facility and mark" : "every facility";
  if (others > FACILITY_COUNT / 2) {
    const missing = Array.from({ length: FACILITY_COUNT }, (_, facility) => facilityWord(facility)).filter(
      (name) => !names.includes(name),
    );
    return `every facility but ${missing.join(", ")}${isWithMark ? ", and mark" : ""}`;
  }
  return names.join(", ");
}

function describeSeverities(chosen: Uint8Array): string {
  const severities = Array.from(chosen.keys()).filter((severity) => chosen[severity] === 1);
  const least = severities.at(-1);
  if (least === undefined) return "";
  if (severities.length === SEVERITY_COUNT) return "all";
  if (severities.length === least + 1) return least === 0 ? "emerg alone" : `${severityName(least)} and more urgent`;
  return severities.length === 1 ? `${severityName(least)} alone` : severities.map(severityName).join(", ");
}

function facilityWord(facility: number): string {
  return facility === MARK_FACILITY ? "mark" : facilityName(facility);
}
