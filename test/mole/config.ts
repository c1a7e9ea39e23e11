// A `[mole]` table as the config reads it.
import { Fault } from "../../lib/base/fault.ts";
import { buildConfig } from "../../lib/config/config.ts";
import { readText } from "../../lib/config/read.ts";
import { moleTable } from "../../lib/mole/table.ts";

export const load = (text: string) => buildConfig([readText(text, "f")], [moleTable]).table(moleTable);

/** What is told of what is wrong; none where nothing is. */
export function mistakesIn(text: string): readonly string[] {
  try {
    load(text);
    return [];
  } catch (failure) {
    if (failure instanceof Fault) return failure.all.map(({ message }) => message);
    throw failure;
  }
}
