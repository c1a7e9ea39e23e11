// Several files make one configuration. Tables merge key by key; arrays of tables append, in the order of the files; anything else may be set once.
// Two files that set one value are a mistake, whichever is right, unless the later one says that it means to replace: `override = ["path"]`.
import { ConfigError, formatFile, formatPlace } from "./config-error.ts";
import type { Listed } from "./directives.ts";
import { formatPath, type KeyPath } from "./key-path.ts";
import { Spot } from "./positions.ts";
import type { Source } from "./read.ts";
import { isTable, isTableArray, type Table, type Value } from "./value.ts";

/** All files as one. */
export interface Merged {
  readonly table: Table;
  /** Where each value came from: the files' own places. */
  readonly spots: Spot;
  readonly errors: readonly ConfigError[];
}

/** Merges files in their order. Changes none of them. */
export function mergeSources(sources: readonly Source[]): Merged {
  const start = { file: sources[0]?.file ?? "", line: 1, column: 1 };
  const target: Target = { table: Object.create(null), spot: new Spot(start, start) };
  const errors: ConfigError[] = [];
  for (const source of sources) new Merging(source, errors).into(target);
  return { table: target.table, spots: target.spot, errors };
}

interface Target {
  readonly table: Record<string, Value>;
  readonly spot: Spot;
}

class Merging {
  private readonly overrides: ReadonlyMap<string, Listed<readonly string[]>>;
  private readonly used = new Set<string>();

  constructor(
    private readonly source: Source,
    private readonly errors: ConfigError[],
  ) {
    this.overrides = new Map(source.directives.override.map((listed) => [formatPath(listed.value), listed]));
  }

  into(target: Target): void {
    this.merge(target, this.source.table, this.source.spots, []);
    for (const [path, listed] of this.overrides) if (!this.used.has(path)) this.complainOfIdle(path, listed);
  }

  private merge(target: Target, table: Table, spot: Spot, path: KeyPath): void {
    for (const [key, value] of Object.entries(table)) {
      const child = spot.children.get(key) ?? spot;
      const here = [...path, key];
      const old = target.table[key];
      if (old === undefined) put(target, key, value, child);
      else if (this.overrides.has(formatPath(here))) {
        this.used.add(formatPath(here));
        put(target, key, value, child);
      } else if (isTable(old) && isTable(value)) {
        this.merge(openTable(target, key), value, child, here);
      } else if (isList(old) && isList(value) && old.length + value.length > 0) append(target, key, value, child);
      else this.complainOfTwo(here, value, child, old, target.spot.children.get(key)!);
    }
  }

  private complainOfTwo(path: KeyPath, value: Value, spot: Spot, old: Value, oldSpot: Spot): void {
    const first = formatPlace(oldSpot.key);
    const kinds = [kindOf(value), kindOf(old)];
    const name = formatPath(path);
    const complaint =
      kinds[0] === kinds[1]
        ? `is set in two files: here and at ${first}; remove one, or put override = ["${name}"] at the top of ${formatFile(this.source.file)}`
        : `is ${kinds[0]} here and ${kinds[1]} at ${first}: both must be of one kind`;
    this.errors.push(new ConfigError(spot.key, path, kinds[0] === kinds[1] ? "two-files" : "two-kinds", complaint));
  }

  private complainOfIdle(path: string, { value, place }: Listed<readonly string[]>): void {
    const isOwn = this.source.spots.at(value) !== undefined;
    const why = isOwn ? "no earlier file sets it" : "this file does not set it";
    this.errors.push(new ConfigError(place, ["override"], "idle-override", `${path} overrides nothing: ${why}`));
  }
}

function put(target: Target, key: string, value: Value, spot: Spot): void {
  target.table[key] = value;
  target.spot.children.set(key, spot);
}

/** The table at `key`, as one that can be added to without changing the file it came from. */
function openTable(target: Target, key: string): Target {
  const table: Record<string, Value> = Object.assign(Object.create(null), target.table[key]);
  const spot = target.spot.children.get(key)!.copy();
  put(target, key, table, spot);
  return { table, spot };
}

function append(target: Target, key: string, elements: readonly Table[], spot: Spot): void {
  const old = target.table[key] as readonly Value[];
  const both = target.spot.children.get(key)!.copy();
  for (const at of elements.keys()) both.children.set(old.length + at, spot.children.get(at) ?? spot);
  put(target, key, [...old, ...elements], both);
}

/** An array of tables, or one that is empty, as `config show` writes it where there is none. */
function isList(value: Value): value is readonly Table[] {
  return Array.isArray(value) && value.every(isTable);
}

function kindOf(value: Value): string {
  if (isTable(value)) return "a table";
  return isTableArray(value) ? "an array of tables" : "a value";
}
