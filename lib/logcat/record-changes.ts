// What a reload changes: rules, and with them destinations, at once; the rest when the recorder is started again, which is told.
import { Chooser } from "./choice.ts";
import type { RecordSettings } from "./record-settings.ts";
import type { WriteRule } from "./write-rule.ts";
import { formatWriteTarget } from "./write-target.ts";

/** The same text for the same rule. */
export function ruleKey(rule: WriteRule): string {
  return JSON.stringify(rule, (_, part) =>
    part instanceof RegExp || part === Number.POSITIVE_INFINITY || part === Number.NEGATIVE_INFINITY
      ? String(part)
      : part,
  );
}

/** A rule for people, in a line. */
export function describeWriteRule({ groups, patterns, choice, to, format, whenFull }: WriteRule): string {
  const chosen = new Chooser(choice).takesAll ? "all" : "chosen records";
  const drops = whenFull === "drop" ? ", drops when full" : "";
  return `${[...groups, ...patterns].join(", ")} -> ${formatWriteTarget(to)}: ${chosen}, ${format}${drops}`;
}

/** One line, as the answer to who asked for the reload. */
export function recordChanges(before: RecordSettings, after: RecordSettings): string {
  const [old, now] = [before, after].map(({ rules }) => rules.map(ruleKey));
  const fresh = now!.filter((rule) => !old!.includes(rule)).length;
  const gone = old!.filter((rule) => !now!.includes(rule)).length;
  const parts = [...(fresh > 0 ? [`${fresh} new`] : []), ...(gone > 0 ? [`${gone} gone`] : [])];
  const later = (["state", "control", "process"] as const).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  const names = later.map((key) => (key === "process" ? "user, group, umask or pid_file" : key));
  const restart = names.length === 0 ? "" : `; only after a restart: ${names.join(", ")}`;
  const count = now!.length === 1 ? "1 rule" : `${now!.length} rules`;
  return `reloaded: ${count}, ${parts.length === 0 ? "nothing changed" : parts.join(", ")}${restart}`;
}
