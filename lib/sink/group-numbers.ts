// How far each group was numbered when a life ended in order, kept for the next: text, a line a group.
//
//   group-numbers 1
//   GROUP INCARNATION LAST
//
// A group that a life never used keeps what the life before left of it.
import { isIncarnation } from "../feed/batch-writer.ts";
import type { FormerLife } from "../feed/former-life.ts";
import { isGroupName } from "../spread/names.ts";

const HEAD = "group-numbers 1";

/** By group. */
export type GroupNumbers = ReadonlyMap<string, FormerLife>;

export function formatGroupNumbers(numbers: GroupNumbers): string {
  const lines = [...numbers].map(([group, { incarnation, last }]) => `${group} ${incarnation} ${last}`);
  return `${[HEAD, ...lines].join("\n")}\n`;
}

/** `undefined` where it is not the whole of what `formatGroupNumbers` wrote. */
export function tryGroupNumbers(text: string): GroupNumbers | undefined {
  const lines = text.split("\n");
  if (lines[0] !== HEAD || lines.at(-1) !== "") return undefined;
  const numbers = new Map<string, FormerLife>();
  for (const line of lines.slice(1, -1)) {
    const [group = "", incarnation = "", digits = "", ...more] = line.split(" ");
    const last = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
    if (!isGroupName(group) || !isIncarnation(incarnation) || !Number.isSafeInteger(last) || more.length > 0)
      return undefined;
    numbers.set(group, { incarnation, last });
  }
  return numbers;
}
