// What a reload changes: sources, rules and sinks at once; the rest when the daemon is started again, which is told.
import { type DirectedRule, describeRule, formatTarget } from "./directed-rule.ts";
import { formatPlace } from "./listener.ts";
import type { Settings } from "./settings.ts";
import { keysOf, keysOfName, kindOf, type SinkKeys } from "./sink-settings.ts";
import { listenersOf, sourcePlan } from "./source-plan.ts";

export interface Changes {
  readonly rules: number;
  readonly newRules: number;
  readonly goneRules: number;
  readonly newSinks: readonly string[];
  readonly goneSinks: readonly string[];
  /** Sinks that are told something else, and go on. */
  readonly changedSinks: readonly string[];
  readonly newSources: readonly string[];
  readonly goneSources: readonly string[];
  /** Settings of sources that are read in another way from now on. */
  readonly changedSettings: readonly string[];
  /** Settings that differ and go on as they were. */
  readonly afterRestart: readonly string[];
  /** What the operator wrote and is not done. */
  readonly leftOut: readonly string[];
}

/** How the operator knows what is changed at once, besides places, rules and sinks... */
const AT_ONCE = {
  kernel: "kernel",
  rate: "rate",
  summariseRepeats: "summarise_repeats",
} as const satisfies Partial<Record<keyof Settings, string>>;

/** ...and what is only read at the start. */
const AT_START = {
  takeDevLog: "take_devlog",
  host: "host",
  spread: "[spread]",
  process: "user, group, umask or pid_file",
  control: "control",
  metrics: "metrics",
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
    changedSinks: [...nowSinks.intersection(oldSinks)].filter(
      (name) => asText(toldOf(name, before, "while it runs")) !== asText(toldOf(name, after, "while it runs")),
    ),
    newSources: [...placesOf(after).difference(placesOf(before))],
    goneSources: [...placesOf(before).difference(placesOf(after))],
    changedSettings: [...differing(AT_ONCE, before, after), ...changedSources(before, after)],
    afterRestart: [
      ...differing(AT_START, before, after),
      ...queuesAtStart(before, after, nowSinks.intersection(oldSinks)),
    ],
    leftOut: (after.leftOut ?? []).map(({ text }) => text),
  };
}

/** One line, as the answer to who asked for the reload. */
export function describeChanges(changes: Changes): string {
  const { rules, newRules, goneRules, newSinks, goneSinks, changedSinks, afterRestart } = changes;
  const { newSources, goneSources, changedSettings } = changes;
  const parts = [
    ...(newRules > 0 ? [`${newRules} new`] : []),
    ...(goneRules > 0 ? [`${goneRules} gone`] : []),
    ...(newSinks.length > 0 ? [`opens ${newSinks.join(", ")}`] : []),
    ...(changedSinks.length > 0 ? [`changes ${changedSinks.join(", ")}`] : []),
    ...(goneSinks.length > 0 ? [`empties and closes ${goneSinks.join(", ")}`] : []),
    ...(newSources.length > 0 ? [`listens on ${newSources.join(", ")}`] : []),
    ...(goneSources.length > 0 ? [`listens no more on ${goneSources.join(", ")}`] : []),
    ...(changedSettings.length > 0 ? [`reads in another way: ${changedSettings.join(", ")}`] : []),
  ];
  const what = parts.length === 0 ? ["nothing changed"] : parts;
  const later = afterRestart.length === 0 ? "" : `; only after a restart: ${afterRestart.join(", ")}`;
  return `reloaded: ${rules === 1 ? "1 rule" : `${rules} rules`}, ${what.join(", ")}${later}${describeLeftOut(changes.leftOut)}`;
}

/** A line has room for so many. */
const NAMED_MAX = 3;

/** The end of a line that tells what was not taken; "" where all was. */
export function describeLeftOut(texts: readonly string[]): string {
  const more = texts.length - NAMED_MAX;
  const named = texts.slice(0, NAMED_MAX).map((text) => `; ${text}`);
  return `${named.join("")}${more > 0 ? `; and ${more} more, which syslogd --check tells` : ""}`;
}

function differing(names: Partial<Record<keyof Settings, string>>, before: Settings, after: Settings): string[] {
  const keys = Object.keys(names) as (keyof Settings)[];
  return keys.filter((key) => asText(before[key]) !== asText(after[key])).map((key) => names[key]!);
}

function placesOf(settings: Settings): Set<string> {
  return new Set([...settings.sockets, ...listenersOf(settings).map(({ on }) => formatPlace(on))]);
}

/** Of places that were and are, those with other settings; and what all sources have in common. */
function changedSources(before: Settings, after: Settings): string[] {
  const { kept } = sourcePlan(before, after);
  const old = new Map(listenersOf(before).map((one) => [formatPlace(one.on), one]));
  const changed = kept.filter((one) => asText(one) !== asText(old.get(formatPlace(one.on))));
  const [commonBefore, commonAfter] = [before, after].map(({ sources: { listeners: _, ...common } }) => asText(common));
  return [
    ...changed.map(({ on }) => formatPlace(on)),
    ...(commonBefore === commonAfter ? [] : ["what all sources have in common"]),
  ];
}

function sinksOf(rules: readonly DirectedRule[]): Set<string> {
  return new Set(rules.flatMap(({ to }) => (to === undefined ? [] : formatTarget(to))));
}

/** Of sinks with a queue that outlives what they send to. A file has its own at once. */
const AT_START_KEYS: readonly (keyof SinkKeys)[] = ["queue", "spool", "spool_age", "spool_full", "payload"];

/** What a sink is told, as far as it can be changed while it runs, or can't. */
function toldOf(name: string, { rules, sinks }: Settings, when: "while it runs" | "at the start"): unknown {
  const to = rules.find((rule) => formatTarget(rule.to) === name)!.to!;
  const keys = Object.entries(keysOf(to, sinks));
  if (kindOf(to) === "file") return when === "while it runs" ? [keys, sinks.queueBytesMax] : [];
  const isAtStart = ([key]: [string, unknown]) => AT_START_KEYS.includes(key as keyof SinkKeys);
  return keys.filter((entry) => isAtStart(entry) === (when === "at the start"));
}

function queuesAtStart(before: Settings, after: Settings, both: ReadonlySet<string>): string[] {
  const isQueue = (name: string): boolean => !name.startsWith("file:");
  const names = [...both].filter(isQueue);
  const common = ({ sinks }: Settings) => [
    names.length > 0 ? [sinks.queueBytesMax, sinks.spoolDirectory] : [],
    names.some((name) => name.startsWith("group:")) ? keysOfName("group:*", sinks.entries) : [],
  ];
  if (asText(common(before)) !== asText(common(after))) return ["queue and spool of sinks"];
  const differ = names.filter(
    (name) => asText(toldOf(name, before, "at the start")) !== asText(toldOf(name, after, "at the start")),
  );
  return differ.map((name) => `queue, spool or payload of ${name}`);
}

/** Two instants that tell a zone from another: mid-winter and mid-summer of 2026. */
const SEASONS_MS = [1_768_000_000_000, 1_784_000_000_000];

/** The same for the same setting. A zone is a function: what it gives is compared. */
function asText(value: unknown): string {
  return JSON.stringify(value, (key, part) =>
    key === "zone" && typeof part === "function" ? SEASONS_MS.map((ms) => part(ms)) : part,
  );
}
