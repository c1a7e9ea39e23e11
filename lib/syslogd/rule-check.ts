// Rules that can be read and still can't be meant: one that takes nothing, one that is never reached, the same twice.
import { describeFormat } from "../syslog/format-choice.ts";
import { type Rule, whyNever } from "../syslog/rule.ts";
import { conditionsOf, type DirectedRule, formatTarget } from "./directed-rule.ts";
import { kindOf, usualFormat } from "./sink-settings.ts";

export interface RuleComplaint {
  /** Of the rule, from 0. */
  readonly index: number;
  /** What of it; `undefined`: all. */
  readonly key: "select" | "to" | "format" | "acks" | undefined;
  readonly code: "never-matches" | "unreachable" | "twice" | "nowhere" | "no-use" | "two-formats" | "two-acks";
  readonly message: string;
}

/** Everything that is wrong with rules that stand in this order. */
export function checkRules(rules: readonly DirectedRule[]): readonly RuleComplaint[] {
  const complaints = rules.flatMap((rule, index) => [
    ...checkOne(rule, index),
    ...checkFormat(rules, index),
    ...checkAcks(rules, index),
  ]);
  const asked = rules.map(({ rule }) => new Set(conditionsOf(rule)));
  for (const [index, { rule }] of rules.entries()) {
    if (whyNever(rule) !== "") continue; // told already
    const message = whyUnreachable(rules, asked, index);
    if (message !== undefined) complaints.push({ index, key: undefined, code: "unreachable", message });
    else complaints.push(...sameBefore(rules, index));
  }
  return complaints.toSorted((one, other) => one.index - other.index);
}

function* checkOne({ rule, to }: DirectedRule, index: number): Generator<RuleComplaint> {
  const why = whyNever(rule);
  if (why !== "") yield { index, key: "select", code: "never-matches", message: `this rule can never match: ${why}` };
  if (to === undefined && !rule.stop)
    yield { index, key: undefined, code: "nowhere", message: 'this rule does nothing: it has neither "to" nor "stop"' };
}

/** A sink has one form, which all of its rules say or none does: what one says would be done to the others' records too. A group's is not to choose. */
function* checkFormat(rules: readonly DirectedRule[], index: number): Generator<RuleComplaint> {
  const { to, format } = rules[index]!;
  if (to === undefined || to.kind === "group") {
    if (format === undefined) return;
    const where = to === undefined ? "nowhere" : "a group, where records have a form of their own";
    yield { index, key: "format", code: "no-use", message: `a format is of no use: these records go to ${where}` };
    return;
  }
  const target = formatTarget(to);
  const first = rules.findIndex((rule) => formatTarget(rule.to) === target);
  const before = rules[first]!.format;
  const usual = describeFormat(usualFormat(kindOf(to)));
  const [one, other] = [before, format].map((choice) => (choice === undefined ? usual : describeFormat(choice)));
  if (one === other) return;
  const [said, here] = [before, format].map((choice) =>
    choice === undefined ? `none, which is ${usual}` : describeFormat(choice),
  );
  const message = `${target} has one form: rule ${first + 1} says ${said}, this one ${here}; say the same in both`;
  yield { index, key: format === undefined ? "to" : "format", code: "two-formats", message };
}

/** A group's records have one queue. */
function* checkAcks(rules: readonly DirectedRule[], index: number): Generator<RuleComplaint> {
  const { to, acks } = rules[index]!;
  if (acks > 0 && to?.kind !== "group") {
    const message = `"acks" is for groups: these records go to ${formatTarget(to)}`;
    yield { index, key: "acks", code: "no-use", message };
    return;
  }
  if (to?.kind !== "group") return;
  const target = formatTarget(to);
  const first = rules.findIndex((rule) => formatTarget(rule.to) === target);
  const before = rules[first]!.acks;
  if (before === acks) return;
  const said = before === 0 ? `rule ${first + 1} says no "acks"` : `rule ${first + 1} says acks = ${before}`;
  const message = `${target} has one queue: ${said}, this one ${acks === 0 ? "none" : acks}`;
  yield { index, key: acks === 0 ? "to" : "acks", code: "two-acks", message };
}

/** Which rules before leave nothing of what this one would take: those that stop, and ask for no more than it does. */
function whyUnreachable(
  rules: readonly DirectedRule[],
  asked: readonly ReadonlySet<string>[],
  index: number,
): string | undefined {
  const left = Uint8Array.from(rules[index]!.rule.selector.bits);
  const takers: number[] = [];
  for (let before = 0; before < index; before++) {
    const { rule } = rules[before]!;
    if (!rule.stop || !asked[before]!.isSubsetOf(asked[index]!) || !takeAway(left, rule)) continue;
    takers.push(before + 1);
  }
  if (left.includes(1)) return undefined;
  const who = takers.length === 1 ? `rule ${takers[0]} stops` : `rules ${takers.join(", ")} stop`;
  return `this rule is never reached: ${who} all that it would take`;
}

/** Whether there was something to take. */
function takeAway(bits: Uint8Array, { selector }: Rule): boolean {
  let isSome = false;
  for (let pri = 0; pri < bits.length; pri++) {
    if (bits[pri] !== 1 || !selector.matches(pri)) continue;
    bits[pri] = 0;
    isSome = true;
  }
  return isSome;
}

/** Two rules with the same meaning: one of them was meant to be another. */
function* sameBefore(rules: readonly DirectedRule[], index: number): Generator<RuleComplaint> {
  const here = rules[index]!;
  const meaning = meaningOf(here);
  const before = rules.findIndex((rule) => meaningOf(rule) === meaning);
  if (before === index) return;
  const found = `this rule does what rule ${before + 1} does: ${here.rule.selector.text} to ${formatTarget(here.to)}`;
  yield { index, key: undefined, code: "twice", message: `${found}; a record goes to a sink once` };
}

function meaningOf({ rule, to }: DirectedRule): string {
  return [rule.selector.bits.join(""), ...conditionsOf(rule).toSorted(), formatTarget(to), rule.stop].join("\n");
}
