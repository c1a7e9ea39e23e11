// The two keys of a file that are for the loader, not for a table: `include` and `override`, at its top.
import { ConfigError, type Place } from "./config-error.ts";
import { tryPath } from "./key-path.ts";
import type { Spot } from "./positions.ts";
import { showValue } from "./quote.ts";
import type { Table } from "./value.ts";

/** One string of a directive's list, and where it stands. */
export interface Listed<T> {
  readonly value: T;
  readonly place: Place;
}

export interface Directives {
  /** Files to read after this one: patterns relative to it. */
  readonly include: readonly Listed<string>[];
  /** Paths at which this file's values take the place of earlier files'. */
  readonly override: readonly Listed<readonly string[]>[];
}

/** Keys at the top of a file that are no tables. */
export const DIRECTIVES = {
  include: 'files to read after this one, relative to it: ["more/*.toml"]',
  override: 'paths at which this file replaces what earlier files set: ["spreadd.port"]',
} as const;

/** Takes the directives out of a file's table; what is wrong with them goes to `errors`. */
export function takeDirectives(
  table: Table,
  spots: Spot,
  errors: ConfigError[],
): { readonly table: Table; readonly directives: Directives } {
  const strings = (name: keyof typeof DIRECTIVES) => listOf(name, table, spots, errors);
  const override: Listed<readonly string[]>[] = [];
  for (const { value, place } of strings("override")) {
    const path = tryPath(value);
    if (path !== undefined) override.push({ value: path, place });
    else
      errors.push(
        new ConfigError(
          place,
          ["override"],
          "value",
          `found ${showValue(value)}, expected a path such as "spreadd.port"`,
        ),
      );
  }
  const include = strings("include");
  const rest: Record<string, Table[string]> = Object.create(null);
  for (const [key, value] of Object.entries(table)) if (!Object.hasOwn(DIRECTIVES, key)) rest[key] = value;
  return { table: rest, directives: { include, override } };
}

function listOf(name: keyof typeof DIRECTIVES, table: Table, spots: Spot, errors: ConfigError[]): Listed<string>[] {
  const list = table[name];
  if (list === undefined) return [];
  const spot = spots.at([name]) ?? spots;
  if (Array.isArray(list) && list.every((element) => typeof element === "string" && element !== ""))
    return list.map((value: string, at) => ({ value, place: spot.children.get(at)?.value ?? spot.value }));
  errors.push(
    new ConfigError(spot.value, [name], "value", `found ${showValue(list)}, expected a list of ${DIRECTIVES[name]}`),
  );
  return [];
}
