// What the end of a follow means: nothing, or a failure that decides the exit status.
import { Fault } from "../base/fault.ts";
import { reasonOf } from "../base/system-reason.ts";
import { type EndCause, type EndRule, isUnmet } from "./ending.ts";
import { visibleText } from "./glyph.ts";
import { type Notice, noticeText } from "./notice.ts";

export interface Ended {
  readonly cause: EndCause;
  readonly rule: EndRule;
  /** The first gap, if there was one. */
  readonly gap: Notice | undefined;
  /** Why stdout takes no more, if so. */
  readonly outputError: unknown;
  /** Lines that could not be written to the file. */
  readonly lostLines: number;
}

/** The failure that an end is; `undefined` where it is none. A reader that has gone is none: the Unix way to say that it is enough. */
export function failureOf({ cause, rule, gap, outputError, lostLines }: Ended): Fault | undefined {
  const code = codeOf(outputError);
  if (code !== undefined && code !== "EPIPE")
    return new Fault("io", code, `cannot write output: ${reasonOf(outputError)}`, { cause: outputError });
  if (lostLines > 0) return new Fault("io", "lost", `cannot write output: ${lostLines} lines lost in all`);
  if (cause === "gap" && gap !== undefined)
    return new Fault("data", "gap", visibleText(`${noticeText(gap)} (--strict)`));
  if (cause === "closed" || !isUnmet(rule, cause)) return undefined;
  return new Fault("temporary", "unmet", `what was waited for did not come: ${UNMET_REASONS[cause]}`);
}

const UNMET_REASONS: Readonly<Record<EndCause, string>> = {
  until: "the other condition came first",
  first: "enough other records came",
  idle: "nothing came for so long",
  for: "the time is over",
  gap: "a record is missing",
  past: "the archive has no more",
  stop: "it was stopped before",
  closed: "the reader of the output has gone",
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
