// A syslog.conf as our own configuration.
import { checkRules } from "./rule-check.ts";
import type { RawRule } from "./rule-table.ts";
import type { RawSink } from "./sink-table.ts";
import { type ConfNote, type ConfRule, readSyslogConf } from "./syslog-conf.ts";

/**
 * The TOML that says what a syslog.conf says, and what it can't say.
 * @param ownHost what the host that the file is for is called in records
 */
export function importSyslogConf(
  text: string,
  ownHost: string,
): { readonly toml: string; readonly notes: readonly ConfNote[] } {
  const { rules, notes, ownHostLines } = readSyslogConf(text, ownHost);
  const kept = withoutMistakes(rules);
  const toml = kept.rules
    .map(({ line, keys, sink }) => {
      const told = sink === undefined ? "" : `\n[[syslogd.sink]]\n${tomlOf(sink)}`;
      return `# line ${line}\n[[syslogd.rule]]\n${tomlOf(keys)}${told}`;
    })
    .join("\n");
  const named = ownHostLines.map((line) => ({
    line,
    message: `"@" is this host's own name: ${JSON.stringify(ownHost)} stands there now, which another host has to change`,
    isMistake: false,
  }));
  return { toml, notes: [...notes, ...kept.notes, ...named].toSorted((one, other) => one.line - other.line) };
}

/** Rules that do nothing are left out, which changes nothing: classic files have them. */
export function withoutMistakes(rules: readonly ConfRule[]): {
  readonly rules: readonly ConfRule[];
  readonly notes: readonly ConfNote[];
} {
  const found = checkRules(rules.map(({ rule }) => rule)).filter(({ code }) => code !== "two-formats");
  const left = new Set(found.map(({ index }) => index));
  return {
    rules: rules.filter((_, index) => !left.has(index)),
    notes: found.map(({ index, message }) => ({
      line: rules[index]!.line,
      message: `left out: ${message}`,
      isMistake: false,
    })),
  };
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
