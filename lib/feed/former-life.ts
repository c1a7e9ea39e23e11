// What a new life of a sender says of the one before, in the flags of its batches: so that who followed that one knows whether anything of it is missing.
//
//   after=INCARNATION:LAST   the life before numbered the records of this group up to LAST; its first record of this group in this life has number 1
//   after=unknown            there was one, or there may have been, and nobody knows how far it came: it was killed
//
// Who keeps records until they are acknowledged says besides, while that is so, that those of a life before still come:
//
//   behind=INCARNATION:NEXT  not all records of that life below NEXT are acknowledged: a recorder that lacks some will get them, and they belong before these
import { isIncarnation } from "./batch-writer.ts";

export interface FormerLife {
  readonly incarnation: string;
  /** The last number that it gave in this group. */
  readonly last: number;
}

const WORD = "after=";
const BEHIND = "behind=";

/** A life whose records still come. */
export interface ComingLife {
  readonly incarnation: string;
  /** Behind the last number that it gave in this group. */
  readonly next: number;
}

/** The word for a batch's flags. */
export function formatBehind({ incarnation, next }: ComingLife): string {
  return `${BEHIND}${incarnation}:${next}`;
}

/** What a batch's flags say of a life whose records still come; `undefined` where they say nothing, or nothing that can be read. */
export function tryBehind(flags: string): ComingLife | undefined {
  if (!flags.includes(BEHIND)) return undefined;
  const [, incarnation = "", digits] = /(?:^|,)behind=([0-9A-Za-z]+):([1-9]\d{0,14})(?:,|$)/.exec(flags) ?? [];
  return digits !== undefined && isIncarnation(incarnation) ? { incarnation, next: Number(digits) } : undefined;
}

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
