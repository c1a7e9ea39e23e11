// What of an archive is asked for, and how a segment is asked. The answer is a superset: whoever asks looks at the records.
import { hasWildcard, wildcard } from "../base/wildcard.ts";
import type { Required } from "./required.ts";
import { and, type NameKind, namesQuestion, type Question, questionOf } from "./tokens.ts";

export interface ArchiveQuery {
  /** Names and patterns; none: every group. */
  readonly groups: readonly string[];
  readonly hosts: readonly string[];
  readonly apps: readonly string[];
  /** Bit n: severity, facility n is asked for. */
  readonly severities: number;
  readonly facilities: number;
  /** Microseconds since 1970: from, and before. */
  readonly sinceUs: number;
  readonly beforeUs: number;
  /** What the text of a message must hold. */
  readonly text: Required;
}

/** Names that a question holds at most: with more it is no faster than none. */
const NAMES_MAX = 64;

/** What the index is asked; "nothing" where no record of the segment can be meant. @param names gives those that the segment has, `undefined` where it does not know all */
export function segmentQuestion(
  query: ArchiveQuery,
  names: (kind: NameKind) => readonly string[] | undefined,
): Question | "nothing" {
  const questions: Question[] = [questionOf(query.text)];
  for (const [kind, asked] of [
    ["group", query.groups],
    ["host", query.hosts],
    ["app", query.apps],
  ] as const) {
    if (asked.length === 0) continue;
    const found = namesLike(asked, () => names(kind));
    if (found === undefined) continue;
    if (found.length === 0) return "nothing";
    if (found.length <= NAMES_MAX) questions.push(namesQuestion(kind, found));
  }
  return and(questions);
}

/** The names that are meant; `undefined` where they are not known. */
function namesLike(
  asked: readonly string[],
  known: () => readonly string[] | undefined,
): readonly string[] | undefined {
  if (!asked.some(hasWildcard)) return asked;
  const patterns = asked.map(wildcard);
  return known()?.filter((name) => patterns.some((pattern) => pattern.test(name)));
}

/**
 * The longest text that every record must hold just as it stands, to look for it before a record is read; "" where there is none.
 * @param ignoreCase the text may stand there in other letters
 */
export function needleOf(required: Required, ignoreCase: boolean): string {
  if (ignoreCase) return "";
  if (required.is === "text") return required.text;
  if (required.is !== "all") return "";
  return required.of.map((one) => needleOf(one, false)).reduce((a, b) => (b.length > a.length ? b : a), "");
}
