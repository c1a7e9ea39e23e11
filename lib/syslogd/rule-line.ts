// A rule on the command line: "SELECTOR -> SINK".
import { Fault } from "../base/fault.ts";
import { type Rule, rule } from "../syslog/rule.ts";
import { parseSelector } from "../syslog/selector.ts";
import { type Destination, parseDestination } from "./destination.ts";

/** A rule of syslogd's: what it takes, and where to. */
export interface DirectedRule {
  readonly rule: Rule;
  readonly to: Destination;
}

export const RULE_LINE_FORM = "a rule such as '*.info;mail.none -> file:/var/log/messages'";

/**
 * Reads a rule of the command line.
 * @throws {Fault} where it is none, or its selector or its sink is not right
 */
export function parseRuleLine(text: string): DirectedRule {
  const arrow = text.indexOf("->");
  if (arrow < 0)
    throw new Fault("usage", "rule", `cannot read rule ${JSON.stringify(text)}: expected ${RULE_LINE_FORM}`);
  return { rule: rule(parseSelector(text.slice(0, arrow).trim())), to: parseDestination(text.slice(arrow + 2).trim()) };
}
