// Which groups are meant by what a user writes: names, patterns (`log.mail.*`), and sets of the config as `@name`. A name too long for Spread means the group that
// senders make of it.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { hasWildcard } from "../base/wildcard.ts";
import { isPattern, PATTERN_BYTES_MAX } from "../feed/directory-message.ts";
import { type GroupName, NAME_FORMS } from "../spread/names.ts";
import { isLongGroupName, parseLongGroupName } from "../syslog/group-name.ts";

/** What a name for `GROUP` looks like, for messages and help. */
export const GROUP_FORM = `${NAME_FORMS["group name"]}, a pattern such as "log.mail.*", or a set of the configuration such as "@web"`;

/** Names for sets of groups: `web = ["www.example.org", "www.*.net"]`. */
export type GroupSets = Readonly<Record<string, readonly string[]>>;

/** What is followed. */
export interface Subscription {
  readonly groups: readonly GroupName[];
  /** Groups with such names are followed as soon as they are heard of. */
  readonly patterns: readonly string[];
  /** Of `groups`, those whose names were too long, with the names. */
  readonly shortened: ReadonlyMap<GroupName, string>;
}

/**
 * The groups and patterns that `words` mean, each once, in their order.
 * @throws {Fault} kind "usage": an illegal name, an unknown set
 */
export function subscriptionOf(words: readonly string[], sets: GroupSets): Subscription {
  const groups = new Set<GroupName>();
  const patterns = new Set<string>();
  const shortened = new Map<GroupName, string>();
  for (const word of words) {
    for (const name of word.startsWith("@") ? setNamed(word.slice(1), sets) : [word]) {
      if (hasWildcard(name)) {
        patterns.add(patternOf(name));
        continue;
      }
      const group = parseLongGroupName(name);
      groups.add(group);
      if (group !== name) shortened.set(group, name);
    }
  }
  return { groups: [...groups], patterns: [...patterns], shortened };
}

/** Whether it can stand in the configuration where a group is named: a name, be it too long, or a pattern. */
export function isGroupWord(text: string): boolean {
  return hasWildcard(text) ? isPattern(text) : isLongGroupName(text);
}

function setNamed(name: string, sets: GroupSets): readonly string[] {
  const set = Object.hasOwn(sets, name) ? sets[name] : undefined;
  if (set !== undefined) return set;
  const meant = nearest(name, Object.keys(sets));
  const hint = meant === undefined ? "[logcat.sets] in the configuration names sets" : `did you mean "@${meant}"?`;
  throw new Fault("usage", "set", `unknown set ${JSON.stringify(`@${name}`)}: ${hint}`);
}

function patternOf(text: string): string {
  if (isPattern(text)) return text;
  const wanted = `expected at most ${PATTERN_BYTES_MAX} bytes, and no control character`;
  throw new Fault("usage", "pattern", `cannot use ${JSON.stringify(text)} as a pattern: ${wanted}`);
}
