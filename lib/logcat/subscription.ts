// Which groups are meant by what a user writes: names, and sets of the config as `@name`. Patterns (`log.mail.*`) need the directory in which senders announce
// their groups; here they are told apart from names already, so that no group is joined that has a star in its name by mistake.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { type GroupName, NAME_FORMS, NameError, tryGroupName } from "../spread/names.ts";
import { hasWildcard } from "./wildcard.ts";

/** What a name for `GROUP` looks like, for messages and help. */
export const GROUP_FORM = `${NAME_FORMS["group name"]}, or a set of the configuration such as "@web"`;

/** Names for sets of groups: `web = ["www.example.org", "www.example.net"]`. */
export type GroupSets = Readonly<Record<string, readonly string[]>>;

/**
 * The groups that `words` mean, each once, in their order.
 * @throws {Fault} kind "usage": an illegal name, an unknown set, or a pattern
 */
export function groupsOf(words: readonly string[], sets: GroupSets): readonly GroupName[] {
  const groups = new Set<GroupName>();
  for (const word of words) {
    const names = word.startsWith("@") ? setNamed(word.slice(1), sets) : [word];
    for (const name of names) groups.add(groupNamed(name));
  }
  return [...groups];
}

function setNamed(name: string, sets: GroupSets): readonly string[] {
  const set = Object.hasOwn(sets, name) ? sets[name] : undefined;
  if (set !== undefined) return set;
  const meant = nearest(name, Object.keys(sets));
  const hint = meant === undefined ? "[logcat.sets] in the configuration names sets" : `did you mean "@${meant}"?`;
  throw new Fault("usage", "set", `unknown set ${JSON.stringify(`@${name}`)}: ${hint}`);
}

function groupNamed(name: string): GroupName {
  if (hasWildcard(name)) {
    const reason = "wildcards need a directory of groups, which senders do not keep yet; name each group";
    throw new Fault("usage", "pattern", `cannot follow ${JSON.stringify(name)}: ${reason}`);
  }
  const group = tryGroupName(name);
  if (group === undefined) throw new NameError("group name", name);
  return group;
}
