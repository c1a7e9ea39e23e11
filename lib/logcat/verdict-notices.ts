import type { Arrival } from "./arrival.ts";
import type { Verdict } from "./gaps.ts";
import type { Notice } from "./notice.ts";

/** What is to be told of how a batch fits to what came before, in this order. @param first the number of its first record */
export function verdictNotices(verdict: Verdict, { group, host }: Arrival, first: number): Notice[] {
  const { missing, late, formerLast, ofFormer, away } = verdict;
  const notices: Notice[] = [];
  if (formerLast !== undefined)
    notices.push({ kind: "anew", group, host, last: formerLast, next: first, missing: missingOf(ofFormer) });
  if (typeof ofFormer === "object")
    notices.push({ kind: "gap", group, host, from: ofFormer.from, to: ofFormer.to, away });
  if (late > 0) notices.push({ kind: "late", group, host, records: late });
  if (missing !== undefined) notices.push({ kind: "gap", group, host, from: missing.from, to: missing.to, away });
  return notices;
}

function missingOf(ofFormer: Verdict["ofFormer"]): "none" | "some" | "unknown" {
  if (ofFormer === undefined) return "unknown";
  return ofFormer === "nothing" ? "none" : "some";
}
