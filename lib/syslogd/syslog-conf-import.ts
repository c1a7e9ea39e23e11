// A syslog.conf as our own configuration.
import { formatTarget } from "./directed-rule.ts";
import { checkRules } from "./rule-check.ts";
import type { RawRule } from "./rule-table.ts";
import type { RawSink } from "./sink-table.ts";
import { type ConfHost, type ConfNote, type ConfRule, readSyslogConf } from "./syslog-conf.ts";

/** The TOML that says what a syslog.conf says, and what it can't say. */
export function importSyslogConf(
  text: string,
  host: ConfHost,
): { readonly toml: string; readonly notes: readonly ConfNote[] } {
  const { rules, notes, ownHostLines } = readSyslogConf(text, host);
  const kept = withoutMistakes(rules);
  const toml = kept.rules
    .map(({ line, keys, sink }) => {
      const told = sink === undefined ? "" : `\n[[syslogd.sink]]\n${tomlOf(sink)}`;
      return `# line ${line}\n[[syslogd.rule]]\n${tomlOf(keys)}${told}`;
    })
    .join("\n");
  const named = ownHostLines.map((line) => ({
    line,
    message: `"@" is this host's own name: ${JSON.stringify(host.name)} stands there now, which another host has to change`,
    isMistake: false,
  }));
  return { toml, notes: [...notes, ...kept.notes, ...named].toSorted((one, other) => one.line - other.line) };
}

/** Rules that do nothing are left out, which changes nothing: classic files have them. Those of one sink get one form. */
export function withoutMistakes(rules: readonly ConfRule[]): {
  readonly rules: readonly ConfRule[];
  readonly notes: readonly ConfNote[];
} {
  const formed = withOneForm(rules);
  const found = checkRules(formed.rules.map(({ rule }) => rule));
  const left = new Set(found.map(({ index }) => index));
  const told = found.map(({ index, message }) => ({
    line: rules[index]!.line,
    message: `left out: ${message}`,
    isMistake: false,
  }));
  return { rules: formed.rules.filter((_, index) => !left.has(index)), notes: [...formed.notes, ...told] };
}

/** Other daemons write each rule's records in the rule's own form. A sink of ours has one: what the first rule says that says any. */
function withOneForm(rules: readonly ConfRule[]): {
  readonly rules: readonly ConfRule[];
  readonly notes: readonly ConfNote[];
} {
  const saying = new Map<string, ConfRule>();
  for (const one of rules) {
    const target = formatTarget(one.rule.to);
    if (one.keys.format !== undefined && !saying.has(target)) saying.set(target, one);
  }
  const notes: ConfNote[] = [];
  const formed = rules.map((one) => {
    const target = formatTarget(one.rule.to);
    const first = saying.get(target);
    if (first === undefined || first.keys.format === one.keys.format) return one;
    const { format } = first.keys;
    notes.push({
      line: one.line,
      message: `goes to ${target} as ${format} too, as line ${first.line} says: a sink has one form here`,
      isMistake: false,
    });
    return { ...one, keys: { ...one.keys, format }, rule: { ...one.rule, format: first.rule.format } };
  });
  return { rules: formed, notes };
}

function tomlOf(keys: RawRule | RawSink): string {
  return Object.entries(keys)
    .map(([name, value]) => (value === undefined ? "" : `${name} = ${tomlValue(value)}\n`))
    .join("");
}

/** JSON's strings are TOML's, but for DEL, which TOML wants escaped. */
function tomlValue(value: string | number | boolean | readonly string[]): string {
  return JSON.stringify(value).replaceAll("\x7f", "\\u007F").replaceAll('","', '", "');
}
