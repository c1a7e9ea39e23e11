// A rule on the command line: "SELECTOR [CONDITION...] -> SINK".
//
//   *.info;mail.none -> file:/var/log/messages
//   auth.* program=sshd match="Failed password" stop -> file:/var/log/sshd-failures
//   *.* host=!gw property=":msg, contains, \"oops\"" format=json -> file:/var/log/%host%.json
//   *.debug stop ->
//
// The words are keys of [[syslogd.rule]]; a value with a space stands in quotes, where \" and \\ are a quote and a backslash.
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { WHOLE_COMPLAINT } from "../base/schema.ts";
import type { DirectedRule } from "./directed-rule.ts";
import { checkRules } from "./rule-check.ts";
import { directedRule, type RawRule, ruleSchema } from "./rule-table.ts";

export const RULE_LINE_FORM = "a rule such as '*.info;mail.none -> file:/var/log/messages'";

const VALUE_KEYS = ["program", "host", "property", "match", "format", "template", "acks"] as const;
const KEYS: readonly string[] = [...VALUE_KEYS, "stop"];

/**
 * Reads a rule of the command line.
 * @throws {Fault} kind "usage": where it is none, or what is wrong with it
 */
export function parseRuleLine(text: string): DirectedRule {
  try {
    const found = directedRule(readRule(rawRule(text)));
    const [wrong] = checkRules([found]);
    if (wrong !== undefined) throw new Fault("usage", wrong.code, wrong.message);
    return found;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault("usage", error.code, `cannot read rule ${JSON.stringify(text)}: ${error.message}`, {
      cause: error,
    });
  }
}

/** Reads a rule's keys. @throws {Fault} kind "config": the first that is wrong, and how */
export function readRule(raw: RawRule): v.InferOutput<typeof ruleSchema> {
  const found = v.safeParse(ruleSchema, raw);
  if (found.success) return found.output;
  const [issue] = found.issues;
  if (issue.expected === WHOLE_COMPLAINT) throw new Fault("config", "value", issue.message);
  throw new Fault(
    "config",
    "value",
    `${v.getDotPath(issue)}: found ${JSON.stringify(issue.input)}, expected ${issue.message}`,
  );
}

function rawRule(text: string): RawRule {
  const arrow = arrowIn(text);
  if (arrow < 0) throw new Fault("usage", "rule", `expected ${RULE_LINE_FORM}`);
  const before = text.slice(0, arrow);
  const firstWord = /\s(?:[a-z]+=|stop(?:\s|$))/.exec(before)?.index ?? before.length;
  const to = text.slice(arrow + 2).trim();
  const words = readWords(before.slice(firstWord));
  return { ...words, select: before.slice(0, firstWord).trim(), ...(to === "" && words.stop ? {} : { to }) };
}

/** Where the arrow is that stands in no quotes. */
function arrowIn(text: string): number {
  const found = /^(?:"(?:[^"\\]|\\.)*"|(?!->)[^"])*(?=->)/s.exec(text);
  return found === null ? -1 : found[0].length;
}

function readWords(text: string): Omit<RawRule, "select"> {
  const found: Record<string, string | string[] | number | boolean> = {};
  let rest = text.trim();
  while (rest !== "") {
    const [word, key, quoted, bare] = /^([a-z]+)(?:=(?:"((?:[^"\\]|\\.)*)"|(\S*)))?(?=\s|$)/s.exec(rest) ?? [];
    const value = quoted?.replace(/\\(["\\])/g, "$1") ?? bare;
    if (word === undefined || key === undefined || !KEYS.includes(key) || (key === "stop") !== (value === undefined))
      throw unknownWord(rest);
    if (value === undefined) found[key] = true;
    else if (key === "property") found[key] = [...((found[key] as string[] | undefined) ?? []), value];
    else found[key] = key === "acks" && /^\d{1,9}$/.test(value) ? Number(value) : value;
    rest = rest.slice(word.length).trimStart();
  }
  return found;
}

function unknownWord(rest: string): Fault {
  const word = /^\S+/.exec(rest)![0];
  const meant = nearest(/^[a-z]*/i.exec(word)![0], KEYS);
  const hint = meant === undefined ? "" : `; did you mean ${meant === "stop" ? '"stop"' : `"${meant}=..."`}?`;
  const known = `${VALUE_KEYS.map((key) => `${key}=...`).join(", ")} or stop`;
  return new Fault("usage", "condition", `found ${JSON.stringify(word)}, expected ${known}${hint}`);
}
