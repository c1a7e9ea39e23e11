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
 * @throws {Fault} kind "usage": where it is none, or what is wrong with its selector or its sink
 */
export function parseRuleLine(text: string): DirectedRule {
  const arrow = text.indexOf("->");
  const failed = `cannot read rule ${JSON.stringify(text)}`;
  if (arrow < 0) throw new Fault("usage", "rule", `${failed}: expected ${RULE_LINE_FORM}`);
  try {
    const selector = parseSelector(text.slice(0, arrow).trim());
    if (selector.isEmpty) throw new Fault("usage", "never-matches", "it chooses nothing");
    return { rule: rule(selector), to: parseDestination(text.slice(arrow + 2).trim()) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault("usage", error.code, `${failed}: ${error.message}`, { cause: error });
  }
}
