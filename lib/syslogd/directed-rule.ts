// A rule of syslogd's: what it takes, and what becomes of that.
import { describeFormat, type FormatChoice } from "../syslog/format-choice.ts";
import { formatNameList } from "../syslog/name-list.ts";
import type { PropertyTest } from "../syslog/property.ts";
import type { Rule } from "../syslog/rule.ts";
import { type Destination, formatDestination } from "./destination.ts";

export interface DirectedRule {
  readonly rule: Rule;
  /** `undefined`: nowhere, which only a rule that stops has use for. */
  readonly to: Destination | undefined;
  /** The form in which records go there; `undefined`: the sink's usual one. */
  readonly format: FormatChoice | undefined;
  /** To a group: how many hosts have to commit a record before it is let go; 0: none. */
  readonly acks: number;
}

/** Where a rule sends records, in words. */
export function formatTarget(to: Destination | undefined): string {
  return to === undefined ? "nowhere" : formatDestination(to);
}

/** What a rule asks besides its selector, each condition as text: the same text for the same condition. */
export function conditionsOf({ program, host, match, properties }: Rule): readonly string[] {
  return [
    ...(program === undefined ? [] : [`program ${formatNameList(program)}`]),
    ...(host === undefined ? [] : [`host ${formatNameList(host).toLowerCase()}`]),
    ...properties.map(describeProperty),
    ...(match === undefined ? [] : [`match ${JSON.stringify(match.source)}`]),
  ];
}

/** A whole rule in one line. */
export function describeRule({ rule, to, format, acks }: DirectedRule): string {
  const asked = [rule.selector.describe(), ...conditionsOf(rule)].join(", ");
  const form = format === undefined ? "" : ` as ${describeFormat(format)}`;
  const kept = acks === 0 ? "" : `, kept until ${acks === 1 ? "1 host has" : `${acks} hosts have`} them`;
  return `${formatTarget(to)}${form}${kept}: ${asked}${rule.stop ? "; no later rule sees them" : ""}`;
}

function describeProperty({ property, operation, value, isNegated, anyCase }: PropertyTest): string {
  const how = `${isNegated ? "!" : ""}${anyCase ? "icase_" : ""}${operation}`;
  return operation === "isempty" ? `${property} ${how}` : `${property} ${how} ${JSON.stringify(value)}`;
}
