// What every table that is registered has to keep, whichever room it is from.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { tables } from "../../cmd/tables.ts";
import { Fault } from "../../lib/base/fault.ts";
import { buildConfig } from "../../lib/config/config.ts";
import { describe as descriptionOf, fileSchema } from "../../lib/config/json-schema.ts";
import { readText } from "../../lib/config/read.ts";
import { plainSchemas, type Schema, viewOf } from "../../lib/config/schema-view.ts";
import { showTable } from "../../lib/config/show.ts";
import { starterText, uncommented } from "../../lib/config/starter.ts";

function mistakesIn(text: string): readonly string[] {
  try {
    buildConfig([readText(text, "f")], tables);
    return [];
  } catch (failure) {
    if (failure instanceof Fault) return failure.all.map(({ message }) => message);
    throw failure;
  }
}

/** Every key of a table and of the tables in it, by path. */
function keysOf(schema: Schema, path: string): { readonly path: string; readonly entry: Schema }[] {
  return plainSchemas(schema, undefined).flatMap((plain) => [
    ...Object.entries(plain.entries ?? {}).flatMap(([key, entry]) => [
      { path: `${path}.${key}`, entry },
      ...keysOf(entry, `${path}.${key}`),
    ]),
    ...(plain.item === undefined ? [] : keysOf(plain.item, `${path}[]`)),
  ]);
}

test("names are told apart", () => expect(new Set(tables.map(({ name }) => name)).size).toBe(tables.length));

test("the starter of all is right, and with every setting uncommented", () => {
  expect(mistakesIn(starterText(tables))).toEqual([]);
  expect(mistakesIn(uncommented(starterText(tables)))).toEqual([]);
});

test("what is in effect by default is right when it is written down, and the same", () => {
  const config = buildConfig([], tables);
  const written = tables.map((spec) => showTable(config.effective(spec))).join("\n");
  expect(mistakesIn(written)).toEqual([]);
  const again = buildConfig([readText(written, "f")], tables);
  for (const spec of tables) expect(again.table(spec)).toEqual(config.table(spec));
});

test("the JSON Schema of all is JSON", () => {
  const schema = fileSchema(tables);
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
});

for (const spec of tables)
  describe(`[${spec.name}]`, () => {
    test("can be left out", () => expect(v.safeParse(spec.schema, {}).success).toBe(true));
    test("knows all its keys", () => expect(viewOf(spec.schema).type).toBe("strict_object"));
    test("has a word on every key", () => {
      const silent = keysOf(viewOf(spec.schema), spec.name).filter(({ entry }) => descriptionOf(entry) === undefined);
      expect(silent.map(({ path }) => path)).toEqual([]);
    });
    test("is said in one line what it is for", () => expect(spec.summary).toMatch(/^[^\n]{10,110}[^.\n]$/));
  });
