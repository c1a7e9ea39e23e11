import { type ArchiveQuery, needleOf } from "../archive/query.ts";
import { allOf, requiredOf, requiredOfOne } from "../archive/required.ts";
import type { Choice } from "./choice.ts";
import type { LogcatSettings } from "./settings.ts";

const ALL_FACILITIES = 0xffffff;

/** What an archive is asked for where `settings` are followed: all that they choose, and perhaps more. */
export function archiveQuery({ groups, patterns, choice }: Pick<LogcatSettings, "groups" | "patterns" | "choice">) {
  const { most, least } = choice.severities;
  let severities = 0;
  for (let severity = most; severity <= least; severity++) severities |= 1 << severity;
  const facilities = choice.facilities.reduce((bits, facility) => bits | (1 << facility), 0);
  const text = requiredOfOne(choice.grep);
  const query: ArchiveQuery = {
    groups: [...groups, ...patterns],
    hosts: choice.hosts,
    apps: choice.apps,
    severities,
    facilities: facilities === 0 ? ALL_FACILITIES : facilities,
    sinceUs: choice.sinceUs,
    beforeUs: choice.beforeUs,
    text: allOf([text]),
  };
  return { query, needle: needleOfChoice(choice) };
}

/** A text that stands in the message of every record that is chosen; "" where none is known. */
function needleOfChoice({ grep }: Choice): string {
  const [pattern, ...others] = grep;
  return pattern === undefined || others.length > 0 ? "" : needleOf(requiredOf(pattern), pattern.ignoreCase);
}
