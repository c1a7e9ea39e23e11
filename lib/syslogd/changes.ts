// What a reload changes: rules, and with them sinks, at once; the rest when the daemon is started again, which is told.
import { type DirectedRule, describeRule, formatTarget } from "./directed-rule.ts";
import type { Settings } from "./settings.ts";

export interface Changes {
  readonly rules: number;
  readonly newRules: number;
  readonly goneRules: number;
  readonly newSinks: readonly string[];
  readonly goneSinks: readonly string[];
  /** Settings that differ and go on as they were. */
  readonly afterRestart: readonly string[];
}

/** How the operator knows what is only read at the start. */
const AT_START = {
  sockets: "socket",
  takeDevLog: "take_devlog",
  udp: "udp",
  sources: "other sources",
  kernel: "kernel",
  host: "host",
  spread: "[spread]",
  rate: "rate",
  summariseRepeats: "summarise_repeats",
  process: "user, group, umask or pid_file",
  control: "control",
  metrics: "metrics",
  queueBytesMax: "queue",
} as const satisfies Partial<Record<keyof Settings, string>>;

export function changesBetween(before: Settings, after: Settings): Changes {
  const [old, now] = [before, after].map(({ rules }) => rules.map(describeRule));
  const [oldSinks, nowSinks] = [sinksOf(before.rules), sinksOf(after.rules)];
  return {
    rules: now!.length,
    newRules: now!.filter((rule) => !old!.includes(rule)).length,
    goneRules: old!.filter((rule) => !now!.includes(rule)).length,
    newSinks: [...nowSinks.difference(oldSinks)],
    goneSinks: [...oldSinks.difference(nowSinks)],
    afterRestart: Object.entries(AT_START).flatMap(([key, name]) =>
      asText(before[key as keyof Settings]) === asText(after[key as keyof Settings]) ? [] : [name],
    ),
  };
}

/** One line, as the answer to who asked for the reload. */
export function describeChanges(changes: Changes): string {
  const { rules, newRules, goneRules, newSinks, goneSinks, afterRestart } = changes;
  const parts = [
    ...(newRules > 0 ? [`${newRules} new`] : []),
    ...(goneRules > 0 ? [`${goneRules} gone`] : []),
    ...(newSinks.length > 0 ? [`opens ${newSinks.join(", ")}`] : []),
    ...(goneSinks.length > 0 ? [`empties and closes ${goneSinks.join(", ")}`] : []),
  ];
  const what = parts.length === 0 ? ["nothing changed"] : parts;
  const later = afterRestart.length === 0 ? "" : `; only after a restart: ${afterRestart.join(", ")}`;
  return `reloaded: ${rules === 1 ? "1 rule" : `${rules} rules`}, ${what.join(", ")}${later}`;
}

function sinksOf(rules: readonly DirectedRule[]): Set<string> {
  return new Set(rules.flatMap(({ to }) => (to === undefined ? [] : formatTarget(to))));
}

/** Two instants that tell a zone from another: mid-winter and mid-summer of 2026. */
const SEASONS_MS = [1_768_000_000_000, 1_784_000_000_000];

/** The same for the same setting. A zone is a function: what it gives is compared. */
function asText(value: unknown): string {
  return JSON.stringify(value, (key, part) =>
    key === "zone" && typeof part === "function" ? SEASONS_MS.map((ms) => part(ms)) : part,
  );
}
