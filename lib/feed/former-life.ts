// What a new life of a sender says of the one before, in the flags of its batches: so that who followed that one knows whether anything of it is missing.
//
//   after=INCARNATION:LAST   the life before numbered the records of this group up to LAST; its first record of this group in this life has number 1
//   after=unknown            there was one, or there may have been, and nobody knows how far it came: it was killed
import { isIncarnation } from "./batch-writer.ts";

export interface FormerLife {
  readonly incarnation: string;
  /** The last number that it gave in this group. */
  readonly last: number;
}

const WORD = "after=";

/** The word for a batch's flags. */
export function formatFormer(former: FormerLife | "unknown"): string {
  return former === "unknown" ? `${WORD}unknown` : `${WORD}${former.incarnation}:${former.last}`;
}

/** What a batch's flags say of the life before; `undefined` where they say nothing, or nothing that can be read. */
export function tryFormer(flags: string): FormerLife | "unknown" | undefined {
  const at = flags.startsWith(WORD) ? 0 : flags.indexOf(`,${WORD}`) + 1;
  if (at === 0 && !flags.startsWith(WORD)) return undefined;
  const end = flags.indexOf(",", at);
  const text = flags.slice(at + WORD.length, end < 0 ? undefined : end);
  if (text === "unknown") return "unknown";
  const [, incarnation, digits] = /^([0-9A-Za-z]+):(\d{1,16})$/.exec(text) ?? [];
  const last = Number(digits);
  return incarnation !== undefined && isIncarnation(incarnation) && Number.isSafeInteger(last)
    ? { incarnation, last }
    : undefined;
}
