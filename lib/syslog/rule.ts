// A routing rule: which records it takes, and whether later rules see them too. A value: what becomes of the records that it takes belongs to the daemon.
//
// All that a rule says has to hold. What costs least is tried first: PRI is one look, names are compared as bytes where they lie, and text is decoded only
// for a rule that came that far.
import type { NameList } from "./name-list.ts";
import type { PropertyTest } from "./property.ts";
import type { RecordView } from "./record.ts";
import type { Selector } from "./selector.ts";

/** What is undefined holds for every record. */
export interface Rule {
  readonly selector: Selector;
  readonly program: NameList | undefined;
  readonly host: NameList | undefined;
  /** Found in the text. Without the flags `g` and `y`, which would make it remember. */
  readonly match: RegExp | undefined;
  readonly properties: readonly PropertyTest[];
  /** Later rules do not see what this one takes. */
  readonly stop: boolean;
}

/** A rule that asks for nothing but its selector, unless told. */
export function rule(selector: Selector, more: Partial<Omit<Rule, "selector">> = {}): Rule {
  return { selector, program: undefined, host: undefined, match: undefined, properties: [], stop: false, ...more };
}

/** Whether a rule takes a record. */
export function matches(rule: Rule, record: RecordView): boolean {
  if (rule.selector.bits[record.pri] !== 1) return false;
  const { program, host, match, properties } = rule;
  if (program !== undefined && !program.admits(record.bytes, record.appStart, record.appEnd)) return false;
  if (host !== undefined && !admitsHost(host, record)) return false;
  for (let index = 0; index < properties.length; index++) if (!properties[index]!.holds(record)) return false;
  return match === undefined || match.test(record.msgText());
}

/** Why a rule can take no record at all, "" where it can. */
export function whyNever(rule: Rule): string {
  if (rule.selector.isEmpty) return `selector ${JSON.stringify(rule.selector.text)} chooses nothing`;
  for (const [what, list] of [
    ["program", rule.program],
    ["host", rule.host],
  ] as const) {
    if (list?.isExcluding && list.names.includes("*")) return `${what} excludes every name`;
    if (list !== undefined && !list.isExcluding && list.names.length === 0) return `${what} names none`;
  }
  return "";
}

function admitsHost(list: NameList, record: RecordView): boolean {
  if (record.hostStart < record.hostEnd) return list.admits(record.bytes, record.hostStart, record.hostEnd);
  const { hostBytes } = record.origin;
  return list.admits(hostBytes, 0, hostBytes.length);
}
